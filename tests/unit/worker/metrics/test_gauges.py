import math

import pytest

from ollama_warmup.report import Condition, HostState
from tests.support.host_reports import host_report, target_report
from tests.support.scrapes import of, read, snapshot

WARM, COLD, LOADING = Condition.WARM, Condition.COLD, Condition.LOADING


def one(seen, name, **more):
    return of(snapshot(host_report(seen, **more)), name).get(("gpu-1", seen.model))


@pytest.mark.parametrize(
    ("seen", "age_s", "left_s"),
    [
        (target_report(context_length=4096, left_s=60.0), 2, 58),
        (target_report(context_length=4096, left_s=1.0), 2, 0),
        (target_report(left_s=60.0), 2, 58),
        (target_report(context_length=4096, is_forever=True), 2, math.inf),
        (target_report(context_length=4096, left_s=-3.0), 2, None),
        (target_report(condition=COLD), 2, 0),
        (target_report(condition=LOADING), 2, 0),
        (target_report(condition=Condition.UNKNOWN), 2, None),
        (target_report(condition=Condition.ASLEEP), 2, None),
        (target_report(context_length=4096, left_s=60.0), 40, None),
    ],
    ids=[
        *("timer", "over", "old server", "forever", "busy", "cold", "loading"),
        *("mute host", "paused", "stale"),
    ],
)
def test_time_to_cold_is_a_gauge_only_where_it_is_known(seen, age_s, left_s):
    assert one(seen, "target_time_to_cold_seconds", age_s=age_s) == left_s


@pytest.mark.parametrize(
    ("seen", "age_s", "resident", "ready"),
    [
        (target_report(context_length=4096, left_s=60.0), 2, 1, 1),
        (
            target_report(condition=Condition.DRIFTED, context_length=512, left_s=9.0),
            2,
            1,
            0,
        ),
        (target_report(condition=COLD), 2, 0, 0),
        (target_report(condition=Condition.UNKNOWN), 2, None, 0),
        (target_report(context_length=4096, left_s=60.0), 40, None, 0),
    ],
    ids=["warm", "drifted", "cold", "mute host", "stale"],
)
def test_resident_and_ready_are_two_things(seen, age_s, resident, ready):
    assert one(seen, "target_resident", age_s=age_s) == resident
    assert one(seen, "target_ready", age_s=age_s) == ready


def test_just_one_of_all_conditions_is_1():
    told = of(snapshot(host_report(target_report(condition=COLD))), "target_condition")

    assert {c for c, _, _ in told} == {condition.value for condition in Condition}
    assert [key for key, value in told.items() if value] == [
        ("cold", "gpu-1", "llama3:8b")
    ]


def test_a_host_without_a_pass_for_three_ticks_is_unknown():
    taken = snapshot(host_report(target_report(), age_s=31))

    conditions, states = of(taken, "target_condition"), of(taken, "host_state")
    assert conditions["unknown", "gpu-1", "llama3:8b"] == 1
    assert states["gpu-1", "unknown"] == 1
    assert states["gpu-1", "up"] == 0
    assert of(taken, "pass_age_seconds") == {("gpu-1",): 31}
    assert of(taken, "ready") == {(): 0}


def test_only_a_load_in_flight_has_elapsed_seconds():
    loading = target_report(condition=LOADING, elapsed_s=3.0)
    taken = snapshot(host_report(loading, target_report("phi3")))

    assert of(taken, "load_elapsed_seconds") == {("gpu-1", "llama3:8b"): 5}


def test_a_system_without_any_report_still_answers():
    series = read(snapshot())

    assert series["ollama_warmup_ready",] == 0
    assert not [key for key in series if key[0] == "ollama_warmup_pass_age_seconds"]


def test_flags_pauses_and_queue_lengths_are_gauges():
    bad = host_report(target_report(), warm_list_problem="line 3", state=HostState.DOWN)
    taken = snapshot(bad, paused=2, queues={"ollama.lane.gpu-1": 4})

    assert of(taken, "warm_list_problem") == {(): 1}
    assert of(taken, "pauses") == {(): 2}
    assert of(taken, "enabled") == {(): 1}
    assert of(taken, "tick_seconds") == {(): 10}
    assert of(taken, "queue_length") == {("ollama.lane.gpu-1",): 4}
    assert of(taken, "host_state")["gpu-1", "down"] == 1
