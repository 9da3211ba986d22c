"""What the simulator's own events and ledger tell: who asked, who made whom go."""

import math
from dataclasses import dataclass

from tests.support.virtual_time import VirtualSignal
from worker.simulator.physics.events import Failed, Failure, Finished, Granted
from worker.simulator.physics.ledger import Stay, Why
from worker.simulator.physics.models import Model
from worker.simulator.physics.scheduler import Scheduler

OURS = "us"
RESTARTED = "restarted"


@dataclass(eq=False, slots=True, kw_only=True)
class Asked:
    """One request, and what became of it."""

    who: str
    model: Model
    at: float
    ticket: int = 0
    infers: bool = True
    keep_alive_s: float | None = None
    granted_at: float | None = None
    ended_at: float | None = None
    failure: Failure | str | None = None
    over: VirtualSignal

    @property
    def digest(self) -> str:
        return self.model.weights.digest

    @property
    def is_ours(self) -> bool:
        return self.who == OURS


@dataclass(eq=False, slots=True, kw_only=True)
class Visit:
    """One stay of the simulator's ledger, with who began and who ended it."""

    stay: Stay
    made_by: Asked
    ended_at: float | None = None
    why: Why | str | None = None
    ended_by: Asked | None = None
    """Whose request made it go; None = its timer, a person, or a restart."""
    users: int = 0
    """Requests of applications that it serves."""
    app_used_at: float = -math.inf
    """When it last served an application; infinite = it still does."""
    answered_at: float = 0.0
    """When it last served anybody."""

    def window_s(self) -> float:
        """The keep-alive that ran out."""
        return (self.ended_at or math.inf) - self.answered_at

    def was_used(self, *, within_s: float) -> bool:
        """Whether an application used it so shortly before it went."""
        return (self.ended_at or math.inf) - self.app_used_at <= within_s


class Past:
    """Follows one scheduler after the other."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.visits: list[Visit] = []
        self.here: dict[str, Visit] = {}
        """What is resident, by digest of the weights."""
        self.waiting: list[Asked] = []
        """Who is queued, or loads: the first one has the head of the queue."""
        self._tickets: dict[int, Asked] = {}
        self._submitted = 0

    def submitted(self, asked: Asked) -> None:
        """One is about to be submitted."""
        self._submitted += 1
        asked.ticket = self._submitted
        self._tickets[asked.ticket] = asked
        self.waiting.append(asked)

    def restarted(self, now: float) -> list[Asked]:
        """A new scheduler begins; returns whose requests are lost."""
        for visit in self.here.values():
            visit.ended_at, visit.why = now, RESTARTED
        lost = list(self._tickets.values())
        self.here.clear()
        self.waiting.clear()
        self._tickets.clear()
        self._submitted = 0
        return lost

    def hung_up(self, asked: Asked, now: float) -> bool:
        """Its caller is gone; whether it was not over."""
        if self._tickets.pop(asked.ticket, None) is None:
            return False
        self._ended(asked, now)
        return True

    def note(self, scheduler: Scheduler) -> list[Asked]:
        """Read what has happened; returns the requests that are over."""
        over = []
        for event in scheduler.take_events():
            asked = self._tickets.get(event.ticket)
            if asked is None:
                continue
            if isinstance(event, Granted):
                self._granted(asked, event.at, scheduler)
            elif isinstance(event, Failed | Finished):
                del self._tickets[asked.ticket]
                asked.failure = event.failure if isinstance(event, Failed) else None
                self._ended(asked, event.at)
                over.append(asked)
        for digest, visit in list(self.here.items()):
            if visit.stay.why is not None:
                self._went(visit)
                del self.here[digest]
        return over

    def _granted(self, asked: Asked, at: float, scheduler: Scheduler) -> None:
        asked.granted_at = at
        self.waiting.remove(asked)
        visit = self.here.get(asked.digest)
        if visit is None or visit.stay.why is not None:
            stays = scheduler.ledger.stays
            stay = next(s for s in reversed(stays) if s.digest == asked.digest)
            visit = self.here[asked.digest] = Visit(stay=stay, made_by=asked)
            self.visits.append(visit)
        if not asked.is_ours:
            visit.users += 1
            visit.app_used_at = math.inf

    def _ended(self, asked: Asked, at: float) -> None:
        asked.ended_at = at
        if asked in self.waiting:
            self.waiting.remove(asked)
        visit = self.here.get(asked.digest)
        if visit is None or asked.granted_at is None:
            return
        visit.answered_at = at
        if not asked.is_ours:
            visit.users -= 1
            visit.app_used_at = at if visit.users == 0 else math.inf

    def _went(self, visit: Visit) -> None:
        visit.ended_at, visit.why = visit.stay.ended_at, visit.stay.why
        if visit.why is Why.EVICTED:
            visit.ended_by = next(
                (
                    a
                    for a in self.waiting
                    if a.model.name.short == visit.stay.evicted_for
                ),
                None,
            )
        elif visit.why in {Why.RELOADED, Why.CRASHED}:
            visit.ended_by = next(
                (a for a in self.waiting if a.digest == visit.stay.digest), None
            )
