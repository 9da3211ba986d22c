"""No load while another application's may be under way, which no view shows."""

from tests.support.builders import holder, target
from tests.support.passes import Host, conditions, loads, why

A, B, C = target("a", priority=3), target("b", priority=2), target("c", priority=1)
HOLD = "somebody else's load may be under way"


def held():
    """One of two residents has gone suddenly; `c` was cold all the while."""
    host = Host(A, B, C)
    host.look(host.resident("a"), host.resident("b"), holder=holder("foreign"))
    return host, host.look(host.resident("b"))


def test_nothing_is_loaded_for_six_ticks_after_one_of_two_residents_vanished():
    host, plan = held()

    assert loads(plan) == []
    assert conditions(plan) == {"a": "cold", "b": "warm", "c": "queued"}
    assert why(plan, "a") == "it went suddenly; loaded again in 1m"
    assert why(plan, "c") == HOLD
    sent = [loads(host.look(host.resident("b"))) for _ in range(6)]
    assert sent[:5] == [[]] * 5
    assert len(sent[5]) == 1


def test_nothing_is_loaded_for_six_ticks_after_the_only_resident_vanished():
    host = Host(A)
    host.look(host.resident("a"))

    sent = [loads(host.look()) for _ in range(7)]

    assert sent == [[]] * 6 + [["a"]]


def test_a_model_that_was_unloaded_by_hand_is_loaded_again_after_six_ticks():
    host = Host(A, B)
    host.look(host.resident("a"), host.resident("b"))
    host.look(host.resident("b"))

    plans = [host.look(host.resident("b", 290 - 10 * n)) for n in range(6)]

    assert [loads(plan) for plan in plans] == [[]] * 5 + [["a"]]


def test_the_only_resident_is_loaded_at_once_where_no_stranger_loaded_for_a_day():
    host = Host(A)
    host.look(host.resident("a"))
    host.look(host.resident("a", after_s=90_000), after_s=90_000)

    assert loads(host.look()) == ["a"]


def test_the_hold_ends_when_a_foreign_model_comes():
    host, _ = held()

    plan = host.look(host.resident("b"), host.resident("x"))

    assert conditions(plan)["a"] == "contested"
    assert why(plan, "c") == "b:latest has its room, and is in use"
    assert host.memory.room.hold_until == 0.0


def test_nothing_is_loaded_after_a_model_was_about_to_go_for_no_load_of_ours():
    host = Host(A)
    host.look(host.resident("x"), host.resident("y"))

    going = host.look(host.resident("x", 0.5), host.resident("y", 290))

    assert why(going, "a") == HOLD
    assert why(host.look(host.resident("y", 280)), "a") == HOLD


def test_a_model_that_goes_for_our_own_load_begins_no_hold():
    host = Host(A, B)
    host.look(host.resident("x"))
    host.look(host.resident("x", 0.5), holder=holder(A.key))

    plan = host.look(host.resident("a"))

    assert HOLD not in why(plan, "b")


def test_a_foreign_model_that_came_when_two_had_room_begins_a_hold():
    host = Host(A, B)
    host.look(host.resident("a"), host.resident("x"))
    host.look(host.resident("a"))

    plan = host.look(host.resident("y"))

    assert loads(plan) == []
    assert host.memory.room.hold_until == host.now + 60


def test_two_models_that_went_for_one_load_of_ours_begin_a_hold():
    host = Host(A, B)
    host.look(host.resident("x"), host.resident("y"), host.resident("z"))

    host.look(host.resident("z", 290), holder=holder(B.key))

    assert host.memory.room.hold_until == host.now + 60
