"""What became of each cell, kept beside the logs: a run can be resumed."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.faults.matrix import ALL, SHIPPED, Cell

FILE = "results.json"
CELLS = {str(cell): cell for cell in [*ALL, *SHIPPED]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of a cell."""

    cell: Cell
    problems: tuple[str, ...]
    callers_s: float | None
    """From the strike to the last answer."""
    warm_s: float | None
    """From the strike until the warm list was loaded, and stayed so."""
    notes: tuple[str, ...] = ()


def read(logs: Path) -> dict[str, Result]:
    """By the cell's name."""
    path = logs / FILE
    told = json.loads(path.read_text()) if path.exists() else {}
    return {
        name: Result(
            cell=CELLS[name],
            problems=tuple(fields["problems"]),
            callers_s=fields["callers_s"],
            warm_s=fields["warm_s"],
            notes=tuple(fields["notes"]),
        )
        for name, fields in told.items()
        if name in CELLS
    }


def add(logs: Path, result: Result) -> None:
    """Remember one more."""
    _write(logs, read(logs) | {str(result.cell): result})


def forget(logs: Path, cells: Iterable[Cell]) -> None:
    """Begin anew with these cells."""
    left = read(logs)
    for cell in cells:
        left.pop(str(cell), None)
    _write(logs, left)


def _write(logs: Path, known: Mapping[str, Result]) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    told = {name: asdict(one) | {"cell": name} for name, one in known.items()}
    (logs / FILE).write_text(json.dumps(told, indent=1))
