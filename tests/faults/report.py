"""The matrix as a table in the terminal, and as docs/faults.md."""

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from bench import report
from tests.faults.bounds import LETTERS, Bound
from tests.faults.kept import Result
from tests.faults.matrix import Cell

COLUMNS = ("hurt", "how", "when", "answers", "bound", "warm", "bound", "holds")


def show(results: Sequence[Result], console: Console) -> None:
    """Print it."""
    table = Table(title="seconds from the strike on")
    for heading in COLUMNS:
        table.add_column(heading)
    for result in results:
        table.add_row(*_row(result))
    console.print(table)
    for result in results:
        for note in result.notes:
            console.print(f"{result.cell}: {note}", style="dim")


def document(results: Sequence[Result], chosen: Sequence[Cell]) -> str:
    """The text of docs/faults.md."""
    nothing = [cell for cell in chosen if cell.nothing]
    seen = {result.cell for result in results}
    missing = [cell for cell in chosen if not cell.nothing and cell not in seen]
    facts = " · ".join(f"{k} {v}" for k, v in report.about().items())
    server = chosen[0].server
    lines = [_HEAD.format(server=server.told), "## The bounds' letters"]
    lines += [f"- {letter}: {meaning}." for letter, meaning in LETTERS.items()]
    lines += ["", "## Seen", f"{facts}", ""]
    lines += ["| " + " | ".join(COLUMNS) + " |", "|---" * len(COLUMNS) + "|"]
    lines += ["| " + " | ".join(_row(r)) + " |" for r in results]
    if nothing:
        lines += ["", "## Cells that mean nothing"]
        lines += [f"- {cell}: {cell.nothing}." for cell in nothing]
    if missing:
        lines += ["", "## Cells that were not run"]
        lines += [f"- {cell}" for cell in missing]
    return "\n".join(lines) + "\n"


def _row(result: Result) -> tuple[str, ...]:
    cell = result.cell
    return (
        str(cell.victim),
        str(cell.action),
        str(cell.situation),
        _seconds(result.callers_s),
        _bound(cell.callers, cell),
        _seconds(result.warm_s),
        _bound(cell.warm, cell),
        "; ".join(result.problems) or "yes",
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"


def _bound(bound: Bound, cell: Cell) -> str:
    return f"{bound.formula(cell.timing)} = {bound.seconds(cell.timing):g}"


_HEAD = """# Faults
Written by `make faults`: real processes on one machine, each hurt in turn, beside \
{server}. `OLLAMA_WARMUP_VISIBILITY_S` is 20 there; with \
the default of 900, V is 900 (`make faults-full`).

Of every cell is checked: each caller's `.get()` ends with the truth within its bound, \
or, if Ollama was hurt, with one of the errors in [operate.md](operate.md), or, if a \
child was stopped for longer than its hard limit (7 s here, 330 s with the default), \
with Celery's `TimeLimitExceeded`; nothing loads twice beyond what the fault itself \
cut off; no lease is left; every process serves again; what the warm list wants is \
loaded again within its bound; `.delay()` fails within 2 s while Redis is refused, \
within 6 s while it is mute or SYNs are dropped. A stopped Redis or \
Ollama is the mute one: its kernel still accepts.

When idle, what is wanted is unloaded as the fault strikes, and one call is sent.
"""
