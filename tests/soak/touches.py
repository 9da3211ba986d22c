"""What touches must do, and must not; see the package's docstring."""

from collections.abc import Iterator

from tests.faults.bounds import TICK_S
from tests.soak.past import Asked, Past, Stay, Violation

LEAD_TICKS = 2.5
"""So near to its end a timer is restarted."""
TOUCHES_A_WINDOW = 2.5
"""At most, of windows below 30 ticks."""
LOST_S = 2 * TICK_S + 1.0
"""A touch may come so long after its model went: it was sent by the view before."""


def lapses(past: Past) -> Iterator[Violation]:
    """What is wanted and ran out, where no fault kept it from being touched.

    What an application has loaded with another context is not held.
    """
    for host, models in past.wanted.items():
        for model in models:
            for stay in past.stays_of(host, model):
                due = stay.end - (LEAD_TICKS + 1) * TICK_S
                is_other = stay.context != past.contexts.get(model, stay.context)
                if stay.why != "expired" or is_other:
                    continue
                if not past.is_troubled(host, due, stay.end):
                    yield Violation(stay.end, host, f"{model} ran out")


def explicit(past: Past) -> Iterator[Violation]:
    """Touches of ours with a keep-alive."""
    for touch in _touches(past):
        if touch.keep_alive_s is not None:
            words = f"a touch of {touch.model} with keep_alive {touch.keep_alive_s:g} s"
            yield Violation(touch.at, touch.host, words)


def loading(past: Past) -> Iterator[Violation]:
    """Touches of ours that loaded, though nothing had just taken their model."""
    for touch in _touches(past):
        if not touch.waits or past.is_troubled(touch.host, touch.at, touch.at):
            continue
        stays = past.stays_of(touch.host, touch.model)
        lost = (s for s in stays if s.why not in {None, "expired"})
        if not any(0 <= touch.waits_until - s.end < LOST_S for s in lost):
            words = f"a touch of {touch.model} has loaded it"
            yield Violation(touch.at, touch.host, words)


def too_many(past: Past) -> Iterator[Violation]:
    """Residencies that were touched more often than their window needs."""
    for stay in past.stays:
        end = min(stay.end, past.end)
        mine = [t for t in _touches(past) if _is_of(t, stay)]
        window_s = _window_s(past, stay)
        most = TOUCHES_A_WINDOW * (end - stay.begin) / window_s + 2
        most += sum(t.touches(stay.begin, end) for t in past.troubles)
        if len(mine) > most:
            yield Violation(
                end,
                stay.host,
                f"{len(mine)} touches of {stay.model} in {end - stay.begin:.0f} s, not "
                f"{most:.0f}",
            )


def _touches(past: Past) -> Iterator[Asked]:
    return (asked for asked in past.ours() if asked.is_touch)


def _is_of(touch: Asked, stay: Stay) -> bool:
    is_it = (touch.host, touch.model) == (stay.host, stay.model)
    return is_it and stay.begin <= touch.at <= stay.end


def _window_s(past: Past, stay: Stay) -> float:
    maker = past.maker(stay)
    if maker is None or maker.keep_alive_s is None:
        return min(past.keep_alive_s.values())
    return maker.keep_alive_s
