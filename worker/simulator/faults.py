"""Faults that can be switched on: what goes wrong, for whom, and how often."""

import enum
import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from worker.simulator.physics.models import Model
from worker.simulator.physics.names import parse_name


class BadFaultError(ValueError):
    """A fault that cannot be switched on; the message says what can."""


class Kind(enum.StrEnum):
    """What can go wrong."""

    REFUSE = "refuse"
    HANG = "hang"
    PS_HANG = "ps_hang"
    SLOW = "slow"
    STATUS = "status"
    QUEUE_FULL = "queue_full"
    EARLY_END = "early_end"
    OUT_OF_MEMORY = "out_of_memory"
    DISK_FULL = "disk_full"
    CRASH = "crash"
    CPU = "cpu"
    CLOCK_SKEW = "clock_skew"
    LEGACY = "legacy"


_LIMITS = frozenset({"model", "path", "times"})
_FIELDS: dict[Kind, frozenset[str]] = {
    Kind.REFUSE: frozenset(),
    Kind.HANG: _LIMITS,
    Kind.PS_HANG: frozenset({"times"}),
    Kind.SLOW: frozenset({"model", "factor"}),
    Kind.STATUS: _LIMITS | {"status", "error"},
    Kind.QUEUE_FULL: _LIMITS,
    Kind.EARLY_END: _LIMITS,
    Kind.OUT_OF_MEMORY: frozenset({"model", "times"}),
    Kind.DISK_FULL: frozenset({"model", "times"}),
    Kind.CRASH: frozenset({"model"}),
    Kind.CPU: frozenset({"model"}),
    Kind.CLOCK_SKEW: frozenset({"seconds"}),
    Kind.LEGACY: frozenset(),
}
_NUMBERS = {"times": int, "status": int, "factor": float, "seconds": float}
_MOST = {"status": 599}
_LEAST = {"times": 1, "status": 200, "factor": 0.001}


@dataclass(slots=True, kw_only=True)
class Fault:
    """One fault that is on."""

    id: int
    kind: Kind
    model: str | None = None
    path: str | None = None
    times: int | None = None
    """How often it still strikes; None is without end."""
    status: int = 500
    error: str = "simulated fault"
    factor: float = 3.0
    """How many times longer loads and tokens take."""
    seconds: float = 3600.0
    """How far the host's clock is ahead."""

    def concerns(self, *, model: str | None, path: str | None) -> bool:
        """Whether it strikes a request for this model on this path."""
        if self.path is not None and self.path != path:
            return False
        if self.model is None or model is None:
            return self.model is None
        return parse_name(self.model).full.lower() == parse_name(model).full.lower()

    def as_json(self) -> dict[str, object]:
        """The fault as `/_sim/faults` shows it."""
        fields = {name: getattr(self, name) for name in sorted(_FIELDS[self.kind])}
        shown = {name: value for name, value in fields.items() if value is not None}
        return {"id": self.id, "fault": self.kind.value, **shown}


class Faults:
    """The faults of one host; also the accidents of its scheduler."""

    def __init__(self) -> None:
        """Nothing is wrong."""
        self._on: list[Fault] = []
        self._ids = itertools.count(1)

    @property
    def on(self) -> tuple[Fault, ...]:
        """The faults that are on, in the order of switching on."""
        return tuple(self._on)

    def add(self, given: Mapping[str, object]) -> Fault:
        """Switch a fault on.

        Raises:
            BadFaultError: for an unknown fault or field, or a bad value.
        """
        kind = _kind(given.get("fault"))
        known = _FIELDS[kind]
        values: dict[str, object] = {}
        for name, value in given.items():
            if name == "fault":
                continue
            if name not in known:
                takes = ", ".join(sorted(known)) or "no other field"
                raise BadFaultError(
                    f'unknown field "{name}" of fault "{kind}"; it takes {takes}'
                )
            values[name] = _value(name, value)
        if kind is Kind.PS_HANG:
            values["path"] = "/api/ps"
        fault = Fault(id=next(self._ids), kind=kind)
        for name, value in values.items():
            setattr(fault, name, value)
        if kind is not Kind.CRASH:
            self._on.append(fault)
        return fault

    def clear(self, kind: str | None = None) -> int:
        """Switch faults off, all or those of a kind; how many there were.

        Raises:
            BadFaultError: for an unknown kind.
        """
        wanted = None if kind is None else _kind(kind)
        kept = [f for f in self._on if wanted and f.kind is not wanted]
        cleared = len(self._on) - len(kept)
        self._on = kept
        return cleared

    def find(self, kind: Kind) -> Fault | None:
        """A fault of this kind that is on."""
        return next((fault for fault in self._on if fault.kind is kind), None)

    def strike(
        self, *kinds: Kind, model: str | None = None, path: str | None = None
    ) -> Fault | None:
        """The first fault of these kinds that concerns a request; it is counted."""
        for fault in self._on:
            if fault.kind not in kinds or not fault.concerns(model=model, path=path):
                continue
            if fault.times is not None:
                fault.times -= 1
                if fault.times == 0:
                    self._on.remove(fault)
            return fault
        return None

    def out_of_memory(self, model: Model) -> bool:
        """Whether the load that starts now is to fail."""
        return self.strike(Kind.OUT_OF_MEMORY, model=model.name.full) is not None

    def slowness(self, model: Model) -> float:
        """By what factor loads and tokens take longer."""
        fault = self.strike(Kind.SLOW, model=model.name.full)
        return fault.factor if fault else 1.0

    def is_on_cpu(self, model: Model) -> bool:
        """Whether a model is to run without the GPU."""
        return self.strike(Kind.CPU, model=model.name.full) is not None


def _kind(given: object) -> Kind:
    try:
        return Kind(str(given))
    except ValueError:
        known = ", ".join(Kind)
        raise BadFaultError(f'unknown fault "{given}"; known: {known}') from None


def _value(name: str, value: object) -> object:
    number = _NUMBERS.get(name)
    if number is None:
        if not isinstance(value, str) or not value:
            raise BadFaultError(f'"{name}" must be a text that is not empty')
        return value
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadFaultError(f'"{name}" must be a number')
    if not _LEAST.get(name, value) <= value <= _MOST.get(name, value):
        raise BadFaultError(f'"{name}" is out of range: {value}')
    return number(value)
