import math

import pytest

from ollama_warmup.report import Condition
from ollama_warmup.warmlist import Host
from tests.support.builders import seen, target
from tests.support.host_reports import host_report, target_report
from worker.cli import planning, tables
from worker.core.domain import Unanswered
from worker.core.memory import Memory, Observed, Reason
from worker.core.passes import (
    Cure,
    Event,
    Kind,
    Plan,
    Pull,
    Seen,
    Touch,
    Verdict,
    Warm,
)
from worker.reconcile import Glance

TINY = target("tiny", host="gpu-1")


def glance(*verdicts, actions=(), events=(), sight=None, reasons=None):
    return Glance(
        host=Host(name="gpu-1", url="http://gpu-1:11434"),
        seen=sight or seen(),
        observed=Observed(memory=Memory(), reasons=reasons or {}),
        plan=Plan(verdicts=verdicts, actions=actions, events=events),
        now=0.0,
    )


def verdict(condition, why="", **more):
    return Verdict(target=TINY, condition=condition, why=why, **more)


def touch(left_s, num_ctx=None):
    return Touch(target=TINY, digest="d", num_ctx=num_ctx, left_s=left_s)


@pytest.mark.parametrize(
    ("said", "action", "told"),
    [
        (
            verdict(Condition.QUEUED, "its load is sent"),
            Warm(target=TINY),
            "cold       warm    not loaded",
        ),
        (
            verdict(Condition.WARM),
            touch(25.4),
            "warm       touch   it would go in 25s",
        ),
        (
            verdict(Condition.DRIFTED, "keep-alive 2m"),
            touch(25.4, 4096),
            "drifted    touch (num_ctx 4096)  keep-alive 2m; it would go in 25s",
        ),
        (
            verdict(Condition.WARM),
            touch(math.inf),
            "warm       touch   it has answered nobody for an hour",
        ),
        (
            verdict(Condition.QUEUED, "it is to be pulled"),
            Pull(target=TINY),
            "queued     pull    it is to be pulled",
        ),
        (verdict(Condition.ASLEEP, "paused"), None, "asleep     nothing  paused"),
    ],
)
def test_each_target_is_shown_with_its_action_and_the_reason(said, action, told):
    rows = planning.rows([glance(said, actions=[action] if action else [])])

    line = tables.lines(planning.HEADINGS, rows)[1]

    assert line.split() == ["gpu-1", "tiny", *told.split()]


def test_a_load_is_shown_with_the_reason_why_the_model_went():
    reasons = {TINY.key: Reason(kind=Kind.EVICTED, why="evicted by big:latest")}
    one = glance(
        verdict(Condition.QUEUED), actions=[Warm(target=TINY)], reasons=reasons
    )

    assert planning.rows([one])[0][-1] == "evicted by big:latest"


def test_a_cure_stands_before_the_targets():
    cure = Cure(host="gpu-1", resident="big:latest")
    told = Event(at=0, host="gpu-1", model="tiny", kind=Kind.WEDGED, why="hangs")

    [first, _] = planning.rows(
        [glance(verdict(Condition.LOADING), actions=[cure], events=[told])]
    )

    assert first == ("gpu-1", "big:latest", "-", "cure", "tiny: hangs")


def test_a_host_without_targets_says_whether_it_answers():
    mute = glance(sight=Seen(view=Unanswered(text="gpu-1 does not answer")))

    whys = [row[-1] for row in planning.rows([glance(), mute])]

    assert whys == ["nothing is wanted of it", "gpu-1 does not answer"]


WANTED = target_report("tiny", wanted=TINY.wanted)


@pytest.mark.parametrize(
    ("reports", "is_enabled", "told"),
    [
        ([], True, []),
        ([host_report(WANTED)], True, []),
        ([], False, ["passes are not enabled"]),
        ([host_report()], True, ["the workers want other models of gpu-1"]),
    ],
)
def test_a_difference_from_the_workers_warm_list_is_printed(reports, is_enabled, told):
    glances = [glance(verdict(Condition.WARM))]

    advice = planning.advice(glances, reports, is_enabled=is_enabled)

    assert len(advice) == len(told)
    assert all(a.startswith(t) for a, t in zip(advice, told, strict=True))


def test_a_plan_for_nothing_asks_for_the_environment():
    [told] = planning.advice([glance()], [], is_enabled=True)

    assert "OLLAMA_WARMUP_MODELS" in told


def test_json_has_the_action_and_its_context():
    one = glance(
        verdict(Condition.DRIFTED, "so", is_ready=True), actions=[touch(9.0, 512)]
    )

    document = planning.document([one], is_enabled=False)

    assert document["enabled"] is False
    assert document["hosts"][0]["targets"] == [
        {
            "model": "tiny",
            "wanted": TINY.wanted,
            "condition": "drifted",
            "is_ready": True,
            "action": "touch",
            "num_ctx": 512,
            "why": "so; it would go in 9s",
        }
    ]
