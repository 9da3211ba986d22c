"""What becomes of a target that is not resident, at the edges of each rule."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    INFO,
    NOW,
    RULES,
    loaded,
    resident,
    stay,
    tags,
    target,
    view,
)
from worker.core import absent
from worker.core.decision import Decision
from worker.core.domain import LoadRecord
from worker.core.losses import Loss
from worker.core.memory import Memory
from worker.core.passes import Pull, Seen, Warm
from worker.core.room import Room

A, B = target("a", priority=2), target("b", priority=1)
PULLED = replace(A, pull=True)


def decide(wanted=A, *, here=(), **known):
    """Condition and reason, and what is sent; `known` is of the view or the memory."""
    memory = {k: known.pop(k) for k in ("pulls", "losses", "room") if k in known}
    stays = {stay.digest: stay for stay in here}
    serves = {A.key: "d-a:latest"} if "d-a:latest" in stays else {}
    shown = view(*(resident(stay.name) for stay in here))
    decision = Decision(
        order=[A, B],
        seen=Seen(view=shown, **known),
        memory=Memory(stays=stays, serves=serves, **memory),
        rules=RULES,
        now=NOW,
    )
    verdict = absent.verdict(wanted, shown, decision)
    return (verdict.condition.value, verdict.why), decision.actions


def failed(*, ended_at):
    return LoadRecord(
        task_id="t",
        attempt=1,
        ended_at=ended_at,
        error="Refused",
        text="it broke",
        is_final=True,
        strikes=1,
        blocked_until=ended_at + 5,
    )


LOADS = (("queued", "its load is sent"), [Warm(target=A)])
USED = ("contested", "x:latest has its room, and is in use")
X_IN_USE = stay("x", used_at=NOW - 1)


def lost(by="x:latest", **rest):
    return {A.key: Loss(at=NOW - 100, by=by, residents=1, **rest)}


def full(most):
    return Room(most=most, full_at=NOW - 100)


def test_the_context_that_a_load_would_give_is_told():
    wanted = target("a?num_ctx=99999")
    decision = Decision(
        order=[wanted],
        seen=Seen(view=view(), infos={wanted.name.normal: INFO}),
        memory=Memory(),
        rules=RULES,
        now=NOW,
    )

    assert absent.verdict(wanted, view(), decision).wanted_context == 8192


def test_a_model_of_ollamas_cloud_is_never_loaded():
    remote = {A.name.normal: replace(INFO, is_remote=True)}

    said, sent = decide(infos=remote)

    assert said == ("failing", "it stands for a model in Ollama's cloud")
    assert sent == []


def test_a_model_that_the_host_has_is_loaded():
    assert decide(tags=tags("a")) == LOADS


@pytest.mark.parametrize(("age_s", "is_sent"), [(599.5, False), (600.0, True)])
def test_a_pull_is_sent_again_after_ten_minutes(age_s, is_sent):
    said, sent = decide(PULLED, tags={}, pulls={A.key: NOW - age_s})

    assert said == ("queued", "it is to be pulled")
    assert sent == ([Pull(target=PULLED)] if is_sent else [])


def test_a_pull_that_runs_is_told_and_not_sent_again():
    running = frozenset({A.key})

    said = decide(PULLED, tags={}, pulling=running)

    assert said == (("queued", "it is being pulled"), [])


def test_a_load_that_did_well_once_keeps_nothing_from_being_loaded():
    assert decide(records={A.key: loaded(resident("a"))}) == LOADS


def test_after_a_failed_load_the_next_try_comes_when_its_pause_ends():
    assert decide(records={A.key: failed(ended_at=NOW - 60)}) == LOADS
    assert decide(records={A.key: failed(ended_at=NOW - 59.5)}) == (
        ("failing", "it broke (next try in 0.5s)"),
        [],
    )


def test_a_sudden_loss_is_waited_out_to_the_last_half_second():
    said, sent = decide(losses=lost("", until=NOW + 0.5, is_open=True))

    assert said == ("cold", "it went suddenly; loaded again in 0.5s")
    assert sent == []


def test_a_contest_lasts_to_the_last_half_second():
    contest = lost(times=1, until=NOW + 0.5)

    said, sent = decide(here=[stay("x")], losses=contest)

    assert said == ("contested", "x:latest took its room 1 times; next try in 0.5s")
    assert sent == []


def test_as_long_as_the_taker_stays_the_room_is_what_it_was_at_the_loss():
    both = {A.key: Loss(at=NOW - 100, by="x:latest", residents=2, until=NOW + 30)}

    said, _ = decide(here=[stay("x"), stay("y")], losses=both, room=Room(most=3))

    assert said[0] == "contested"


def test_a_target_waits_for_a_taker_in_use_even_if_another_model_would_go():
    taker = replace(X_IN_USE, least_s=900.0, most_s=910.0)
    other = stay("y", least_s=100.0, most_s=110.0)

    said, sent = decide(here=[taker, other], losses=lost())

    assert (said, sent) == (USED, [])


def test_a_foreign_model_in_use_is_no_more_wanted_target():
    taken = {B.key: Loss(at=NOW - 100, by="x:latest", residents=1)}

    assert decide(B, here=[X_IN_USE], losses=taken) == (USED, [])


@pytest.mark.parametrize(
    ("age_s", "said"),
    [
        (3_599, ("unfit", "does not fit beside a, which is wanted more")),
        (3_600, ("queued", "its load is sent")),
    ],
)
def test_that_a_host_was_full_keeps_a_target_away_for_less_than_an_hour(age_s, said):
    room = Room(most=1, full_at=NOW - age_s)

    assert decide(B, here=[stay("a")], room=room)[0] == said


def test_a_full_host_whose_residents_are_all_busy_has_no_room():
    busy = stay("x", left_s=-5.0)

    assert decide(here=[busy], room=full(1)) == (USED, [])


def test_a_full_host_lets_an_idle_one_go_and_no_busy_one():
    assert decide(here=[stay("x", left_s=-5.0), stay("y")], room=full(2)) == LOADS


def test_the_one_with_the_shortest_keep_alive_may_go_itself():
    exact = replace(X_IN_USE, least_s=100.0, most_s=100.0)

    assert decide(here=[exact], room=full(1)) == (USED, [])


def test_a_load_that_is_sent_is_not_sent_again():
    assert decide(sent=A.key) == (("queued", "its load is sent"), [])
