"""What every benchmark says of itself, and the form in which it tells its result."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from bench.digest import Raw, Section

_CPUINFO = Path("/proc/cpuinfo")

AsJson = Annotated[bool, typer.Option("--json", help="The raw values.")]


def run(main: Callable[..., None]) -> None:
    """Run a benchmark's command line."""
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    cli.command()(main)
    cli()


def tell(raw: Raw, section: Section, *, as_json: bool) -> None:
    """Print a result, raw or as tables."""
    if as_json:
        typer.echo(json.dumps(raw))
        return
    console = Console(highlight=False)
    for grid in section.digest(raw).all():
        console.print(grid.rich())
    console.print(facts(raw))


def progress(line: str) -> None:
    """Say how far it is, beside the result."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201 - for whoever waits


def facts(raw: Raw) -> str:
    """When, where and with what it was measured, as one line."""
    return " · ".join(f"{name} {value}" for name, value in raw["about"].items())


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


def ollama_version(base: str) -> str:
    """The version of the Ollama at this URL."""
    return str(httpx.get(f"{base}/api/version", trust_env=False).json()["version"])


def _cpu() -> str:
    lines = _CPUINFO.read_text().splitlines() if _CPUINFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()


def _commit() -> str:
    """The commit that was measured; `+` = with changes, other than of results."""
    commit = _git("describe", "--always").stdout.strip() or "unknown"
    changed = _git("diff", "--quiet", "HEAD", "--", ".", ":!bench/results").returncode
    return commit + "+" * (changed == 1)


def _git(*words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - fixed words
        ["git", *words],  # noqa: S607 - the user's git
        capture_output=True,
        text=True,
        check=False,
    )
