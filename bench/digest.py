"""What a raw result says: tables and bounds, the same in a terminal and on the page."""

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.table import Table

Raw = Mapping[str, Any]
"""A result as JSON has it: `about`, and the single values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A table; its first column is text, the others are figures."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]

    def rich(self) -> Table:
        """For a terminal."""
        table = Table(title=self.title)
        for place, heading in enumerate(self.headings):
            table.add_column(heading, justify="right" if place else "left")
        for row in self.rows:
            table.add_row(*row)
        return table

    def markdown(self) -> Iterator[str]:
        """For the page, line by line."""
        yield f"| {' | '.join(self.headings)} |"
        yield "|---" + "|--:" * (len(self.headings) - 1) + "|"
        for row in self.rows:
            yield f"| {' | '.join(row)} |"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """What docs/design.md sets, and what was measured."""

    what: str
    measured: float
    at_most: float
    at_least: float = 0.0
    unit: str = ""

    @property
    def is_met(self) -> bool:
        """Whether it holds."""
        return self.at_least <= self.measured <= self.at_most

    def cells(self) -> tuple[str, str, str, str]:
        """As a row: what, measured, bound, met or not."""
        met = "met" if self.is_met else "**missed**"
        is_exact = self.at_least == self.at_most
        bound = f"{'' if is_exact else 'at most '}{self.at_most:g}{self.unit}"
        return self.what, f"{_short(self.measured)}{self.unit}", bound, met


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """All that a page and a terminal show of one result."""

    grids: Sequence[Grid]
    bounds: Sequence[Bound] = ()

    def all(self) -> Sequence[Grid]:
        """The tables, that of the bounds last."""
        headings = ("bound", "measured", "to be", "")
        rows = [bound.cells() for bound in self.bounds]
        last = Grid(title="bounds", headings=headings, rows=rows)
        return (*self.grids, last) if rows else self.grids


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What a benchmark puts on the page."""

    name: str
    """Of its module, and of its results: `<name>.json`, `<name>-<label>.json`."""
    title: str
    how: str
    """How it measures, and what it does not show."""
    digest: Callable[[Raw], Digest]


def spread(values: Sequence[float], form: str = ".3f") -> str:
    """The median of at least one value, and the least and greatest."""
    least, middle, most = min(values), statistics.median(values), max(values)
    return f"{middle:{form}} ({least:{form}}-{most:{form}})"


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which this share (0 to 1) of at least two values lies."""
    cuts = statistics.quantiles(values, n=1000, method="inclusive")
    return cuts[min(max(round(share * 1000) - 1, 0), 998)]


def _short(value: float) -> str:
    """Without digits that nobody measured."""
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.4g}"  # noqa: PLR2004 - three digits
