"""What one look leaves in the memory of a host, field by field."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    NOW,
    RULES,
    infos,
    resident,
    stay,
    tags,
    target,
    touched,
    view,
)
from worker.core import memory as memories
from worker.core.domain import Tag, Unanswered
from worker.core.losses import Loss
from worker.core.memory import Memory, Observed, Reason
from worker.core.passes import Evictor, Kind, Seen
from worker.core.room import Room

A, B = target("a", priority=2), target("b", priority=1)
MUTE, REFUSED = Unanswered(text="mute"), Unanswered(text="refused", is_refused=True)
LOOKED = Memory(looked_at=NOW - 10, strangers_at=NOW - 500)


def taken_by(*names):
    """The reason of a loss whose evictors show later."""
    evictors = tuple(Evictor(model=name, is_ours=False) for name in names)
    why = f"evicted by {' or '.join(names)}"
    return Reason(kind=Kind.EVICTED, why=why, evictors=evictors)


def held(name, wanted=A):
    """What the last look left of a target that was resident."""
    there = stay(name, 10**10, proof_at=NOW - 10)
    return {"stays": {there.digest: there}, "serves": {wanted.key: there.digest}}


def look(before, *residents, answer=None, **seen):
    sight = Seen(view=answer or view(*residents), **seen)
    return memories.observe(before, sight, [A, B], rules=RULES, now=NOW)


def opened(**rest):
    """A target that went suddenly ten seconds ago."""
    return {A.key: replace(Loss(at=NOW - 10, by="", is_open=True), **rest)}


def test_nothing_is_remembered_of_a_host_that_was_never_looked_at():
    assert Memory() == Memory(
        looked_at=0.0,
        refusals=0,
        has_failed=False,
        stays={},
        serves={},
        losses={},
        room=Room(most=0, full_at=0.0, hold_until=0.0, gone=frozenset()),
        strangers_at=0.0,
        touch_loads={},
        told={},
        pulls={},
        still=None,
        wedged_at=0.0,
    )


def test_a_host_is_not_back_unless_told():
    assert Observed(memory=LOOKED) == Observed(memory=LOOKED, reasons={}, is_back=False)


@pytest.mark.parametrize(
    ("answer", "refusals", "has_failed"),
    [(MUTE, 0, True), (REFUSED, 3, True), (None, 0, False)],
    ids=["no answer", "refused again", "it answers"],
)
def test_refused_connections_are_counted_until_the_host_says_something_else(
    answer, refusals, has_failed
):
    before = replace(LOOKED, refusals=2, has_failed=True)

    after = look(before, answer=answer).memory

    assert (after.refusals, after.has_failed) == (refusals, has_failed)


def test_a_host_that_only_was_slow_has_not_failed():
    after = look(LOOKED, answer=MUTE).memory

    assert (after.refusals, after.has_failed) == (0, False)


@pytest.mark.parametrize(
    ("before", "residents", "strangers_at"),
    [
        (LOOKED, (), NOW - 500),
        (LOOKED, (resident("x"),), NOW),
        (Memory(), (), NOW),
    ],
    ids=["nobody came", "a stranger came", "the first look"],
)
def test_the_memory_dates_the_last_stranger_or_else_the_first_look(
    before, residents, strangers_at
):
    assert look(before, *residents).memory.strangers_at == strangers_at


@pytest.mark.parametrize(
    ("strangers_at", "is_waited_for"),
    [(3_600.5, True), (3_600.0, False), (0.0, False)],
    ids=["within a day", "a day ago", "never"],
)
def test_a_departure_is_sudden_if_a_stranger_came_within_a_day(
    strangers_at, is_waited_for
):
    before = replace(LOOKED, strangers_at=strangers_at, **held("a"))
    now = 90_000.0 if strangers_at else NOW

    observed = memories.observe(
        before, Seen(view=view(now=now)), [A, B], rules=RULES, now=now
    )

    assert (A.key in observed.memory.losses) is is_waited_for


def test_a_target_that_another_one_displaces_is_no_foreign_model():
    before = replace(LOOKED, **held("a"))

    after = look(before, resident("b")).memory

    assert after.losses.keys() == {A.key}
    assert after.losses[A.key].by == "b:latest"


def test_a_touch_that_was_a_load_is_remembered_for_less_than_an_hour():
    before = replace(
        LOOKED, touch_loads={"d-old": NOW - 3_600, "d-recent": NOW - 3_599}
    )
    touches = {
        "loaded": touched(resident("a"), at=NOW - 1, was_load=True),
        "late": touched(resident("b"), at=NOW - 3_600, was_load=True),
        "touched": touched(resident("c"), at=NOW - 1),
    }

    after = look(before, touches=touches).memory

    assert after.touch_loads == {"d-recent": NOW - 3_599, "d-a:latest": NOW - 1}


@pytest.mark.parametrize(
    ("known", "is_served"),
    [
        ({"tags": {A.name.normal: Tag(digest="d-first:latest", size_bytes=1)}}, True),
        ({"tags": tags("a")}, False),
        ({"tags": {}}, False),
        ({"infos": infos(a="x", first="x")}, True),
        ({"infos": infos(a="x", first="y")}, False),
        ({}, False),
    ],
    ids=[
        *("the same manifest", "another manifest", "the host lacks it"),
        *("the same weights", "other weights", "nothing is known"),
    ],
)
def test_a_target_is_served_under_another_name_by_manifest_or_weights(known, is_served):
    there = resident("first")
    seen = Seen(view=view(there), **known)

    assert memories.serving(A, [there], seen) is (there if is_served else None)


@pytest.mark.parametrize(
    ("losses", "residents", "reasons"),
    [
        (
            opened(until=NOW + 50),
            (resident("x"),),
            {A.key: taken_by("x:latest")},
        ),
        (
            opened(until=NOW + 50),
            (resident("x"), resident("z")),
            {A.key: taken_by("x:latest", "z:latest")},
        ),
        (opened(until=NOW + 50), (), {}),
        (opened(until=NOW + 50, by="y:latest"), (), {}),
        (opened(until=NOW), (), {}),
        ({A.key: Loss(at=NOW - 10, by="y:latest")}, (resident("x"),), {}),
    ],
    ids=[
        *("a foreign model comes", "two come", "none comes", "none comes this time"),
        *("its time is over", "it was known before"),
    ],
)
def test_a_model_that_comes_after_a_sudden_loss_is_reported_as_its_evictor(
    losses, residents, reasons
):
    assert look(replace(LOOKED, losses=losses), *residents).reasons == reasons
