"""What one more view leaves of a residency, field by field."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    HOST_TIME,
    NOW,
    loaded,
    resident,
    seen,
    target,
    touched,
    view,
)
from worker.core import stays
from worker.core.since import Since
from worker.core.stays import Stay

A = target("a")
THERE = resident("a")
HOST_S = HOST_TIME.timestamp() + NOW


def begun(left_s=300.0, **rest):
    """A residency that was not there ten seconds ago."""
    return step({}, resident("a", left_s), now=NOW, **rest)


def later(before, left_s=290.0, **rest):
    """The same residency ten seconds later."""
    now = NOW + 10
    return step(
        {before.digest: before}, resident("a", left_s, now=now), now=now, **rest
    )


def step(before, there, *, now, **rest):
    sight = seen(there, now=now, **rest)
    since = Since(looked_at=now - 10, now=now)
    serves = {A.key: there.digest}
    return stays.after(before, sight, view(there, now=now), serves=serves, since=since)[
        there.digest
    ]


OURS = begun(records={A.key: loaded(THERE)})
"""A load of ours made it, with a window of 300 s."""


def test_a_new_residency_has_two_bounds_of_its_keep_alive():
    assert begun() == Stay(
        name="a:latest",
        digest="d-a:latest",
        context_length=4096,
        expires_at=HOST_S + 300,
        seen_at=HOST_S,
        used_at=NOW,
        proof_at=NOW,
        window_s=None,
        least_s=299.0,
        most_s=310.0,
        ours=None,
        is_untouchable=False,
        is_doomed=False,
        is_short_told=False,
        asked_at=0.0,
    )


def test_a_new_residency_that_is_busy_has_no_bounds_of_its_keep_alive():
    assert begun(-5.0) == Stay(
        name="a:latest",
        digest="d-a:latest",
        context_length=4096,
        expires_at=HOST_S - 5,
        seen_at=HOST_S,
        used_at=NOW,
        proof_at=NOW,
        window_s=None,
        least_s=0.0,
        most_s=None,
        ours=None,
        is_untouchable=False,
        is_doomed=False,
        is_short_told=False,
        asked_at=0.0,
    )


def test_a_residency_is_not_doomed_unless_told():
    quiet = Stay(
        name="a:latest",
        digest="d",
        context_length=None,
        expires_at=HOST_S,
        seen_at=HOST_S,
        used_at=NOW,
        proof_at=NOW,
    )

    assert quiet.is_doomed is False


def test_one_second_left_is_about_to_go():
    assert begun(1.0).is_doomed
    assert not begun(1.5).is_doomed


def test_a_timer_that_moved_by_one_second_was_not_restarted():
    assert later(OURS, 291.0).used_at == 0.0


def test_a_timer_that_ran_into_the_past_shows_a_request_at_work():
    short = begun(5.0, records={A.key: loaded(THERE, left_s=5.0)})

    busy = later(short, -5.0)

    assert (busy.used_at, busy.proof_at, busy.window_s) == (NOW + 10, NOW + 10, 5.0)


def test_a_timer_that_our_own_load_restarted_shows_no_use():
    quiet = replace(begun(), used_at=NOW - 500)
    mine = {A.key: loaded(THERE, at=NOW + 9)}

    assert later(quiet, 300.0, records=mine).used_at == NOW - 500


@pytest.mark.parametrize(
    ("left_s", "is_used"), [(301.0, False), (301.5, True)], ids=["ours", "used since"]
)
def test_a_timer_more_than_two_seconds_beyond_our_touch_shows_a_use(left_s, is_used):
    touch = {A.key: touched(THERE, at=NOW + 9, left_s=300.0)}

    assert (later(OURS, left_s, touches=touch).used_at == NOW + 10) is is_used


@pytest.mark.parametrize(
    ("left_s", "window_s"),
    [(200.0, 200.0), (1.0, 1.0), (-5.0, 300.0), (None, 300.0)],
    ids=["told", "a short one", "busy", "not told"],
)
def test_our_own_load_tells_the_window_if_its_timer_lies_ahead(left_s, window_s):
    mine = {A.key: loaded(THERE, at=NOW + 9, left_s=left_s)}

    assert later(OURS, records=mine).window_s == window_s


@pytest.mark.parametrize(
    ("left_s", "window_s"), [(200.0, 200.0), (None, 300.0)], ids=["told", "at work"]
)
def test_our_own_touch_tells_the_window_if_its_timer_moved(left_s, window_s):
    mine = {A.key: touched(THERE, at=NOW + 9, left_s=left_s)}

    assert later(OURS, touches=mine).window_s == window_s


@pytest.mark.parametrize(
    "mine",
    [
        {"records": {A.key: loaded(THERE, at=NOW + 9)}},
        {"touches": {A.key: touched(THERE, at=NOW + 9)}},
    ],
    ids=["load", "touch"],
)
def test_our_own_load_or_touch_is_proof_of_life(mine):
    assert later(OURS, **mine).proof_at == NOW + 9


@pytest.mark.parametrize(
    "mine",
    [
        {"records": {A.key: loaded(THERE, at=NOW - 1)}},
        {"touches": {A.key: touched(THERE, at=NOW - 1)}},
    ],
    ids=["load", "touch"],
)
def test_a_new_residency_has_just_answered_whatever_came_before(mine):
    assert begun(**mine).proof_at == NOW
