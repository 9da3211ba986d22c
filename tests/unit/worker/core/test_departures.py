"""Why a resident is gone: the event that passes tell of it."""

from tests.support.builders import NOW, loaded, target
from tests.support.passes import Host, conditions, loads, why

A = target("a", priority=2)


def test_a_resident_whose_timer_ran_out_has_lapsed():
    host = Host(A)
    host.look(host.resident("a", 25))

    plan = host.look(after_s=30)

    assert host.kinds == [("a", "lapsed")]
    assert loads(plan) == ["a"]


def test_a_busy_model_with_a_past_timer_that_another_replaces_was_evicted():
    host = Host(A)
    there = host.resident("a", 60)
    host.look(there, records={A.key: loaded(there, at=NOW + 9, left_s=60)})
    host.look(host.resident("a", -30), after_s=90)

    host.look(host.resident("x"))

    assert host.kinds == [("a", "evicted")]


def test_a_doomed_model_that_goes_after_its_work_was_unloaded():
    host = Host(A)
    host.look(host.resident("a"))
    host.look(host.resident("a", 0.5))
    host.look(host.resident("a", -9.5))

    host.look()

    assert host.kinds == [("a", "unloaded")]


def test_a_model_that_vanishes_is_unloaded_until_a_foreign_model_shows_the_eviction():
    host = Host(A, target("b"))
    host.look(host.resident("a"), host.resident("b"))

    host.look(host.resident("b"))
    assert host.kinds == [("a", "unloaded")]
    plan = host.look(host.resident("b"), host.resident("x"))

    assert host.kinds == [("a", "unloaded"), ("a", "evicted")]
    assert conditions(plan)["a"] == "contested"


def test_a_model_that_an_application_reloads_with_another_context_is_left_so():
    host = Host(wanted := target("a?num_ctx=8192"))
    host.look(host.resident("a", context=8192))

    plan = host.look(host.resident("a", context=4096))

    assert conditions(plan) == {wanted.model: "drifted"}
    assert host.kinds == [("a", "reloaded")]
    assert host.events[-1].why == "loaded again with context 4096 instead of 8192"
    assert plan.actions == ()


def test_a_keep_alive_that_is_too_short_to_hold_is_not_loaded_at_every_lapse():
    host, counted, expires_at, records = Host(A), 0, NOW, {}
    for _ in range(360):
        left_s = expires_at - (host.now + 10)
        there = [host.resident("a", left_s)] if left_s > 0 else []
        if there and left_s == 20:
            records = {A.key: loaded(there[0], at=host.now + 9, left_s=20)}
        if loads(host.look(*there, records=records)):
            counted, expires_at = counted + 1, host.now + 30

    assert host.kinds[:2] == [("a", "short"), ("a", "lapsed")]
    assert 3 <= counted <= 8
    assert "its keep-alive ran out" in why(host.look(), "a")
