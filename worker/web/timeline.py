"""In which condition a target was when, from the events that are kept. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from ollama_warmup.report import Condition
from worker.core.passes import Event

WINDOWS_S = (300, 900, 1_800, 3_600, 10_800, 21_600)
"""How far a timeline may reach back, seconds."""
MOST = 240
"""Steps of one timeline; of a target that changes more often the last ones."""

Step = tuple[float, Condition | None]
"""From when on which condition, up to the next step; None = nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """What a timeline shows; instants are Unix seconds by Redis' clock."""

    start: float
    end: float


def window(oldest: float | None, *, now: float) -> Window:
    """The shortest window that has all that is known, or the longest one.

    Args:
        oldest: when the oldest event that is known was; None = there is none.
        now: by the same clock.
    """
    known_s = now - oldest if oldest is not None else 0.0
    length_s = next((w for w in WINDOWS_S if w >= known_s), WINDOWS_S[-1])
    return Window(start=now - length_s, end=now)


def steps(
    events: Sequence[Event], condition: Condition, since: float, *, window: Window
) -> list[Step]:
    """The conditions of a target in a window, the first from its start on.

    (1) Before the first event it was as that one tells; without any, nobody knows.
    (2) From an event on it was as that one tells.
    (3) What it is now need not be an event yet.

    Args:
        events: of this target, the oldest first.
        condition: in which it is now.
        since: when that began.
        window: what to show.
    """
    changes = [event for event in events if event.after is not None]
    known: list[Step] = [(window.start, changes[0].before if changes else None)]  # (1)
    known += [(change.at, change.after) for change in changes]  # (2)
    if known[-1][1] is not condition:  # (3)
        known.append((max(since, known[-1][0]), condition))
    return _last(_merged(_clipped(known, window)), window)


def _clipped(known: Sequence[Step], window: Window) -> list[Step]:
    """What lies in the window; what was true at its start begins there."""
    before = [step for step in known if step[0] <= window.start]
    inside = [step for step in known if window.start < step[0] < window.end]
    return [(window.start, before[-1][1] if before else None), *inside]


def _merged(known: Sequence[Step]) -> list[Step]:
    return [
        step
        for number, step in enumerate(known)
        if number == 0 or step[1] is not known[number - 1][1]
    ]


def _last(known: list[Step], window: Window) -> list[Step]:
    if len(known) <= MOST:
        return known
    return [(window.start, None), *known[1 - MOST :]]
