from dataclasses import replace
from datetime import timedelta

import pytest

from ollama_warmup import errors
from tests.support.builders import holder, resident
from worker.core import estimates, failures
from worker.core.domain import LoadRecord, Warmth

HOLDER = holder("k")


def record(error, before=None):
    return failures.record_of(error, holder=HOLDER, before=before, now=100, jitter=1)


@pytest.mark.parametrize(
    ("error", "attempt", "final"),
    [
        (errors.LoadFailed("x"), 1, False),
        (errors.LoadFailed("x"), 3, False),
        (errors.LoadFailed("x"), 4, True),
        (errors.Refused("x"), 1, True),
        (errors.OutOfMemory("x"), 1, True),
    ],
)
def test_callers_get_an_error_when_no_retry_helps_or_none_is_left(
    error, attempt, final
):
    assert failures.is_final(error, attempt=attempt) is final


@pytest.mark.parametrize(
    ("error", "attempt", "strikes", "seconds"),
    [
        (errors.Refused("x"), 1, 0, 5),
        (errors.LoadFailed("x"), 1, 0, 2),
        (errors.LoadFailed("x"), 3, 0, 8),
        (errors.LoadFailed("x"), 9, 0, 60),
        (errors.OutOfMemory("x"), 1, 1, 60),
        (errors.OutOfMemory("x"), 1, 2, 120),
        (errors.OutOfMemory("x"), 1, 99, 1_800),
    ],
)
def test_a_pause_grows_with_the_failures_to_its_bound(error, attempt, strikes, seconds):
    pause = failures.pause_s(error, attempt=attempt, strikes=strikes, jitter=1)

    assert pause == seconds


def test_jitter_halves_a_transient_pause_at_most_and_never_below_the_first():
    error = errors.LoadFailed("x")

    assert failures.pause_s(error, attempt=3, strikes=0, jitter=0) == 4
    assert failures.pause_s(error, attempt=1, strikes=0, jitter=0) == 2


def test_attempts_are_counted_over_the_records_of_a_target():
    first = record(errors.LoadFailed("x"))
    second = record(errors.LoadFailed("x"), first)
    third = record(errors.LoadFailed("x"), second)
    fourth = record(errors.LoadFailed("x"), third)

    assert [r.attempt for r in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert [r.is_final for r in (first, second, third, fourth)] == [False] * 3 + [True]


def test_after_a_final_failure_counting_begins_anew_but_strikes_go_on():
    first = record(errors.OutOfMemory("x"))
    second = record(errors.OutOfMemory("x"), first)

    assert second.attempt == 1
    assert second.strikes == 2
    assert second.blocked_until - second.ended_at == 120


def test_a_failure_that_is_tried_again_leaves_the_number_of_strikes():
    first = record(errors.OutOfMemory("x"))

    assert record(errors.LoadFailed("x"), first).strikes == first.strikes == 1


@pytest.mark.parametrize(
    ("error", "attempt", "strikes", "seconds"),
    [
        (errors.UnknownModel("x"), 1, 1, 60),
        (errors.UnknownModel("x"), 1, 3, 240),
        (errors.OutOfMemory("x"), 1, 20, 1_800),
        (errors.LoadFailed("x"), 4, 2, 120),
    ],
)
def test_a_pass_waits_longer_with_each_final_failure(error, attempt, strikes, seconds):
    failed = replace(
        record(error, None), is_final=True, attempt=attempt, strikes=strikes
    )

    assert failures.next_pass_at(failed) == failed.ended_at + seconds


def test_a_pass_comes_in_only_after_the_retry_that_is_due():
    failed = record(errors.LoadFailed("x"))

    assert failures.next_pass_at(failed) == failed.blocked_until + 5


@pytest.mark.parametrize("name", ["OutOfMemory", "UnknownModel", "LoadFailed"])
def test_a_recorded_error_comes_back_as_its_own_class(name):
    error = failures.revive(name, "why")

    assert type(error).__name__ == name
    assert error.args == ("why",)


@pytest.mark.parametrize("name", ["NoSuchError", "BadRequest.x", "__doc__"])
def test_an_unknown_recorded_class_is_still_an_error_of_ours(name):
    assert type(failures.revive(name, "why")) is errors.WarmupError


def test_a_load_is_expected_to_take_the_median_of_its_history_if_there_is_one():
    assert estimates.expected_s([9.0, 1.0, 4.0]) == 4.0
    assert estimates.expected_s([]) is None


def test_a_failed_load_blocks_its_target_for_the_pause():
    failed = record(errors.LoadFailed("x"))

    assert failed.blocked_until == failed.ended_at + 2


def test_a_recorded_class_that_is_no_error_of_ours_is_not_made():
    assert type(failures.revive("Iterable", "why")) is errors.WarmupError


@pytest.mark.parametrize(
    ("error", "doubts"),
    [
        (errors.LoadFailed("x"), True),
        (errors.RunnerTerminated("x"), True),
        (errors.Refused("x"), False),
    ],
)
def test_a_model_whose_runner_failed_may_be_listed_and_not_answer(error, doubts):
    assert failures.doubts_views(error) is doubts


def test_attempts_begin_anew_after_a_load_that_did_well():
    success = LoadRecord(task_id="t", attempt=3, ended_at=1)

    failed = record(errors.LoadFailed("x"), success)

    assert (failed.attempt, failed.is_final) == (1, False)


def test_a_load_that_did_well_is_told_with_the_resident_that_it_made():
    warm = Warmth(
        resident=resident("a", 300, 512),
        left=timedelta(seconds=290),
        load_s=2.5,
        reloaded_from=4096,
    )

    assert record(warm) == LoadRecord(
        task_id="t",
        attempt=1,
        ended_at=100,
        load_s=2.5,
        reloaded_from=4096,
        digest="d-a:latest",
        context_length=512,
        left_s=290.0,
    )
