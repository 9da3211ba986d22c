"""Which of our loads and touches fell between two looks."""

from dataclasses import replace

import pytest

from tests.support.builders import NOW, loaded, resident, touched
from worker.core.since import Since

THERE = resident("a")
TICK = Since(looked_at=NOW - 10, now=NOW)


@pytest.mark.parametrize(("looked_at", "gap_s"), [(NOW - 10, 10.0), (0.0, None)])
def test_the_gap_is_the_time_since_the_last_look_if_there_was_one(looked_at, gap_s):
    assert Since(looked_at=looked_at, now=NOW).gap_s == gap_s


@pytest.mark.parametrize(
    ("loaded_s", "used_at", "was_loaded"),
    [
        (3_599.5, None, True),
        (3_600.0, None, False),
        (100.0, NOW - 99, True),
        (100.0, NOW - 100, False),
        (100.0, NOW - 101, False),
    ],
    ids=[
        *("within an hour", "an hour ago", "used since", "used just then"),
        "not used since",
    ],
)
def test_a_load_by_a_touch_counts_for_an_hour_if_the_model_was_used_since(
    loaded_s, used_at, was_loaded
):
    since = replace(TICK, touch_loads={"d": NOW - loaded_s})

    assert since.was_loaded_by_touch("d", used_at=used_at) is was_loaded


def test_a_model_that_no_touch_loaded_was_loaded_by_none():
    early = Since(looked_at=990.0, now=1_000.0)

    assert not early.was_loaded_by_touch("d", used_at=None)


@pytest.mark.parametrize(
    ("looked_s", "ended_s", "is_ours"),
    [
        (10.0, 15.0, True),
        (10.0, 15.5, False),
        (3_000.0, 60.0, True),
        (3_000.0, 60.5, False),
    ],
    ids=[
        *("a little before the last look", "before that"),
        *("a minute ago, unobserved", "longer ago, unobserved"),
    ],
)
def test_a_load_made_a_resident_if_it_ended_since_the_last_look(
    looked_s, ended_s, is_ours
):
    since = Since(looked_at=NOW - looked_s, now=NOW)
    record = loaded(THERE, at=NOW - ended_s)

    found = since.load(["k"], THERE, {"k": record})

    assert found == (("k", record) if is_ours else None)


def test_a_load_of_half_a_second_is_a_load():
    record = replace(loaded(THERE), load_s=0.5)

    assert TICK.load(["k"], THERE, {"k": record}) == ("k", record)


def test_of_two_loads_the_last_one_made_the_resident():
    records = {"k": loaded(THERE, at=NOW - 2), "l": loaded(THERE, at=NOW - 1)}

    assert TICK.load(["k", "l"], THERE, records) == ("l", records["l"])


@pytest.mark.parametrize(
    ("record", "is_found"),
    [
        (touched(THERE, at=NOW - 10), True),
        (touched(THERE, at=NOW - 10.5), False),
        (replace(touched(THERE), digest="d-old"), False),
        (replace(touched(THERE), error="OllamaBusy"), False),
    ],
    ids=["as it was looked", "before that", "another resident", "it failed"],
)
def test_a_touch_counts_if_it_reached_this_resident_since_the_last_look(
    record, is_found
):
    found = TICK.touch(["k"], THERE, {"k": record})

    assert found == (("k", record) if is_found else None)


def test_of_two_touches_the_last_one_counts():
    touches = {"k": touched(THERE, at=NOW - 2), "l": touched(THERE, at=NOW - 1)}

    assert TICK.touch(["k", "l"], THERE, touches) == ("l", touches["l"])
