"""What becomes of a target that is resident, at the edges of each rule."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    HOST_TIME,
    NOW,
    RULES,
    holder,
    loaded,
    resident,
    stay,
    target,
    touched,
    view,
)
from worker.core import present
from worker.core.decision import Decision
from worker.core.losses import Loss
from worker.core.memory import Memory
from worker.core.passes import Seen, Touch
from worker.core.wedge import Still

A, B = target("a", priority=2), target("b", priority=1)
THERE = resident("a")
DAYS_7300_S = 630_720_000.0
"""The longest time that is a timer."""
LATE = Still(
    picture="n",
    views=3,
    since=NOW - 40,
    seen_at=HOST_TIME.timestamp() + NOW - 20,
    timers={THERE.digest: THERE.expires_at.timestamp()},
)


def decide(seen_stay=None, *, wanted=A, there=THERE, cold=(), memory=None, **seen):
    """The verdict on a target that the only resident serves, and the touches."""
    kept = seen_stay or stay()
    decision = Decision(
        order=[B, wanted] if cold else [wanted, B],
        seen=Seen(view=view(there), **seen),
        memory=Memory(
            stays={kept.digest: kept},
            serves={wanted.key: kept.digest},
            **(memory or {}),
        ),
        rules=RULES,
        now=NOW,
        cold={t.key for t in cold},
    )
    return present.verdict(wanted, there, decision), decision.actions


def said(*args, **rest):
    verdict, _ = decide(*args, **rest)
    return verdict.condition.value, verdict.why


def is_touched(*args, **rest):
    return bool(decide(*args, **rest)[1])


@pytest.mark.parametrize(
    ("window_s", "lead_s"), [(None, 25.0), (300.0, 25.0), (50.0, 25.0), (40.0, 20.0)]
)
def test_a_timer_is_near_at_two_and_a_half_ticks_or_half_its_window(window_s, lead_s):
    assert present.lead_s(stay(window_s=window_s), tick_s=10) == lead_s


@pytest.mark.parametrize(
    ("left_s", "told_s"),
    [(DAYS_7300_S, DAYS_7300_S), (DAYS_7300_S + 1, float("inf"))],
    ids=["a long timer", "no timer"],
)
def test_more_than_twenty_years_left_are_told_as_no_timer(left_s, told_s):
    assert decide(stay(left_s=left_s))[0].left_s == told_s


RECORD = loaded(resident("a", context=256))


@pytest.mark.parametrize(
    ("record", "condition"),
    [
        (RECORD, "warm"),
        (replace(RECORD, error="LoadFailed"), "drifted"),
        (replace(RECORD, digest="d-old"), "drifted"),
        (replace(RECORD, context_length=512), "drifted"),
    ],
    ids=["as our load left it", "that failed", "other weights", "another context"],
)
def test_another_context_than_wanted_fits_if_our_own_load_gave_it(record, condition):
    wanted = target("a?num_ctx=100")

    verdict, _ = decide(
        wanted=wanted,
        there=resident("a", context=256),
        records={wanted.key: record},
    )

    assert verdict.condition.value == condition


@pytest.mark.parametrize(
    ("by", "cold", "is_held"),
    [
        ("b:latest", (B,), False),
        ("x:latest", (B,), True),
        (None, (B,), True),
    ],
    ids=["of a cold one", "of another", "of none"],
)
def test_a_target_that_took_the_room_of_a_cold_more_wanted_one_is_not_held(
    by, cold, is_held
):
    losses = {A.key: Loss(at=NOW - 10, by=by, residents=1)} if by else {}

    told = said(stay(left_s=5.0), cold=cold, memory={"losses": losses})

    unfit = ("unfit", "not held: it took the room of b")
    assert told == (("warm", "") if is_held else unfit)


def test_a_target_that_took_the_room_of_one_that_is_resident_again_is_held():
    wanted = replace(A, priority=0)
    loss = {"losses": {wanted.key: Loss(at=NOW - 10, by="b:latest", residents=1)}}
    nobody_cold = (target("z"),)

    assert said(wanted=wanted, cold=nobody_cold, memory=loss) == ("warm", "")


@pytest.mark.parametrize(
    ("wanted", "window_s", "why"),
    [
        ("a?keep_alive=30m", 1_800.0, ""),
        ("a?keep_alive=30m", 1_798.0, ""),
        ("a?keep_alive=30m", 1_797.5, "keep-alive 29m58s, wanted 30m"),
        ("a?keep_alive=30m", None, ""),
        (
            "a",
            20.0,
            "its keep-alive of 20s cannot be held, as it is below 3 ticks (30s)",
        ),
        (
            "a?keep_alive=-1&keep_alive_forever=true",
            300.0,
            "keep-alive 5m, wanted for ever",
        ),
        (
            "a?keep_alive=-1&keep_alive_forever=true",
            DAYS_7300_S,
            "keep-alive 175200h, wanted for ever",
        ),
        ("a?keep_alive=-1&keep_alive_forever=true", DAYS_7300_S + 1, ""),
    ],
    ids=[
        *("as wanted", "but for two seconds", "shorter", "unknown"),
        *("too short", "a timer", "the longest timer", "no timer"),
    ],
)
def test_a_keep_alive_that_is_not_the_wanted_one_is_told(wanted, window_s, why):
    verdict, _ = decide(stay(window_s=window_s), wanted=target(wanted))

    assert verdict.condition.value == ("drifted" if why else "warm")
    assert verdict.why == why


@pytest.mark.parametrize(
    ("asked_s", "touched"), [(8.9, False), (9.0, True)], ids=["too soon", "lost"]
)
def test_a_touch_of_a_near_timer_is_sent_again_after_nine_tenths_of_a_tick(
    asked_s, touched
):
    assert is_touched(stay(left_s=5.0, asked_at=NOW - asked_s)) is touched


@pytest.mark.parametrize(("asked_s", "touched"), [(59.5, False), (60.0, True)])
def test_a_touch_as_proof_is_sent_again_after_a_minute(asked_s, touched):
    quiet = stay(proof_at=NOW - 3_600, asked_at=NOW - asked_s)

    assert is_touched(quiet) is touched


@pytest.mark.parametrize(("quiet_s", "touched"), [(3_599.5, False), (3_600.0, True)])
def test_a_runner_is_touched_when_it_gave_no_answer_for_an_hour(quiet_s, touched):
    assert is_touched(stay(proof_at=NOW - quiet_s)) is touched


@pytest.mark.parametrize(
    ("rest", "touched"),
    [
        ({"ours": A.key}, True),
        ({"ours": "another"}, False),
        ({}, False),
        ({"ours": A.key, "asked_at": NOW - 40}, False),
    ],
    ids=["ours", "another target's", "foreign", "asked since"],
)
def test_while_a_load_is_late_each_resident_that_we_loaded_is_touched_once(
    rest, touched
):
    late = {"memory": {"still": LATE}, "holder": holder(B.key)}

    assert is_touched(stay(**rest), **late) is touched


BUSY = touched(THERE, at=NOW - 5, left_s=None)


@pytest.mark.parametrize(
    ("touch", "used_at", "is_sent"),
    [
        (BUSY, 0.0, False),
        (BUSY, NOW - 5, False),
        (BUSY, NOW - 4, True),
        (replace(BUSY, error="OllamaBusy"), 0.0, True),
        (replace(BUSY, digest="d-old"), 0.0, True),
        (replace(BUSY, left_s=300.0), 0.0, True),
        (replace(BUSY, at=NOW - 24.5), 0.0, False),
        (replace(BUSY, at=NOW - 25), 0.0, True),
    ],
    ids=[
        *("at work", "since just then", "and used since", "the touch failed"),
        *("another resident", "not at work", "within two and a half ticks", "before"),
    ],
)
def test_a_request_that_a_touch_found_running_restarts_the_timer_itself(
    touch, used_at, is_sent
):
    near = stay(left_s=5.0, used_at=used_at)

    assert is_touched(near, touches={A.key: touch}) is is_sent


def test_a_touch_of_a_foreign_load_carries_its_context_and_the_time_left():
    _, actions = decide(stay(left_s=5.0, context=2048))

    assert actions == [Touch(target=A, digest="d-a:latest", num_ctx=2048, left_s=5.0)]
