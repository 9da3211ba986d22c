"""What holds for every plan, whatever was seen and remembered."""

from dataclasses import replace

import pytest
from hypothesis import Phase, find, given, settings

from ollama_warmup.report import Condition
from tests.support.histories import histories
from worker.core import policy
from worker.core.domain import Unanswered
from worker.core.passes import Pull, Touch, Warm


def lead_to(is_meant):
    """Whether one of the histories that the tests draw is as is meant."""
    unshrunk = settings(phases=[Phase.generate], database=None, max_examples=1_000)
    return find(histories(), is_meant, settings=unshrunk)


@pytest.mark.parametrize("kind", [Warm, Touch, Pull])
def test_the_histories_of_these_tests_lead_to_every_kind_of_action(kind):
    assert lead_to(lambda history: bool(history.actions(kind)))


@pytest.mark.parametrize("condition", Condition)
def test_the_histories_of_these_tests_lead_to_every_condition(condition):
    def has_it(history):
        return condition in {verdict.condition for verdict in history.plan.verdicts}

    assert lead_to(has_it)


@given(histories())
def test_every_target_has_one_verdict_in_order_of_priority(history):
    judged = [verdict.target for verdict in history.plan.verdicts]

    assert judged == sorted(history.targets, key=lambda target: -target.priority)


@given(histories())
def test_a_host_gets_at_most_one_load_and_none_while_another_is_sent_or_in_flight(
    history,
):
    loads = history.actions(Warm)

    assert len(loads) <= 1
    assert not loads or (history.seen.holder is None and history.seen.sent is None)


@given(histories())
def test_a_load_goes_to_the_most_wanted_target_that_waits_for_the_lane(history):
    queued = [v.target for v in history.plan.verdicts if v.why == "its load is sent"]

    loads = [action.target for action in history.actions(Warm)]

    assert not loads or loads == queued[:1]


@given(histories())
def test_nothing_is_sent_to_a_host_that_did_not_answer_or_is_paused(history):
    if isinstance(history.seen.view, Unanswered) or history.seen.paused:
        assert history.plan.actions == ()


@given(histories())
def test_a_touch_goes_to_a_ready_resident_whose_timer_is_not_past(history):
    ready = {v.target.key: v.resident for v in history.plan.verdicts if v.is_ready}

    for action in history.actions(Touch):
        resident = ready[action.target.key]
        assert resident.digest == action.digest
        assert history.seen.view.left(resident).total_seconds() >= 0
        assert action.num_ctx in {None, resident.context_length}
        assert not history.memory.stays[action.digest].is_untouchable
        assert action.left_s > 0


@given(histories())
def test_no_resident_is_touched_twice_in_a_pass(history):
    touched = [action.digest for action in history.actions(Touch)]

    assert len(touched) == len(set(touched))


@given(histories())
def test_planning_on_the_planned_state_sends_nothing_and_changes_no_condition(history):
    sent = [action.target.key for action in history.actions(Warm)]
    planned = replace(history.seen, sent=sent[0] if sent else history.seen.sent)

    again = policy.plan(
        history.targets, planned, history.memory, rules=history.rules, now=history.now
    )

    assert again.actions == ()
    assert {v.target.key: v.condition for v in again.verdicts} == {
        v.target.key: v.condition for v in history.plan.verdicts
    }


@given(histories(enabled=False))
def test_nothing_is_sent_when_passes_are_not_enabled(history):
    assert history.plan.actions == ()


@given(histories())
def test_a_target_is_ready_only_if_it_is_resident_and_always_if_it_is_warm(history):
    for verdict in history.plan.verdicts:
        assert verdict.is_ready <= (verdict.resident is not None)
        if verdict.condition is Condition.WARM:
            assert verdict.is_ready
