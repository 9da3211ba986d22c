"""Every cell as data: who is hurt, how, and when; and by when all must be well."""

import itertools
from dataclasses import dataclass, field
from enum import StrEnum

from tests.faults.bounds import Bound, Timing, bound
from tests.faults.server import KEPT, Server, SimulatedServer


class Victim(StrEnum):
    CHILD = "worker child"
    WORKER = "worker"
    CONTROL = "control"
    BEAT = "beat"
    REDIS = "Redis"
    OLLAMA = "Ollama"
    CLIENT = "client"


_PROCESSES = {"Redis": "valkey", "Ollama": "ollama", "worker child": "worker"}


def process_of(victim: str) -> str:
    """The name of a victim's process."""
    return _PROCESSES.get(victim, str(victim))


class Action(StrEnum):
    KILL = "kill -9"
    TERM = "SIGTERM"
    STOP = "stopped 12 s"
    AWAY = "away 12 s"
    DROP = "SYN dropped 12 s"
    LOST = "away 120 s"
    FLUSH = "FLUSHALL"
    ROLL = "two restarted in turn"


class Situation(StrEnum):
    IDLE = "idle"
    LOADING = "loading"
    LONG = "loading 30 s"
    QUEUED = "20 queued"


_DEADLY = {Action.KILL, Action.TERM, Action.AWAY, Action.LOST, Action.ROLL}


def dies_of(victim: str, action: Action) -> bool:
    """Whether a process that is started again has died of it; a child is not."""
    return action in _DEADLY and victim not in {Victim.CHILD, Victim.CLIENT}


AWAY_S = {
    Action.KILL: 1.0,  # as `up` restarts what died
    Action.TERM: 1.0,
    Action.STOP: 12.0,
    Action.AWAY: 12.0,
    Action.DROP: 12.0,
    Action.LOST: 120.0,
    Action.FLUSH: 0.0,
    Action.ROLL: 1.0,
}
SCALED_S = 20
"""The visibility timeout of the matrix, seconds."""
HARD_S = 7.0
"""A task's hard limit there: at it Celery kills a child, even one that is stopped."""
ASKED = {
    Situation.IDLE: ("asked",),
    Situation.LOADING: ("asked",),
    Situation.LONG: ("long",),
    Situation.QUEUED: ("asked", "other") * 10,
}
"""What callers want: when idle, right after the strike; else before it."""

_CALLERS: dict[object, str] = {
    (Victim.CHILD, Action.STOP): "L R S 2T",
    Victim.CHILD: "L R S 2T",
    (Victim.WORKER, Action.TERM): "G P L S 2T",
    (Victim.WORKER, Action.STOP): "L S 2T",
    (Victim.WORKER, Action.ROLL): "2G 2P L S 2T",
    Victim.WORKER: "P V R S 2T",
    (Victim.CONTROL, Action.TERM): "G P L S 2T",
    (Victim.CONTROL, Action.STOP): "L S 2T",
    Victim.CONTROL: "P V R S 2T",
    Victim.BEAT: "S 2T",
    Victim.REDIS: "P V R C S 2T",
    Victim.OLLAMA: "P B L S 2T",
    Victim.CLIENT: "P S 2T",
}
_WARM: dict[object, str] = {
    (Victim.WORKER, Action.TERM): "G P M S T",
    (Victim.WORKER, Action.ROLL): "2G 2P M S T",
    (Victim.CONTROL, Action.TERM): "G P M S T",
    Victim.CHILD: "L M S T",
    Victim.REDIS: "P C M S T",
    Victim.OLLAMA: "P M S T",
    Victim.CLIENT: "M S T",
}
_WARM_ELSE = "P M S 2T"


def callers(victim: str, action: Action) -> Bound:
    """By when each caller knows."""
    return bound(_CALLERS.get((victim, action)) or _CALLERS[victim])


def warm(victim: str, action: Action) -> Bound:
    """By when what the warm list wants is loaded."""
    known = _WARM.get((victim, action)) or _WARM.get(victim)
    return bound(known or _WARM_ELSE)


_CUT = {
    (Victim.CHILD, Action.KILL),
    (Victim.WORKER, Action.KILL),
    (Victim.WORKER, Action.AWAY),
}
"""What ends the request of a load in flight, which is then loaded once more.

A child ignores SIGTERM where REMAP_SIGTERM is set (billiard/common.py).
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One experiment."""

    victim: Victim
    action: Action
    situation: Situation
    visibility_s: int = SCALED_S
    server: Server = field(default=SimulatedServer(), compare=False, repr=False)

    def __str__(self) -> str:
        told = f"{self.victim}, {self.action}, {self.situation}"
        return (
            told if self.visibility_s == SCALED_S else f"{told}, V {self.visibility_s}"
        )

    @property
    def models(self) -> set[str]:
        """All that is to be loaded in the end."""
        return {KEPT, *ASKED[self.situation]}

    @property
    def away_s(self) -> float:
        return AWAY_S[self.action]

    @property
    def timing(self) -> Timing:
        loads_s = [self.server.loads_s[model] for model in self.models]
        return Timing(
            visibility_s=self.visibility_s,
            loads_s=sum(loads_s) + self.cuts * max(loads_s),
            away_s=self.away_s,
        )

    @property
    def callers(self) -> Bound:
        """By when each caller knows."""
        return callers(self.victim, self.action)

    @property
    def warm(self) -> Bound:
        """By when what the warm list wants is loaded."""
        return warm(self.victim, self.action)

    @property
    def cuts(self) -> int:
        """How many loads the fault itself may cut off."""
        if self.situation is Situation.IDLE:
            return 0
        if (self.victim, self.situation) == (Victim.WORKER, Situation.LONG):
            return 1
        if (self.victim, self.action) == (Victim.CHILD, Action.STOP):
            return int(max(self.server.loads_s[m] for m in self.models) > HARD_S)
        return int((self.victim, self.action) in _CUT)

    @property
    def nothing(self) -> str:
        """Why the cell means nothing; empty: it means something."""
        if self.victim is Victim.CHILD and self.action is Action.AWAY:
            return "the worker starts a child anew by itself"
        if self.victim is Victim.CLIENT and self.action is Action.AWAY:
            return "a caller that ended has nothing to come back to"
        if self.victim is Victim.CLIENT and self.situation is Situation.IDLE:
            return "who has sent nothing holds nothing"
        if not self.models <= set(self.server.loads_s):
            return "no model of this server takes 30 s to load"
        return ""


_PLAIN = (Action.KILL, Action.TERM, Action.STOP, Action.AWAY)
_TIMES = (Situation.IDLE, Situation.LOADING, Situation.QUEUED)
_HOLES = (Victim.REDIS, Victim.OLLAMA)


def _cells(*sets: "tuple[Victim | Action | Situation, ...]") -> list[Cell]:
    return [
        Cell(victim=Victim(v), action=Action(a), situation=Situation(s))
        for v, a, s in itertools.product(*sets)
    ]


_SHUTDOWN = [
    *_cells((Victim.WORKER,), (Action.TERM,), (Situation.LONG,)),
    *_cells((Victim.WORKER,), (Action.ROLL,), (Situation.QUEUED,)),
]
SHORT = [*_cells(tuple(Victim), (Action.KILL,), (Situation.LOADING,)), *_SHUTDOWN]
"""Each process killed during a load; a load that is cut by a shutdown, or not."""
ALL = [
    *_cells(tuple(Victim), _PLAIN, _TIMES),
    *_cells(_HOLES, (Action.DROP,), _TIMES),
    *_cells((Victim.REDIS,), (Action.LOST,), _TIMES),
    *_cells((Victim.REDIS,), (Action.FLUSH,), (Situation.LOADING,)),
    *_SHUTDOWN,
]
SHIPPED = [
    Cell(victim=v, action=a, situation=s, visibility_s=900)
    for v, a, s in itertools.product(
        (Victim.WORKER,), (Action.KILL,), (Situation.LOADING, Situation.QUEUED)
    )
]
