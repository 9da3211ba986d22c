"""How often a target is touched in a keep-alive window, idle and in use.

Run as `python -m bench.windows` from the root of the repository: a whole system with
a tick of a second, a simulated server for each window, side by side. Applications
ask by `/api/chat`, so that `/api/generate` are touches alone, once all is loaded.
"""

import statistics
import time
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from bench import report
from bench.digest import Bound, Digest, Grid, Raw, Section
from tests.support.ollama import SimulatedOllama
from tests.support.system import running_system
from tests.support.waiting import until

MODEL = "held"
TICK_S = 1.0
ASKS = 6
"""A target in use is asked so often in a window."""
LONG_TICKS = 30
LONG, SHORT = 1.2, 2.5
"""Touches of an idle target in a window of so many ticks or more, and in a shorter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A target on a host of its own."""

    window_s: float
    is_used: bool = False

    def __str__(self) -> str:
        return (
            f"{self.window_s / TICK_S:g} ticks, {'in use' if self.is_used else 'idle'}"
        )

    @property
    def at_most(self) -> float:
        """Touches in a window."""
        if self.is_used:
            return 0
        return LONG if self.window_s >= LONG_TICKS * TICK_S else SHORT


CASES = (
    Case(window_s=30),
    Case(window_s=15),
    Case(window_s=8),
    Case(window_s=30, is_used=True),
)


@dataclass(slots=True)
class Count:
    """What one case has counted: touches of each window, views, loads."""

    case: Case
    host: SimulatedOllama
    touches: list[int]
    at_first: dict[str, int]

    def now(self) -> dict[str, int]:
        """What the host has counted since it started."""
        stats = self.host.stats()
        paths = {"touches": "/api/generate", "views": "/api/ps", "used": "/api/chat"}
        requests = {
            name: stats["requests"].get(path, 0) for name, path in paths.items()
        }
        return (
            requests
            | {"all": sum(stats["requests"].values())}
            | {"loads": stats["loads"]}
        )

    def raw(self, seconds: float) -> dict[str, Any]:
        """As JSON has it; counts of the whole time beside those of each window."""
        now = self.now()
        counted = {name: now[name] - was for name, was in self.at_first.items()}
        return {"seconds": round(seconds, 2), "by_window": self.touches, **counted}


def _count(hosts: list[SimulatedOllama], windows: int) -> dict[str, dict[str, Any]]:
    """Count for so many of the longest windows, and use what is to be in use."""
    counts = [
        Count(case, host, [], {}) for case, host in zip(CASES, hosts, strict=True)
    ]
    for count in counts:
        count.at_first = count.now()
    began, ends_s = time.monotonic(), windows * max(case.window_s for case in CASES)
    next_asks = 0.0
    while (elapsed_s := time.monotonic() - began) < ends_s:
        if elapsed_s >= next_asks:
            next_asks += min(c.window_s for c in CASES if c.is_used) / ASKS
            for count in counts:
                if count.case.is_used:
                    _use(count.host)
        for count in counts:
            _end_window(count, elapsed_s)
        time.sleep(TICK_S / 10)
    for count in counts:
        _end_window(count, ends_s)
    return {str(c.case): c.raw(time.monotonic() - began) for c in counts}


def _use(host: SimulatedOllama) -> None:
    messages = [{"role": "user", "content": "hi"}]
    body = {"model": MODEL, "messages": messages, "options": {"num_predict": 1}}
    host.post("/api/chat", stream=False, **body).raise_for_status()


def _end_window(count: Count, elapsed_s: float) -> None:
    """Note the touches of a window when it has ended."""
    if elapsed_s < (len(count.touches) + 1) * count.case.window_s:
        return
    before = count.at_first["touches"] + sum(count.touches)
    count.touches.append(count.now()["touches"] - before)
    report.progress(
        f"{count.case}: window {len(count.touches)}, touches {count.touches[-1]}"
    )


def _digest(raw: Raw) -> Digest:
    rows, bounds = [], []
    for case in CASES:
        told, name = raw["cases"][str(case)], str(case)
        touches = told["by_window"]
        ticks = told["seconds"] / TICK_S
        mean = statistics.fmean(touches)
        rest = told["all"] - told["touches"] - told["views"] - told["used"]
        rows.append(
            (
                name,
                str(len(touches)),
                f"{mean:.2f} ({min(touches)}-{max(touches)})",
                f"{told['views'] / ticks:.2f}",
                f"{60 / TICK_S * rest / ticks:.2f}",
                str(told["loads"]),
            )
        )
        bounds.append(
            Bound(what=f"touches, {name}", measured=mean, at_most=case.at_most)
        )
    grid = Grid(
        title="requests to Ollama",
        headings=(
            *("keep-alive window", "windows", "touches a window, mean (min-max)"),
            *("views a tick", "others in 60 ticks", "loads"),
        ),
        rows=rows,
    )
    return Digest(grids=[grid], bounds=bounds)


SECTION = Section(
    name="windows",
    title="Requests to Ollama: touches and views",
    how="""
    A whole system with a tick of 1 s and four simulated servers side by side, a
    target on each, with keep-alive windows of 30, 15 and 8 ticks; the one in use is
    asked six times a window by an application. The server counts the requests;
    windows are cut by the clock, so that single ones have a touch more or less than
    the next. A window above 1 h is touched once an hour, which is not measured
    here.""",
    digest=_digest,
)


def main(
    *,
    windows: Annotated[int, typer.Option(min=1, help="Of the longest.")] = 10,
    as_json: report.AsJson = False,
) -> None:
    """Count the requests that hold an idle target, and one in use."""
    about = report.about()
    enabled = {"OLLAMA_WARMUP_ENABLED": "true"}
    names = [f"host-{number}" for number in range(len(CASES))]
    wanted = [f"{MODEL}?keep_alive={case.window_s:g}s" for case in CASES]
    with running_system("bench", tick_s=TICK_S, variables=enabled) as system:
        hosts = system.simulate(*names, models=[f"{MODEL}?load=100ms"])
        system.want(**dict(zip(names, wanted, strict=True)))
        system.start_shipped()
        system.wait_ready()
        until(lambda: all(host.resident() for host in hosts), "all targets are warm")
        time.sleep(5 * TICK_S)  # until the passes that loads order are over
        cases = _count(hosts, windows)
    report.tell({"about": about, "cases": cases}, SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
