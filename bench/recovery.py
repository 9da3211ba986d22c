"""Seconds until all is warm again after something was killed and came back.

Run as `python -m bench.recovery` from the root of the repository: real processes
(worker, control, pull, beat, a Valkey) beside a simulated server with three models,
each process killed with SIGKILL. A server has lost its models by dying; before
anything else comes back, its models are unloaded.
"""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Annotated

import typer

from bench import report
from bench.digest import Bound, Digest, Grid, Raw, Section, spread
from bench.this_process import PATIENCE_S
from tests.support.system import RunningSystem, running_system
from tests.support.waiting import until

LOADS_S = {"one": 2.0, "two": 1.0, "three": 1.0}


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
    """A running system with one server."""

    system: RunningSystem
    tick_s: float

    def wait_restored(self) -> float:
        """Seconds until all that is wanted is loaded."""
        began = time.monotonic()
        until(
            lambda: self.system.ollama.loaded() == set(LOADS_S),
            "all models are loaded",
            seconds=PATIENCE_S,
        )
        return round(time.monotonic() - began, 2)

    def restored_s(self, fault: Fault) -> float:
        """Seconds from the return of what was killed until all is loaded."""
        supervisor = self.system.supervisor
        supervisor.kill(fault.process)
        until(lambda: list(supervisor.deaths()), f"{fault.process} is dead")
        if fault.process != "ollama":
            self.unload()
        time.sleep(fault.away_ticks * self.tick_s)
        supervisor.restart(fault.process)
        until(supervisor.processes[fault.process].is_ready, f"{fault.process} is back")
        return self.wait_restored()

    def unload(self) -> None:
        """Let every model go, by hand, and before a pass sees some gone and not others.

        It would take that for an eviction, and wait (docs/design.md, section 8).
        """
        ollama = self.system.ollama
        with ThreadPoolExecutor(len(LOADS_S)) as at_once:
            list(at_once.map(ollama.unload, LOADS_S))
        until(lambda: not ollama.resident(), "all models are unloaded")

    def loads_after_flush(self) -> int:
        """How many loads it costs that Redis is emptied while all is warm."""
        before = self.system.ollama.loads()
        self.system.state.redis.flushall()
        time.sleep(4 * self.tick_s)
        return self.system.ollama.loads() - before


def _digest(raw: Raw) -> Digest:
    tick_s, loads_s = raw["tick_s"], sum(LOADS_S.values())
    bounds = {str(f): f.ticks * tick_s + loads_s + 1 for f in FAULTS}
    grid = Grid(
        title=f"seconds until all is warm; loads {loads_s:g} s, tick {tick_s:g} s",
        headings=("killed", "seconds"),
        rows=[(name, spread(raw["seconds"][name], ".1f")) for name in bounds],
    )
    kept = Bound(
        what="loads after Redis was emptied",
        measured=raw["loads_after_flush"],
        at_most=0,
    )
    return Digest(
        grids=[grid],
        bounds=[
            *(
                Bound(
                    what=name,
                    measured=max(raw["seconds"][name]),
                    at_most=bound,
                    unit=" s",
                )
                for name, bound in bounds.items()
            ),
            kept,
        ],
    )


SECTION = Section(
    name="recovery",
    title="Recovery: back after a kill",
    how="""
    All processes and a Valkey beside a simulated server with three models. One
    process is killed with SIGKILL and started again; before anything but the server
    comes back, all models are unloaded. Seconds from the return of the process (it
    listens, or says that it is ready) until `/api/ps` lists all three. Bound: the
    loads, 1 s, and one tick for the server, two for the others. The longest is
    judged; faults at other times, and callers that wait meanwhile, are those of
    [faults.md](faults.md).""",
    digest=_digest,
)


def main(
    *,
    runs: Annotated[int, typer.Option(min=1, help="Times for each fault.")] = 3,
    tick_s: Annotated[float, typer.Option(min=1, help="Between two passes.")] = 10,
    as_json: report.AsJson = False,
) -> None:
    """Measure how soon the warm set is back."""
    about = report.about()
    seconds: dict[str, list[float]] = {}
    with running_system("bench", tick_s=tick_s) as system:
        models = [f"{model}?load={load_s:g}s" for model, load_s in LOADS_S.items()]
        (host,) = system.simulate("default", models=models)
        system.configure(ollama=host.url, keeps=tuple(LOADS_S))
        system.start_shipped()
        system.wait_ready()
        bench = Bench(system=system, tick_s=tick_s)
        bench.wait_restored()
        for number in range(runs):
            for fault in FAULTS:
                report.progress(f"run {number + 1} of {runs}: {fault}")
                time.sleep(2.5 * tick_s)  # until passes have seen that all is well
                seconds.setdefault(str(fault), []).append(bench.restored_s(fault))
        report.progress("Redis emptied")
        loads = bench.loads_after_flush()
    raw = {"about": about, "tick_s": tick_s, "seconds": seconds}
    report.tell(raw | {"loads_after_flush": loads}, SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
