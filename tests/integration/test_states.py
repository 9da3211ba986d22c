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

from worker.cli.supervisor import free_port, listens

FLOWER = [sys.executable, "-m", "celery", "-A", "worker", "flower"]


@pytest.fixture(scope="module")
def flower(_stage):
    port = free_port()
    process = subprocess.Popen(
        [*FLOWER, "--address=127.0.0.1", f"--port={port}"],
        env=os.environ | _stage.environment | {"FLOWER_UNAUTHENTICATED_API": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not listens(port):
        time.sleep(0.1)
    time.sleep(1)  # its event receiver connects after its page
    yield f"http://127.0.0.1:{port}"
    process.terminate()
    process.wait()


def in_flower(flower, task_id):
    answer = httpx.get(f"{flower}/api/task/info/{task_id}")
    return answer.json()["state"] if answer.status_code == 200 else None


def in_backend(stage, task_id):
    with Redis.from_url(stage.broker_url, decode_responses=True) as redis:
        meta = redis.get(f"tests:celery-task-meta-{task_id}")
    return json.loads(meta) if meta else {"status": "PENDING"}


def states(stage, flower, *args):
    """Every state that backend and Flower show of one task, in order."""
    task_id = str(uuid.uuid4())
    backend, shown = [], []
    stage.application.send(*args, task_id=task_id)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        backend.append(in_backend(stage, task_id))
        shown.append(in_flower(flower, task_id))
        if shown[-1] in {"SUCCESS", "FAILURE"}:
            break
        time.sleep(0.05)
    stage.application.answers()
    backend.append(in_backend(stage, task_id))
    return backend, list(dict.fromkeys(filter(None, shown)))


def test_a_load_is_seen_in_the_backend_and_in_flower_while_it_lasts(stage, flower):
    stage.warmup("big")
    stage.simulated.reset()

    backend, shown = states(stage, flower, "big")

    loading = [meta["result"] for meta in backend if meta["status"] == "LOADING"]
    assert [meta["elapsed_s"] for meta in loading] == sorted(
        meta["elapsed_s"] for meta in loading
    )
    assert loading[-1]["elapsed_s"] >= 3
    assert loading[-1]["expected_s"] == pytest.approx(4.5, abs=0.5)
    assert backend[-1]["status"] == "SUCCESS"
    assert shown[-2:] == ["LOADING", "SUCCESS"]


def test_a_retry_is_seen_in_flower(stage, flower):
    stage.simulated.post("/_sim/faults", fault="early_end", times=1)

    _, shown = states(stage, flower, "tiny2")

    assert "RETRY" in shown
    assert shown[-1] == "SUCCESS"


def test_a_failure_is_seen_in_flower(stage, flower):
    _, shown = states(stage, flower, "nope")

    assert shown[-1] == "FAILURE"
