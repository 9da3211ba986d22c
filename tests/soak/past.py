"""What is judged: what the servers recorded, and what was done to the system."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.faults.bounds import TICK_S
from worker.core.room import HOLD_TICKS

HOLD_S = HOLD_TICKS * TICK_S
"""How long nothing is loaded where a load that no view shows may be under way."""
WAITS_S = 0.3
"""Who waits longer for a runner waits for a load; a resident one serves at once."""
MACHINE = "the machine"
"""The victim of a time in which nobody had any."""
DIED = "died"
"""Why residencies end with their server."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A residency; instants are seconds since 1970."""

    host: str
    model: str
    begin: float
    end: float = math.inf
    why: str | None = None
    evicted_for: str = ""
    context: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request for a runner."""

    host: str
    model: str
    is_ours: bool
    infers: bool
    at: float
    keep_alive_s: float | None = None
    granted: float | None = None
    end: float = math.inf
    is_lost: bool = False
    """Whether its server died under it."""

    @property
    def waits_until(self) -> float:
        return self.end if self.granted is None else self.granted

    @property
    def waits(self) -> bool:
        """Whether it had to wait for a load."""
        return self.waits_until - self.at > WAITS_S

    @property
    def is_touch(self) -> bool:
        is_unload = self.granted is None and self.keep_alive_s == 0
        return self.is_ours and not self.infers and not is_unload


@dataclass(frozen=True, slots=True, kw_only=True)
class Life:
    """One run of a server."""

    host: str
    begin: float
    end: float
    views: int
    """Requests of `/api/ps`, all of them ours."""


@dataclass(slots=True, kw_only=True)
class Trouble:
    """A fault, and when all was well again."""

    what: str
    victim: str
    at: float
    warm_s: float
    """By when what is wanted must be back."""
    calls_s: float
    """By when each call must know."""
    host: str | None = None
    """The server that was hurt; None: another process."""
    forgets: bool = False
    """Whether Redis has lost everything."""
    stops_child: bool = False
    locks_until: float = 0.0
    """A pass that it has cut off may leave its host locked until then."""
    healed: float = math.inf
    wrong: list[str] = field(default_factory=list)
    """What was wrong when all was to be well."""

    def touches(self, begin: float, end: float, *, after_s: float = TICK_S) -> bool:
        """Whether it may have had to do with what was then.

        Args:
            begin: of that.
            end: of that.
            after_s: how long its effect reaches after all was well again.
        """
        until = min(self.healed, self.at + self.warm_s + HOLD_S)
        return self.at <= end and max(until + after_s, self.locks_until) >= begin


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A warm-up that was sent."""

    model: str
    host: str
    sent: float
    answered: float = math.inf
    what: str = "lost"
    told: str = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """All of it."""

    begin: float
    end: float
    wanted: dict[str, tuple[str, ...]]
    """By host: the models that are to be warm."""
    keep_alive_s: dict[str, float]
    """By model; of others the server's, under the name of nothing."""
    contexts: dict[str, int]
    """By model: the context length that is wanted; of others any will do."""
    loads_s: float
    """All loads of one host, one after the other."""
    lives: tuple[Life, ...] = ()
    stays: tuple[Stay, ...] = ()
    asked: tuple[Asked, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    calls: tuple[Call, ...] = ()

    def ours(self) -> Iterator[Asked]:
        return (asked for asked in self.asked if asked.is_ours)

    def stays_of(self, host: str, model: str) -> list[Stay]:
        return [s for s in self.stays if (s.host, s.model) == (host, model)]

    def is_troubled(
        self, host: str, begin: float, end: float, *, after_s: float = TICK_S
    ) -> bool:
        """Whether a fault of this host, or of all, may have had to do with it."""
        return any(
            t.touches(begin, end, after_s=after_s)
            for t in self.troubles
            if t.host in {None, host}
        )

    def maker(self, stay: Stay) -> Asked | None:
        """The request that has loaded it."""
        made = [
            a
            for a in self.asked
            if (a.host, a.model) == (stay.host, stay.model)
            if a.granted is not None and abs(a.granted - stay.begin) < WAITS_S
        ]
        return min(made, key=lambda a: a.at, default=None)


@dataclass(frozen=True, slots=True)
class Violation:
    """What does not hold, when and where."""

    at: float
    host: str
    words: str
