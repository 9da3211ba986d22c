"""What views told of applications: whether a load of ours could have let them be."""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise

from tests.history.notes import Look
from tests.history.past import Asked, Visit
from tests.history.scenes import History
from worker.core.room import HOLD_TICKS
from worker.simulator.physics.ledger import Why

GOING_S = 1.0
TOUCH_S = 0.5
USED_S = 20.0
FORGETS = {"store_emptied", "restart"}
"""After these troubles passes know nothing of what was before."""


def evictions_in_use(history: History) -> Iterator[tuple[Visit, Asked]]:
    """What went for a load of ours while an application was using it."""
    for visit in history.server.past.visits:
        by = visit.ended_by
        if by is None or not by.is_ours or visit.why is not Why.EVICTED:
            continue
        if visit.was_used(within_s=USED_S):
            yield visit, by


def were_seen(history: History, by: Asked) -> bool:
    """Whether views of the last six ticks told that somebody's load was under way.

    Not if one has come since, and there were as many as ever: that was its load.
    """
    begin = by.at - HOLD_TICKS * history.scene.tick_s
    looks = _remembered(history, by)
    most = max((len(look.left_s) for look in looks), default=0)
    is_open = False
    for before, look in pairwise(x for x in looks if x.at >= begin):
        has_come = bool(look.left_s.keys() - before.left_s.keys())
        is_over = has_come and len(look.left_s) >= most
        is_open = _is_sign(history, before, look) or (is_open and not is_over)
    return is_open


def could_know(history: History, visit: Visit, by: Asked) -> bool:
    """Whether views told that a load of ours would take the room of one in use.

    (1) That somebody's load was under way.
    (2) Else that it was resident, and used in the last six ticks, on a host that was
        known to be full: one had taken another's room there, and there had never
        been more at once.

    A load shows in no view, nor does an answer before its end. A load that runs out
    of memory makes all others go, whatever they do.
    """
    ran_out = history.server.accidents.ran_out
    if any(m == by.model and by.at <= at <= (visit.ended_at or 0) for at, m in ran_out):
        return False
    if were_seen(history, by):  # (1)
        return True
    name, looks = visit.stay.name, _remembered(history, by)  # (2)
    begin = by.at - HOLD_TICKS * history.scene.tick_s
    recent = [look for look in looks if look.at >= begin]
    is_new = not _is_ours(history, visit) and visit.stay.loaded_at >= begin
    is_listed = bool(looks) and name in looks[-1].left_s
    if not is_listed or not (is_new or _was_used(name, recent)):
        return False
    return _was_full(looks) and len(looks[-1].left_s) == max(
        len(look.left_s) for look in looks
    )


def _remembered(history: History, by: Asked) -> list[Look]:
    """Those that the pass remembers which sent ours, its own included."""
    troubles = history.fate.troubles
    forgot = (t.until for t in troubles if t.what in FORGETS and t.at < by.at)
    begin = max(forgot, default=0.0)
    return [look for look in history.worker.looks if begin <= look.at <= by.at]


def _was_used(name: str, looks: Sequence[Look]) -> bool:
    """Whether its timer was seen restarted."""
    return any(
        after.left_s[name] > before.left_s[name] - (after.at - before.at) + 2 * GOING_S
        for before, after in pairwise(looks)
        if name in before.left_s and name in after.left_s
    )


def _is_sign(history: History, before: Look, look: Look) -> bool:
    """Whether a view told of somebody's load under way.

    No load of ours being under way,

    (1) one is missing that the view before had with time left, and there are fewer;
        but if several are, and nothing is left, that is how a restart looks;
    (2) one is about to go.
    """
    early = _early(before, look)
    is_restart = len(early) > 1 and not look.left_s
    if is_restart or _loads(history, before.at, look.at):
        return False
    going = any(0 <= left_s <= GOING_S for left_s in look.left_s.values())
    fewer = len(look.left_s) < len(before.left_s)
    return (bool(early) and fewer) or going


def _was_full(looks: Sequence[Look]) -> bool:
    """Whether one was seen in the place of another, and never more of them at once."""
    most, gone, is_full = 0, set[str](), False
    for before, look in pairwise(looks):
        most = max(most, len(before.left_s))
        gone |= _early(before, look)
        came = look.left_s.keys() - before.left_s.keys()
        has_taken = bool(gone and came - gone) and len(look.left_s) == most
        is_full = (is_full or has_taken) and len(look.left_s) <= most
        gone = set() if came else gone
    return is_full


def _early(before: Look, look: Look) -> set[str]:
    """Who went although there was time left."""
    gone = before.left_s.keys() - look.left_s.keys()
    seconds = look.at - before.at + GOING_S
    return {name for name in gone if before.left_s[name] > seconds}


def _is_ours(history: History, visit: Visit) -> bool:
    """Whether a load of ours was in flight when it came: it is taken for its own."""
    return any(
        a.is_ours and a.digest == visit.stay.digest
        for a in history.server.past.asked
        if a.at <= visit.stay.loaded_at <= (a.ended_at or math.inf)
    )


def _loads(history: History, begin: float, end: float) -> bool:
    """Whether a load of ours was in flight; a touch is over in no time."""
    return any(
        a.is_ours and a.at <= end and begin < (a.granted_at or a.ended_at or math.inf)
        for a in history.server.past.asked
        if (a.granted_at or a.ended_at or math.inf) - a.at > TOUCH_S
    )
