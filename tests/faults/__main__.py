"""Run the matrix: `python -m tests.faults [--cells all|short|full|TEXT]`.

Beside simulated servers, or with `--ollama` beside real ones, one for each cell.
"""

import multiprocessing
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests import conftest
from tests.faults import experiment, kept, report
from tests.faults.matrix import ALL, SHIPPED, SHORT, Cell
from tests.faults.server import Server, SimulatedServer, real

LOGS = Path("faults-logs")
"""What is known of each cell, and the logs of those that failed, by server."""
console = Console(highlight=False, width=180)


def main(
    *,
    cells: Annotated[str, typer.Option(help="all, short, full, or words.")] = "all",
    jobs: Annotated[int, typer.Option(min=1, max=4, help="Side by side.")] = 4,
    write: Annotated[Path | None, typer.Option(help="docs/faults.md.")] = None,
    resume: Annotated[bool, typer.Option(help="Leave out what held before.")] = False,
    ollama: Annotated[
        Path | None, typer.Option(help="A real Ollama's program, instead.", exists=True)
    ] = None,
    models: Annotated[
        str,
        typer.Option(
            help="Three that it has: one that is kept, and two that are asked for, of "
            "which the last takes 2 s to load or more. Each of the jobs loads all."
        ),
    ] = "",
) -> None:
    """Run cells, and tell which do not hold."""
    server = _server(ollama, models, jobs)  # reads OLLAMA_MODELS
    conftest.pytest_configure()  # no variable of this terminal's hurts anything
    every = [replace(cell, server=server) for cell in (*ALL, *SHIPPED)]
    chosen = [replace(cell, server=server) for cell in _chosen(cells)]
    logs = LOGS / server.slug
    began = time.monotonic()
    if not resume:
        kept.forget(logs, chosen)
    held = {one.cell for one in kept.read(logs, chosen) if not one.problems}
    _run([c for c in chosen if not c.nothing and c not in held], jobs, logs)
    results = kept.read(logs, chosen)
    report.show(results, console)
    nothing = [cell for cell in chosen if cell.nothing]
    for cell in nothing:
        console.print(f"{cell}: n/a, {cell.nothing}", style="dim")
    bad = sum(bool(result.problems) for result in results)
    took_s = time.monotonic() - began
    console.print(f"{len(results) - bad} of {len(results)} hold, {took_s:.0f} s")
    if write:
        write.write_text(report.document(kept.read(logs, every), every))
    if bad:
        console.print(f"logs: {logs}")
        sys.exit(1)


def _server(program: Path | None, models: str, jobs: int) -> Server:
    if program is None:
        return SimulatedServer()
    try:
        server = real(program, models).measured(jobs)
    except ValueError as exc:
        raise typer.BadParameter(str(exc)) from None
    console.print(server.told)
    return server


def _chosen(text: str) -> list[Cell]:
    """By name, or all cells that have the words: `Redis, queued; FLUSHALL`."""
    named = {"all": ALL, "short": SHORT, "full": SHIPPED}
    if text in named:
        return named[text]
    found: dict[Cell, None] = {}
    for words in text.split(";"):
        wanted = [word.strip() for word in words.split(",")]
        found |= dict.fromkeys(c for c in ALL if all(w in str(c) for w in wanted))
    if not found:
        raise typer.BadParameter(f"no cell has {text!r}; one is {ALL[0]}")
    return list(found)


def _run(cells: list[Cell], jobs: int, logs: Path) -> None:
    """Each in a process of its own, for it sets variables and takes signals.

    Those that are away for longest begin first, so that none is waited for alone.
    """
    cells = sorted(cells, key=lambda cell: -cell.timing.away_s)
    done = 0
    with ProcessPoolExecutor(
        jobs, mp_context=multiprocessing.get_context("spawn"), max_tasks_per_child=1
    ) as pool:
        waiting: dict[Future[kept.Result], Cell] = {
            pool.submit(experiment.run, cell, logs=logs): cell for cell in cells
        }
        for future in as_completed(waiting):
            result = future.result()
            kept.add(logs, result)
            done += 1
            word = "; ".join(result.problems) or "holds"
            print(f"{done}/{len(cells)} {result.cell}: {word}", flush=True)


if __name__ == "__main__":
    cli = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    cli.command()(main)
    cli()
