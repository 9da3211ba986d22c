"""What a pass tells of a wedged host, and whom it lets go; and loads in flight."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    HOST_TIME,
    NOW,
    RULES,
    holder,
    resident,
    stay,
    target,
    view,
)
from worker.core import policy
from worker.core.domain import Unanswered
from worker.core.losses import Loss
from worker.core.memory import Memory
from worker.core.passes import Cure, Event, Kind, Seen
from worker.core.wedge import Still

A, B = target("a", priority=2), target("b", priority=1)
HOST_S = HOST_TIME.timestamp() + NOW
WAITS = holder(B.key, began_at=NOW - 40)
OTHERS_TOO = replace(RULES, cures_others=True)


def still(*moved, since=NOW - 40):
    """Three views of the same; the timers of those that moved were restarted."""
    return Still(
        picture="n",
        views=3,
        since=since,
        seen_at=HOST_S - 20,
        timers={
            f"d-{name}:latest": HOST_S + (200 if name in moved else 300)
            for name in ("a", "b", "x")
        },
    )


def plan(
    *names, targets=(A, B), still=None, rules=RULES, held=WAITS, answer=None, **memory
):
    """What is planned where these models are resident, each with its timer ahead."""
    stays = {f"d-{name}:latest": stay(name) for name in names}
    serves = {t.key: f"d-{t.model}:latest" for t in targets if t.model in names}
    sight = Seen(view=answer or view(*map(resident, names)), holder=held)
    known = Memory(stays=stays, serves=serves, still=still, **memory)
    return policy.plan(targets, sight, known, rules=rules, now=NOW)


def cured(plan):
    return [action.resident for action in plan.actions if isinstance(action, Cure)]


def told(plan):
    return [event.why for event in plan.events]


HANGS = "its load hangs since 40s and nothing moves: the host is wedged"


def test_a_wedge_is_told_with_the_target_that_waits_and_an_idle_one_is_let_go():
    planned = plan("a", still=still("a"))

    assert planned.events == (
        Event(at=NOW, host="gpu", model="b", kind=Kind.WEDGED, why=HANGS),
    )
    assert planned.actions == (Cure(host="gpu", resident="a:latest"),)


def test_a_load_that_nobody_declared_is_told_by_its_models_name():
    key = target("z?num_ctx=512").key
    planned = plan("a", targets=(A,), still=still("a"), held=replace(WAITS, key=key))

    assert [event.model for event in planned.events] == ["z:latest"]


@pytest.mark.parametrize(("age_s", "is_told"), [(599.5, False), (600.0, True)])
def test_a_wedge_is_told_again_after_ten_minutes(age_s, is_told):
    planned = plan("a", still=still("a"), wedged_at=NOW - age_s)

    assert told(planned) == ([HANGS] if is_told else [])
    assert cured(planned) == (["a:latest"] if is_told else [])


@pytest.mark.parametrize(
    ("rest", "is_told"),
    [
        ({"still": None}, False),
        ({"answer": Unanswered(text="mute")}, False),
        ({"held": None}, False),
        ({"targets": ()}, False),
    ],
    ids=["nothing is late", "it does not answer", "no load of ours", "no target"],
)
def test_no_wedge_is_told_where(rest, is_told):
    assert bool(plan("a", **({"still": still("a")} | rest)).events) is is_told


@pytest.mark.parametrize(
    ("names", "rules", "resident"),
    [
        (("a", "x"), RULES, ["a:latest"]),
        (("a",), replace(RULES, cures_targets=False), []),
        (("x",), RULES, []),
        (("x",), OTHERS_TOO, ["x:latest"]),
        (("x",), replace(OTHERS_TOO, cures_targets=False), []),
    ],
    ids=[
        *("a target of ours", "unless that is not wanted", "no other one"),
        *("unless that is wanted", "nothing if nothing is wanted"),
    ],
)
def test_a_pass_lets_this_resident_of_a_wedged_host_go(names, rules, resident):
    planned = plan(*names, still=still(*names), rules=rules)

    assert told(planned) == [HANGS]
    assert cured(planned) == resident


def test_a_resident_that_may_be_at_work_goes_only_if_none_is_idle():
    ours = still("a", since=NOW - 700)
    held = replace(WAITS, key="z")

    assert cured(plan("a", "b", still=ours, held=held)) == ["a:latest"]


def test_a_load_that_began_later_by_the_clock_has_taken_no_time():
    planned = plan(still=still(), held=replace(WAITS, began_at=NOW + 5))

    assert planned.verdicts[1].why == "since 0s, usually 8s"
    assert planned.verdicts[1].elapsed_s == 0.0


def test_a_load_that_began_later_by_the_clock_hangs_for_no_time():
    planned = plan("a", still=still("a"), held=replace(WAITS, began_at=NOW + 5))

    assert told(planned) == [
        "its load hangs since 0s and nothing moves: the host is wedged"
    ]


def test_a_target_that_took_the_room_of_a_loading_one_is_not_held():
    loss = Loss(at=NOW - 10, by="a:latest", residents=1)
    planned = plan("b", held=holder(A.key), losses={B.key: loss})

    assert planned.verdicts[0].condition.value == "loading"
    assert planned.verdicts[1].why == "not held: it took the room of a"
