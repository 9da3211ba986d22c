"""Why residents went, and who lost room to whom: seen in several passes."""

import pytest

from tests.support.builders import (
    NOW,
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
from worker.core.passes import Warm

A, B = target("a", priority=2), target("b")
REFUSED = Unanswered(text="refused", is_refused=True)


def kinds(host):
    return [(e.model, e.kind.value) for e in host.events if e.kind.value != "changed"]


def loads(plan):
    return [a.target.model for a in plan.actions if isinstance(a, Warm)]


def ours(host, wanted, there):
    """What Redis tells at the next look, if a load of ours made this resident."""
    return {"records": {wanted.key: loaded(there, at=host.now + 9)}}


def test_the_less_wanted_of_two_that_do_not_fit_is_unfit_after_one_try():
    host = Host(A, B)
    assert loads(host.look()) == ["a"]
    assert loads(host.look(host.resident("a"))) == ["b"]
    b = host.resident("b")
    assert loads(host.look(b, **ours(host, B, b))) == ["a"]

    plan = host.look(host.resident("a"))

    assert loads(plan) == []
    assert conditions(plan) == {"a": "warm", "b": "unfit"}
    assert why(plan, "b") == "does not fit beside a, which is wanted more"


def test_it_is_told_so_too_when_passes_only_see_the_loads_between():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(holder=holder(B.key))
    host.look(host.resident("b"))
    host.look(holder=holder(A.key))

    assert loads(host.look(host.resident("a"))) == []


def test_what_took_the_room_of_a_more_wanted_one_is_not_held_while_that_is_cold():
    host = Host(A, B)
    host.look(host.resident("a"))

    b = host.resident("b", 5)
    plan = host.look(b, sent=A.key, **ours(host, B, b))

    assert conditions(plan) == {"a": "queued", "b": "unfit"}
    assert plan.actions == ()


def test_that_two_do_not_fit_is_forgotten_after_an_hour_or_when_both_are_there():
    def after_one_try():
        host = Host(A, B)
        host.look(host.resident("a"))
        b = host.resident("b")
        host.look(b, **ours(host, B, b))
        host.look(host.resident("a"))
        return host

    host = after_one_try()
    host.look(host.resident("a", 9000, after_s=3500), after_s=3500)
    assert loads(host.look(host.resident("a", 8800, after_s=200), after_s=200)) == ["b"]

    host = after_one_try()
    host.look(host.resident("a"), host.resident("b"))
    assert loads(host.look(host.resident("a"), host.resident("x"))) == []
    assert host.memory.losses[B.key].by == "x:latest"


def test_an_evicted_target_waits_while_the_foreign_model_is_in_use():
    host = Host(A)
    host.look(host.resident("a"))

    first = host.look(host.resident("x"))
    used = host.look(host.resident("x", 310))
    paused = host.look(host.resident("x", 270, after_s=40), after_s=40)
    just = host.look(host.resident("x", 260))
    idle = host.look(host.resident("x", 250))

    assert kinds(host) == [("a", "evicted")]
    assert conditions(first) == conditions(used) == {"a": "contested"}
    assert why(paused, "a") == "x:latest took its room 1 times; next try in 10s"
    assert why(just, "a") == "x:latest has its room, and is in use"
    assert loads(idle) == ["a"]


def test_evicted_again_by_the_same_it_is_contested_and_the_pause_doubles():
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


def test_what_goes_for_no_visible_reason_may_make_room_for_a_load_nobody_sees():
    host = Host(A, B)
    host.look(host.resident("a"), host.resident("b"))

    gone = host.look(host.resident("b"))
    seen = host.look(host.resident("b"), host.resident("x"))

    assert loads(gone) == []
    assert conditions(gone)["a"] == "cold"
    assert conditions(seen)["a"] == "contested"
    assert kinds(host) == [("a", "unloaded"), ("a", "evicted")]


def test_what_was_unloaded_by_hand_is_back_after_a_minute():
    host = Host(A, B)
    host.look(host.resident("a"), host.resident("b"))
    host.look(host.resident("b"))

    plans = [host.look(host.resident("b", 290 - 10 * n)) for n in range(6)]

    assert [loads(plan) for plan in plans] == [[]] * 5 + [["a"]]


def test_a_server_that_begins_anew_gets_all_back_at_once_in_order():
    host = Host(B, A)
    host.look(host.resident("a"), host.resident("b"))

    plan = host.look()

    assert loads(plan) == ["a"]
    assert kinds(host) == [("a", "restarted"), ("b", "restarted")]


def test_after_a_refused_connection_what_was_learned_is_forgotten():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("b"))
    host.look(host.resident("a"))
    host.look(view=REFUSED)

    plan = host.look(host.resident("a"))

    assert loads(plan) == ["b"]


@pytest.mark.parametrize(
    ("refusals", "is_down"), [(1, False), (2, False), (3, True), (9, True)]
)
def test_a_host_is_down_after_three_refused_connections_in_a_row(refusals, is_down):
    host = Host(A)
    for _ in range(refusals):
        host.look(view=REFUSED)

    assert host.memory.is_down is is_down
    host.look(view=Unanswered(text="mute"))
    assert not host.memory.is_down


def test_a_timer_that_ran_out_is_a_lapse():
    host = Host(A)
    host.look(host.resident("a", 25))

    plan = host.look(after_s=30)

    assert kinds(host) == [("a", "lapsed")]
    assert loads(plan) == ["a"]


def test_a_busy_model_with_a_stale_timer_that_is_evicted_has_not_lapsed():
    host = Host(A)
    there = host.resident("a", 60)
    host.look(there, records={A.key: loaded(there, at=NOW + 9, left_s=60)})
    host.look(host.resident("a", -30), after_s=90)

    host.look(host.resident("x"))

    assert kinds(host) == [("a", "evicted")]


def test_a_keep_alive_that_cannot_be_held_is_not_loaded_for_ever():
    host, counted, expires_at, records = Host(A), 0, NOW, {}
    for _ in range(360):
        left_s = expires_at - (host.now + 10)
        there = [host.resident("a", left_s)] if left_s > 0 else []
        if there and left_s == 20:
            records = {A.key: loaded(there[0], at=host.now + 9, left_s=20)}
        if loads(host.look(*there, records=records)):
            counted, expires_at = counted + 1, host.now + 30

    assert kinds(host)[:2] == [("a", "short"), ("a", "lapsed")]
    assert 3 <= counted <= 8
    assert "its keep-alive ran out" in why(host.look(), "a")


def test_a_reload_by_somebody_else_is_told_and_left():
    host = Host(wanted := target("a?num_ctx=8192"))
    host.look(host.resident("a", context=8192))

    plan = host.look(host.resident("a", context=4096))

    assert conditions(plan) == {wanted.model: "drifted"}
    assert kinds(host) == [("a", "reloaded")]
    assert host.events[-1].why == "loaded again with context 4096 instead of 8192"


def test_a_foreign_model_that_our_load_displaced_is_remembered_as_not_fitting():
    host = Host(A)
    host.look(host.resident("x"))
    host.look(host.resident("a"))
    host.look(host.resident("x"))

    plan = host.look(host.resident("x", 310))

    assert conditions(plan) == {"a": "contested"}
    assert loads(plan) == []
