"""Whose room a load of ours may take: not that of a model in use, or on its way."""

import pytest

from tests.support.builders import (
    NOW,
    holder,
    loaded,
    resident,
    target,
)
from tests.support.passes import (
    Host,
    conditions,
    why,
)
from worker.core.domain import Unanswered
from worker.core.passes import Warm

A, B, C = target("a", priority=3), target("b", priority=2), target("c", priority=1)
HOLD = "somebody else's load may be under way"
REFUSED = Unanswered(text="refused", is_refused=True)


def loads(plan):
    return [a.target.model for a in plan.actions if isinstance(a, Warm)]


def idle(name, *, since, at, window_s=300.0):
    """Listed at `at`, when nobody has used it since then."""
    return resident(name, window_s - (at - since), now=at)


def passes(host, *, times):
    """What each of so many passes loads on a host where nothing is resident."""
    return [loads(host.look()) for _ in range(times)]


# Somebody's load may be under way


def test_the_only_resident_that_goes_is_waited_for_six_ticks():
    host = Host(A)
    host.look(host.resident("a"))

    assert passes(host, times=7) == [[]] * 6 + [["a"]]


def test_where_nobody_else_loaded_for_a_day_it_was_a_restart():
    host = Host(A)
    host.look(host.resident("a"))
    host.look(host.resident("a", after_s=90_000), after_s=90_000)

    assert loads(host.look()) == ["a"]


def test_one_that_is_about_to_go_makes_room_for_a_load():
    host = Host(A)
    host.look(host.resident("x"), host.resident("y"))

    going = host.look(host.resident("x", 0.5), host.resident("y", 290))

    assert why(going, "a") == HOLD
    assert why(host.look(host.resident("y", 280)), "a") == HOLD


def test_one_that_goes_for_our_own_load_makes_room_for_nobody_else():
    host = Host(A, B)
    host.look(host.resident("x"))
    host.look(host.resident("x", 0.5), holder=holder(A.key))

    plan = host.look(host.resident("a"))

    assert HOLD not in why(plan, "b")


def test_a_stranger_that_needed_no_room_was_not_alone():
    host = Host(A, B)
    host.look(host.resident("a"), host.resident("x"))
    host.look(host.resident("a"))

    plan = host.look(host.resident("y"))

    assert loads(plan) == []
    assert host.memory.room.hold_until == host.now + 60


def test_nor_was_our_own_load_if_more_than_one_made_room():
    host = Host(A, B)
    host.look(host.resident("x"), host.resident("y"), host.resident("z"))

    host.look(host.resident("z", 290), holder=holder(B.key))

    assert host.memory.room.hold_until == host.now + 60


# Who lets whom go


def test_of_equal_keep_alives_either_may_go_so_none_may_be_in_use():
    host = Host(A, B)
    host.look(host.resident("b"), host.resident("a"))
    host.look(host.resident("b"), host.resident("y"))
    began = host.now
    for _ in range(8):
        b = idle("b", since=began, at=host.now + 10)
        plan = host.look(b, host.resident("x"))

    assert loads(plan) == []
    assert why(plan, "a") == "x:latest has its room, and is in use"


def test_one_with_a_longer_keep_alive_stays_so_it_may_be_in_use():
    host = Host(A, B)
    host.look(host.resident("b"), host.resident("a"))
    host.look(host.resident("b"), host.resident("y"))
    began, sent = host.now, []
    for _ in range(8):
        b = idle("b", since=began, at=host.now + 10)
        sent += loads(host.look(b, host.resident("x", 900)))

    assert set(sent) == {"a"}


def test_a_full_host_lets_go_of_nobody_in_use_for_one_that_lost_nothing_itself():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("x"))

    for _ in range(9):
        plan = host.look(host.resident("a"))

    assert loads(plan) == []
    assert why(plan, "b") == "a:latest has its room, and is in use"


def test_so_it_does_when_another_came_only_after_one_had_gone():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look()

    plan = host.look(host.resident("x"))

    assert why(plan, "b") == "x:latest has its room, and is in use"


def test_one_that_comes_back_itself_was_loaded_anew_and_took_no_room():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look()

    assert loads(host.look(host.resident("a", context=512))) == ["b"]


def test_nor_does_our_own_load_of_one_take_its_room():
    host = Host(A, B)
    host.look(host.resident("a", context=512))
    host.look(holder=holder(A.key))

    assert host.memory.losses == {}
    assert loads(host.look(host.resident("a"))) == ["b"]


def test_a_target_that_a_less_wanted_one_displaced_takes_no_more_wanted_ones_room():
    host = Host(A, B, C)
    a, b = host.resident("a", 600), host.resident("b")
    ours = {A.key: loaded(a, at=NOW + 9, left_s=600), B.key: loaded(b, at=NOW + 9)}
    host.look(a, b, records=ours)
    c = host.resident("c", 3600)
    ours[C.key] = loaded(c, at=host.now + 9, left_s=3600)

    plan = host.look(resident("a", 590, now=host.now + 10), c, records=ours)

    assert loads(plan) == []
    assert why(plan, "b") == "does not fit beside a, which is wanted more"


def test_what_a_host_can_hold_is_still_known_after_an_hour_while_it_is_in_use():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("x"))

    for _ in range(400):
        plan = host.look(host.resident("a"))

    assert conditions(plan) == {"a": "warm", "b": "contested"}


def test_it_is_forgotten_when_the_server_begins_anew():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("x"))
    host.look(view=REFUSED)

    assert loads(host.look(host.resident("a"))) == ["b"]


def test_a_host_that_held_more_has_room_whatever_was_lost():
    host = Host(A, B, C)
    host.look(host.resident("a"), host.resident("b"))
    host.look(host.resident("x"))
    passes(host, times=6)

    assert loads(host.look(host.resident("a"))) == ["b"]


def test_what_took_the_room_of_a_foreign_model_fills_the_host_alone():
    host = Host(A)
    host.look(host.resident("x"))
    a = host.resident("a")
    host.look(a, records={A.key: loaded(a, at=host.now + 9)})

    assert host.memory.losses[A.key].by == "x:latest"
    assert host.memory.losses[A.key].residents == 1


def test_a_use_right_after_our_own_load_is_seen():
    host = Host(A)
    there = host.resident("a", 300)
    record = {A.key: loaded(there, at=NOW + 9, left_s=300)}
    host.look(there, records=record)
    quiet = host.memory.stays[there.digest].used_at

    host.look(resident("a", 300, now=NOW + 13), after_s=3, records=record)

    assert quiet == 0
    assert host.memory.stays[there.digest].used_at == host.now


# What an application has taken


def test_once_the_foreign_model_is_gone_the_target_is_loaded_at_the_next_pass():
    host = Host(A)
    host.look(host.resident("a"))
    host.look(host.resident("x", 12))

    assert loads(host.look(host.resident("x", 2))) == []
    assert loads(host.look()) == ["a"]


@pytest.mark.parametrize("times", [1, 5])
def test_however_often_it_came(times):
    host = Host(A)
    for _ in range(times):
        host.look(host.resident("a"))
        plan = host.look(host.resident("x", 5))
        assert conditions(plan) == {"a": "contested"}

    assert loads(host.look()) == ["a"]


def test_as_soon_as_there_is_room_for_both_the_target_is_loaded_beside_it():
    host = Host(A)
    host.look(host.resident("a"), host.resident("y", 15))
    host.look(host.resident("x"), host.resident("y", 5))

    assert loads(host.look(host.resident("x"))) == ["a"]
