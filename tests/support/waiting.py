"""Waiting, with a bound and a reason."""

import time
from collections.abc import Callable
from typing import TypeVar

POLL_S = 0.05
T = TypeVar("T")


def until(
    is_so: Callable[[], T],
    what: str,
    *,
    seconds: float = 30.0,
    meanwhile: Callable[[], object] = lambda: None,
    seen: Callable[[], object] | None = None,
) -> T:
    """Wait until a condition holds.

    Args:
        is_so: asked again and again; the first of its values that is true is returned.
        what: the condition in words, as in "the model is loaded".
        seconds: how long to wait at most.
        meanwhile: called after each look that fails.
        seen: called when the time is over; its value becomes part of the error.

    Raises:
        TimeoutError: the condition does not hold in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := is_so()):
        if time.monotonic() > deadline:
            last = f"; at last: {seen()}" if seen else ""
            raise TimeoutError(f"waited {seconds:g} s in vain until {what}{last}")
        meanwhile()
        time.sleep(POLL_S)
    return value
