"""What goes wrong in a history, each so often a day, at instants from its seed."""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from tests.history.server import Server
from tests.history.worker import Worker
from tests.support.virtual_time import VirtualTime

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something that went wrong, and how long."""

    at: float
    until: float
    what: str


@dataclass(eq=False, slots=True)
class Fate:
    """Lets accidents happen, and remembers them."""

    time: VirtualTime
    server: Server
    worker: Worker
    rng: random.Random
    troubles: list[Trouble] = field(default_factory=list)

    def start(self, *, a_day: dict[str, int]) -> None:
        """So many a day of each."""
        for what, times in a_day.items():
            for _ in range(times):
                at = self.rng.uniform(600.0, DAY_S - 600.0)
                self.time.start(partial(self._strike, what), after=at)

    def _strike(self, what: str) -> None:
        strike: Callable[[], float] = getattr(self, what)
        seconds = strike()
        now = self.time.now
        self.troubles.append(Trouble(now, now + seconds, what))

    def restart(self) -> float:
        """The server begins anew."""
        seconds = self.rng.uniform(3.0, 20.0)
        self.server.restart(down_s=seconds)
        return seconds

    def mute(self) -> float:
        """`/api/ps` is not answered."""
        seconds = self.rng.uniform(5.0, 60.0)
        self.server.mute_until = self.time.now + seconds
        return seconds + 15.0

    def crash(self) -> float:
        """A runner dies; it stays listed until somebody asks it."""
        here = sorted(v.stay.name for v in self.server.past.here.values())
        if here:
            self.server.crash(self.rng.choice(here))
        return 0.0

    def full(self) -> float:
        """Loads are refused."""
        seconds = self.rng.uniform(10.0, 120.0)
        self.server.full_until = self.time.now + seconds
        return seconds

    def out_of_memory(self) -> float:
        """The next load of some model fails."""
        name = self.rng.choice(sorted(self.server.models))
        self.server.accidents.out_of.add(name)
        return 0.0

    def beat_down(self) -> float:
        """No ticks."""
        seconds = self.rng.uniform(30.0, 600.0)
        self.worker.ticks_out.append((self.time.now, self.time.now + seconds))
        return seconds

    def lanes_down(self) -> float:
        """No worker takes loads; those in flight are cut."""
        seconds = self.rng.uniform(5.0, 300.0)
        self.worker.kill_lanes(seconds)
        return seconds

    def store_emptied(self) -> float:
        """Redis has lost everything."""
        self.worker.empty_store()
        return 0.0
