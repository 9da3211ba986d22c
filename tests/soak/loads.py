"""What loads of ours must not do; see the package's docstring."""

from collections.abc import Iterator

from tests.faults.bounds import TICK_S
from tests.soak.past import HOLD_S, WAITS_S, Asked, Past, Stay, Violation


def at_once(past: Past) -> Iterator[Violation]:
    """Loads of ours that were in flight beside another one on their host."""
    for host in past.wanted:
        mine = sorted((a for a in past.ours() if a.host == host), key=lambda a: a.at)
        waiting = [asked for asked in mine if asked.waits and asked.infers]
        for index, one in enumerate(waiting):
            others = (a for a in waiting[index + 1 :] if a.at < one.waits_until)
            for other in others:
                forgot = (t for t in past.troubles if t.forgets)
                if not any(t.touches(one.at, other.at) for t in forgot):
                    words = f"{other.model} was asked for while {one.model} loaded"
                    yield Violation(other.at, host, words)


def cut_off(past: Past) -> Iterator[Violation]:
    """Loads of ours that ended before they were done, and no fault did it."""
    for asked in past.ours():
        is_cut = asked.infers and asked.granted is None and asked.end <= past.end
        if not is_cut or asked.is_lost:
            continue
        if not past.is_troubled(asked.host, asked.at, asked.end):
            words = f"the load of {asked.model} was cut off"
            yield Violation(asked.end, asked.host, words)


def undone(past: Past) -> Iterator[Violation]:
    """Stays that we ended: let go, or loaded anew with other options.

    But not those that had not begun when we asked: no view tells who is loading.
    """
    for stay in past.stays:
        if stay.why == "unloaded":
            words = f"{stay.model} was let go"
            yield Violation(stay.end, stay.host, words)
        if stay.why in {"reloaded", "crashed"}:
            by = _next_of(past, stay)
            if by and by.is_ours and by.at > stay.begin:
                words = f"we loaded {stay.model} anew with other options"
                yield Violation(stay.end, stay.host, words)


def _next_of(past: Past, stay: Stay) -> Asked | None:
    """Whose request came after it."""
    waiting = [
        a
        for a in past.asked
        if (a.host, a.model) == (stay.host, stay.model)
        if a.at <= stay.end < a.waits_until
    ]
    return min(waiting, key=lambda a: a.at, default=None)


def evictions(past: Past) -> Iterator[Violation]:
    """What went for a load of ours although an application had just used it.

    (1) It was used in the six ticks before, and had been there for two ticks when we
        asked, so that views told it.
    (2) The host was known to be full: one had made room for another there since the
        server began, and since Redis was emptied.
    (3) No fault kept passes from looking.
    (4) Nobody had sent a warm-up of what took its room, which is his to wish for.
    """
    for stay in past.stays:
        by = _taker(past, stay)
        if by is None or not by.is_ours or by.model == stay.model:
            continue
        used = [a for a in _uses(past, stay) if a.at <= by.at]
        is_used = any(a.end > by.at - HOLD_S for a in used)
        is_seen = stay.begin < by.at - 2 * TICK_S
        called = [c for c in past.calls if (c.host, c.model) == (by.host, by.model)]
        if any(c.sent <= by.at <= c.answered for c in called):  # (4)
            continue
        is_troubled = past.is_troubled(stay.host, by.at - HOLD_S, by.at)
        if is_used and is_seen and _was_full(past, stay) and not is_troubled:
            words = f"{by.model} took the room of {stay.model}, in use"
            yield Violation(stay.end, stay.host, words)


def _taker(past: Past, stay: Stay) -> Asked | None:
    if stay.why != "evicted":
        return None
    waiting = [
        a
        for a in past.asked
        if (a.host, a.model) == (stay.host, stay.evicted_for)
        if a.at <= stay.end <= a.waits_until
    ]
    return min(waiting, key=lambda a: a.at, default=None)


def _uses(past: Past, stay: Stay) -> list[Asked]:
    return [
        a
        for a in past.asked
        if (a.host, a.model) == (stay.host, stay.model) and not a.is_ours
        if a.granted is not None and stay.begin - WAITS_S <= a.granted <= stay.end
    ]


def _was_full(past: Past, stay: Stay) -> bool:
    began = [life.begin for life in past.lives if life.host == stay.host]
    forgot = [t.at for t in past.troubles if t.forgets]
    since = max((t for t in [*began, *forgot] if t < stay.end), default=past.begin)
    return any(
        s.why == "evicted" and s.host == stay.host and since < s.end < stay.end - TICK_S
        for s in past.stays
    )
