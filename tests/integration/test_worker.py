"""What a worker process withstands, and what it refuses."""

import signal
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest

from tests.support.system import running_system
from tests.support.waiting import until

WORKER = [sys.executable, "-m", "celery", "-A", "worker", "worker", "--loglevel=INFO"]


@pytest.mark.parametrize(("pool", "module"), [("threads", "thread"), ("solo", "solo")])
def test_a_pool_without_time_limits_is_refused(pool, module):
    ended = subprocess.run(
        [*WORKER, "--pool", pool],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert ended.returncode == 1
    assert (
        f"pool celery.concurrency.{module} ignores time limits"
        in ended.stdout + ended.stderr
    )


@contextmanager
def one_worker(tmp_path, *, models=(), flags=(), **env):
    """A worker, a server, and a broker that keeps what it knows when it is stopped."""
    with running_system(data=tmp_path) as system:
        [ollama] = system.simulate("default", models=models, flags=flags)
        system.configure(variables={"OLLAMA_HOST": ollama.url, **env})
        system.start_broker()
        system.start_worker()
        system.wait_ready()
        yield system


def test_a_worker_survives_a_restart_of_redis_while_it_loads(tmp_path):
    healthy = tmp_path / "healthy"
    health = {"OLLAMA_WARMUP_HEALTH_FILE": str(healthy)}
    with one_worker(tmp_path, flags=("--preset", "wire"), **health) as system:
        supervisor = system.supervisor
        system.application.send("big")
        until(
            lambda: supervisor.said("worker", "Warming up Ollama model: big"),
            "the load has begun",
        )

        assert healthy.exists()
        supervisor.kill("valkey", signal.SIGTERM)
        until(lambda: list(supervisor.deaths()), "the broker has ended")
        time.sleep(1)
        assert not healthy.exists()
        supervisor.restart("valkey")

        after = system.start_application()
        assert after.warmup("tiny")["result"]["outcome"] == "loaded"
        assert healthy.exists()
        assert after.warmup("big")["result"]["outcome"] in {"joined", "already_warm"}
        supervisor.check()


def test_a_load_that_never_ends_is_given_up_at_the_ceiling(tmp_path):
    ceiling = {"OLLAMA_WARMUP_LOAD_CEILING_S": "2"}
    with one_worker(tmp_path, models=["x?load=1h"], **ceiling) as system:
        answer = system.application.warmup("x")

        stats = system.ollama.stats()
        assert answer["error"] == "LoadTimeout"
        assert "OLLAMA_WARMUP_LOAD_CEILING_S" in answer["text"]
        assert stats["loads"] == stats["cancelled_loads"] == 1
