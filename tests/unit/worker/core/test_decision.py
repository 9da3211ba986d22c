"""What one decision knows: losses, room, use, doubts, and who shares a runner."""

import pytest

from tests.support.builders import (
    HOST_TIME,
    NOW,
    RULES,
    holder,
    infos,
    resident,
    stay,
    target,
    view,
)
from worker.core.decision import Decision
from worker.core.domain import Unanswered
from worker.core.losses import Loss
from worker.core.memory import Memory
from worker.core.passes import Seen
from worker.core.wedge import Still

A, B, C = target("a", priority=3), target("b", priority=2), target("c", priority=1)
THERE = resident("a")
LATE = Still(
    picture="n",
    views=3,
    since=NOW - 40,
    seen_at=HOST_TIME.timestamp() + NOW - 20,
    timers={THERE.digest: THERE.expires_at.timestamp()},
)
"""A load of ours is late, and nobody has touched `a` since it began."""


def decision(*residents, order=(A, B, C), memory=None, view=view, **seen):
    return Decision(
        order=list(order),
        seen=Seen(view=view(*residents), **seen),
        memory=memory or Memory(),
        rules=RULES,
        now=NOW,
    )


@pytest.mark.parametrize(("age_s", "is_known"), [(3_599, True), (3_600, False)])
def test_a_loss_is_remembered_for_less_than_an_hour(age_s, is_known):
    loss = Loss(at=NOW - age_s, by="x:latest")

    known = decision(memory=Memory(losses={B.key: loss}))

    assert known.loss(B) is (loss if is_known else None)
    assert known.loss(A) is None


@pytest.mark.parametrize(
    ("names", "is_full"),
    [(["x"], False), (["y", "z"], False), (["x", "y"], True), (["x", "y", "z"], True)],
    ids=["one less", "without the taker", "as many", "more"],
)
def test_a_host_is_full_with_the_taker_and_as_many_as_at_a_loss(names, is_full):
    loss = Loss(at=NOW - 1, by="x:latest", residents=2)
    known = decision(memory=Memory(losses={B.key: loss}))

    assert known.is_full([resident(name) for name in names]) is is_full


@pytest.mark.parametrize(
    ("seen", "is_used"),
    [
        (stay(used_at=NOW - 59), True),
        (stay(used_at=NOW - 60), False),
        (stay(left_s=-1.0), True),
    ],
    ids=["within six ticks", "six ticks ago", "busy, and not used for long"],
)
def test_a_resident_is_in_use_while_busy_and_for_six_ticks_after(seen, is_used):
    assert decision().is_in_use(seen) is is_used


def test_a_late_load_may_wait_for_a_resident_that_was_not_idle_since():
    late = {"memory": Memory(still=LATE), "holder": holder("z")}

    assert decision(THERE, **late).doubts == {"d-a:latest"}
    assert decision(THERE, holder=holder("z")).doubts is None


def test_a_host_that_does_not_answer_has_no_doubtful_resident():
    mute = decision(
        memory=Memory(still=LATE),
        holder=holder("z"),
        view=lambda: Unanswered(text="mute"),
    )

    assert mute.doubts is None


@pytest.mark.parametrize(
    ("asked_at", "still", "is_doubted"),
    [
        (NOW - 41, LATE, True),
        (NOW - 40, LATE, False),
        (NOW - 1, LATE, False),
        (0.0, None, False),
    ],
    ids=["asked before", "asked as the load began", "asked since", "no load is late"],
)
def test_a_resident_is_asked_once_while_a_load_is_late(asked_at, still, is_doubted):
    known = decision(THERE, memory=Memory(still=still), holder=holder("z"))

    assert known.doubts_unasked(stay(asked_at=asked_at)) is is_doubted


def test_a_resident_that_is_not_doubtful_need_not_be_asked():
    known = decision(memory=Memory(still=LATE), holder=holder("z"))

    assert known.doubts_unasked(stay()) is False


@pytest.mark.parametrize(
    ("mine", "other", "context", "is_shared"),
    [
        ("b", "a", None, False),
        ("b?num_thread=4", "a", None, True),
        ("b", "a?num_ctx=512", None, False),
        ("b?num_ctx=512", "a?num_ctx=512", None, False),
        ("b?num_ctx=512", "a?num_ctx=4096", 512, True),
        ("b?num_ctx=512", "a", None, True),
        ("b?num_ctx=512", "a", 512, False),
        ("b?num_ctx=512", "a", 4096, True),
    ],
    ids=[
        *("equal options", "other options", "any context will do", "equal contexts"),
        *("other contexts", "the other takes any, and nothing is resident"),
        *("what is resident serves both", "what is resident serves the other"),
    ],
)
def test_two_targets_on_one_blob_share_a_runner_that_serves_one(
    mine, other, context, is_shared
):
    wanted, more = target(mine), target(other, priority=3)
    known = decision(order=(more, wanted), infos=infos(a="x", b="x"))
    there = resident("a", context=context) if context else None

    assert known.sharer(wanted, there) is (more if is_shared else None)


@pytest.mark.parametrize(
    ("blobs", "paused"),
    [
        ({"a": "x", "b": "y"}, ()),
        ({"a": None, "b": None}, ()),
        ({"b": "x"}, ()),
        ({"a": "x"}, ()),
        ({}, ()),
        ({"a": "x", "b": "x"}, (A.name.normal,)),
    ],
    ids=[
        *("other weights", "unknown weights", "the other is unknown"),
        *("this one is unknown", "both are", "the other is paused"),
    ],
)
def test_a_target_shares_no_runner_with(blobs, paused):
    wanted = target("b?num_thread=4")
    known = decision(order=(A, wanted), infos=infos(**blobs), paused=frozenset(paused))

    assert known.sharer(wanted, None) is None


def test_a_runner_is_shared_with_any_of_the_more_wanted_ones():
    wanted = target("c?num_thread=4")
    known = decision(order=(A, B, wanted), infos=infos(a="y", b="x", c="x"))

    assert known.sharer(wanted, None) == B
