"""How long a load of a target takes, from its own history. Pure."""

from collections.abc import Sequence
from statistics import median


def expected_s(history: Sequence[float]) -> float | None:
    """The seconds that a load is expected to take.

    Args:
        history: seconds of earlier loads, any order, may be empty.

    Returns:
        The median; None without history: left out rather than guessed.
    """
    return round(median(history), 1) if history else None
