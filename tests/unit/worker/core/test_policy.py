"""The decision tree, case by case; test_plan_properties has what always holds."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    NOW,
    RULES,
    failed,
    holder,
    infos,
    loaded,
    resident,
    tags,
    target,
    touched,
)
from tests.support.passes import (
    Host,
    conditions,
    why,
)
from worker.core.domain import Unanswered
from worker.core.passes import Pull, Rules, Touch, Warm

A, B = target("a", priority=2), target("b")
SILENT = Unanswered(text="no answer")


def only(plan):
    (action,) = plan.actions
    return action


def test_1_what_is_paused_sleeps_whatever_its_host_does():
    for name in ("*", "gpu", A.name.normal, f"gpu {A.name.normal}"):
        plan = Host(A).look(paused=frozenset({name}))

        assert conditions(plan) == {"a": "asleep"}
        assert plan.actions == ()


def test_2_nothing_is_sent_to_a_host_that_did_not_answer():
    plan = Host(A, B).look(view=SILENT)

    assert conditions(plan) == {"a": "unknown", "b": "unknown"}
    assert why(plan, "a") == "no answer"
    assert plan.actions == ()


def test_3_a_load_of_ours_in_flight_is_loading_even_if_it_is_listed_already():
    host = Host(A, B)

    plan = host.look(host.resident("a"), holder=holder(A.key, began_at=NOW + 5))

    assert conditions(plan) == {"a": "loading", "b": "queued"}
    assert why(plan, "a") == "since 5s, usually 8s"
    assert plan.verdicts[0].elapsed_s == 5
    assert plan.actions == ()


def test_4a_the_less_wanted_of_two_that_need_other_runners_of_one_blob_is_unfit():
    child = target("child?num_ctx=512")
    host = Host(replace(A, options=target("a?num_ctx=4096").options), child)
    known = infos(a="sha256-x", child="sha256-x")

    plan = host.look(host.resident("a"), infos=known)

    assert conditions(plan) == {"a": "warm", "child": "unfit"}
    assert "shares its runner with a" in why(plan, "child")
    assert conditions(host.look(infos=known)) == {"a": "cold", "child": "unfit"}


def test_4a_an_alias_with_the_same_options_shares_the_runner_and_its_touch():
    alias = target("alias")
    host = Host(A, alias)
    known = infos(a="sha256-x", alias="sha256-x")

    plan = host.look(host.resident("a", 5), infos=known)

    assert conditions(plan) == {"a": "warm", "alias": "warm"}
    assert only(plan).target == A


def test_4b_another_context_is_drifted_with_both_values_and_left_alone():
    wanted = target("a?num_ctx=8192")
    host = Host(wanted)

    plan = host.look(host.resident("a", 5, context=4096))

    assert conditions(plan) == {"a": "drifted"}
    assert why(plan, "a") == "loaded with context 4096, wanted 8192"
    assert not plan.verdicts[0].is_ready
    assert plan.actions == ()


def test_4b_a_context_above_the_training_context_is_the_training_context():
    host = Host(target("a?num_ctx=99999"))

    plan = host.look(host.resident("a", context=8192), infos=infos(a="sha256-x"))

    assert conditions(plan) == {"a": "warm"}


def test_4b_the_context_that_a_load_of_ours_showed_is_the_expected_one():
    host = Host(wanted := target("a?num_ctx=100"))
    there = host.resident("a", context=256)

    plan = host.look(there, records={wanted.key: loaded(there, at=NOW + 9)})

    assert conditions(plan) == {"a": "warm"}


def test_4d_a_keep_alive_below_three_ticks_is_told_once_and_not_fought():
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
def test_4e_a_timer_is_restarted_when_it_is_nearer_than_two_and_a_half_ticks(
    left_s, is_touched
):
    host = Host(A)

    plan = host.look(host.resident("a", left_s))

    assert bool([a for a in plan.actions if isinstance(a, Touch)]) is is_touched


def test_4e_of_a_short_window_the_last_half_is_near():
    host = Host(A)
    there = host.resident("a", 31)
    records = {A.key: loaded(there, at=NOW + 9, left_s=40)}

    assert host.look(there, records=records).actions == ()
    assert host.look(host.resident("a", 21), records=records).actions == ()
    assert only(host.look(host.resident("a", 11), records=records))


def test_4e_what_stays_for_ever_is_touched_once_an_hour_as_proof_of_life():
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


def test_4e_a_timer_that_moves_is_proof_of_life():
    host = Host(A)
    for _ in range(12):
        plan = host.look(host.resident("a", 7200, after_s=600), after_s=600)

        assert plan.actions == ()


def test_4e_a_touch_that_found_somebody_at_work_is_not_sent_again_at_once():
    host = Host(A)
    there = host.resident("a", 20)
    host.look(there)
    busy = {A.key: touched(there, at=NOW + 11, left_s=None)}

    assert host.look(there, touches=busy).actions == ()


def test_4f_what_we_loaded_is_touched_with_its_own_options():
    host = Host(wanted := target("a?num_thread=4"))
    there = host.resident("a", 5)

    plan = host.look(there, records={wanted.key: loaded(there, at=NOW + 9, left_s=90)})

    assert only(plan).num_ctx is None


def test_4f_what_somebody_else_loaded_is_touched_with_the_context_that_it_has():
    host = Host(A)

    assert only(host.look(host.resident("a", 5, context=2048))).num_ctx == 2048


def test_4f_an_old_load_of_ours_says_nothing_of_what_is_resident_now():
    host = Host(A)
    there = host.resident("a", 5)

    plan = host.look(there, records={A.key: loaded(there, at=NOW - 3_000)})

    assert only(plan).num_ctx == 4096


def test_4f_a_residency_that_a_touch_has_reloaded_is_not_touched_again():
    host = Host(A)
    there = host.resident("a", 5)
    host.look(there)
    reloaded = {A.key: touched(there, at=NOW + 12, left_s=30, was_load=True)}
    host.look(host.resident("a", 22), touches=reloaded)

    assert host.look(host.resident("a", 12), touches=reloaded).actions == ()


def test_5a_a_model_that_the_host_lacks_fails_with_what_to_type():
    plan = Host(A).look(tags=tags("other"))

    assert conditions(plan) == {"a": "failing"}
    assert "run `ollama pull a` there" in why(plan, "a")
    assert plan.actions == ()


def test_5a_it_is_pulled_if_that_is_wanted_once_in_ten_minutes():
    wanted = replace(A, pull=True)
    host = Host(wanted)

    assert only(host.look(tags={})) == Pull(target=wanted)
    assert host.look(tags={}).actions == ()
    assert host.look(tags={}, pulling=frozenset({wanted.key})).actions == ()
    assert only(host.look(tags={}, after_s=600)) == Pull(target=wanted)


@pytest.mark.parametrize(
    ("record", "after_s", "condition"),
    [
        (failed("UnknownModel"), 10, "failing"),
        (failed("UnknownModel", ended_at=NOW - 51), 10, "queued"),
        (failed("OutOfMemory", strikes=3, ended_at=NOW - 200), 10, "failing"),
        (failed("LoadFailed", is_final=False), 10, "failing"),
        (failed("LoadFailed", is_final=False, ended_at=NOW - 1), 10, "queued"),
    ],
)
def test_5b_after_a_failed_load_a_pass_waits_longer_each_time(
    record, after_s, condition
):
    plan = Host(A).look(records={A.key: record}, after_s=after_s)

    assert conditions(plan) == {"a": condition}
    if condition == "failing":
        assert why(plan, "a").startswith("it broke (next try in ")


def test_5e_the_most_wanted_is_loaded_first_and_one_at_a_time():
    plan = Host(B, A).look()

    assert only(plan) == Warm(target=A)
    assert conditions(plan) == {"a": "queued", "b": "queued"}
    assert why(plan, "b") == "another load of its host comes first"


@pytest.mark.parametrize("rest", [{"sent": B.key}, {"holder": holder("foreign")}])
def test_5e_while_a_load_is_sent_or_in_flight_no_other_is_sent(rest):
    assert Host(A, B).look(**rest).actions == ()


def test_nothing_at_all_is_sent_when_passes_are_not_enabled():
    host = Host(A, B, rules=Rules(tick_s=10, enabled=False))

    plan = host.look(host.resident("b", 5))

    assert conditions(plan) == {"a": "cold", "b": "warm"}
    assert "OLLAMA_WARMUP_ENABLED" in why(plan, "a")
    assert plan.actions == ()


def test_a_keep_alive_shorter_than_wanted_is_drifted_with_both_and_followed():
    host = Host(wanted := target("a?keep_alive=30m"))
    there = host.resident("a", 20)
    touch = {wanted.key: touched(there, at=NOW + 11, left_s=60)}
    host.look(there)

    plan = host.look(host.resident("a", 20), touches=touch)

    assert conditions(plan) == {"a": "drifted"}
    assert why(plan, "a") == "keep-alive 1m, wanted 30m"
    assert plan.verdicts[0].is_ready
    assert isinstance(only(plan), Touch)


def test_every_rule_of_the_deployment_has_its_default():
    assert replace(RULES, tick_s=10) == Rules()
