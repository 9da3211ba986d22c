"""How soon all must be well again, as formulas that are printed and reckoned with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from worker.core.domain import LEASE_S
from worker.reconcile import SENT_S, SENT_TICKS

TICK_S = 2.0
LETTERS = {
    "V": "visibility timeout: after it Redis gives a dead worker's tasks to others",
    "R": "how often Redis is looked through for such tasks, 10 s",
    "L": "lease of a lane that its dead holder leaves behind, 15 s",
    "M": "mark of a pass that a load was sent: 2 ticks, at least 15 s",
    "T": f"tick, here {TICK_S:g} s",
    "S": "all loads of the cell, one after the other",
    "G": "grace of a worker that is told to end, 20 s",
    "B": "back-off of a call that could not be tried: 2, 4 and 8 s",
    "C": "longest pause between two tries of a worker to reach Redis, and a socket's "
    "time limit: 20 s",
    "P": "start of a process, allowed 15 s on a busy machine with 2 cores",
}
_SECONDS = {
    "R": 10.0,
    "L": LEASE_S,
    "M": max(SENT_TICKS * TICK_S, SENT_S),
    "T": TICK_S,
    "G": 20.0,
    "B": 14.0,
    "C": 20.0,
    "P": 15.0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """What differs from cell to cell."""

    visibility_s: float
    loads_s: float
    away_s: float


@dataclass(frozen=True, slots=True)
class Bound:
    """A sum such as `V + R + 2 T`, beside the time for which something is away."""

    terms: Mapping[str, int] = field(default_factory=dict)

    def seconds(self, timing: Timing) -> float:
        """From the strike on."""
        known = _SECONDS | {"V": timing.visibility_s, "S": timing.loads_s}
        return timing.away_s + sum(n * known[term] for term, n in self.terms.items())

    def formula(self, timing: Timing) -> str:
        """As text."""
        words = [f"{timing.away_s:g} s"] if timing.away_s else []
        words += [f"{n} {x}" if n > 1 else x for x, n in self.terms.items()]
        return " + ".join(words)


def bound(text: str) -> Bound:
    """Read `V R 2T`."""
    words = (word for word in text.split())
    return Bound({word[-1]: int(word[:-1] or 1) for word in words})
