"""What a pass leaves: memory, events, sentences and the report."""

import math
from dataclasses import replace

import pytest

from ollama_warmup.report import (
    Condition,
    HostReport,
    HostState,
    OtherReport,
    TargetReport,
)
from tests.support.builders import INFO, NOW, resident, stay, target, view
from worker.core import telling
from worker.core.domain import Unanswered
from worker.core.memory import Memory, Observed, Reason, Told
from worker.core.passes import (
    Cure,
    Event,
    Evictor,
    Kind,
    Plan,
    Pull,
    Rules,
    Seen,
    Touch,
    Verdict,
    Warm,
)

A, B = target("a", priority=2), target("b", critical=True)
RULES = Rules(tick_s=5.0, enabled=False)
FRAME = telling.Frame(host="gpu", url="http://gpu:11434", at=NOW, rules=RULES)
MUTE = Unanswered(text="no answer")
DAYS_7300_S = 630_720_000.0


def says(wanted, condition, why="", **rest):
    return Verdict(target=wanted, condition=condition, why=why, **rest)


def tell(memory, plan, reasons=None):
    observed = Observed(memory=memory, reasons=reasons or {})
    return telling.tell(observed, plan, rules=RULES, host="gpu", now=NOW)


def happened(kind, *, before=None, after=None, why="", model="a"):
    return Event(
        at=NOW, host="gpu", model=model, kind=kind, before=before, after=after, why=why
    )


WARM, COLD = Condition.WARM, Condition.COLD
WAS_WARM = Memory(told={A.key: Told(condition=WARM, since=NOW - 60)})
BY_X = (Evictor(model="x:latest", is_ours=False),)
EVICTED = {A.key: Reason(kind=Kind.EVICTED, why="evicted by x:latest", evictors=BY_X)}


@pytest.mark.parametrize(
    ("memory", "verdict", "reasons", "event"),
    [
        (Memory(), says(A, COLD, "y"), {}, happened("changed", after=COLD, why="y")),
        (WAS_WARM, says(A, WARM), {}, None),
        (
            WAS_WARM,
            says(A, COLD, "y"),
            {},
            happened("changed", before=WARM, after=COLD, why="y"),
        ),
        (
            WAS_WARM,
            says(A, COLD, "y"),
            EVICTED,
            replace(
                happened("evicted", before=WARM, after=COLD, why="evicted by x:latest"),
                evictors=BY_X,
            ),
        ),
        (
            WAS_WARM,
            says(A, WARM),
            EVICTED,
            replace(
                happened("evicted", before=WARM, after=WARM, why="evicted by x:latest"),
                evictors=BY_X,
            ),
        ),
    ],
    ids=["first", "unchanged", "changed", "with a reason", "it is back already"],
)
def test_a_change_or_the_end_of_a_residency_is_an_event(
    memory, verdict, reasons, event
):
    _, events = tell(memory, Plan(verdicts=(verdict,)), reasons)

    assert events == ((event,) if event else ())


def test_an_unchanged_target_hides_no_change_of_the_next_one():
    _, events = tell(WAS_WARM, Plan(verdicts=(says(A, WARM), says(B, COLD))))

    assert [event.model for event in events] == ["b"]


@pytest.mark.parametrize(
    ("condition", "since"), [(WARM, NOW - 60), (COLD, NOW)], ids=["same", "new"]
)
def test_a_condition_is_told_since_it_began(condition, since):
    after, _ = tell(WAS_WARM, Plan(verdicts=(says(A, condition),)))

    assert after.told == {A.key: Told(condition=condition, since=since)}


@pytest.mark.parametrize(
    ("kinds", "wedged_at"),
    [([Kind.SHORT, Kind.WEDGED], NOW), ([Kind.SHORT], NOW - 900), ([], NOW - 900)],
    ids=["a wedge beside others", "no wedge", "nothing"],
)
def test_when_a_wedge_was_told_is_remembered(kinds, wedged_at):
    events = tuple(happened(kind) for kind in kinds)

    after, told = tell(Memory(wedged_at=NOW - 900), Plan(events=events))

    assert after.wedged_at == wedged_at
    assert told == events


def test_touches_and_pulls_that_are_sent_are_remembered():
    memory = Memory(
        stays={s.digest: s for s in (stay("a"), stay("b"))}, pulls={"old": NOW - 9}
    )
    sent = (
        Touch(target=A, digest="d-a:latest", num_ctx=None, left_s=5.0),
        Pull(target=A),
        Warm(target=B),
        Cure(host="gpu", resident="x:latest"),
    )

    after, _ = tell(memory, Plan(actions=sent))

    assert {d: s.asked_at for d, s in after.stays.items()} == {
        "d-a:latest": NOW,
        "d-b:latest": 0.0,
    }
    assert after.pulls == {"old": NOW - 9, A.key: NOW}


@pytest.mark.parametrize(
    ("window_s", "is_short"), [(14.5, True), (15.0, False), (None, False)]
)
@pytest.mark.parametrize("was_told", [True, False])
def test_that_a_keep_alive_is_too_short_is_remembered(window_s, is_short, was_told):
    one = stay("a", window_s=window_s, is_short_told=was_told)

    after, _ = tell(Memory(stays={one.digest: one}), Plan())

    assert after.stays[one.digest].is_short_told is is_short


@pytest.mark.parametrize(
    ("event", "sentence"),
    [
        (happened(Kind.CHANGED, after=COLD), "a on gpu is cold"),
        (
            happened(Kind.CHANGED, before=WARM, after=COLD),
            "a on gpu is cold (was warm)",
        ),
        (
            happened(Kind.EVICTED, before=WARM, after=COLD, why="evicted by x"),
            "a on gpu is cold (was warm): evicted by x",
        ),
        (happened(Kind.CHANGED, before=WARM), "a on gpu is gone (was warm)"),
        (happened(Kind.WEDGED, why="it hangs"), "a on gpu wedged: it hangs"),
        (
            happened(Kind.RELOADED_BY_TOUCH, before=WARM, after=WARM),
            "a on gpu reloaded by touch",
        ),
    ],
    ids=["first", "changed", "with a reason", "undeclared", "no condition", "same"],
)
def test_an_event_is_a_sentence_for_people(event, sentence):
    assert telling.sentence(event) == sentence


def report(seen, *verdicts, **memory):
    told = {v.target.key: Told(condition=v.condition, since=NOW - 60) for v in verdicts}
    known = Memory(told=told, **memory)
    return telling.report(seen, Plan(verdicts=verdicts), known, frame=FRAME)


def test_a_report_has_what_was_seen_of_a_host():
    kept = {s.digest: s for s in (stay("a"), stay("x"))}

    found = report(Seen(view=view()), stays=kept, serves={A.key: "d-a:latest"})

    assert found == HostReport(
        host="gpu",
        url="http://gpu:11434",
        at=NOW,
        tick_s=5.0,
        enabled=False,
        state=HostState.UP,
        problem=None,
        warm_list_problem=None,
        targets=(),
        others=(OtherReport(model="x:latest", context_length=4096, left_s=300.0),),
    )


@pytest.mark.parametrize(
    ("refusals", "state"), [(2, HostState.UNKNOWN), (3, HostState.DOWN)]
)
def test_a_host_without_an_answer_is_unknown_or_down_and_shows_nobody(refusals, state):
    found = report(Seen(view=MUTE), stays={"d-x": stay("x")}, refusals=refusals)

    assert (found.state, found.problem, found.others) == (state, "no answer", ())


@pytest.mark.parametrize(
    ("left_s", "told_s"), [(DAYS_7300_S, DAYS_7300_S), (DAYS_7300_S + 1, None)]
)
def test_an_undeclared_resident_with_more_than_twenty_years_has_no_timer(
    left_s, told_s
):
    found = report(Seen(view=view()), stays={"d-x": stay("x", left_s=left_s)})

    assert found.others[0].left_s == told_s


def test_a_report_has_all_that_is_said_of_a_target():
    verdict = says(
        B,
        WARM,
        "because",
        resident=resident("b", context=512),
        left_s=290.0,
        wanted_context=256,
        is_ready=True,
        expected_s=8.0,
        elapsed_s=2.0,
    )

    [found] = report(Seen(view=view()), verdict).targets

    assert found == TargetReport(
        model="b",
        wanted="b",
        condition=WARM,
        since=NOW - 60,
        why="because",
        is_ready=True,
        priority=0,
        critical=True,
        context_length=512,
        wanted_context=256,
        left_s=290.0,
        is_forever=False,
        expected_s=8.0,
        elapsed_s=2.0,
        weights="",
    )


@pytest.mark.parametrize(
    ("left_s", "told"),
    [(None, (None, False)), (math.inf, (None, True)), (-5.0, (-5.0, False))],
    ids=["not resident", "no timer", "busy"],
)
def test_a_target_without_a_timer_is_told_as_for_ever(left_s, told):
    [found] = report(Seen(view=view()), says(A, WARM, left_s=left_s)).targets

    assert (found.left_s, found.is_forever) == told
    assert found.context_length is None


@pytest.mark.parametrize(
    ("infos", "weights"),
    [
        ({A.name.normal: replace(INFO, blob="sha256-x")}, "sha256-x"),
        ({A.name.normal: INFO}, A.name.normal),
        ({}, ""),
    ],
    ids=["by its blob", "by its name", "not told"],
)
def test_a_targets_loads_are_kept_by_its_weights(infos, weights):
    [found] = report(Seen(view=view(), infos=infos), says(A, COLD)).targets

    assert found.weights == weights
