"""Seconds until all is warm again after something was killed and came back.

Run as `python -m bench.recovery` from the root of the repository: real processes
(worker, control, pull, beat, a Valkey) beside a simulated server with three models,
each process killed with SIGKILL. A server has lost its models by dying; before
anything else comes back, its models are unloaded.
"""

import json
import os
import signal
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import httpx
import redis
import typer
from rich.console import Console
from rich.table import Table

from bench import processes, report
from ollama_warmup.errors import WarmupError
from worker.cli.supervisor import Supervisor, free_port, listens
from worker.cli.system import System

LOADS_S = {"one": 2.0, "two": 1.0, "three": 1.0}
PATIENCE_S = 180.0
POLL_S = 0.05

console = Console(highlight=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What dies, for how long, and within what time all is to be warm again."""

    process: str
    away_ticks: float
    ticks: int
    """Of the bound, beside the loads and a second."""

    def __str__(self) -> str:
        return f"{self.process}, away for {self.away_ticks:g} ticks"


FAULTS = (
    Fault(process="ollama", away_ticks=0, ticks=1),
    Fault(process="ollama", away_ticks=4, ticks=1),
    Fault(process="worker", away_ticks=2, ticks=2),
    Fault(process="control", away_ticks=2, ticks=2),
    Fault(process="beat", away_ticks=2, ticks=2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A running system."""

    supervisor: Supervisor
    system: System
    tick_s: float

    def wait(self, is_so: Callable[[], bool]) -> float:
        """Seconds until it is so."""
        began = time.monotonic()
        while not is_so():
            if time.monotonic() - began > PATIENCE_S:
                raise WarmupError(f"waited {PATIENCE_S:.0f} s in vain for {is_so}")
            time.sleep(POLL_S)
        return time.monotonic() - began

    def resident(self) -> set[str]:
        """What the server has loaded; raises what httpx raises."""
        rows = httpx.get(f"{self.system.ollama}/api/ps", trust_env=False).json()
        return {row["name"].removesuffix(":latest") for row in rows["models"]}

    def is_restored(self) -> bool:
        """Whether all that is wanted is loaded."""
        return self.resident() == set(LOADS_S)

    def restored_s(self, fault: Fault) -> float:
        """Seconds from the return of what was killed until all is loaded."""
        process = self.supervisor.processes[fault.process]
        if process.pid is None:  # 0 would be everybody
            raise WarmupError(f"{fault.process} does not run")
        os.kill(process.pid, signal.SIGKILL)
        self.wait(lambda: [d.name for d in self.supervisor.deaths()] != [])
        if fault.process != "ollama":
            self.unload()
        time.sleep(fault.away_ticks * self.tick_s)
        self.supervisor.restart(fault.process)
        self.wait(process.is_ready)
        return self.wait(self.is_restored)

    def unload(self) -> None:
        """Let every model go, by hand."""
        for model in LOADS_S:
            httpx.post(
                f"{self.system.ollama}/api/generate",
                json={"model": model, "keep_alive": 0},
                trust_env=False,
            )
        self.wait(lambda: not self.resident())

    def loads_after_flush(self) -> int:
        """How many loads it costs that Redis is emptied while all is warm."""
        before = self.loads()
        redis.Redis.from_url(self.system.broker_url).flushall()
        time.sleep(4 * self.tick_s)
        return self.loads() - before

    def loads(self) -> int:
        """Loads that the server has begun since it started."""
        answer = httpx.get(f"{self.system.ollama}/_sim/stats", trust_env=False)
        return int(answer.json()["loads"])


def main(
    *,
    runs: Annotated[int, typer.Option(min=1, help="Times for each fault.")] = 3,
    tick_s: Annotated[float, typer.Option(min=1, help="Between two passes.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Raw values.")] = False,
) -> None:
    """Measure how soon the warm set is back."""
    port = free_port()
    system = System(
        namespace="bench",
        valkey_port=free_port(),
        ollama=f"http://127.0.0.1:{port}",
        keeps=tuple(LOADS_S),
        tick_s=tick_s,
    )
    simulate = [sys.executable, "-m", "worker.cli", "simulate", "--port", str(port)]
    for model, load_s in LOADS_S.items():
        simulate += ["--model", f"{model}?load={load_s:g}s"]
    facts = report.about()
    seconds: dict[str, list[float]] = {}
    with Supervisor(grace_s=2) as supervisor:
        supervisor.start("ollama", simulate, ready=lambda: listens(port), is_last=True)
        system.start(supervisor)
        processes.wait_ready(supervisor)
        bench = Bench(supervisor=supervisor, system=system, tick_s=tick_s)
        bench.wait(bench.is_restored)
        for number in range(runs):
            for fault in FAULTS:
                print(f"run {number + 1} of {runs}: {fault}", file=sys.stderr)  # noqa: T201
                time.sleep(2.5 * tick_s)  # until passes have seen that all is well
                seconds.setdefault(str(fault), []).append(bench.restored_s(fault))
        loads = bench.loads_after_flush()
    if as_json:
        told: dict[str, Any] = {"about": facts, "tick_s": tick_s, "seconds": seconds}
        typer.echo(json.dumps(told | {"loads_after_flush": loads}))
        return
    console.print(_table(seconds, tick_s))
    console.print(f"Redis emptied while all was warm: {loads} loads")
    console.print(*(f"{name} {value}" for name, value in facts.items()), sep=" · ")


def _table(seconds: dict[str, list[float]], tick_s: float) -> Table:
    loads_s = sum(LOADS_S.values())
    table = Table(title=f"seconds until all is warm again, loads {loads_s:g} s")
    for heading in ("killed", "median", "min", "max", "bound"):
        table.add_column(heading, justify="left" if heading == "killed" else "right")
    for fault in FAULTS:
        values = seconds[str(fault)]
        bound_s = fault.ticks * tick_s + loads_s + 1
        shown = (statistics.median(values), min(values), max(values), bound_s)
        table.add_row(str(fault), *(f"{value:.1f}" for value in shown))
    return table


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    cli.command()(main)
    cli()
