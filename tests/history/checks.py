"""What must hold in every history, read from the simulator's own past."""

import itertools
import math
from collections.abc import Iterator

from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from tests.history import signs
from tests.history.notes import Said
from tests.history.past import Asked, Visit
from tests.history.scenes import History
from tests.support.memory_store import BEGAN_AT
from worker.core import telling
from worker.core.passes import Kind
from worker.simulator.physics.ledger import Why

HELD = {Condition.WARM, Condition.DRIFTED}
HOUR_S = 3_600.0
LOADS = 3
"""Of one target in five minutes, at most: two to learn, one after that."""


def lapses(history: History) -> Iterator[str]:
    """Stays that ran out although they were to be held, and could be."""
    for target in history.scene.targets:
        for visit in _of(history, target):
            if visit.why is Why.EXPIRED and _was_to_be_held(history, target, visit):
                yield _said(history, visit, f"{target.key} ran out")


def _was_to_be_held(history: History, target: Target, visit: Visit) -> bool:
    ended_at, window_s = visit.ended_at or math.inf, visit.window_s()
    said = said_at(history, target, ended_at)
    if window_s < 3 * history.scene.tick_s - 0.5 or said is None:
        return False
    if said.condition not in HELD or not said.is_ready:
        return False
    if _was_loaded_by_touch(history, visit, target):
        return False
    return not _was_troubled(history, ended_at - min(window_s, 60.0), ended_at)


def reloads(history: History) -> Iterator[str]:
    """Stays that a request of ours ended, to load with other options."""
    for visit, by in _ended_by_us(history, Why.RELOADED):
        target = next(
            t for t in history.scene.targets if t.name.short == by.model.name.short
        )
        is_told = not visit.made_by.is_ours and _was_loaded_by_touch(
            history, visit, target
        )
        was_under_way = visit.made_by.at <= by.at < visit.stay.loaded_at
        is_hidden = was_under_way and not signs.were_seen(history, by)
        if not is_told and not is_hidden:
            yield _said(history, visit, f"we reloaded {visit.stay.name}")


def evictions_in_use(history: History) -> Iterator[str]:
    """Loads of ours that took the room of what an application was using."""
    for visit, by in signs.evictions_in_use(history):
        if signs.could_know(history, visit, by):
            what = f"{by.model.name.short} took the room of {visit.stay.name} in use"
            yield _said(history, visit, what)


def loads_in_a_row(history: History) -> Iterator[str]:
    """Too many loads of ours of one target in five minutes, troubles apart."""
    for target in history.scene.targets:
        at = [a.at for a in loads(history, target)]
        for first, last in zip(at, at[LOADS:], strict=False):
            if last - first < 300 and not _was_troubled(history, first - 60, last):
                yield (
                    f"{_where(history, last)} {LOADS + 1} loads of {target.key} in "
                    f"{last - first:.0f} s\n{_events(history, last)}"
                )


def loads_at_once(history: History) -> Iterator[str]:
    """Two loads of ours in flight on the host; a touch of a dead runner may be one."""
    inferred = [a for t in history.scene.targets for a in loads(history, t)]
    inferred = sorted((a for a in inferred if a.infers), key=lambda a: a.at)
    for one, other in itertools.pairwise(inferred):
        is_open = other.at < (one.ended_at or math.inf)
        if is_open and not _was_troubled(
            history, one.at - 20, other.at, "store_emptied"
        ):
            yield (
                f"{_where(history, other.at)} {other.model.name.short} beside "
                f"{one.model.name.short}"
            )


def explicit_keep_alives(history: History) -> Iterator[str]:
    """Touches of ours with a keep-alive."""
    for asked in history.server.past.asked:
        if asked.is_ours and asked.keep_alive_s is not None and not asked.infers:
            yield f"{_where(history, asked.at)} {asked.model.name.short}"


def touches(history: History) -> Iterator[str]:
    """More touches of a residency than its window needs."""
    for target in history.scene.targets:
        at = [t.at for t in history.worker.touched if t.key == target.key]
        for visit in _of(history, target):
            begin, end = visit.stay.loaded_at, visit.ended_at or history.time.now
            window_s = _keep_alive_s(history, visit)
            ticks = window_s / history.scene.tick_s
            each = 1.2 if ticks >= 30 else 2.5
            most = each * (end - begin) / min(window_s, HOUR_S) + 1
            mine = sum(begin <= t <= end for t in at)
            if ticks >= 3 and mine > most:
                yield (
                    f"{_where(history, end)} {mine} touches of {target.key} in "
                    f"{end - begin:.0f} s with a window of {window_s:.0f} s"
                )


def touches_of_used(history: History) -> Iterator[str]:
    """Touches of a model whose timer an application restarted itself, just before."""
    for target in history.scene.targets:
        at = [t.at for t in history.worker.touched if t.key == target.key]
        for visit in _of(history, target):
            begin, end = visit.stay.loaded_at, visit.ended_at or history.time.now
            window_s = _keep_alive_s(history, visit)
            uses = [a for a in _uses(history, visit) if a.granted_at and a.ended_at]
            for touched_at in (t for t in at if begin <= t <= end):
                since = touched_at - window_s / 2
                used = any(since < (a.ended_at or 0) < touched_at for a in uses)
                busy = any(
                    (a.granted_at or 0) < touched_at < (a.ended_at or 0) for a in uses
                )
                if used and not busy and window_s >= 30 * history.scene.tick_s:
                    yield f"{_where(history, touched_at)} {target.key} was in use"


def _uses(history: History, visit: Visit) -> list[Asked]:
    digest = visit.stay.digest
    return [
        a for a in history.server.past.asked if a.digest == digest and not a.is_ours
    ]


def _keep_alive_s(history: History, visit: Visit) -> float:
    """The shortest keep-alive that was asked for while it was there."""
    end, begun = visit.ended_at or history.time.now, visit.made_by.keep_alive_s
    given = [
        a.keep_alive_s
        for a in history.server.past.asked
        if a.digest == visit.stay.digest and a.keep_alive_s is not None
        if a.granted_at is not None and visit.stay.loaded_at <= a.granted_at <= end
    ]
    return min(
        [*given, history.scene.settings.keep_alive_s if begun is None else begun]
    )


def loads(history: History, target: Target) -> list[Asked]:
    """Requests of ours for a target that began a load, or waited for one."""
    return [
        a
        for a in history.server.past.asked
        if a.is_ours and a.model.name.short == target.name.short and a.ended_at
        if (a.granted_at or a.ended_at) - a.at > 0.5
    ]


def said_at(history: History, target: Target, at: float) -> Said | None:
    """What the last pass before an instant said of a target."""
    said = [s for s in history.worker.said.get(target.key, []) if s.at <= at]
    return said[-1] if said else None


def _was_loaded_by_touch(history: History, visit: Visit, target: Target) -> bool:
    """Whether an event says that a touch has loaded it, so that it is left alone."""
    begin, end = visit.stay.loaded_at - 60, (visit.ended_at or math.inf) + 60
    worker = history.worker
    crashed = [
        e.at - BEGAN_AT for e in worker.told(Kind.CRASHED) if e.model == target.model
    ]
    again = [b for a, b in itertools.pairwise(crashed) if b - a < HOUR_S]
    reloaded = worker.told(Kind.RELOADED_BY_TOUCH)
    told = [e.at - BEGAN_AT for e in reloaded if e.model == target.model]
    return any(begin <= at <= end for at in (*told, *again))


def _ended_by_us(history: History, why: Why) -> Iterator[tuple[Visit, Asked]]:
    for visit in history.server.past.visits:
        by = visit.ended_by
        if visit.why is why and by is not None and by.is_ours:
            yield visit, by


def _of(history: History, target: Target) -> list[Visit]:
    return [v for v in history.server.past.visits if v.stay.name == target.name.short]


def _was_troubled(
    history: History, begin: float, end: float, what: str | None = None
) -> bool:
    slack_s = 3 * history.scene.tick_s
    return any(
        t.at <= end and t.until + slack_s >= begin
        for t in history.fate.troubles
        if what in {None, t.what}
    )


def _where(history: History, at: float) -> str:
    return f"[seed {history.seed}, {at:.1f} s]"


def _events(history: History, at: float) -> str:
    events = [e for e in history.worker.passes.events if e.at - BEGAN_AT <= at + 30]
    return "\n".join(telling.sentence(event) for event in events[-12:])


def _said(history: History, visit: Visit, what: str) -> str:
    at = visit.ended_at or 0.0
    since = f"resident since {visit.stay.loaded_at:.1f}, by {visit.made_by.who}"
    return f"{_where(history, at)} {what} ({since})\n{_events(history, at)}"
