"""Prints rows: to a terminal in colours, else as plain lines, one a row."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ollama_warmup.report import Condition

GAP = "  "
FOLDED = 24
"""The last column is folded to no less, characters."""
_TENTHS = 10
"""Below, tenths of a unit tell something."""
STYLES = {
    Condition.WARM: "green",
    Condition.LOADING: "cyan",
    Condition.QUEUED: "cyan",
    Condition.COLD: "blue",
    Condition.DRIFTED: "yellow",
    Condition.CONTESTED: "yellow",
    Condition.UNFIT: "magenta",
    Condition.FAILING: "red",
    Condition.UNKNOWN: "red",
    Condition.ASLEEP: "dim",
}
"""The colour of each condition, which always stands beside its word."""

Row = Sequence[str | Text]


def condition(value: Condition | None) -> Text:
    """A condition in its colour; `-` if there is none."""
    return Text(value.value, style=STYLES[value]) if value else Text("-")


def plain(text: str) -> str:
    """One line without anything that moves a terminal's cursor."""
    line = " ".join(text.split())
    return "".join(c if c.isprintable() else "?" for c in line)


def show(headings: Sequence[str], rows: Sequence[Row]) -> None:
    """Print rows under their headings.

    On a terminal the last column is folded if it has some room.
    """
    if not sys.stdout.isatty():
        sys.stdout.writelines(f"{line}\n" for line in lines(headings, rows))
        return
    console = Console(highlight=False)
    columns = Columns([headings, *rows])
    if console.width - columns.before_last >= FOLDED:
        console.print(_table(headings, rows))
        return
    for row in ([Text(heading, style="dim") for heading in headings], *rows):
        console.print(columns.line(row), soft_wrap=True)


def _table(headings: Sequence[str], rows: Sequence[Row]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        table.add_column(heading, overflow="fold", no_wrap=heading != headings[-1])
    for row in rows:
        table.add_row(*(cell if isinstance(cell, Text) else Text(cell) for cell in row))
    return table


def lines(headings: Sequence[str], rows: Sequence[Row]) -> list[str]:
    """Rows under their headings as lines of text, columns aligned by spaces."""
    columns = Columns([headings, *rows])
    return [columns.line(row).plain for row in (headings, *rows)]


class Columns:
    """Aligns rows by spaces; a column grows when something longer comes later."""

    def __init__(self, rows: Sequence[Row]) -> None:
        """Make room for what is known already: one row at least."""
        self._widths = [max(map(len, column)) for column in zip(*rows, strict=True)]

    @property
    def before_last(self) -> int:
        """Where the last column begins, characters."""
        return sum(self._widths[:-1]) + len(GAP) * (len(self._widths) - 1)

    def line(self, row: Row) -> Text:
        """One row as a line."""
        cells = [Text(cell) if isinstance(cell, str) else cell.copy() for cell in row]
        self._widths = [
            max(w, len(c)) for w, c in zip(self._widths, cells, strict=True)
        ]
        for cell, width in zip(cells, self._widths, strict=True):
            cell.pad_right(width - len(cell))
        line = Text(GAP).join(cells)
        line.rstrip()
        return line


def document(content: dict[str, Any]) -> None:
    """Print one JSON document."""
    json.dump(content, sys.stdout, indent=2)
    sys.stdout.write("\n")


def size(size_bytes: float) -> str:
    """Bytes as `ollama list` writes them: `4.7 GB`, `274 MB`."""
    for unit, letters in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB")):
        if size_bytes >= unit:
            number = size_bytes / unit
            return f"{number:.{1 if number < _TENTHS else 0}f} {letters}"
    return f"{size_bytes:.0f} B"
