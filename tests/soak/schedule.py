"""Everything that is done, from a seed: the same seed makes the same schedule."""

import random
from collections.abc import Iterator
from dataclasses import dataclass

from tests.faults import matrix
from tests.faults.bounds import Timing, bound
from tests.faults.matrix import Action, Victim, dies_of
from tests.soak.past import HOLD_S

VISIBILITY_S = 20
KEEP_ALIVE_S = 14.0
"""Of the servers themselves."""
HOST_A, HOST_B = "a", "b"
SERVERS = {HOST_A: "ollama", HOST_B: "ollama-b"}
"""Their processes."""
ROOM = {HOST_A: 5, HOST_B: 2}
MODELS = {
    HOST_A: {"kept-1": 1.0, "kept-2": 2.0, "asked": 2.5, "asked-2": 3.0, "guest": 0.5},
    HOST_B: {"kept-3": 1.5, "guest-1": 0.5, "guest-2": 1.0},
}
"""What each server has, and how long its load takes, seconds."""
WANTED = {HOST_A: {"kept-1": 12.0, "kept-2": 15.0}, HOST_B: {"kept-3": 12.0}}
"""What is declared, with its keep-alive, seconds."""
OPTIONS = {"kept-2": 2048}
"""The context length with which it is declared, and used."""
OTHER_CONTEXT = 1024
LOADS_S = sum(MODELS[HOST_A].values())
DECLARED = {model: host for host, models in WANTED.items() for model in models}
CALLED = ("asked", "asked-2", "kept-1", "kept-3")
"""What warm-ups are sent for: nothing of it takes anybody's room."""
PULL = "pull"

_LIKE: dict[str, Victim] = {SERVERS[HOST_B]: Victim.OLLAMA, PULL: Victim.CLIENT}
"""Whose bounds hold for a process that the matrix has not; a pull holds up nobody."""
_DEADLY = (Action.KILL, Action.TERM, Action.STOP)
_HURT: dict[str, tuple[Action, ...]] = {
    Victim.CHILD: _DEADLY,
    Victim.WORKER: _DEADLY,
    Victim.CONTROL: _DEADLY,
    Victim.BEAT: _DEADLY,
    PULL: _DEADLY,
    Victim.REDIS: (*_DEADLY, Action.AWAY, Action.FLUSH),
    Victim.OLLAMA: (*_DEADLY, Action.AWAY),
    SERVERS[HOST_B]: (*_DEADLY, Action.AWAY),
}
_AWAY_S = {Action.STOP: (3.0, 12.0), Action.AWAY: (6.0, 20.0), Action.FLUSH: (0, 0)}
_RESTART_S = (1.0, 1.0)
_QUIET_S = (9.0, 22.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """An application's own request."""

    at_s: float
    """After its round has begun."""
    host: str
    model: str
    tokens: int
    context: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """A fault."""

    victim: str
    action: Action
    away_s: float

    def __str__(self) -> str:
        what = {
            Action.STOP: f"stopped for {self.away_s:g} s",
            Action.AWAY: f"away for {self.away_s:g} s",
        }
        return f"{self.victim}, {what.get(self.action, self.action)}"

    @property
    def ends_it(self) -> bool:
        """Whether the process dies of it."""
        return dies_of(self.victim, self.action)

    @property
    def cuts_passes(self) -> bool:
        """Whether a pass may end without giving its lock back."""
        return self.victim == Victim.CONTROL

    @property
    def timing(self) -> Timing:
        return Timing(visibility_s=VISIBILITY_S, loads_s=LOADS_S, away_s=self.away_s)

    @property
    def host(self) -> str | None:
        """The server that is hurt."""
        if self.victim == Victim.OLLAMA:
            return HOST_A
        return HOST_B if self.victim == SERVERS[HOST_B] else None

    @property
    def warm_s(self) -> float:
        """By when what is wanted must be back."""
        like = _LIKE.get(self.victim, self.victim)
        return matrix.warm(like, self.action).seconds(self.timing) + HOLD_S

    @property
    def calls_s(self) -> float:
        """By when each call must know; one that came later, from its own start on."""
        like = _LIKE.get(self.victim, self.victim)
        start = bound("P").seconds(self.timing) - self.away_s
        return matrix.callers(like, self.action).seconds(self.timing) + start


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """Quiet, then a fault."""

    number: int
    quiet_s: float
    uses: tuple[Use, ...]
    before: tuple[str, ...]
    """Warm-ups that are under way as the fault strikes."""
    lead_s: float
    """So long before."""
    after: tuple[str, ...]
    """Warm-ups that are sent right after it."""
    strike: Strike

    def __str__(self) -> str:
        guests = sum(use.model not in DECLARED for use in self.uses)
        words = [f"{self.number:3}. {self.quiet_s:4.1f} s of quiet"]
        words += [f"{len(self.uses)} uses ({guests} of guests)"]
        words += [f"warm-ups {' '.join(self.before) or '-'}"]
        words += [f"{self.lead_s:g} s later {self.strike}"]
        return ", ".join(words) + f", then warm-ups {' '.join(self.after)}"


def rounds(seed: int) -> Iterator[Round]:
    """One after the other, without end."""
    rng = random.Random(seed)  # noqa: S311 - a schedule is no secret
    for number, strike in enumerate(_strikes(rng), start=1):
        quiet_s = round(rng.uniform(*_QUIET_S), 1)
        yield Round(
            number=number,
            quiet_s=quiet_s,
            uses=tuple(sorted(_uses(rng, quiet_s), key=lambda use: use.at_s)),
            before=tuple(rng.choices(CALLED, k=rng.choice((0, 1, 3, 8)))),
            lead_s=round(rng.uniform(0.0, 3.0), 1),
            after=tuple(rng.choices(CALLED, k=rng.choice((1, 2, 4)))),
            strike=strike,
        )


def _strikes(rng: random.Random) -> Iterator[Strike]:
    """Each victim in turn, and of each all that can be done to it, then anew."""
    decks: dict[str, list[Action]] = {victim: [] for victim in _HURT}
    while True:
        for victim in rng.sample(list(_HURT), k=len(_HURT)):
            deck = decks[victim] or rng.sample(_HURT[victim], k=len(_HURT[victim]))
            action, decks[victim] = deck[0], deck[1:]
            away_s = round(rng.uniform(*_AWAY_S.get(action, _RESTART_S)), 1)
            yield Strike(victim=victim, action=action, away_s=away_s)


def _uses(rng: random.Random, quiet_s: float) -> Iterator[Use]:
    """What is wanted is used all the time, strangers in quiet alone."""
    for _ in range(rng.randint(0, 4)):
        model = rng.choice(list(DECLARED))
        yield Use(
            at_s=round(rng.uniform(0, quiet_s + 15), 1),
            host=DECLARED[model],
            model=model,
            tokens=rng.randint(1, 60),
            context=OPTIONS.get(model),
        )
    kind = rng.choice(("none", "guest", "guests", "guests", "other context"))
    if kind == "other context":
        at_s = round(rng.uniform(0, quiet_s / 2), 1)
        context = OTHER_CONTEXT
        yield Use(at_s=at_s, host=HOST_A, model="kept-2", tokens=5, context=context)
    guests = {"guest": ["guest"], "guests": ["guest-1", "guest-2"]}.get(kind, [])
    for model in guests:
        host = HOST_A if model in MODELS[HOST_A] else HOST_B
        for _ in range(rng.randint(1, 3)):
            at_s = round(rng.uniform(0, quiet_s / 2), 1)
            yield Use(at_s=at_s, host=host, model=model, tokens=rng.randint(1, 60))
