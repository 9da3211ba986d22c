from datetime import timedelta

import pytest

from ollama_warmup import tally
from ollama_warmup.errors import LoadFailed, OutOfMemory, Refused
from ollama_warmup.tally import OTHER, What
from tests.support.builders import holder, resident, touched
from tests.support.host_reports import host_report, target_report
from tests.support.scrapes import FULL, of, read, snapshot
from worker import metrics
from worker.core import counting
from worker.core.domain import Warmth

LLAMA = {"host": "gpu-1", "model": "llama3:8b"}


def ended(end, *, is_gentle=True, expected_s=None, **where):
    ours = holder("k", expected_s=expected_s)
    where = LLAMA | where
    return counting.of_load(end, holder=ours, is_gentle=is_gentle, **where)


def loaded(load_s):
    left = timedelta(minutes=5)
    return Warmth(resident=resident("llama3:8b"), left=left, load_s=load_s)


def added(*tallies):
    totals: dict[str, float] = {}
    for one in tallies:
        for name, amount in one.amounts.items():
            totals[name] = totals.get(name, 0) + amount
    return totals


@pytest.mark.parametrize(
    ("end", "is_gentle", "cause", "result"),
    [
        (loaded(2.0), True, "keep_warm", "success"),
        (loaded(2.0), False, "on_demand", "success"),
        (LoadFailed("x"), True, "keep_warm", "transient"),
        (Refused("x"), True, "keep_warm", "permanent"),
        (OutOfMemory("x"), False, "on_demand", "breaker"),
    ],
)
def test_a_load_is_counted_by_cause_and_result(end, is_gentle, cause, result):
    totals = added(ended(end, is_gentle=is_gentle))

    told = of(snapshot(host_report(target_report()), totals=totals), "loads_total")

    assert {key: n for key, n in told.items() if n} == {
        (cause, "gpu-1", "llama3:8b", result): 1
    }


def test_load_seconds_are_a_histogram_of_the_loads_that_did_well():
    ends = [loaded(0.5), loaded(0.6), loaded(5_000.0), LoadFailed("x")]
    totals = added(*(ended(end) for end in ends))

    series = read(snapshot(host_report(target_report()), totals=totals))

    name, pair = "ollama_warmup_load_duration_seconds", ("gpu-1", "llama3:8b")
    buckets = {
        le: series[f"{name}_bucket", pair[0], le, pair[1]]
        for le in ("0.5", "1.0", "300.0", "1800.0", "+Inf")
    }
    assert list(buckets.values()) == [1, 2, 2, 2, 3]
    assert series[f"{name}_count", *pair] == 3
    assert series[f"{name}_sum", *pair] == pytest.approx(5_001.1)


def test_a_proof_that_did_not_load_is_not_counted_as_a_load():
    assert ended(loaded(0.0)) == tally.NOTHING


def test_the_usual_seconds_of_a_load_are_noted_for_declared_models_only():
    assert ended(loaded(2.0)).typical_s == {"gpu-1|llama3:8b": 2.0}
    assert ended(loaded(2.0), expected_s=7.0).typical_s == {"gpu-1|llama3:8b": 7.0}
    assert ended(loaded(2.0), model=OTHER).typical_s == {}
    assert ended(LoadFailed("x")).typical_s == {}


@pytest.mark.parametrize(
    ("more", "result"),
    [({}, "success"), ({"was_load": True}, "load"), ({"error": "Refused"}, "failure")],
)
def test_a_touch_is_counted_by_its_result(more, result):
    touch = touched(resident("llama3:8b"), **more)
    totals = added(counting.of_touch(touch, **LLAMA))

    told = of(snapshot(host_report(target_report()), totals=totals), "touches_total")

    assert {key: n for key, n in told.items() if n} == {
        ("gpu-1", "llama3:8b", result): 1
    }


def test_passes_are_counted_and_their_seconds_summed():
    series = read(snapshot(totals=added(*(counting.of_pass(s) for s in (0.5, 1.5)))))

    assert series["ollama_warmup_pass_duration_seconds_count",] == 2
    assert series["ollama_warmup_pass_duration_seconds_sum",] == 2.0


def test_events_are_counted_by_kind_and_wedges_by_host():
    events = {"evicted|gpu-1|llama3:8b": 3, "wedged|gpu-1|a": 1, "wedged|gpu-1|b": 1}

    taken = snapshot(host_report(target_report()), events=events)

    assert of(taken, "events_total")["gpu-1", "evicted", "llama3:8b"] == 3
    assert of(taken, "events_total")["gpu-1", "lapsed", "llama3:8b"] == 0
    assert of(taken, "wedges_total") == {("gpu-1",): 2}
    assert of(taken, "wedge_cures_total") == {("gpu-1",): 0}


def test_ten_thousand_undeclared_names_add_no_series():
    hostile = [f"evil-{number}" for number in range(10_000)]
    totals = added(*(ended(Refused("x"), model=name) for name in hostile))
    totals |= {
        tally.field(What.CALL, "cold", host=name, model=name): 1 for name in hostile
    }
    events = {f"cured|gpu-1|{name}": 1 for name in hostile}
    events |= {f"evicted|{name}|{name}": 1 for name in hostile}
    quiet = snapshot(host_report(target_report()))

    noisy = snapshot(host_report(target_report()), totals=totals, events=events)

    assert read(noisy).keys() == read(quiet).keys()


def test_a_host_that_leaves_takes_its_series_along_and_brings_them_back():
    totals = added(ended(loaded(2.0)), ended(loaded(2.0), host="gpu-2"))
    both = host_report(target_report()), host_report(target_report(), name="gpu-2")
    key = "ollama_warmup_loads_total", "keep_warm", "gpu-2", "llama3:8b", "success"

    before = read(snapshot(*both, totals=totals))
    without = read(snapshot(both[0], totals=totals))
    after = read(snapshot(*both, totals=totals))

    assert before[key] == after[key] == 1
    assert not [series for series in without if "gpu-2" in series]
    assert all(without[series] == before[series] for series in without)


def test_models_and_hosts_called_other_share_its_series():
    taken = snapshot(
        host_report(target_report("other"), name="other"),
        host_report(target_report("other")),
    )

    lines = metrics.render(taken).decode().splitlines()

    assert len(lines) == len(set(lines))


def test_every_counter_has_a_value_from_the_start():
    series = read(FULL)

    for name in ("loads", "touches", "events", "application_calls"):
        counter = f"ollama_warmup_{name}_total"
        values = {value for key, value in series.items() if key[0] == counter}
        assert values == {0}, name
