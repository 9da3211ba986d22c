"""What a warm-up of a warm model costs beyond Celery itself.

Measures from before `warmup.delay()` to the worker's first request, `GET /api/ps`,
for a resident model; and from before the publish of a no-op task to its start, with
the same publisher, queue, worker and settings, the two interleaved. Run as
`python -m bench.dispatch` from the root of the repository.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import typer
from celery.result import AsyncResult
from rich.console import Console
from rich.table import Table

from bench import processes, report, resident
from ollama_warmup import publish, wire
from worker.cli.supervisor import Supervisor, free_port, listens

NOOP = "bench.noop"
"""The task that does nothing, and the module that has it."""
DISCARDED = 30
"""Pairs before the first one that counts: connections and caches of each child."""
PAUSE_S = 0.02
"""What a task may take before its result is looked for, seconds."""
BOUNDS = {"p50": 1.3, "p99": 1.5}
"""Warm-up over no-op, at the most."""
_WORKER = (sys.executable, "-m", "worker", "worker")

Figures = dict[str, dict[str, float]]
"""Of `noop`, `warmup` (seconds) and `ratio`: p50 and p99."""

console = Console(highlight=False)


def _start(supervisor: Supervisor, port: int) -> None:
    """Start Valkey, an Ollama that takes stamps, a worker that knows the no-op."""
    processes.start_valkey(supervisor, ollama=f"http://127.0.0.1:{port}")
    supervisor.start(
        "ollama",
        (sys.executable, "-m", resident.__name__, str(port)),
        ready=lambda: listens(port),
    )
    supervisor.start(
        "worker",
        (*_WORKER, "--loglevel=INFO", f"--include={NOOP}"),
        ready=lambda: supervisor.said("worker", " ready."),
    )
    processes.wait_ready(supervisor)


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


def _round(ollama: httpx.Client, pairs: int) -> Figures:
    """One round: pairs of both, each pair in the other order than the last."""
    sides: list[tuple[str, Callable[[httpx.Client, str], float]]]
    sides = [("noop", _noop_s), ("warmup", _warmup_s)]
    seconds: dict[str, list[float]] = {"noop": [], "warmup": []}
    for number in range(DISCARDED + pairs):
        for name, measure in sides if number % 2 else reversed(sides):
            took_s = measure(ollama, wire.lane("default"))
            if number >= DISCARDED:
                seconds[name].append(took_s)
    told = {name: _spread(values) for name, values in seconds.items()}
    return told | {"ratio": {p: told["warmup"][p] / told["noop"][p] for p in BOUNDS}}


def _spread(values: list[float]) -> dict[str, float]:
    return {
        "p50": report.percentile(values, 0.5),
        "p99": report.percentile(values, 0.99),
    }


def _medians(rounds: list[Figures]) -> Figures:
    """The median over all rounds of each figure; of the rounds' ratios, too."""
    return {
        row: {p: statistics.median(told[row][p] for told in rounds) for p in BOUNDS}
        for row in ("noop", "warmup", "ratio")
    }


def _table(rounds: list[Figures]) -> Table:
    table = Table(title="milliseconds to a task's start, to a warm-up's first request")
    for heading in ("", "no-op p50", "p99", "warm-up p50", "p99", "ratio p50", "p99"):
        table.add_column(heading, justify="right")

    for number, told in enumerate([*rounds, _medians(rounds)], start=1):
        name = f"round {number}" if number <= len(rounds) else "median"
        spans = [told[side][p] * 1000 for side in ("noop", "warmup") for p in BOUNDS]
        ratios = [told["ratio"][p] for p in BOUNDS]
        table.add_row(name, *(f"{value:.2f}" for value in (*spans, *ratios)))
    return table


def main(
    *,
    pairs: Annotated[int, typer.Option(min=10, help="Of each kind a round.")] = 500,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    as_json: Annotated[bool, typer.Option("--json")] = False,
) -> None:
    """Measure dispatch of `ollama.warmup` against that of a no-op task."""
    port, facts = free_port(), report.about()
    ollama = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False)
    with Supervisor() as supervisor, ollama:
        _start(supervisor, port)
        told = [_round(ollama, pairs) for _ in range(rounds)]
    medians = _medians(told)
    if as_json:
        typer.echo(json.dumps({"about": facts, "rounds": told, "medians": medians}))
        return
    console.print(_table(told))
    for name, bound in BOUNDS.items():
        ratio = medians["ratio"][name]
        met = "met" if ratio <= bound else "MISSED"
        console.print(f"{name}: {ratio:.2f}, bound {bound}: {met}")
    console.print(*(f"{name} {value}" for name, value in facts.items()), sep=" · ")


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    cli.command()(main)
    cli()
