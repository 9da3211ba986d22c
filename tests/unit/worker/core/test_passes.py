"""What the values of a pass hold when nothing else is told."""

from typing import Any

from ollama_warmup.report import Condition
from tests.support.builders import NOW, target, view
from worker.core.passes import Event, Kind, Rules, Seen, Verdict

A = target("a")


def test_an_event_tells_no_condition_and_no_reason_unless_told():
    event: Any = {"at": NOW, "host": "gpu", "model": "a", "kind": Kind.WEDGED}

    assert Event(**event) == Event(**event, before=None, after=None, why="")


def test_a_pass_runs_every_ten_seconds_acts_and_cures_targets_alone():
    assert Rules() == Rules(
        tick_s=10.0, enabled=True, cures_targets=True, cures_others=False
    )


def test_a_pass_knows_only_what_it_was_told():
    assert Seen(view=view()) == Seen(
        view=view(),
        tags=None,
        infos={},
        records={},
        touches={},
        holder=None,
        sent=None,
        pulling=frozenset(),
        paused=frozenset(),
    )


def test_a_verdict_is_not_ready_and_tells_no_numbers_unless_told():
    said: Any = {"target": A, "condition": Condition.COLD}

    assert Verdict(**said) == Verdict(
        **said,
        why="",
        resident=None,
        left_s=None,
        wanted_context=None,
        is_ready=False,
        expected_s=None,
        elapsed_s=None,
    )
