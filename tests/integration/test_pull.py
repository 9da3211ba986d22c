"""`pull.delay(…)`: slices, sharing, a killed child, a full disk, and what is seen."""

import json
import os
import signal
import time
import uuid
from functools import partial

import httpx
import pytest
from redis import Redis

from tests.integration.harness import (
    START_S,
    Application,
    run_simulator,
    run_valkey,
    run_worker,
)
from worker.cli.supervisor import Supervisor, free_port

SIZE = 1_000_000_000
MODELS = (
    "far?size=1GB&pull=2s",
    "near?size=1GB&load=100ms&pull=10ms",
    "also?size=1GB&pull=10ms",
    "huge?size=1GB&pull=1h",
)
LEASE = "pulls:pull:default"


class System:
    def __init__(self, supervisor, redis, host, *, env):
        self.supervisor, self.redis, self.host = supervisor, redis, host
        self.application, self.warmer = Application(env), Application(env)

    @property
    def pull(self):
        return partial(self.application.ask, "pull")

    def log(self):
        return (self.supervisor.folder / "worker.log").read_text()

    def fetched_bytes(self):
        return self.host.stats()["pulled_bytes"]

    def requests(self):
        return self.host.stats()["requests"].get("/api/pull", 0)

    def meta(self, task_id):
        value = self.redis.get(f"pulls:celery-task-meta-{task_id}")
        return json.loads(value) if value else {"status": "PENDING"}

    def installed(self):
        rows = httpx.get(f"{self.host.url}/api/tags").json()["models"]
        return {row["name"]: row["digest"] for row in rows}

    def lease(self):
        while not (holder := self.redis.get(LEASE)):
            time.sleep(0.02)
        return holder


@pytest.fixture(scope="module")
def _system():
    models = [word for model in MODELS for word in ("--model", model)]
    with Supervisor(grace_s=2) as supervisor:
        broker_url = run_valkey(supervisor, free_port())
        host = run_simulator(supervisor, free_port(), *models)
        env = {
            "OLLAMA_WARMUP_BROKER_URL": broker_url,
            "OLLAMA_WARMUP_NAMESPACE": "pulls",
            "OLLAMA_HOST": host.url,
        }
        run_worker(supervisor, env=env)
        supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
        redis = Redis.from_url(broker_url, decode_responses=True)
        system = System(supervisor, redis, host, env=env)
        yield system
        redis.close()
        system.application.close()
        system.warmer.close()


@pytest.fixture
def system(_system):
    """The system, whose host has no model."""
    _system.host.reset()
    for model in ("far", "near", "also"):
        _system.host.delete("/api/delete", model=model)
    return _system


def test_a_pull_downloads_a_model_and_tells_what_it_did(system):
    before = system.fetched_bytes()
    log = len(system.log())

    result = system.pull("near")["result"]

    assert result.pop("total_s") == pytest.approx(0, abs=5)
    assert result == {
        "model": "near",
        "host": "default",
        "outcome": "pulled",
        "total_bytes": SIZE,
        "digest": system.installed()["near:latest"],
    }
    assert system.fetched_bytes() == before + SIZE
    assert "Model pulled: near (1000000000 bytes)" in system.log()[log:]
    while "ollama.reconcile" not in system.log()[log:]:  # a pass of the host
        time.sleep(0.02)


def test_a_model_that_is_there_is_not_pulled_again(system):
    system.pull("near")
    requests = system.requests()

    result = system.pull("near?num_ctx=512", "default")["result"]

    assert (result["outcome"], result["total_bytes"]) == ("already_there", SIZE)
    assert system.requests() == requests


def test_a_download_longer_than_the_soft_limit_goes_on_slice_by_slice(system):
    before, requests = system.fetched_bytes(), system.requests()
    task_id = str(uuid.uuid4())

    answer = system.pull("far", soft_time_limit=1, task_id=task_id, expires=1)

    assert answer["result"]["outcome"] == "pulled"
    assert answer["result"]["total_s"] > 2
    assert system.requests() >= requests + 3
    assert system.fetched_bytes() == before + SIZE
    assert system.meta(task_id)["retries"] == 0
    assert "SoftTimeLimitExceeded" not in system.log()


def test_two_pulls_at_once_are_one_download(system):
    before, requests = system.fetched_bytes(), system.requests()

    system.application.send("far", task="pull", times=3)
    answers = system.application.answers()

    outcomes = sorted(answer["result"]["outcome"] for answer in answers)
    assert outcomes == ["joined", "joined", "pulled"]
    assert system.requests() == requests + 1
    assert system.fetched_bytes() == before + SIZE


def test_a_killed_child_costs_nothing_of_what_has_come(system):
    before = system.fetched_bytes()
    system.application.send("far", task="pull")
    holder = system.lease()
    time.sleep(0.5)

    os.kill(int(holder.partition(" ")[0].rpartition(":")[2]), signal.SIGKILL)
    system.redis.pexpire(LEASE, 500)  # what would happen by itself after 15 s

    [answer] = system.application.answers()
    assert answer["result"]["outcome"] in {"pulled", "joined"}
    assert system.fetched_bytes() == before + SIZE


def test_a_host_has_one_pull_at_a_time_and_warm_ups_go_on(system):
    system.pull("near")
    system.application.send("huge", task="pull", times=2)
    system.lease()

    began = time.monotonic()
    assert system.warmer.warmup("near")["result"]["outcome"] == "loaded"
    assert time.monotonic() - began < 20  # that pull takes an hour
    system.warmer.send("also", task="pull")
    time.sleep(1)
    assert "also:latest" not in system.installed()

    system.host.post("/_sim/faults", fault="disk_full", model="huge")
    [also] = system.warmer.answers()
    assert also["result"]["outcome"] == "pulled"
    assert {a["error"] for a in system.application.answers()} == {"DiskFull"}


def test_how_far_a_pull_is_is_seen_while_it_lasts(system):
    task_id = str(uuid.uuid4())
    system.application.send("far", task="pull", task_id=task_id)
    seen = []
    while (meta := system.meta(task_id))["status"] != "SUCCESS":
        seen.append(meta)
        time.sleep(0.05)
    system.application.answers()

    told = [meta["result"] for meta in seen if meta["status"] == "PULLING"]
    done = sorted({row["completed_bytes"] for row in told})
    assert done[0] < SIZE
    assert len(done) <= 3  # at most once a second
    assert told[-1]["total_bytes"] == SIZE
    assert told[-1]["status"].startswith("pulling ")


def test_a_full_disk_is_a_failure_that_says_so_and_is_not_tried_again(system):
    system.host.post("/_sim/faults", fault="disk_full")
    requests = system.requests()

    answer = system.pull("huge")

    assert answer["error"] == "DiskFull"
    assert "of 1.0 GB there" in answer["text"]
    assert "free space on the disk" in answer["text"]
    assert system.requests() == requests + 1


def test_a_name_that_no_registry_has_is_told_so(system):
    answer = system.pull("nope")

    assert answer["error"] == "UnknownModel"
    assert "has no model of this name" in answer["text"]
    assert "ollama pull" not in answer["text"]


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("gpt-oss:120b-cloud",), "BadRequest"),
        ((7,), "BadRequest"),
        (("far", "../x"), "BadRequest"),
        (("far", "gpu-9"), "UnknownHost"),
    ],
)
def test_a_wrong_call_is_refused(system, args, error):
    assert system.pull(*args)["error"] == error


def test_a_loaded_model_is_let_go(system):
    system.pull("near")
    system.application.warmup("near")

    first = system.application.ask("unload", "NEAR")["result"]
    second = system.application.ask("unload", "near")["result"]

    assert first == {
        "model": "NEAR",
        "host": "default",
        "outcome": "unloaded",
        "resident": "near:latest",
    }
    assert (second["outcome"], second["resident"]) == ("not_loaded", None)
    assert system.host.resident() == {}
