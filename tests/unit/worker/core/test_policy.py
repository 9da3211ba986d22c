"""The decision tree, case by case; test_plan_properties has what always holds."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    NOW,
    failed,
    holder,
    infos,
    loaded,
    resident,
    tags,
    target,
    touched,
)
from tests.support.passes import Host, conditions, loads, touches, why
from worker.core.domain import Unanswered
from worker.core.passes import Pull, Rules, Touch, Warm

A, B = target("a", priority=2), target("b")
SILENT = Unanswered(text="no answer")


def only(plan):
    (action,) = plan.actions
    return action


@pytest.mark.parametrize("view", [None, SILENT], ids=["host answers", "silent host"])
@pytest.mark.parametrize(
    "name", ["*", "gpu", A.name.normal, f"gpu {A.name.normal}"], ids=str
)
def test_a_paused_target_is_asleep_whatever_its_host_answers(name, view):
    plan = Host(A).look(view=view, paused=frozenset({name}))

    assert conditions(plan) == {"a": "asleep"}
    assert plan.actions == ()


def test_nothing_is_sent_to_a_host_that_did_not_answer():
    plan = Host(A, B).look(view=SILENT)

    assert conditions(plan) == {"a": "unknown", "b": "unknown"}
    assert why(plan, "a") == "no answer"
    assert plan.actions == ()


def test_a_load_of_ours_in_flight_is_loading_even_if_it_is_listed_already():
    host = Host(A, B)

    plan = host.look(host.resident("a"), holder=holder(A.key, began_at=NOW + 5))

    assert conditions(plan) == {"a": "loading", "b": "queued"}
    assert why(plan, "a") == "since 5s, usually 8s"
    assert plan.verdicts[0].elapsed_s == 5
    assert plan.actions == ()


def test_the_less_wanted_of_two_that_need_other_runners_of_one_blob_is_unfit():
    child = target("child?num_ctx=512")
    host = Host(replace(A, options=target("a?num_ctx=4096").options), child)
    known = infos(a="sha256-x", child="sha256-x")

    plan = host.look(host.resident("a"), infos=known)

    assert conditions(plan) == {"a": "warm", "child": "unfit"}
    assert "shares its runner with a" in why(plan, "child")
    assert conditions(host.look(infos=known)) == {"a": "cold", "child": "unfit"}


def test_an_alias_with_the_same_options_shares_the_runner_and_its_touch():
    alias = target("alias")
    host = Host(A, alias)
    known = infos(a="sha256-x", alias="sha256-x")

    plan = host.look(host.resident("a", 5), infos=known)

    assert conditions(plan) == {"a": "warm", "alias": "warm"}
    assert only(plan).target == A


def test_a_resident_with_another_context_is_drifted_and_left_alone():
    wanted = target("a?num_ctx=8192")
    host = Host(wanted)

    plan = host.look(host.resident("a", 5, context=4096))

    assert conditions(plan) == {"a": "drifted"}
    assert why(plan, "a") == "loaded with context 4096, wanted 8192"
    assert not plan.verdicts[0].is_ready
    assert plan.actions == ()


def test_a_wanted_context_above_the_training_context_is_met_by_the_training_context():
    host = Host(target("a?num_ctx=99999"))

    plan = host.look(host.resident("a", context=8192), infos=infos(a="sha256-x"))

    assert conditions(plan) == {"a": "warm"}


def test_a_context_that_a_load_of_ours_produced_is_the_expected_one():
    host = Host(wanted := target("a?num_ctx=100"))
    there = host.resident("a", context=256)

    plan = host.look(there, records={wanted.key: loaded(there, at=NOW + 9)})

    assert conditions(plan) == {"a": "warm"}


def test_a_keep_alive_below_three_ticks_is_reported_once_and_not_touched():
    host = Host(A)
    there = host.resident("a", 20)
    record = loaded(there, at=NOW + 9, left_s=20)

    first = host.look(there, records={A.key: record})
    second = host.look(host.resident("a", 10), records={A.key: record})

    assert conditions(first) == conditions(second) == {"a": "drifted"}
    assert first.actions == second.actions == ()
    assert [e.kind.value for e in host.events].count("short") == 1


@pytest.mark.parametrize(
    ("left_s", "is_touched"),
    [(27, False), (26, False), (25.9, True), (5, True), (0.5, False), (-3, False)],
)
def test_a_resident_is_touched_when_its_timer_is_within_two_and_a_half_ticks(
    left_s, is_touched
):
    host = Host(A)

    plan = host.look(host.resident("a", left_s))

    assert touches(plan) == (["a"] if is_touched else [])


def test_a_resident_with_a_short_window_is_touched_in_its_last_half():
    host = Host(A)
    there = host.resident("a", 31)
    records = {A.key: loaded(there, at=NOW + 9, left_s=40)}

    assert host.look(there, records=records).actions == ()
    assert host.look(host.resident("a", 21), records=records).actions == ()
    assert only(host.look(host.resident("a", 11), records=records))


def test_a_resident_without_a_timer_is_touched_once_an_hour_as_proof_of_life():
    host, there = Host(A), resident("a", None)
    host.look(there)

    quiet = [host.look(there, after_s=600).actions for _ in range(5)]
    plan = host.look(there, after_s=600)
    again = host.look(there, after_s=50)
    lost = host.look(there, after_s=20)

    assert quiet == [()] * 5
    assert isinstance(only(plan), Touch)
    assert again.actions == ()
    assert isinstance(only(lost), Touch)


def test_a_timer_that_moves_is_proof_of_life_and_needs_no_touch():
    host = Host(A)
    for _ in range(12):
        plan = host.look(host.resident("a", 7200, after_s=600), after_s=600)

        assert plan.actions == ()


def test_a_touch_that_found_the_model_busy_is_not_repeated_at_the_next_pass():
    host = Host(A)
    there = host.resident("a", 20)
    host.look(there)
    busy = {A.key: touched(there, at=NOW + 11, left_s=None)}

    assert host.look(there, touches=busy).actions == ()


def test_a_residency_of_our_own_load_is_touched_with_the_targets_options():
    host = Host(wanted := target("a?num_thread=4"))
    there = host.resident("a", 5)

    plan = host.look(there, records={wanted.key: loaded(there, at=NOW + 9, left_s=90)})

    assert only(plan).num_ctx is None


def test_a_foreign_residency_is_touched_with_the_context_that_it_has():
    host = Host(A)

    assert only(host.look(host.resident("a", 5, context=2048))).num_ctx == 2048


def test_a_load_of_ours_before_the_last_view_does_not_make_the_residency_ours():
    host = Host(A)
    there = host.resident("a", 5)

    plan = host.look(there, records={A.key: loaded(there, at=NOW - 3_000)})

    assert only(plan).num_ctx == 4096


def test_a_residency_that_a_touch_has_reloaded_is_not_touched_again():
    host = Host(A)
    there = host.resident("a", 5)
    host.look(there)
    reloaded = {A.key: touched(there, at=NOW + 12, left_s=30, was_load=True)}
    host.look(host.resident("a", 22), touches=reloaded)

    assert host.look(host.resident("a", 12), touches=reloaded).actions == ()


def test_a_model_that_the_host_lacks_is_failing_with_the_command_to_type():
    plan = Host(A).look(tags=tags("other"))

    assert conditions(plan) == {"a": "failing"}
    assert "run `ollama pull a` there" in why(plan, "a")
    assert plan.actions == ()


def test_a_model_that_the_host_lacks_is_pulled_once_in_ten_minutes_if_wanted():
    wanted = replace(A, pull=True)
    host = Host(wanted)

    assert only(host.look(tags={})) == Pull(target=wanted)
    assert host.look(tags={}).actions == ()
    assert host.look(tags={}, pulling=frozenset({wanted.key})).actions == ()
    assert only(host.look(tags={}, after_s=600)) == Pull(target=wanted)


@pytest.mark.parametrize(
    ("record", "condition"),
    [
        (failed("UnknownModel"), "failing"),
        (failed("UnknownModel", ended_at=NOW - 51), "queued"),
        (failed("OutOfMemory", strikes=3, ended_at=NOW - 200), "failing"),
        (failed("LoadFailed", is_final=False), "failing"),
        (failed("LoadFailed", is_final=False, ended_at=NOW - 1), "queued"),
    ],
)
def test_a_target_whose_load_failed_is_failing_until_its_pause_is_over(
    record, condition
):
    plan = Host(A).look(records={A.key: record})

    assert conditions(plan) == {"a": condition}
    if condition == "failing":
        assert why(plan, "a").startswith("it broke (next try in ")


def test_of_two_cold_targets_the_more_wanted_one_is_loaded_alone():
    plan = Host(B, A).look()

    assert only(plan) == Warm(target=A)
    assert conditions(plan) == {"a": "queued", "b": "queued"}
    assert why(plan, "b") == "another load of its host comes first"


@pytest.mark.parametrize("rest", [{"sent": B.key}, {"holder": holder("foreign")}])
def test_no_load_is_sent_while_another_is_sent_or_in_flight(rest):
    assert Host(A, B).look(**rest).actions == ()


def test_nothing_at_all_is_sent_when_passes_are_not_enabled():
    host = Host(A, B, rules=Rules(tick_s=10, enabled=False))

    plan = host.look(host.resident("b", 5))

    assert conditions(plan) == {"a": "cold", "b": "warm"}
    assert "OLLAMA_WARMUP_ENABLED" in why(plan, "a")
    assert plan.actions == ()


def test_a_keep_alive_shorter_than_wanted_is_drifted_and_still_touched():
    host = Host(wanted := target("a?keep_alive=30m"))
    there = host.resident("a", 20)
    touch = {wanted.key: touched(there, at=NOW + 11, left_s=60)}
    host.look(there)

    plan = host.look(host.resident("a", 20), touches=touch)

    assert conditions(plan) == {"a": "drifted"}
    assert why(plan, "a") == "keep-alive 1m, wanted 30m"
    assert plan.verdicts[0].is_ready
    assert isinstance(only(plan), Touch)


@pytest.mark.parametrize("left_s", [0.0, 0.5, 1.0])
def test_a_resident_that_is_about_to_go_is_cold_and_gets_no_load_and_no_touch(left_s):
    host = Host(A)
    host.look(host.resident("a"))

    plan = host.look(host.resident("a", left_s))

    assert conditions(plan) == {"a": "cold"}
    assert why(plan, "a") == "it is about to go"
    assert plan.actions == ()


@pytest.mark.parametrize(
    ("left_s", "is_urgent"), [(25.0, False), (16.0, False), (15.9, True), (2.0, True)]
)
@pytest.mark.parametrize("rest", [{}, {"sent": B.key}], ids=["loads now", "sent"])
def test_a_pass_that_loads_touches_only_residents_that_would_not_outlive_the_next(
    rest, left_s, is_urgent
):
    host = Host(A, B)

    plan = host.look(host.resident("a", left_s), **rest)

    assert touches(plan) == (["a"] if is_urgent else [])
    assert loads(plan) == ([] if rest else ["b"])


@pytest.mark.parametrize("left_s", [25.0, 16.0, 15.9, 2.0])
def test_a_load_that_has_begun_puts_off_no_touch(left_s):
    host = Host(A, B)

    plan = host.look(host.resident("a", left_s), holder=holder(B.key))

    assert touches(plan) == ["a"]
    assert loads(plan) == []
