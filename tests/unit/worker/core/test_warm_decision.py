"""What a call of a warm-up is answered from one look at its host."""

from dataclasses import replace
from typing import Any

import pytest

from ollama_warmup.errors import LoadFailed, OutOfMemory
from tests.support.builders import NOW, loaded, resident, target, view
from worker.core.calls import Call, Failed, Queued
from worker.core.domain import LoadRecord
from worker.core.warm_decision import TargetSnapshot

CHAT = target("chat?num_ctx=4096")
THERE = resident("chat")
OTHER = resident("chat", context=2048)
RECORD = loaded(THERE, at=NOW - 10, task_id="another")


def answer(there=None, record=None, *, fits=True, since=None, hides=False, **call):
    """The answer to a call whose look showed this resident and this record."""
    given: dict[str, Any] = {"target": CHAT, "task_id": "mine", "process": "w:1"}
    return TargetSnapshot(
        call=Call(patience_s=60.0, **(given | call)),
        since=since,
        now=NOW,
        view=view(*([there] if there else [])),
        record=record,
        resident=there,
        fits=fits and there is not None,
        hides_options=hides,
    ).answer()


def failed(error="OllamaBusy", *, is_final=False, blocked_s=0.0):
    return LoadRecord(
        task_id="another",
        attempt=2,
        ended_at=NOW - 10,
        error=error,
        text="it broke",
        is_final=is_final,
        blocked_until=NOW + blocked_s,
    )


@pytest.mark.parametrize(
    ("look", "outcome"),
    [
        ({}, "already_warm"),
        ({"since": NOW - 20, "sent_at": NOW - 20}, "already_warm"),
        ({"record": RECORD}, "already_warm"),
        ({"record": RECORD, "task_id": "another"}, "loaded"),
        ({"record": RECORD, "since": NOW - 11}, "joined"),
        ({"record": RECORD, "since": NOW - 10}, "joined"),
        ({"record": RECORD, "since": NOW - 9}, "already_warm"),
        ({"record": RECORD, "sent_at": NOW - 10}, "joined"),
        ({"record": RECORD, "sent_at": NOW - 9}, "already_warm"),
        ({"record": RECORD, "is_gentle": True}, "already_warm"),
        ({"record": failed(), "task_id": "another"}, "already_warm"),
        ({"record": failed(), "since": NOW - 20}, "already_warm"),
        ({"record": failed("OutOfMemory", is_final=True)}, "already_warm"),
    ],
    ids=[
        "no-load-is-on-record",
        "it-waited-and-no-load-is-on-record",
        "another-call-loaded-it",
        "this-task-loaded-it",
        "it-waited-for-that-load",
        "it-began-to-wait-as-that-load-ended",
        "that-load-ended-before-it-waited",
        "it-was-sent-as-that-load-ended",
        "it-was-sent-after-that-load",
        "it-is-gentle",
        "a-load-of-this-task-failed-since",
        "a-load-that-it-waited-for-failed",
        "the-last-load-ran-out-of-memory",
    ],
)
def test_a_call_of_a_warm_model_is_answered_at_once(look, outcome):
    found = answer(THERE, **look)

    assert found.how == outcome
    assert found.warmth.resident == THERE
    assert found.warmth.left.total_seconds() == 300
    assert found.options_verified


def test_a_call_that_waited_for_a_load_is_answered_with_what_that_load_took():
    record = replace(RECORD, attempt=3, load_s=7.5, reloaded_from=2048)

    found = answer(THERE, record, since=NOW - 20)

    assert (found.attempts, found.warmth.load_s) == (3, 7.5)
    assert found.warmth.reloaded_from == 2048


def test_a_call_that_found_the_model_warm_is_answered_with_no_load():
    found = answer(THERE, RECORD)

    assert (found.attempts, found.warmth.load_s) == (0, 0.0)
    assert found.warmth.reloaded_from is None


def test_options_are_not_verified_on_a_server_that_shows_no_context():
    there = resident("chat", context=None)

    assert not answer(there).options_verified
    assert answer(there, target=target("chat")).options_verified


@pytest.mark.parametrize(
    ("look", "outcome"),
    [
        ({}, "prove"),
        ({"record": RECORD}, "prove"),
        ({"record": RECORD, "sent_at": NOW - 20}, "prove"),
        ({"record": RECORD, "task_id": "another"}, "loaded, verified"),
        ({"record": RECORD, "since": NOW - 20}, "joined, verified"),
        ({"is_gentle": True}, "already_warm, not verified"),
        (
            {"record": RECORD, "is_gentle": True, "sent_at": NOW - 20},
            "joined, not verified",
        ),
    ],
    ids=[
        "no-load-is-on-record",
        "another-call-loaded-it",
        "it-was-sent-before-by-its-own-clock",
        "this-task-loaded-it",
        "it-waited-for-that-load",
        "it-is-gentle",
        "it-is-gentle-and-was-sent-before-by-its-own-clock",
    ],
)
def test_options_that_no_view_shows_are_proven_unless_this_call_waited_for_the_load(
    look, outcome
):
    found = answer(THERE, hides=True, **look)

    words = "prove"
    if found is not None:
        words = f"{found.how}, {'' if found.options_verified else 'not '}verified"
    assert words == outcome


def test_a_model_that_is_not_resident_is_loaded():
    assert answer() is None
    assert answer(is_gentle=True) is None
    assert answer(record=RECORD, since=NOW - 20) is None


def test_a_model_that_is_loaded_with_other_options_is_loaded_as_wanted():
    assert answer(OTHER, fits=False) is None
    assert answer(OTHER, RECORD, fits=False, since=NOW - 20) is None


def test_a_gentle_call_leaves_a_model_that_is_loaded_with_other_options():
    found = answer(OTHER, fits=False, is_gentle=True)

    assert (found.how, found.attempts) == ("drifted", 0)
    assert found.warmth.resident == OTHER
    assert not found.options_verified


@pytest.mark.parametrize(
    ("record", "since"),
    [
        (failed(is_final=True, blocked_s=0.5), None),
        (failed(is_final=True, blocked_s=0), NOW - 10),
        (failed(is_final=True, blocked_s=-1), NOW - 20),
    ],
    ids=["no-call-may-load", "it-waited-until-that-end", "it-waited-longer"],
)
def test_a_call_gets_the_final_failure_of_the_load_that_it_waited_for(record, since):
    found = answer(record=record, since=since)

    assert isinstance(found, Failed)
    assert type(found.error).__name__ == "OllamaBusy"
    assert str(found.error) == "it broke"


@pytest.mark.parametrize(
    ("record", "since"),
    [
        (failed(is_final=True, blocked_s=0), NOW - 9),
        (failed(is_final=True, blocked_s=-1), None),
        (failed(blocked_s=0), NOW - 20),
        (failed(blocked_s=-1), None),
    ],
    ids=["final-before-it-waited", "final-and-it-came-later", "due", "overdue"],
)
def test_a_call_loads_after_a_failure_whose_pause_is_over(record, since):
    assert answer(record=record, since=since) is None


@pytest.mark.parametrize(("since", "waits"), [(None, NOW - 10), (NOW - 30, NOW - 30)])
def test_a_call_waits_for_the_retry_of_a_load_that_failed(since, waits):
    found = answer(record=failed(blocked_s=0.5), since=since)

    assert found == Queued(waiting_since=waits, pause_s=0.5)


@pytest.mark.parametrize("error", [LoadFailed, OutOfMemory], ids=lambda e: e.__name__)
def test_a_view_is_no_proof_after_a_load_that_answered_badly(error):
    record = failed(error.__name__, is_final=True, blocked_s=5)

    found = answer(THERE, record)

    assert isinstance(found, Failed) == (error is LoadFailed)


@pytest.mark.parametrize(
    ("there", "fits", "is_used"),
    [
        (None, False, False),
        (resident("chat", -1, 2048), False, True),
        (resident("chat", 0, 2048), False, False),
        (resident("chat", 300, 2048), False, False),
        (resident("chat", -1), True, False),
    ],
    ids=["absent", "busy", "going", "idle", "busy-as-wanted"],
)
def test_a_load_would_reload_a_model_that_is_busy_with_other_options(
    there, fits, is_used
):
    snapshot = TargetSnapshot(
        call=Call(target=CHAT, task_id="t", process="w:1", patience_s=60),
        since=None,
        now=NOW,
        view=view(*([there] if there else [])),
        resident=there,
        fits=fits,
    )

    assert snapshot.used_otherwise is (there if is_used else None)


def test_a_look_during_the_load_that_is_to_prove_the_model_shows_nothing_resident():
    given: Any = {
        "call": Call(target=CHAT, task_id="t", process="w:1", patience_s=60),
        "since": None,
        "now": NOW,
        "view": view(THERE),
    }

    snapshot = TargetSnapshot(**given)

    assert snapshot == TargetSnapshot(
        **given,
        record=None,
        holder=None,
        resident=None,
        fits=False,
        hides_options=False,
    )
    assert snapshot.answer() is None
