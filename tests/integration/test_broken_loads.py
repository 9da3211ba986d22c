"""What becomes of those who wait for a load that is broken off, or never ends."""

import os
import re
import signal
import time

from tests.support.crowd import answers_of_all, outcomes, send_from_all, warm_from_all
from tests.support.waiting import until

WORKERS = ("worker-1", "worker-2")


def test_a_model_that_never_answers_is_tried_four_times_for_a_hundred_callers(fleet):
    host = fleet.hosts["gpu-1"]
    host.fault("early_end", model="sick")
    before = host.requests("/api/generate")

    answers = warm_from_all(fleet, "sick", times=100)

    assert outcomes(answers) == {"LoadFailed": 100}
    assert host.requests("/api/generate") <= before + 4


def test_a_killed_child_costs_one_more_load_and_no_answer(fleet):
    loads = fleet.hosts["gpu-1"].loads()
    send_from_all(fleet, "slow", times=20)
    _, pid = fleet.loader("gpu-1")
    time.sleep(1)

    os.kill(pid, signal.SIGKILL)

    answers = answers_of_all(fleet)
    assert set(outcomes(answers)) <= {"loaded", "joined", "already_warm"}
    assert len(answers) == 20
    assert fleet.hosts["gpu-1"].loads() == loads + 2


def received(fleet):
    """Return how many tasks the workers have received so far."""
    return len(set(re.findall(r"warmup\[([^]]+)\] received", fleet.log(*WORKERS))))


def test_a_publish_that_fails_while_tasks_are_put_back_loses_none(fleet):
    known, loads = received(fleet), fleet.hosts["gpu-1"].loads()
    redis = fleet.state.redis
    send_from_all(fleet, "slow", times=20)
    until(lambda: received(fleet) >= known + 20, "workers have received all tasks")

    redis.acl_setuser("default", commands=["-lpush"], enabled=True)
    time.sleep(2.5)
    redis.acl_setuser("default", commands=["+lpush"], enabled=True)

    assert "could not be put back" in fleet.log(*WORKERS)

    answers = answers_of_all(fleet)
    assert set(outcomes(answers)) <= {"loaded", "joined", "already_warm"}
    assert fleet.hosts["gpu-1"].loads() == loads + 1


def test_a_worker_that_is_told_to_end_ends_its_load_first(fleet):
    before = fleet.hosts["gpu-1"].stats()
    send_from_all(fleet, "one", times=20)
    name, _ = fleet.loader("gpu-1")

    fleet.supervisor.kill(name, signal.SIGTERM)

    answers = answers_of_all(fleet)
    after = fleet.hosts["gpu-1"].stats()
    assert outcomes(answers) == {"loaded": 1, "joined": 19}
    assert after["loads"] == before["loads"] + 1
    assert after["cancelled_loads"] == before["cancelled_loads"]
    assert fleet.supervisor.said(name, "Soft Shutdown")
