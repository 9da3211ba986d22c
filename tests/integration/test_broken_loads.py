"""What becomes of those who wait for a load that is broken off, or never ends."""

import os
import signal
import time

import pytest

from tests.integration.fleet import outcomes, running


@pytest.fixture(scope="module")
def _fleet():
    with running() as fleet:
        yield fleet


@pytest.fixture
def fleet(_fleet):
    return _fleet.fresh()


def test_a_model_that_never_answers_is_tried_four_times_for_a_hundred_callers(fleet):
    host = fleet.hosts["gpu-1"]
    host.post("/_sim/faults", fault="early_end", model="sick")
    before = host.stats()["requests"].get("/api/generate", 0)

    answers = fleet.fire("sick", times=100)

    assert outcomes(answers) == {"LoadFailed": 100}
    assert host.stats()["requests"]["/api/generate"] <= before + 4


def test_a_killed_child_costs_one_more_load_and_no_answer(fleet):
    loads = fleet.hosts["gpu-1"].loads()
    fleet.send("slow", times=20)
    _, pid = fleet.loader()
    time.sleep(1)

    os.kill(pid, signal.SIGKILL)

    answers = fleet.answers()
    assert set(outcomes(answers)) <= {"loaded", "joined", "already_warm"}
    assert len(answers) == 20
    assert fleet.hosts["gpu-1"].loads() == loads + 2


def test_a_publish_that_fails_while_tasks_are_put_back_loses_none(fleet):
    known, loads = fleet.received(), fleet.hosts["gpu-1"].loads()
    fleet.send("slow", times=20)
    while fleet.received() < known + 20:
        time.sleep(0.05)

    fleet.redis.acl_setuser("default", commands=["-lpush"], enabled=True)
    time.sleep(2.5)
    fleet.redis.acl_setuser("default", commands=["+lpush"], enabled=True)

    assert "could not be put back" in fleet.log()

    answers = fleet.answers()
    assert set(outcomes(answers)) <= {"loaded", "joined", "already_warm"}
    assert fleet.hosts["gpu-1"].loads() == loads + 1


def test_a_worker_that_is_told_to_end_ends_its_load_first(fleet):
    before = fleet.hosts["gpu-1"].stats()
    fleet.send("one", times=20)
    name, _ = fleet.loader()

    os.kill(fleet.supervisor.processes[name].pid, signal.SIGTERM)

    answers = fleet.answers()
    after = fleet.hosts["gpu-1"].stats()
    assert outcomes(answers) == {"loaded": 1, "joined": 19}
    assert after["loads"] == before["loads"] + 1
    assert after["cancelled_loads"] == before["cancelled_loads"]
    assert fleet.supervisor.said(name, "Soft Shutdown")
