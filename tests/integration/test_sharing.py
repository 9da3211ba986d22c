"""One load for any number of callers: two hosts, two workers, four applications."""

import json
import os
import re
import signal
import time
from collections import Counter
from dataclasses import dataclass

import pytest
from redis import Redis

from tests.integration.conftest import (
    START_S,
    Application,
    Simulated,
    run_simulator,
    run_valkey,
    run_worker,
)
from tests.integration.loop import free_range
from worker.cli.supervisor import Supervisor, free_port

MODELS = (
    "one?load=2s",
    "two?load=1s",
    "three?load=1s",
    "slow?load=6s",
    "sick?load=300ms",
)
TOLD = re.compile(
    r"^\[(\S+ [^:]+:\d\d:\d\d,\d+): [^]]+\] (Warming up|Model warmup completed)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    supervisor: Supervisor
    broker_url: str
    hosts: dict[str, Simulated]
    applications: list[Application]

    @property
    def redis(self):
        return Redis.from_url(self.broker_url, decode_responses=True)

    def fire(self, *args, times, **options):
        """Send from all applications at once, and collect every answer."""
        share = times // len(self.applications)
        for application in self.applications:
            application.send(*args, times=share, **options)
        return [a for app in self.applications for a in app.answers()]

    def log(self):
        names = ("worker-1", "worker-2")
        return "".join(
            (self.supervisor.folder / f"{name}.log").read_text() for name in names
        )

    def received(self):
        """How many tasks the workers were given so far."""
        return len(set(re.findall(r"warmup\[([^]]+)\] received", self.log())))

    def loads_told(self):
        """Begins and ends of all loads, by the time at which a worker told them."""
        return [what for _, what in sorted(TOLD.findall(self.log()))]


@pytest.fixture(scope="module")
def _fleet():
    port = free_range(2)
    hosts = {
        "gpu-1": Simulated(url=f"http://127.0.0.1:{port}"),
        "gpu-2": Simulated(url=f"http://127.0.0.1:{port + 1}"),
    }
    models = [word for model in MODELS for word in ("--model", model)]
    with Supervisor(grace_s=2) as supervisor:
        broker_url = run_valkey(supervisor, free_port())
        env = {
            "OLLAMA_WARMUP_BROKER_URL": broker_url,
            "OLLAMA_WARMUP_NAMESPACE": "fleet",
            "OLLAMA_WARMUP_HOSTS": ", ".join(f"{n}={h.url}" for n, h in hosts.items()),
            "REMAP_SIGTERM": "SIGQUIT",
        }
        run_simulator(supervisor, port, "--hosts", "2", *models)
        for name in ("worker-1", "worker-2"):
            run_worker(supervisor, f"--hostname={name}", env=env, name=name)
        supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
        applications = [Application(env) for _ in range(4)]
        yield Fleet(
            supervisor=supervisor,
            broker_url=broker_url,
            hosts=hosts,
            applications=applications,
        )
        for application in applications:
            application.close()


@pytest.fixture
def fleet(_fleet):
    for host in _fleet.hosts.values():
        host.reset()
    _fleet.redis.delete(*_fleet.redis.keys("fleet:outcome:*"), "x")
    return _fleet


def outcomes(answers):
    return Counter(
        a["result"]["outcome"] if "result" in a else a["error"] for a in answers
    )


def test_a_hundred_callers_share_one_load_and_all_get_the_truth(fleet):
    loads = fleet.hosts["gpu-1"].loads()

    answers = fleet.fire("one", times=100)

    assert fleet.hosts["gpu-1"].loads() == loads + 1
    assert outcomes(answers) == {"loaded": 1, "joined": 99}
    assert {a["result"]["context_length"] for a in answers} == {4096}


def test_a_model_that_never_answers_is_tried_four_times_for_a_hundred_callers(fleet):
    host = fleet.hosts["gpu-1"]
    host.post("/_sim/faults", fault="early_end", model="sick")
    before = host.stats()["requests"].get("/api/generate", 0)

    answers = fleet.fire("sick", times=100)

    assert outcomes(answers) == {"LoadFailed": 100}
    assert host.stats()["requests"]["/api/generate"] <= before + 4


def test_a_model_that_does_not_fit_is_tried_once_for_a_hundred_callers(fleet):
    host = fleet.hosts["gpu-1"]
    host.post("/_sim/faults", fault="out_of_memory", model="sick")
    before = host.stats()["requests"].get("/api/generate", 0)

    answers = fleet.fire("sick", times=100)

    assert outcomes(answers) == {"OutOfMemory": 100}
    assert host.stats()["requests"]["/api/generate"] == before + 1


def test_two_loads_of_ours_are_never_in_flight_on_one_host(fleet):
    known = len(fleet.loads_told())
    models = ("one", "two", "three")

    for application, model in zip(fleet.applications, models, strict=False):
        application.send(model, "gpu-1", times=5)
    for application in fleet.applications[:3]:
        assert "loaded" in outcomes(application.answers())

    assert fleet.loads_told()[known:] == ["Warming up", "Model warmup completed"] * 3


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

    answers = fleet.fire("slow", times=8, soft_time_limit=2)

    stats = fleet.hosts["gpu-1"].stats()
    assert outcomes(answers) == {"loaded": 1, "joined": 7}
    assert stats["loads"] == loads + 1
    assert stats["cancelled_loads"] == 0


def test_two_hundred_waiters_share_one_load(fleet):
    loads = fleet.hosts["gpu-1"].loads()

    answers = fleet.fire("slow", times=200)

    assert outcomes(answers) == {"loaded": 1, "joined": 199}
    assert fleet.hosts["gpu-1"].loads() == loads + 1


def test_a_killed_child_costs_one_more_load_and_no_answer(fleet):
    loads = fleet.hosts["gpu-1"].loads()
    for application in fleet.applications:
        application.send("slow", times=5)
    while not (lane := fleet.redis.get("fleet:lane:gpu-1")):
        time.sleep(0.05)
    time.sleep(1)

    os.kill(int(json.loads(lane)["process"].rpartition(":")[2]), signal.SIGKILL)

    answers = [a for application in fleet.applications for a in application.answers()]
    assert set(outcomes(answers)) <= {"loaded", "joined", "already_warm"}
    assert len(answers) == 20
    assert fleet.hosts["gpu-1"].loads() == loads + 2


def test_a_publish_that_fails_while_tasks_are_put_back_loses_none(fleet):
    known, loads = fleet.received(), fleet.hosts["gpu-1"].loads()
    for application in fleet.applications:
        application.send("slow", times=5)
    while fleet.received() < known + 20:
        time.sleep(0.05)

    fleet.redis.acl_setuser("default", commands=["-lpush"], enabled=True)
    time.sleep(2.5)
    fleet.redis.acl_setuser("default", commands=["+lpush"], enabled=True)

    assert "could not be put back" in fleet.log()

    answers = [a for application in fleet.applications for a in application.answers()]
    assert set(outcomes(answers)) <= {"loaded", "joined", "already_warm"}
    assert fleet.hosts["gpu-1"].loads() == loads + 1


def test_a_worker_that_is_told_to_end_ends_its_load_first(fleet):
    before = fleet.hosts["gpu-1"].stats()
    for application in fleet.applications:
        application.send("one", times=5)
    while not (lane := fleet.redis.get("fleet:lane:gpu-1")):
        time.sleep(0.05)
    name = json.loads(lane)["process"].partition(":")[0].removeprefix("celery@")

    os.kill(fleet.supervisor.processes[name].pid, signal.SIGTERM)

    answers = [a for application in fleet.applications for a in application.answers()]
    after = fleet.hosts["gpu-1"].stats()
    assert outcomes(answers) == {"loaded": 1, "joined": 19}
    assert after["loads"] == before["loads"] + 1
    assert after["cancelled_loads"] == before["cancelled_loads"]
    assert fleet.supervisor.said(name, "Soft Shutdown")
