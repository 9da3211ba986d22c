"""What callers and Flower see of a task while it runs."""

import json
import os
import subprocess
import sys
import time
import uuid

import httpx
import pytest
from redis import Redis

from tests.support.waiting import until
from worker.cli.supervisor import free_port, listens

FLOWER = [sys.executable, "-m", "celery", "-A", "worker", "flower"]


@pytest.fixture(scope="module")
def flower(_system):
    port = free_port()
    process = subprocess.Popen(
        [*FLOWER, "--address=127.0.0.1", f"--port={port}"],
        env=os.environ | _system.environment | {"FLOWER_UNAUTHENTICATED_API": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    until(lambda: listens(port), "Flower listens")
    time.sleep(1)  # its event receiver connects after its page
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def in_flower(flower, task_id):
    answer = httpx.get(f"{flower}/api/task/info/{task_id}")
    return answer.json()["state"] if answer.status_code == 200 else None


def in_backend(system, task_id):
    with Redis.from_url(system.broker_url, decode_responses=True) as redis:
        meta = redis.get(f"tests:celery-task-meta-{task_id}")
    return json.loads(meta) if meta else {"status": "PENDING"}


def states(system, flower, *args):
    """Every state that backend and Flower show of one task, in order."""
    task_id = str(uuid.uuid4())
    backend, shown = [], []
    system.application.send(*args, task_id=task_id)

    def is_over():
        backend.append(in_backend(system, task_id))
        shown.append(in_flower(flower, task_id))
        return shown[-1] in {"SUCCESS", "FAILURE"}

    until(is_over, "Flower shows the end of the task")
    system.application.answers()
    backend.append(in_backend(system, task_id))
    return backend, list(dict.fromkeys(filter(None, shown)))


def test_a_load_is_seen_in_the_backend_and_in_flower_while_it_lasts(system, flower):
    system.application.warmup("big")
    system.ollama.reset()

    backend, shown = states(system, flower, "big")

    loading = [meta["result"] for meta in backend if meta["status"] == "LOADING"]
    assert [meta["elapsed_s"] for meta in loading] == sorted(
        meta["elapsed_s"] for meta in loading
    )
    assert loading[-1]["elapsed_s"] >= 3
    assert loading[-1]["expected_s"] == pytest.approx(4.5, abs=0.5)
    assert backend[-1]["status"] == "SUCCESS"
    assert shown[-2:] == ["LOADING", "SUCCESS"]


def test_a_retry_is_seen_in_flower(system, flower):
    system.ollama.post("/_sim/faults", fault="early_end", times=1)

    _, shown = states(system, flower, "tiny2")

    assert "RETRY" in shown
    assert shown[-1] == "SUCCESS"


def test_a_failure_is_seen_in_flower(system, flower):
    _, shown = states(system, flower, "nope")

    assert shown[-1] == "FAILURE"
