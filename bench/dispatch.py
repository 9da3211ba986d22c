"""What a warm-up of a warm model costs beyond Celery itself.

Measures from before `warmup.delay()` to the worker's first request, `GET /api/ps`,
for a resident model; and from before the publish of a no-op task to its start, with
the same publisher, queue, worker and settings, the two interleaved. Run as
`python -m bench.dispatch` from the root of the repository.
"""

import statistics
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import typer
from celery.result import AsyncResult

from bench import report, resident, this_process
from bench.digest import Bound, Digest, Grid, Raw, Section, percentile
from ollama_warmup import publish, wire
from tests.support.ollama import SimulatedOllama
from tests.support.system import RunningSystem, running_system
from worker.cli.supervisor import free_port, listens

NOOP = "bench.noop"
"""The task that does nothing, and the module that has it."""
DISCARDED = 30
"""Pairs before the first one that counts: connections and caches of each child."""
PAUSE_S = 0.02
"""What a task may take before its result is looked for, seconds."""
BOUNDS = {"p50": 1.3, "p99": 1.5}
"""Warm-up over no-op, at the most."""
SHARES = {"p50": 0.5, "p99": 0.99}

Round = dict[str, list[float]]
"""Of `noop_ms` and `warmup_ms`, the single values."""


def _start(system: RunningSystem, port: int) -> None:
    """Start Valkey, an Ollama that takes stamps, a worker that knows the no-op."""
    system.hosts["default"] = SimulatedOllama(url=f"http://127.0.0.1:{port}")
    this_process.join(system)
    system.start_broker()
    system.supervisor.start(
        "ollama",
        (sys.executable, "-m", resident.__name__, str(port)),
        ready=lambda: listens(port),
    )
    system.start_worker(f"--include={NOOP}")
    system.wait_ready()


def _noop_s(_ollama: httpx.Client, queue: str) -> float:
    """Seconds from before the publish of a no-op task to its start."""
    began = time.time()
    pending = publish.app().send_task(NOOP, **_to(queue))
    return float(_ended(pending)) - began


def _to(queue: str) -> dict[str, Any]:
    """Options of a publish: the queue as `publish.warmup` gives it."""
    return {"queue": wire.queue(queue)}


def _warmup_s(ollama: httpx.Client, _queue: str) -> float:
    """Seconds from before `warmup.delay()` to the worker's first request."""
    began = time.time()
    pending = publish.warmup.delay(resident.MODEL)
    outcome = _ended(pending)["outcome"]
    if outcome != "already_warm":
        raise SystemExit(f"the model was to be warm already, but: {outcome}")
    return float(ollama.get("/first").json()) - began


def _ended(pending: AsyncResult[Any]) -> Any:  # noqa: ANN401 - a task's result
    """The result, looked for rarely: looking is work for Redis, too."""
    time.sleep(PAUSE_S)
    while not pending.ready():
        time.sleep(PAUSE_S / 4)
    return pending.get(timeout=1)


def _round(ollama: httpx.Client, pairs: int) -> Round:
    """One round: pairs of both, each pair in the other order than the last."""
    sides: list[tuple[str, Callable[[httpx.Client, str], float]]]
    sides = [("noop_ms", _noop_s), ("warmup_ms", _warmup_s)]
    values: Round = {name: [] for name, _ in sides}
    for number in range(DISCARDED + pairs):
        for name, measure in sides if number % 2 else reversed(sides):
            took_s = measure(ollama, wire.lane("default"))
            if number >= DISCARDED:
                values[name].append(round(took_s * 1000, 2))
    return values


def _figures(told: Round) -> list[float]:
    """Of a round: p50 and p99 of the no-op, of the warm-up, and their ratios."""
    noop, warm = (
        [percentile(told[side], share) for share in SHARES.values()]
        for side in ("noop_ms", "warmup_ms")
    )
    return [*noop, *warm, *(w / n for w, n in zip(warm, noop, strict=True))]


def _digest(raw: Raw) -> Digest:
    rounds = [_figures(told) for told in raw["rounds"]]
    medians = [statistics.median(column) for column in zip(*rounds, strict=True)]
    named = [(f"round {number}", row) for number, row in enumerate(rounds, start=1)]
    grid = Grid(
        title="milliseconds to a task's start, to a warm-up's first request",
        headings=("", "no-op p50", "p99", "warm-up p50", "p99", "ratio p50", "p99"),
        rows=[
            (name, *(f"{figure:.2f}" for figure in row))
            for name, row in [*named, ("median", medians)]
        ],
    )
    ratios = zip(BOUNDS.items(), medians[-len(BOUNDS) :], strict=True)
    return Digest(
        grids=[grid],
        bounds=[
            Bound(what=f"warm-up ÷ no-op, {name}", measured=ratio, at_most=bound)
            for (name, bound), ratio in ratios
        ],
    )


SECTION = Section(
    name="dispatch",
    title="Dispatch: what a warm-up costs beyond Celery itself",
    how="""
    For a model that is resident already: the time from before `warmup.delay()` to
    the worker's first request, `GET /api/ps`, over the time from before the publish
    of a no-op task to its start. Same publisher, queue, worker and settings, the
    two interleaved, each round with figures of its own. It does not show the way by
    `ollama.control`, one Celery hop more, which a publisher without
    `OLLAMA_WARMUP_HOSTS` takes, nor a broker on another machine.""",
    digest=_digest,
)


def main(
    *,
    pairs: Annotated[int, typer.Option(min=10, help="Of each kind a round.")] = 500,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    as_json: report.AsJson = False,
) -> None:
    """Measure dispatch of `ollama.warmup` against that of a no-op task."""
    port, about = free_port(), report.about()
    ollama = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
    told = []
    with running_system("bench") as system, ollama:
        _start(system, port)
        for number in range(rounds):
            report.progress(f"round {number + 1} of {rounds}")
            told.append(_round(ollama, pairs))
    report.tell({"about": about, "rounds": told}, SECTION, as_json=as_json)


if __name__ == "__main__":
    report.run(main)
