"""One residency over two views: what the second one makes of the first."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    NOW,
    holder,
    loaded,
    resident,
    target,
    touched,
    view,
)
from tests.support.passes import Host
from worker.core import stays
from worker.core.passes import Seen
from worker.core.since import Since

A = target("a")
THERE = resident("a")
TICK_S = 10.0


def step(before=None, there=THERE, *, now=NOW, touch_loads=None, **rest):
    """The stay of the only resident, after one more look."""
    old = {before.digest: before} if before else {}
    serves = {A.key: there.digest}
    since = Since(looked_at=now - TICK_S, now=now, touch_loads=touch_loads or {})
    listed = view(there, now=now)
    sight = Seen(view=listed, **rest)
    return stays.after(old, sight, listed, serves=serves, since=since)[there.digest]


def later(left_s, *, after_s=TICK_S):
    """The resident as it is listed a tick later."""
    return resident("a", left_s, now=NOW + after_s)


def ours(left_s=300.0):
    """A stay that a load of ours has made."""
    there = resident("a", left_s)
    return step(there=there, records={A.key: loaded(there, left_s=left_s)})


def again(before, left_s, **rest):
    return step(before, later(left_s), now=NOW + TICK_S, **rest)


@pytest.mark.parametrize(
    ("rest", "key"),
    [
        ({"records": {A.key: loaded(THERE)}}, A.key),
        ({"records": {A.key: loaded(THERE, at=NOW - 14)}}, A.key),
        ({"records": {A.key: loaded(THERE, at=NOW - 16)}}, None),
        ({"records": {A.key: loaded(resident("a", context=512))}}, None),
        ({"records": {A.key: loaded(resident("a", digest="new"))}}, None),
        ({"records": {A.key: replace(loaded(THERE), load_s=0.0)}}, None),
        ({"records": {A.key: replace(loaded(THERE), error="LoadFailed")}}, None),
        ({}, None),
    ],
    ids=[
        *("just now", "since the last view", "before it", "another context"),
        *("other weights", "no load", "failed", "nothing"),
    ],
)
def test_a_residency_is_ours_if_a_load_of_ours_since_the_last_view_made_it(rest, key):
    stay = step(**rest)

    assert stay.ours == key
    assert stay.window_s == (300.0 if key else None)
    assert stay.used_at == (0.0 if key else NOW)


def test_a_model_that_comes_while_our_load_of_it_is_in_flight_counts_as_unused():
    assert step(holder=holder(A.key)).used_at == 0.0
    assert step(holder=holder("b")).used_at == NOW


@pytest.mark.parametrize(
    ("left_s", "is_used"),
    [(290.0, False), (290.9, False), (291.1, True), (280.0, True), (-5.0, True)],
    ids=["runs down", "whole seconds", "restarted", "shortened", "busy"],
)
def test_a_timer_that_moves_or_lies_in_the_past_was_used(left_s, is_used):
    stay = again(ours(), left_s)

    assert (stay.used_at == NOW + TICK_S) is is_used
    assert (stay.proof_at == NOW + TICK_S) is is_used


@pytest.mark.parametrize(
    ("touch", "is_used"),
    [
        (touched(THERE, at=NOW + 9), False),
        (touched(THERE, at=NOW + 9, left_s=None), True),
        (replace(touched(THERE, at=NOW + 9), error="OllamaBusy"), True),
        (touched(THERE, at=NOW - 1), True),
    ],
    ids=["ours", "found a request at work", "failed", "of before"],
)
def test_a_timer_that_our_touch_restarted_counts_as_unused(touch, is_used):
    stay = again(ours(), 300.0, touches={A.key: touch})

    assert (stay.used_at == NOW + TICK_S) is is_used


@pytest.mark.parametrize(
    ("left_s", "window_s"),
    [(295.0, 300.0), (30.0, 40.0), (55.0, 65.0), (900.0, 900.0), (-5.0, 300.0)],
    ids=["as before", "shorter", "perhaps shorter", "longer", "busy"],
)
def test_a_use_between_two_views_bounds_the_window(left_s, window_s):
    assert again(ours(), left_s).window_s == pytest.approx(window_s)


def test_without_a_load_or_touch_of_ours_the_window_stays_unknown():
    stay = again(again(step(), 300.0), 300.0)

    assert stay.window_s is None


@pytest.mark.parametrize(
    ("left_s", "is_doomed"), [(0.0, True), (0.9, True), (1.2, False), (-3.0, False)]
)
def test_a_timer_that_jumps_to_the_instant_of_the_view_is_doomed(left_s, is_doomed):
    assert again(ours(), left_s).is_doomed is is_doomed
    assert step(there=resident("a", left_s)).is_doomed is is_doomed


def test_a_timer_that_just_runs_out_is_not_doomed():
    assert not again(ours(10.5), 0.5).is_doomed


def test_a_doomed_resident_stays_doomed_until_its_timer_moves():
    doomed = again(ours(), 0.5)

    still = step(doomed, later(-9.5, after_s=20), now=NOW + 20)
    revived = step(still, later(300, after_s=30), now=NOW + 30)

    assert still.is_doomed
    assert not revived.is_doomed


def was_load(**rest):
    return {A.key: touched(THERE, at=NOW + 9, left_s=30.0, was_load=True, **rest)}


def test_a_touch_that_found_our_runner_dead_made_it_ours_again():
    stay = again(ours(), 30.0, touches=was_load(was_ours=True))

    assert (stay.ours, stay.is_untouchable) == (A.key, False)
    assert stay.window_s == 30.0


@pytest.mark.parametrize("is_used", [True, False], ids=["used since", "not used"])
def test_a_second_reload_by_touch_is_left_alone_if_the_model_was_used_since(is_used):
    before = replace(ours(), used_at=NOW - 10 if is_used else 0.0)
    recent = {THERE.digest: NOW - 100}

    stay = again(before, 30.0, touches=was_load(was_ours=True), touch_loads=recent)

    assert stay.is_untouchable is is_used


def test_a_second_reload_by_touch_after_an_hour_is_touched_again():
    before = replace(ours(), used_at=NOW - 10)
    old = {THERE.digest: NOW - 3_700}

    stay = again(before, 30.0, touches=was_load(was_ours=True), touch_loads=old)

    assert not stay.is_untouchable


def test_a_foreign_residency_that_a_touch_reloaded_is_left_alone_until_our_own_load():
    stay = again(step(), 30.0, touches=was_load())
    assert (stay.ours, stay.is_untouchable) == (None, True)

    mine = {A.key: loaded(THERE, at=NOW + 19)}
    stay = step(stay, later(300, after_s=20), now=NOW + 20, records=mine)

    assert (stay.ours, stay.is_untouchable) == (A.key, False)


def test_a_resident_with_another_context_is_another_residency():
    stay = step(ours(), resident("a", 200, 512, now=NOW + 10), now=NOW + 10)

    assert (stay.ours, stay.window_s, stay.context_length) == (None, None, 512)


@pytest.mark.parametrize(
    ("window_s", "is_short"), [(29.9, True), (30.0, False), (None, False)]
)
def test_a_window_below_three_ticks_is_short(window_s, is_short):
    assert replace(ours(), window_s=window_s).is_short(TICK_S) is is_short


def test_a_use_right_after_our_own_load_is_seen():
    host = Host(A)
    there = host.resident("a", 300)
    record = {A.key: loaded(there, at=NOW + 9, left_s=300)}
    host.look(there, records=record)
    quiet = host.memory.stays[there.digest].used_at

    host.look(resident("a", 300, now=NOW + 13), after_s=3, records=record)

    assert quiet == 0
    assert host.memory.stays[there.digest].used_at == host.now
