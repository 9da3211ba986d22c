"""Writes instants and spans of time as people read them. Pure but for the time zone."""

import time

from ollama_warmup.durations import DAY_S

MINUTE_S, HOUR_S = 60, 3_600
_UNITS = (
    (MINUTE_S, 1, "second"),
    (HOUR_S, MINUTE_S, "minute"),
    (2 * DAY_S, HOUR_S, "hour"),
    (14 * DAY_S, DAY_S, "day"),
    (60 * DAY_S, 7 * DAY_S, "week"),
    (730 * DAY_S, 30 * DAY_S, "month"),
    (float("inf"), 365 * DAY_S, "year"),
)
_ALONE = {"minute": "About a minute", "hour": "About an hour", "second": "1 second"}


def age(seconds: float) -> str:
    """How long ago, in one unit: `45s`, `13m`, `2h`, `3d`; below 0 is 0."""
    for unit_s, letter in ((DAY_S, "d"), (HOUR_S, "h"), (MINUTE_S, "m")):
        if seconds >= unit_s:
            return f"{int(seconds // unit_s)}{letter}"
    return f"{max(int(seconds), 0)}s"


def from_now(seconds: float) -> str:
    """As `ollama ps` writes UNTIL: `4 minutes from now`.

    Source: Ollama format/time.go, `HumanTime`, at 0.33.

    Args:
        seconds: >= 0.
    """
    if seconds < 1:
        return "Less than a second from now"
    _, unit_s, unit = next(row for row in _UNITS if seconds < row[0])
    number = int(seconds // unit_s)
    if number == 1 and unit in _ALONE:
        return f"{_ALONE[unit]} from now"
    return f"{number} {unit}s from now"


def clock(at: float) -> str:
    """An instant as this machine's time: `2026-11-23 04:29:05`."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
