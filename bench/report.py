"""What every benchmark says of itself: machine, versions, spreads."""

import os
import platform
import statistics
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import httpx

_CPUINFO = Path("/proc/cpuinfo")


def about(**versions: str) -> dict[str, str]:
    """When, where and with what it was measured.

    Args:
        versions: of servers that were measured, by name.
    """
    packages = {name: version(name) for name in ("celery", "kombu", "redis", "httpx")}
    return {
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "machine": f"{os.cpu_count()} cores, {_cpu()}, {platform.system()}",
        "load": f"{os.getloadavg()[0]:.2f}",
        "python": platform.python_version(),
        **packages,
        **versions,
        "commit": _commit(),
    }


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share (0 to 1) of at least two values lies."""
    cuts = statistics.quantiles(values, n=1000, method="inclusive")
    return cuts[min(max(round(share * 1000) - 1, 0), 998)]


def ollama_version(base: str) -> str:
    """The version of the Ollama at this URL."""
    return str(httpx.get(f"{base}/api/version", trust_env=False).json()["version"])


def _cpu() -> str:
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """The commit that was measured; `+` = with changes."""
    told = subprocess.run(
        ["git", "describe", "--always", "--dirty=+"],  # noqa: S607 - the user's git
        capture_output=True,
        text=True,
        check=False,
    )
    return told.stdout.strip() or "unknown"
