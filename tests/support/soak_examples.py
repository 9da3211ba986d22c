"""A short soak in which nothing went wrong, to be spoilt by tests.

The host `b` keeps `KEPT` warm for 200 s: one load of ours, one touch, one warm-up.
"""

from dataclasses import replace
from typing import Any

from tests.soak.past import Asked, Call, Life, Past, Stay, Trouble

KEPT, GUEST = "kept-3", "guest-1"
STAY = Stay(host="b", model=KEPT, begin=0.0, context=2048)
LOADED = Asked(
    host="b",
    model=KEPT,
    is_ours=True,
    infers=True,
    at=-2.0,
    granted=0.0,
    end=0.1,
    keep_alive_s=12.0,
)
TOUCH = replace(LOADED, infers=False, at=9.0, granted=9.0, end=9.0, keep_alive_s=None)
USE = replace(TOUCH, is_ours=False, infers=True, model=GUEST)
GOOD = Past(
    begin=0.0,
    end=200.0,
    wanted={"b": (KEPT,)},
    keep_alive_s={"": 14.0, KEPT: 12.0},
    contexts={KEPT: 2048},
    loads_s=5.0,
    lives=(Life(host="b", begin=0.0, end=200.0, views=100),),
    stays=(STAY,),
    asked=(LOADED, TOUCH),
    calls=(Call(model=KEPT, host="b", sent=20.0, answered=21.0, what="truth"),),
)


def fault(**fields: Any) -> Trouble:
    """A fault at 45 s that kills Redis, and is healed at 70 s."""
    given: dict[str, Any] = {
        "at": 45.0,
        "warm_s": 60.0,
        "calls_s": 60.0,
        "healed": 70.0,
    }
    return Trouble(what="1. kill -9", victim="Redis", **(given | fields))
