"""What happened: counts, and who was resident when and why it went."""

import enum
from collections import deque
from dataclasses import dataclass, field

from worker.simulator.physics.options import RunnerOptions

_REMEMBERED = 1000


class Why(enum.StrEnum):
    """Why a model left memory."""

    EXPIRED = "expired"
    EVICTED = "evicted"
    UNLOADED = "unloaded"
    RELOADED = "reloaded"
    CRASHED = "crashed"


@dataclass(slots=True, kw_only=True)
class Counts:
    """Counted from the start of the simulator."""

    loads: int = 0
    """Runners started, those that were cancelled or failed included."""
    cancelled_loads: int = 0
    failed_loads: int = 0
    evictions: int = 0
    reloads: int = 0
    expirations: int = 0
    unloads: int = 0
    """Asked for with `keep_alive: 0` and an empty prompt."""
    crashes: int = 0
    """Dead runners that were noticed and replaced."""


@dataclass(slots=True, kw_only=True)
class Stay:
    """One stay of one model in memory; instants are seconds of the host's clock."""

    name: str
    digest: str
    options: RunnerOptions
    context_length: int
    loaded_at: float
    ended_at: float | None = None
    why: Why | None = None
    evicted_for: str | None = None


@dataclass(slots=True)
class Ledger:
    """The counts and the last thousand stays, the oldest first."""

    counts: Counts = field(default_factory=Counts)
    stays: deque[Stay] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def left(
        self, stay: Stay, why: Why, *, now: float, evicted_for: str | None
    ) -> None:
        """Note that it is not any more."""
        stay.ended_at, stay.why, stay.evicted_for = now, why, evicted_for
        match why:
            case Why.EXPIRED:
                self.counts.expirations += 1
            case Why.EVICTED:
                self.counts.evictions += 1
            case Why.UNLOADED:
                self.counts.unloads += 1
            case Why.RELOADED:
                self.counts.reloads += 1
            case Why.CRASHED:
                self.counts.crashes += 1
