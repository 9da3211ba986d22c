"""A full host: whose room a target takes that lost no room of its own."""

from dataclasses import replace

import pytest

from tests.support import builders
from tests.support.builders import holder, resident, target
from tests.support.passes import Host, conditions, loads, why
from worker.core.losses import Loss
from worker.core.room import Room

A, B, C = target("a", priority=3), target("b", priority=2), target("c", priority=1)
USED, IDLE, LONG = ("x", 300.0), ("y", 100.0), ("y", 5_000.0)


def full(*rows, residents):
    """What a pass does for `a` when `x` was used just now, and `y` a minute ago.

    Once one made room for another, with so many residents; 0 = that was never seen.
    """
    host = Host(A, B)
    host.look()
    host.look(*(host.resident(name, left_s + 60) for name, left_s in rows))
    room = Room(most=residents, full_at=host.now if residents else 0.0)
    host.memory = replace(host.memory, room=room)
    now = [(name, left_s + (60 if name == "x" else 0)) for name, left_s in rows]
    there = [host.resident(name, left_s, after_s=60) for name, left_s in now]
    return host.look(*there, after_s=60)


@pytest.mark.parametrize(
    ("rows", "residents", "loaded"),
    [
        ([USED], 1, []),
        ([USED], 2, ["a"]),
        ([USED, LONG], 2, []),
        ([USED, IDLE], 2, ["a"]),
        ([USED, LONG], 3, ["a"]),
        ([IDLE], 1, ["a"]),
        ([USED], 0, ["a"]),
    ],
    ids=[
        *("in use", "there was more room", "the one in use is to stay the shortest"),
        *("the idle one is", "more room", "idle", "nothing is known"),
    ],
)
def test_a_load_on_a_full_host_takes_no_room_of_a_model_in_use(rows, residents, loaded):
    plan = full(*rows, residents=residents)

    assert loads(plan) == loaded
    if not loaded:
        assert conditions(plan)["a"] == "contested"
        assert why(plan, "a") == "x:latest has its room, and is in use"


# How a host is known to be full


def test_a_host_where_a_foreign_model_replaced_the_only_resident_is_full():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("x"))

    for _ in range(9):
        plan = host.look(host.resident("a"))

    assert loads(plan) == []
    assert why(plan, "b") == "a:latest has its room, and is in use"


def test_a_host_is_full_if_the_foreign_model_came_one_view_after_the_resident_left():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look()

    plan = host.look(host.resident("x"))

    assert why(plan, "b") == "x:latest has its room, and is in use"


def test_a_model_that_comes_back_with_another_context_took_no_room():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look()

    assert loads(host.look(host.resident("a", context=512))) == ["b"]


def test_a_model_that_our_load_brings_back_took_no_room():
    host = Host(A, B)
    host.look(host.resident("a", context=512))
    host.look(holder=holder(A.key))

    assert host.memory.losses == {}
    assert loads(host.look(host.resident("a"))) == ["b"]


def test_a_host_that_once_held_two_models_has_room_beside_one():
    host = Host(A, B, C)
    host.look(host.resident("a"), host.resident("b"))
    host.look(host.resident("x"))
    for _ in range(6):
        host.look()

    assert loads(host.look(host.resident("a"))) == ["b"]


def test_a_host_stays_known_as_full_beyond_an_hour_while_its_resident_is_in_use():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("x"))

    for _ in range(400):
        plan = host.look(host.resident("a"))

    assert conditions(plan) == {"a": "warm", "b": "contested"}


@pytest.mark.parametrize(("age_s", "loaded"), [(100, []), (3_580, []), (3_590, ["a"])])
def test_that_a_target_does_not_fit_beside_a_resident_is_forgotten_after_an_hour(
    age_s, loaded
):
    host = Host(A, B)
    host.look(host.resident("x"))
    loss = Loss(at=host.now - age_s, by="x:latest", residents=1)
    host.memory = replace(host.memory, losses={B.key: loss})

    assert loads(host.look(host.resident("x"))) == loaded


def test_a_target_without_a_loss_is_loaded_where_a_less_wanted_one_does_not_fit():
    host = Host(A, B, C)
    there = host.resident("a")
    host.look(there, records={A.key: builders.loaded(there, at=host.now + 9)})
    loss = Loss(at=host.now, by="z:latest", residents=1)
    host.memory = replace(host.memory, losses={C.key: loss})

    plan = host.look(host.resident("a"))

    assert loads(plan) == ["b"]
    assert conditions(plan)["c"] == "unfit"


# Which resident Ollama would let go


def idle(name, *, since, at, window_s=300.0):
    """Listed at `at`, when no request has used it since then."""
    return resident(name, window_s - (at - since), now=at)


def test_of_two_equal_keep_alives_either_may_be_evicted_so_a_load_needs_both_idle():
    host = Host(A, B)
    host.look(host.resident("b"), host.resident("a"))
    host.look(host.resident("b"), host.resident("y"))
    began = host.now
    for _ in range(8):
        b = idle("b", since=began, at=host.now + 10)
        plan = host.look(b, host.resident("x"))

    assert loads(plan) == []
    assert why(plan, "a") == "x:latest has its room, and is in use"


def test_a_model_in_use_with_the_longer_keep_alive_does_not_stop_a_load():
    host = Host(A, B)
    host.look(host.resident("b"), host.resident("a"))
    host.look(host.resident("b"), host.resident("y"))
    began, sent = host.now, []
    for _ in range(8):
        b = idle("b", since=began, at=host.now + 10)
        sent += loads(host.look(b, host.resident("x", 900)))

    assert set(sent) == {"a"}
