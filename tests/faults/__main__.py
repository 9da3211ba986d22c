"""Run the matrix: `python -m tests.faults [--cells all|short|full|TEXT]`."""

import multiprocessing
import sys
import time
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from tests import conftest
from tests.faults import experiment, kept, report
from tests.faults.matrix import ALL, SHIPPED, SHORT, Cell

console = Console(highlight=False, width=180)


def main(
    *,
    cells: Annotated[str, typer.Option(help="all, short, full, or words.")] = "all",
    jobs: Annotated[int, typer.Option(min=1, max=4, help="Side by side.")] = 4,
    write: Annotated[Path | None, typer.Option(help="docs/faults.md.")] = None,
    resume: Annotated[bool, typer.Option(help="Leave out what held before.")] = False,
    logs: Annotated[Path, typer.Option(help="Of cells that failed.")] = Path(
        "faults-logs"
    ),
) -> None:
    """Run cells, and tell which do not hold."""
    conftest.pytest_configure()  # no variable of this terminal's hurts anything
    chosen = _chosen(cells)
    began = time.monotonic()
    if not resume:
        kept.forget(logs, chosen)
    held = {name for name, one in kept.read(logs).items() if not one.problems}
    _run([c for c in chosen if not c.nothing and str(c) not in held], jobs, logs)
    known = kept.read(logs)
    results = [known[str(c)] for c in chosen if str(c) in known]
    report.show(results, console)
    nothing = [cell for cell in chosen if cell.nothing]
    for cell in nothing:
        console.print(f"{cell}: n/a, {cell.nothing}", style="dim")
    bad = sum(bool(result.problems) for result in results)
    took_s = time.monotonic() - began
    console.print(f"{len(results) - bad} of {len(results)} hold, {took_s:.0f} s")
    if write:
        every = [*ALL, *SHIPPED]
        seen = [known[str(c)] for c in every if str(c) in known]
        write.write_text(report.document(seen, every))
    if bad:
        console.print(f"logs: {logs}")
        sys.exit(1)


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
