"""Rules for a host that is full, or may be about to change: when nothing is sent."""

from dataclasses import replace
from typing import Any

import pytest

from tests.support.builders import (
    holder,
    loaded,
    target,
)
from tests.support.passes import (
    Host,
    conditions,
    why,
)
from worker.core.domain import Unanswered
from worker.core.losses import Loss
from worker.core.passes import Touch, Warm
from worker.core.room import Room

A, B, C = target("a", priority=3), target("b", priority=2), target("c", priority=1)
REFUSED = Unanswered(text="refused", is_refused=True)


def sent(plan, kind):
    return [action.target.model for action in plan.actions if isinstance(action, kind)]


# A full host: without a loss of its own, a target takes no room that is in use.

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
    ("rows", "residents", "loads"),
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
def test_on_a_full_host_the_room_of_one_in_use_is_not_taken(rows, residents, loads):
    plan = full(*rows, residents=residents)

    assert sent(plan, Warm) == loads
    if not loads:
        assert conditions(plan)["a"] == "contested"
        assert why(plan, "a") == "x:latest has its room, and is in use"


def test_that_a_more_wanted_one_has_the_room_is_no_reason_before_it_is_known():
    host = Host(A, B, C)
    there = host.resident("a")
    host.look(there, records={A.key: loaded(there, at=host.now + 9)})
    loss = Loss(at=host.now, by="z:latest", residents=1)
    host.memory = replace(host.memory, losses={C.key: loss})

    plan = host.look(host.resident("a"))

    assert sent(plan, Warm) == ["b"]
    assert conditions(plan)["c"] == "unfit"


def test_what_was_learned_of_the_room_is_forgotten_after_an_hour():
    host = Host(A, B)
    host.look(host.resident("x"))
    loss = Loss(at=host.now - 3_590, by="z:latest", residents=1)
    host.memory = replace(host.memory, losses={B.key: loss})

    assert sent(host.look(host.resident("x")), Warm) == ["a"]


# Hold: somebody's load may be under way that no view shows.


def held():
    """One of two residents has gone suddenly; `c` was cold all the while."""
    host = Host(A, B, C)
    host.look(host.resident("a"), host.resident("b"), holder=holder("foreign"))
    return host, host.look(host.resident("b"))


def test_while_somebodys_load_may_be_under_way_nothing_is_loaded():
    host, plan = held()

    assert sent(plan, Warm) == []
    assert conditions(plan) == {"a": "cold", "b": "warm", "c": "queued"}
    assert why(plan, "a") == "it went suddenly; loaded again in 1m"
    assert why(plan, "c") == "somebody else's load may be under way"
    loads = [sent(host.look(host.resident("b")), Warm) for _ in range(6)]
    assert loads[:5] == [[]] * 5
    assert len(loads[5]) == 1


def test_the_hold_ends_when_somebodys_model_comes():
    host, _ = held()

    plan = host.look(host.resident("b"), host.resident("x"))

    assert conditions(plan)["a"] == "contested"
    assert why(plan, "c") == "b:latest has its room, and is in use"
    assert host.memory.room.hold_until == 0.0


def test_the_hold_ends_when_the_server_begins_anew():
    host, _ = held()
    host.look(view=REFUSED)

    assert sent(host.look(), Warm) == ["a"]


# Doomed: told to go, and still at work.


@pytest.mark.parametrize("left_s", [0.0, 0.5, 1.0])
def test_what_is_about_to_go_is_cold_and_nobody_sends_anything_to_it(left_s):
    host = Host(A)
    host.look(host.resident("a"))

    plan = host.look(host.resident("a", left_s))

    assert conditions(plan) == {"a": "cold"}
    assert why(plan, "a") == "it is about to go"
    assert plan.actions == ()


def test_a_doomed_one_that_goes_after_its_work_has_not_lapsed():
    host = Host(A)
    host.look(host.resident("a"))
    host.look(host.resident("a", 0.5))
    host.look(host.resident("a", -9.5))

    host.look()

    assert [e.kind.value for e in host.events if e.kind.value != "changed"] == [
        "unloaded"
    ]


# Touches that can wait until a load has begun do so.


@pytest.mark.parametrize(
    ("left_s", "is_touched"), [(25.0, False), (16.0, False), (15.9, True), (2.0, True)]
)
@pytest.mark.parametrize("lane", ["loads now", "sent", "in flight"])
def test_a_pass_that_loads_touches_only_what_would_not_see_the_next_but_one(
    lane, left_s, is_touched
):
    host = Host(A, B)
    lanes: dict[str, dict[str, Any]] = {
        "loads now": {},
        "sent": {"sent": B.key},
        "in flight": {"holder": holder(B.key)},
    }

    plan = host.look(host.resident("a", left_s), **lanes[lane])

    assert sent(plan, Touch) == (["a"] if is_touched or lane == "in flight" else [])
    assert sent(plan, Warm) == (["b"] if lane == "loads now" else [])
