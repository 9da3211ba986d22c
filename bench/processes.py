"""What the benchmarks run beside what they measure."""

import compileall
import os
import sys
import sysconfig
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from ollama_warmup.errors import WarmupError
from worker.cli import system
from worker.cli.supervisor import Supervisor, free_port, listens
from worker.cli.system import System

START_S = 30
PATIENCE_S = 180.0
POLL_S = 0.05
_PORTS = range(12_000, 15_000)
"""Below those that `free_port` gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulated:
    """One simulated host."""

    url: str

    def stats(self) -> dict[str, Any]:
        """What it has counted since it started."""
        answer: dict[str, Any] = self._get("/_sim/stats")
        return answer

    def loads(self) -> int:
        """Loads that it has begun since it started."""
        return int(self.stats()["loads"])

    def requests(self, path: str) -> int:
        """Requests for a path since it started."""
        return int(self.stats()["requests"].get(path, 0))

    def history(self) -> list[dict[str, Any]]:
        """Who was resident when."""
        return list(self._get("/_sim/history")["history"])

    def resident(self) -> set[str]:
        """What it has loaded; raises what httpx raises."""
        rows = self._get("/api/ps")["models"]
        return {row["name"].removesuffix(":latest") for row in rows}

    def ask(self, path: str, **body: object) -> None:
        """Send a request as an application does."""
        httpx.post(
            f"{self.url}{path}", json=body | {"stream": False}, trust_env=False
        ).raise_for_status()

    def _get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        return httpx.get(f"{self.url}{path}", trust_env=False).json()


def simulate(
    supervisor: Supervisor, *models: str, hosts: int = 1, told: tuple[str, ...] = ()
) -> list[Simulated]:
    """Start simulated hosts, all in one process named `ollama`.

    Args:
        supervisor: ends it, after the others.
        models: of each host, as `simulate --model` takes them.
        hosts: how many.
        told: further flags of `simulate`.
    """
    first = free_port() if hosts == 1 else _free_range(hosts)
    argv = [sys.executable, "-m", "worker.cli", "simulate", "--hosts", str(hosts)]
    argv += ["--port", str(first), *told]
    for model in models:
        argv += ["--model", model]
    last = first + hosts - 1
    supervisor.start("ollama", argv, ready=lambda: listens(last), is_last=True)
    ports = range(first, first + hosts)
    return [Simulated(url=f"http://127.0.0.1:{port}") for port in ports]


def _free_range(number: int) -> int:
    """The first of so many ports in a row that nobody listens on."""
    for first in range(_PORTS.start, _PORTS.stop - number, number):
        if not any(listens(port) for port in range(first, first + number)):
            return first
    raise WarmupError(f"no {number} free ports in a row")


def start_valkey(supervisor: Supervisor, *, ollama: str) -> None:
    """Start a Valkey; this process and its children are told of it, and of the host.

    Call it before anything reads the settings.

    Args:
        supervisor: ends it.
        ollama: URL of the host `default`. It is named, so that a publisher knows
            its lane.
    """
    port = free_port()
    supervisor.start(
        "valkey",
        system.valkey(port, folder=supervisor.folder),
        ready=lambda: listens(port),
    )
    know_one_host(ollama)
    os.environ["OLLAMA_WARMUP_BROKER_URL"] = f"redis://127.0.0.1:{port}/0"


def know_one_host(ollama: str) -> None:
    """Have this process and its children know the host `default`, and want nothing."""
    os.environ.pop("OLLAMA_HOST", None)
    os.environ |= {
        "OLLAMA_WARMUP_HOSTS": f"default={ollama}",
        "OLLAMA_WARMUP_MODELS": "",
        "OLLAMA_WARMUP_NAMESPACE": "bench",
    }


def start_system(supervisor: Supervisor, wanted: System) -> None:
    """Start all processes of a system, and wait until they serve."""
    wanted.start(supervisor)
    wait_ready(supervisor)


def compile_all() -> None:
    """Have bytecode of all that is imported, as the image and any second start have.

    What a process compiles itself takes memory that it never gives back.
    """
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    root = Path(__file__).parents[1]
    ours = (str(root / name) for name in ("worker", "tasks", "ollama_warmup"))
    for folder in (sysconfig.get_path("purelib"), *ours):
        compileall.compile_dir(folder, quiet=2)


def wait_ready(supervisor: Supervisor) -> None:
    """Wait until everything that was started serves."""
    supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)


def wait(is_so: Callable[[], bool]) -> float:
    """Seconds until it is so.

    Raises:
        WarmupError: it took too long.
    """
    began = time.monotonic()
    while not is_so():
        if time.monotonic() - began > PATIENCE_S:
            raise WarmupError(f"waited {PATIENCE_S:.0f} s in vain for {is_so}")
        time.sleep(POLL_S)
    return time.monotonic() - began
