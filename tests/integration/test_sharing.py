"""One load for any number of callers."""

import re
import time

from tests.support.crowd import outcomes, warm_from_all


def test_a_hundred_callers_share_one_load_and_all_get_the_truth(fleet):
    loads = fleet.hosts["gpu-1"].loads()

    answers = warm_from_all(fleet, "one", times=100)

    assert fleet.hosts["gpu-1"].loads() == loads + 1
    assert outcomes(answers) == {"loaded": 1, "joined": 99}
    assert {a["result"]["context_length"] for a in answers} == {4096}


def test_a_model_that_does_not_fit_is_tried_once_for_a_hundred_callers(fleet):
    host = fleet.hosts["gpu-1"]
    host.fault("out_of_memory", model="sick")
    before = host.requests("/api/generate")

    answers = warm_from_all(fleet, "sick", times=100)

    assert outcomes(answers) == {"OutOfMemory": 100}
    assert host.requests("/api/generate") == before + 1


LOGGED = re.compile(
    r"^\[(\S+ [^:]+:\d\d:\d\d,\d+): [^]]+\] (Warming up|Model warmup completed)",
    re.MULTILINE,
)


def loads_logged(fleet):
    """Return the begins and ends of all loads, by the instants that the logs give."""
    log = fleet.log("worker-1", "worker-2")
    return [what for _, what in sorted(LOGGED.findall(log))]


def test_two_loads_of_ours_are_never_in_flight_on_one_host(fleet):
    known = len(loads_logged(fleet))
    models = ("one", "two", "three")

    for application, model in zip(fleet.applications, models, strict=False):
        application.send(model, "gpu-1", times=5)
    for application in fleet.applications[:3]:
        assert "loaded" in outcomes(application.answers())

    assert loads_logged(fleet)[known:] == ["Warming up", "Model warmup completed"] * 3


def test_a_backlog_on_one_host_delays_no_other(fleet):
    for application in fleet.applications[:3]:
        application.send("slow", "gpu-1", times=34)
    time.sleep(1)

    began = time.monotonic()
    answer = fleet.applications[3].warmup("two", "gpu-2")
    took_s = time.monotonic() - began

    assert answer["result"]["outcome"] == "loaded"
    assert took_s - answer["result"]["load_s"] < 2
    for application in fleet.applications[:3]:
        application.answers()


def test_the_soft_limit_ends_the_waiting_and_not_the_load(fleet):
    loads = fleet.hosts["gpu-1"].loads()

    answers = warm_from_all(fleet, "slow", times=8, soft_time_limit=2)

    stats = fleet.hosts["gpu-1"].stats()
    assert outcomes(answers) == {"loaded": 1, "joined": 7}
    assert stats["loads"] == loads + 1
    assert stats["cancelled_loads"] == 0


def test_two_hundred_waiters_share_one_load(fleet):
    loads = fleet.hosts["gpu-1"].loads()

    answers = warm_from_all(fleet, "slow", times=200)

    assert outcomes(answers) == {"loaded": 1, "joined": 199}
    assert fleet.hosts["gpu-1"].loads() == loads + 1
