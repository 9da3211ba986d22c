"""`pull.delay(…)`: slices, sharing, a killed child, a full disk, and what is seen."""

import json
import os
import signal
import time
import uuid
from functools import partial

import pytest

from tests.support.system import running_system
from tests.support.waiting import until

SIZE = 1_000_000_000
MODELS = (
    "far?size=1GB&pull=2s",
    "near?size=1GB&load=100ms&pull=10ms",
    "also?size=1GB&pull=10ms",
    "huge?size=1GB&pull=1h",
)
LEASE = "pulls:pull:default"


@pytest.fixture(scope="module")
def _system():
    with running_system("pulls") as system:
        [ollama] = system.simulate("default", models=MODELS)
        system.configure(variables={"OLLAMA_HOST": ollama.url})
        system.start_broker()
        system.start_worker()
        system.wait_ready()
        yield system


@pytest.fixture
def system(_system):
    """One worker, whose server has no model."""
    _system.ollama.reset()
    for model in ("far", "near", "also"):
        _system.ollama.delete("/api/delete", model=model)
    return _system


@pytest.fixture(scope="module")
def warmer(_system):
    """Another application, which sends while the first one waits."""
    return _system.start_application()


@pytest.fixture
def pull(system):
    """Send a pull, and return what became of it."""
    return partial(system.application.ask, "pull")


def pulled_bytes(system):
    return system.ollama.stats()["pulled_bytes"]


def requests(system):
    return system.ollama.requests("/api/pull")


def meta(system, task_id):
    value = system.state.redis.get(f"pulls:celery-task-meta-{task_id}")
    return json.loads(value) if value else {"status": "PENDING"}


def installed(system):
    rows = system.ollama.get("/api/tags")["models"]
    return {row["name"]: row["digest"] for row in rows}


def holder(system):
    """Wait for a pull that has begun; return its lease."""
    redis = system.state.redis
    return until(lambda: redis.get(LEASE), "a pull holds its host")


def test_a_pull_downloads_a_model_and_returns_its_size_and_digest(system, pull):
    before = pulled_bytes(system)
    log = len(system.log())

    result = pull("near")["result"]

    assert result.pop("total_s") == pytest.approx(0, abs=5)
    assert result == {
        "model": "near",
        "host": "default",
        "outcome": "pulled",
        "total_bytes": SIZE,
        "digest": installed(system)["near:latest"],
    }
    assert pulled_bytes(system) == before + SIZE
    assert "Model pulled: near (1000000000 bytes)" in system.log()[log:]
    until(lambda: "ollama.reconcile" in system.log()[log:], "a pass of the host comes")


def test_a_model_that_is_there_is_not_pulled_again(system, pull):
    pull("near")
    asked = requests(system)

    result = pull("near?num_ctx=512", "default")["result"]

    assert (result["outcome"], result["total_bytes"]) == ("already_there", SIZE)
    assert requests(system) == asked


def test_a_download_longer_than_the_soft_limit_goes_on_slice_by_slice(system, pull):
    before, asked = pulled_bytes(system), requests(system)
    task_id = str(uuid.uuid4())

    answer = pull("far", soft_time_limit=1, task_id=task_id, expires=1)

    assert answer["result"]["outcome"] == "pulled"
    assert answer["result"]["total_s"] > 2
    assert requests(system) >= asked + 3
    assert pulled_bytes(system) == before + SIZE
    assert meta(system, task_id)["retries"] == 0
    assert "SoftTimeLimitExceeded" not in system.log()


def test_two_pulls_at_once_are_one_download(system):
    before, asked = pulled_bytes(system), requests(system)

    system.application.send("far", task="pull", times=3)
    answers = system.application.answers()

    outcomes = sorted(answer["result"]["outcome"] for answer in answers)
    assert outcomes == ["joined", "joined", "pulled"]
    assert requests(system) == asked + 1
    assert pulled_bytes(system) == before + SIZE


def test_a_killed_child_costs_no_byte_that_was_downloaded(system):
    before = pulled_bytes(system)
    system.application.send("far", task="pull")
    lease = holder(system)
    time.sleep(0.5)

    os.kill(int(lease.partition(" ")[0].rpartition(":")[2]), signal.SIGKILL)
    system.state.redis.pexpire(LEASE, 500)  # what would happen by itself after 15 s

    [answer] = system.application.answers()
    assert answer["result"]["outcome"] in {"pulled", "joined"}
    assert pulled_bytes(system) == before + SIZE


def test_a_host_has_one_pull_at_a_time_and_warm_ups_go_on(system, pull, warmer):
    pull("near")
    system.application.send("huge", task="pull", times=2)
    holder(system)

    began = time.monotonic()
    assert warmer.warmup("near")["result"]["outcome"] == "loaded"
    assert time.monotonic() - began < 20  # that pull takes an hour
    warmer.send("also", task="pull")
    time.sleep(1)
    assert "also:latest" not in installed(system)

    system.ollama.post("/_sim/faults", fault="disk_full", model="huge")
    [also] = warmer.answers()
    assert also["result"]["outcome"] == "pulled"
    assert {a["error"] for a in system.application.answers()} == {"DiskFull"}


def test_the_progress_of_a_pull_is_in_the_result_backend_while_it_lasts(system):
    task_id = str(uuid.uuid4())
    system.application.send("far", task="pull", task_id=task_id)
    seen = []

    def is_over():
        seen.append(meta(system, task_id))
        return seen[-1]["status"] == "SUCCESS"

    until(is_over, "the pull has ended")
    system.application.answers()

    told = [row["result"] for row in seen if row["status"] == "PULLING"]
    done = sorted({row["completed_bytes"] for row in told})
    assert done[0] < SIZE
    assert len(done) <= 3  # at most once a second
    assert told[-1]["total_bytes"] == SIZE
    assert told[-1]["status"].startswith("pulling ")


def test_a_full_disk_fails_a_pull_at_once_with_the_reason(system, pull):
    system.ollama.post("/_sim/faults", fault="disk_full")
    asked = requests(system)

    answer = pull("huge")

    assert answer["error"] == "DiskFull"
    assert "of 1.0 GB there" in answer["text"]
    assert "free space on the disk" in answer["text"]
    assert requests(system) == asked + 1


def test_a_pull_of_a_name_that_no_registry_has_raises_unknown_model(pull):
    answer = pull("nope")

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
def test_a_pull_with_wrong_arguments_is_refused(pull, args, error):
    assert pull(*args)["error"] == error


def test_an_unload_unloads_a_loaded_model_and_then_finds_none(system, pull):
    pull("near")
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
    assert system.ollama.resident() == {}
