"""What must hold in every history, read from the simulator's own past."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator

from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from tests.history.past import RESTARTED, Asked, Visit
from tests.history.scenes import History
from tests.history.store import BEGAN_AT
from tests.history.worker import Said, newest
from worker.core.passes import Kind
from worker.simulator.physics.ledger import Why

HELD = {Condition.WARM, Condition.DRIFTED}
USED_S = 20.0
HOUR_S = 3_600.0


def lapses(history: History) -> Iterator[str]:
    """Stays that ran out although they were to be held, and could be."""
    for target in history.scene.targets:
        for visit in _of(history, target):
            if visit.why is Why.EXPIRED and _was_to_be_held(history, target, visit):
                yield _said(history, visit, f"{target.key} ran out")


def _was_to_be_held(history: History, target: Target, visit: Visit) -> bool:
    ended_at = visit.ended_at or math.inf
    tick_s = history.scene.tick_s
    window_s = visit.window_s()
    said = said_at(history, target, ended_at)
    if window_s < 3 * tick_s - 0.5 or said is None:
        return False
    if said.condition not in HELD or not said.is_ready:
        return False
    if was_reloaded_by_touch(history, target, visit):
        return False
    since = ended_at - min(window_s, 60.0)
    return not _was_troubled(history, since, ended_at)


def reloads(history: History) -> Iterator[str]:
    """Stays that a request of ours ended, to load with other options."""
    for visit in history.server.past.visits:
        by = visit.ended_by
        if visit.why is not Why.RELOADED or by is None or not by.is_ours:
            continue
        target = next(t for t in history.scene.targets if t.name.short == by.model.name.short)
        if was_unseen(visit, by):
            continue
        if visit.made_by.is_ours or not was_reloaded_by_touch(history, target, visit):
            yield _said(history, visit, f"we reloaded {visit.stay.name}")


def evictions_in_use(history: History) -> Iterator[str]:
    """Loads of ours that took the room of what an application was using."""
    learned: dict[tuple[str, str], float] = {}
    for visit in history.server.past.visits:
        by = visit.ended_by
        if visit.why is not Why.EVICTED or by is None or not by.is_ours:
            continue
        if not visit.was_used(within_s=USED_S) or _is_target(history, visit):
            continue
        if was_unseen(visit, by):
            continue
        pair = (by.model.name.short, visit.stay.name)
        at = visit.ended_at or 0.0
        if at - learned.get(pair, -math.inf) < HOUR_S:
            yield _said(history, visit, f"{pair[0]} took the room of {pair[1]} in use")
        learned[pair] = at


def was_unseen(visit: Visit, by: Asked) -> bool:
    """Whether somebody was loading it, which no view shows, when ours was sent."""
    return visit.made_by.at <= by.at < visit.stay.loaded_at


def unseen(history: History) -> list[Visit]:
    """What went for a load of ours that had to wait behind the load of it."""
    return [
        v
        for v in history.server.past.visits
        if (by := v.ended_by) and by.is_ours and not v.made_by.is_ours
        if was_unseen(v, by) and v.why in {Why.EVICTED, Why.RELOADED}
    ]


def ping_pong(history: History) -> Iterator[str]:
    """Loads of ours of one target in five minutes, troubles apart."""
    for target in history.scene.targets:
        loads = [a.at for a in loads_of_ours(history) if a.model.name.short == target.name.short]
        for first, fourth in zip(loads, loads[3:], strict=False):
            if fourth - first < 300 and not _was_troubled(history, first - 60, fourth):
                yield f"{_where(history, fourth)} four loads of {target.key} in {fourth - first:.0f} s\n{_events(history, fourth)}"


def loads_at_once(history: History) -> Iterator[str]:
    """Two loads of ours in flight on the host."""
    loads = sorted(loads_of_ours(history), key=lambda a: a.at)
    for one, other in zip(loads, loads[1:], strict=False):
        is_open = other.at < (one.ended_at or math.inf)
        if is_open and not _was_troubled(history, one.at - 20, other.at, {"store_emptied"}):
            yield f"{_where(history, other.at)} {other.model.name.short} beside {one.model.name.short}"


def explicit_keep_alives(history: History) -> Iterator[str]:
    """Anything of ours with a keep-alive that is no load."""
    cured = len(history.worker.store.told(Kind.CURED))
    sent = [
        a
        for a in history.server.past.asked
        if a.is_ours and a.keep_alive_s is not None and not a.infers
    ]
    if len(sent) > cured:
        yield f"{_where(history, sent[0].at)} {sent[0].model.name.short}"


def touches(history: History) -> Iterator[str]:
    """More touches than a window needs."""
    for target in history.scene.targets:
        mine = [t.at for t in history.worker.touched if t.key == target.key]
        for visit in _of(history, target):
            yield from _too_many(history, target, visit, mine)


def _too_many(history: History, target: Target, visit: Visit, touched: list[float]) -> Iterator[str]:
    begin, end = visit.stay.loaded_at, visit.ended_at or history.loop.now
    window_s = keep_alive_s(history, visit)
    ticks = window_s / history.scene.tick_s
    if ticks < 3:
        return
    mine = sum(begin <= at <= end for at in touched)
    most = (1.2 if ticks >= 30 else 2.5) * (end - begin) / min(window_s, HOUR_S) + 1
    if mine > most:
        yield f"{_where(history, end)} {target.key}: {mine} touches in {end - begin:.0f} s, window {window_s:.0f} s"


def keep_alive_s(history: History, visit: Visit) -> float:
    """The shortest keep-alive that was asked for while it was there."""
    end = visit.ended_at or history.loop.now
    given = [
        a.keep_alive_s
        for a in history.server.past.asked
        if a.digest == visit.stay.digest and a.keep_alive_s is not None
        if a.granted_at is not None and visit.stay.loaded_at <= a.granted_at <= end
    ]
    begun = visit.made_by.keep_alive_s
    return min([*given, history.scene.settings.keep_alive_s if begun is None else begun])


def of_ours(history: History) -> Iterator[Asked]:
    return (a for a in history.server.past.asked if a.is_ours)


def loads_of_ours(history: History) -> list[Asked]:
    """Requests of ours that began, or waited for, a load."""
    return [
        a
        for a in history.server.past.asked
        if a.is_ours and a.ended_at is not None and (a.granted_at or a.ended_at) - a.at > 0.5
    ]


def said_at(history: History, target: Target, at: float) -> Said | None:
    said = [s for s in history.worker.said.get(target.key, []) if s.at <= at]
    return said[-1] if said else None


def was_reloaded_by_touch(history: History, target: Target, visit: Visit) -> bool:
    """Whether an event says that a touch has loaded it again."""
    begin, end = visit.stay.loaded_at, (visit.ended_at or math.inf) + 60
    events = history.worker.store.told(Kind.RELOADED_BY_TOUCH)
    return any(e.model == target.model and begin - 60 <= e.at - BEGAN_AT <= end for e in events)


def _of(history: History, target: Target) -> list[Visit]:
    return [v for v in history.server.past.visits if v.stay.name == target.name.short]


def _is_target(history: History, visit: Visit) -> bool:
    return any(t.name.short == visit.stay.name for t in history.scene.targets)


def _was_troubled(history: History, begin: float, end: float, what: set[str] | None = None) -> bool:
    slack_s = 3 * history.scene.tick_s
    return any(
        t.at <= end and t.until + slack_s >= begin
        for t in history.fate.troubles
        if what is None or t.what in what
    )


def _where(history: History, at: float) -> str:
    return f"[seed {history.seed}, {at:.1f} s]"


def _events(history: History, at: float) -> str:
    return newest([e for e in history.worker.store.events if e.at - BEGAN_AT <= at + 30])


def _said(history: History, visit: Visit, what: str) -> str:
    at = visit.ended_at or 0.0
    return f"{_where(history, at)} {what} (resident since {visit.stay.loaded_at:.1f}, by {visit.made_by.who})\n{_events(history, at)}"
