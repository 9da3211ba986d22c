"""When a host counts as wedged, at the edges of each rule."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    HOST_TIME,
    NOW,
    holder,
    resident,
    target,
    view,
)
from worker.core import wedge
from worker.core.wedge import Still

B = target("b")
THERE = resident("a")
HOST_S = HOST_TIME.timestamp() + NOW
WAITS = holder("c", began_at=NOW - 40, late_s=30.0)
LATE = Still(
    picture="n",
    views=3,
    since=NOW - 40,
    seen_at=HOST_S - 20,
    timers={THERE.digest: HOST_S + 300},
)


@pytest.mark.parametrize(
    ("moved_s", "is_doubted"),
    [(0.0, True), (0.5, False), (19.0, True), (18.5, False), (21.0, True)],
    ids=[
        *("it stood still", "it moved a little", "as time does, but for a second"),
        *("more slowly than time", "faster by a second"),
    ],
)
def test_a_resident_whose_timer_was_restarted_is_not_waited_for(moved_s, is_doubted):
    still = replace(LATE, timers={THERE.digest: HOST_S + 300 - moved_s})

    doubts = wedge.doubtful(still, view(THERE), WAITS, now=NOW)

    assert doubts == frozenset([THERE.digest] if is_doubted else [])


@pytest.mark.parametrize("held", [None, replace(WAITS, late_s=None)])
def test_without_a_load_that_can_be_late_no_resident_is_watched_or_doubted(held):
    assert wedge.watch(LATE, view(THERE), held, now=NOW) is None
    assert wedge.doubtful(LATE, view(THERE), held, now=NOW) is None


def test_another_load_is_watched_from_its_own_beginning():
    other = replace(WAITS, nonce="m", began_at=NOW - 3)

    watched = wedge.watch(LATE, view(THERE), other, now=NOW)

    assert watched == Still(
        picture="m [('d-a:latest', 4096)]",
        views=1,
        since=NOW - 3,
        seen_at=HOST_S,
        timers={"d-a:latest": HOST_S + 300},
    )


def test_a_host_where_a_model_came_is_watched_from_this_view_on():
    watched = wedge.watch(LATE, view(THERE, resident("x")), WAITS, now=NOW)

    assert watched is not None
    assert (watched.views, watched.since) == (1, NOW)


@pytest.mark.parametrize(("since_s", "is_wedged"), [(600.0, False), (600.5, True)])
def test_no_request_is_taken_to_last_longer_than_ten_minutes(since_s, is_wedged):
    still = replace(LATE, since=NOW - since_s)

    found = wedge.is_wedged(still, view(THERE), {THERE.digest}, now=NOW)

    assert found is is_wedged


def test_a_host_that_was_not_watched_is_not_wedged():
    assert not wedge.is_wedged(None, view(THERE), (), now=NOW)


@pytest.mark.parametrize(("left_s", "name"), [(0.0, None), (0.5, "b:latest")])
def test_only_a_resident_with_time_left_looks_idle(left_s, name):
    victim = wedge.victim(
        view(resident("b", left_s)),
        order=[B],
        serves=[(B.key, "d-b:latest")],
        doubts=(),
        others=False,
    )

    assert (victim.name if victim else None) == name
