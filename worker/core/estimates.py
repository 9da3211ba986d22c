"""How long a load of a target takes, from its own history. Pure."""

from collections.abc import Sequence
from math import ceil
from statistics import median

ENOUGH = 3
"""Loads of history from which a late one can be told."""
LEAST_LATE_S = 30.0
LATE_TIMES = 3.0
"""A load is late at so many times its usual longest."""
UNKNOWN_LATE_S = 300.0
UNKNOWN_LATE_S_PER_GIB = 20.0
"""Without a history: what a slow disk may take."""
FOREIGN_S_PER_GIB = 10.0
"""What a spinning disk may take for a model that was never seen to load."""
GIB = 2**30


def expected_s(history: Sequence[float]) -> float | None:
    """The seconds that a load is expected to take.

    Args:
        history: seconds of earlier loads, any order, may be empty.

    Returns:
        The median; None without history: left out rather than guessed.
    """
    return round(median(history), 1) if history else None


def p95_s(history: Sequence[float]) -> float:
    """The seconds within which 95 of 100 loads ended; `history` is not empty."""
    return sorted(history)[ceil(0.95 * len(history)) - 1]


def late_s(history: Sequence[float], *, size_bytes: int, foreign_s: float) -> float:
    """After how long a load of a target is late: something is wrong with its host.

    Args:
        history: seconds of earlier loads, any order, may be empty.
        size_bytes: of the model's files, >= 0.
        foreign_s: the longest load of somebody else that it may stand behind.

    Returns:
        With 3 loads of history 3 times their p95, at least 30; else 300 and 20 a GiB;
        in both cases after the load that it may stand behind.
    """
    if len(history) >= ENOUGH:
        own_s = max(LEAST_LATE_S, LATE_TIMES * p95_s(history))
    else:
        own_s = UNKNOWN_LATE_S + UNKNOWN_LATE_S_PER_GIB * size_bytes / GIB
    return round(own_s + foreign_s, 1)


def foreign_s(*, longest_s: float, longest_bytes: int, largest_bytes: int) -> float:
    """How long somebody else's load may take on a host.

    Args:
        longest_s: the longest load that was ever seen there; 0 = none was.
        longest_bytes: the size of that model.
        largest_bytes: the size of the largest model that the host has.

    Returns:
        Seconds: the longest one; if there is a larger model, that one stretched to
        it, and at least 10 a GiB.
    """
    if largest_bytes <= longest_bytes:
        return longest_s
    stretched_s = longest_s * largest_bytes / longest_bytes if longest_bytes else 0.0
    return max(stretched_s, FOREIGN_S_PER_GIB * largest_bytes / GIB)
