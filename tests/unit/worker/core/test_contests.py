"""A target that lost its room to another model: how long it waits, and for what."""

import pytest

from tests.support.builders import NOW, holder, loaded, resident, target
from tests.support.passes import Host, conditions, loads, why

A, B, C = target("a", priority=3), target("b", priority=2), target("c", priority=1)


def ours(host, wanted, there):
    """What Redis tells at the next look, if a load of ours made this resident."""
    return {"records": {wanted.key: loaded(there, at=host.now + 9)}}


# Two targets that do not fit together


def after_one_try():
    """A host that was seen to hold either `a` or `b`, and holds `a` now."""
    host = Host(A, B)
    host.look(host.resident("a"))
    b = host.resident("b")
    host.look(b, **ours(host, B, b))
    return host, host.look(host.resident("a"))


def test_the_less_wanted_of_two_targets_that_do_not_fit_is_unfit_after_one_try():
    _, plan = after_one_try()

    assert loads(plan) == []
    assert conditions(plan) == {"a": "warm", "b": "unfit"}
    assert why(plan, "b") == "does not fit beside a, which is wanted more"


def test_the_less_wanted_target_is_unfit_when_passes_see_only_the_loads_in_flight():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(holder=holder(B.key))
    host.look(host.resident("b"))
    host.look(holder=holder(A.key))

    plan = host.look(host.resident("a"))

    assert loads(plan) == []
    assert conditions(plan) == {"a": "warm", "b": "unfit"}


def test_a_target_that_took_the_room_of_a_more_wanted_cold_one_is_not_touched():
    host = Host(A, B)
    host.look(host.resident("a"))

    b = host.resident("b", 5)
    plan = host.look(b, sent=A.key, **ours(host, B, b))

    assert conditions(plan) == {"a": "queued", "b": "unfit"}
    assert plan.actions == ()


def test_an_hour_later_the_less_wanted_target_is_tried_again():
    host, _ = after_one_try()

    host.look(host.resident("a", 9000, after_s=3500), after_s=3500)
    plan = host.look(host.resident("a", 8800, after_s=200), after_s=200)

    assert loads(plan) == ["b"]


def test_two_targets_that_are_resident_together_are_known_to_fit():
    host, _ = after_one_try()

    host.look(host.resident("a"), host.resident("b"))
    assert host.memory.losses == {}
    plan = host.look(host.resident("a"), host.resident("x"))

    assert loads(plan) == []
    assert host.memory.losses[B.key].by == "x:latest"


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


# A foreign model that took a target's room


def test_an_evicted_target_waits_while_the_foreign_model_is_in_use():
    host = Host(A)
    host.look(host.resident("a"))

    first = host.look(host.resident("x"))
    used = host.look(host.resident("x", 310))
    paused = host.look(host.resident("x", 270, after_s=40), after_s=40)
    just = host.look(host.resident("x", 260))
    idle = host.look(host.resident("x", 250))

    assert host.kinds == [("a", "evicted")]
    assert conditions(first) == conditions(used) == {"a": "contested"}
    assert why(paused, "a") == "x:latest took its room 1 times; next try in 10s"
    assert why(just, "a") == "x:latest has its room, and is in use"
    assert loads(idle) == ["a"]


def test_the_pause_doubles_each_time_the_same_foreign_model_evicts_the_target():
    host = Host(A)
    pauses = []
    for _ in range(8):
        host.look(host.resident("a"))
        host.look(host.resident("x"), after_s=5)
        loss = host.memory.losses[A.key]
        pauses.append(loss.until - host.now)

    assert pauses == [60, 120, 240, 480, 960, 1800, 1800, 1800]
    plan = host.look(host.resident("x", 900), after_s=100)
    assert why(plan, "a") == "x:latest took its room 8 times; next try in 28m20s"


def test_a_quiet_hour_ends_a_contest():
    host = Host(A)
    for _ in range(3):
        host.look(host.resident("a"))
        host.look(host.resident("x"))

    plan = host.look(after_s=3700)

    assert loads(plan) == ["a"]
    assert host.memory.losses == {}


@pytest.mark.parametrize("times", [1, 5])
def test_a_target_is_loaded_as_soon_as_the_foreign_model_expired_whatever_its_pause(
    times,
):
    host = Host(A)
    for _ in range(times):
        host.look(host.resident("a"))
        plan = host.look(host.resident("x", 5))
        assert conditions(plan) == {"a": "contested"}

    assert loads(host.look()) == ["a"]


def test_a_target_waits_until_the_foreign_model_that_is_about_to_expire_is_gone():
    host = Host(A)
    host.look(host.resident("a"))
    host.look(host.resident("x", 12))

    assert loads(host.look(host.resident("x", 2))) == []
    assert loads(host.look()) == ["a"]


def test_a_target_is_loaded_beside_the_foreign_model_when_another_model_leaves():
    host = Host(A)
    host.look(host.resident("a"), host.resident("y", 15))
    host.look(host.resident("x"), host.resident("y", 5))

    assert loads(host.look(host.resident("x"))) == ["a"]


# A foreign model whose room a target took


def test_a_target_that_displaced_a_foreign_model_knows_that_the_host_holds_one():
    host = Host(A)
    host.look(host.resident("x"))
    a = host.resident("a")
    host.look(a, records={A.key: loaded(a, at=host.now + 9)})

    assert host.memory.losses[A.key].by == "x:latest"
    assert host.memory.losses[A.key].residents == 1


def test_a_foreign_model_that_our_load_displaced_may_keep_its_room_when_it_returns():
    host = Host(A)
    host.look(host.resident("x"))
    host.look(host.resident("a"))
    host.look(host.resident("x"))

    plan = host.look(host.resident("x", 310))

    assert conditions(plan) == {"a": "contested"}
    assert loads(plan) == []
