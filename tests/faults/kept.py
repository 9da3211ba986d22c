"""What became of each cell, kept beside the logs: a run can be resumed."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.faults.matrix import Cell

FILE = "results.json"


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


def read(logs: Path, cells: Iterable[Cell]) -> list[Result]:
    """What is known of these cells."""
    told = _read(logs)
    return [
        Result(
            cell=cell,
            problems=tuple(fields["problems"]),
            callers_s=fields["callers_s"],
            warm_s=fields["warm_s"],
            notes=tuple(fields["notes"]),
        )
        for cell in cells
        if (fields := told.get(str(cell)))
    ]


def add(logs: Path, result: Result) -> None:
    """Remember one more."""
    fields = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    _write(logs, _read(logs) | {str(result.cell): fields | {"cell": str(result.cell)}})


def forget(logs: Path, cells: Iterable[Cell]) -> None:
    """Begin anew with these cells."""
    names = {str(cell) for cell in cells}
    _write(logs, {name: one for name, one in _read(logs).items() if name not in names})


def _read(logs: Path) -> dict[str, Any]:
    path = logs / FILE
    told: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    return told


def _write(logs: Path, told: Mapping[str, Any]) -> None:
    logs.mkdir(parents=True, exist_ok=True)
    (logs / FILE).write_text(json.dumps(told, indent=1))
