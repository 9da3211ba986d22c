"""What an application sends when it starts, and what it notices of it."""

import logging
import threading
import time

import pytest

from ollama_warmup import start_in_background
from tests.support.outages import dropping, mute, refusing
from tests.support.programs import python
from tests.support.waiting import until

MODELS = "llama3:8b?num_ctx=8192&keep_alive=30m, phi3"
NOWHERE = "redis://127.0.0.1:1/0"
INITIATED = "Ollama warmup initiated in background"


def warmup(*args):
    return {
        "task": "ollama.warmup",
        "args": list(args),
        "kwargs": {"gentle": True},
        "ignore_result": True,
        "expires_s": 60,
    }


@pytest.fixture
def start(caplog):
    """Start as an application does; returns all that was logged, when it ended."""

    def start(**options):
        with caplog.at_level(logging.DEBUG, logger="ollama_warmup"):
            start_in_background(**options)
            for thread in threading.enumerate():
                if thread.name == "ollama-warmup-start":
                    thread.join()
        return [
            (record.levelname, record.getMessage())
            for record in caplog.records
            if record.name == "ollama_warmup.startup" or record.levelno > logging.INFO
        ]

    return start


def test_start_sends_each_declared_model_once_and_gently(start, unserved, environment):
    environment(ENABLED="true", MODELS=MODELS)

    assert start() == [("INFO", INITIATED)]

    assert unserved.messages("ollama.control") == [
        warmup("llama3:8b?keep_alive=30m&num_ctx=8192", None),
        warmup("phi3", None),
    ]


def test_start_sends_to_the_lane_of_each_known_host(start, unserved, environment):
    environment(ENABLED="true", MODELS="phi3", HOSTS="a=10.0.0.5, b=10.0.0.6")

    start()

    assert unserved.messages("ollama.control") == []
    assert unserved.messages("ollama.lane.a") == [warmup("phi3", "a")]
    assert unserved.messages("ollama.lane.b") == [warmup("phi3", "b")]


def test_start_without_models_asks_for_a_pass(start, unserved, environment):
    environment(ENABLED="true")

    assert start() == [("INFO", INITIATED)]

    (sent,) = unserved.messages("ollama.control")
    assert sent == warmup() | {"task": "ollama.reconcile", "kwargs": {}}


def test_warming_at_start_is_off_by_default_and_silent(start, unserved, environment):
    environment(MODELS="phi3")

    assert [level for level, _ in start()] == ["DEBUG"]
    assert unserved.redis.keys() == []


def test_the_argument_of_start_overrides_the_environment(start, unserved, environment):
    environment(ENABLED="true", MODELS="phi3")
    assert start(enabled=False) == []

    environment(ENABLED="false")
    assert start(enabled=True) == [("INFO", INITIATED)]
    assert len(unserved.messages("ollama.control")) == 1


def test_wrong_settings_at_start_are_one_logged_error(start, environment):
    environment(ENABLE="true")

    ((level, line),) = start()

    assert level == "ERROR"
    assert line.startswith("Ollama warmup is off until this is mended: unknown var")
    assert line.endswith("did you mean OLLAMA_WARMUP_ENABLED?")


@pytest.mark.parametrize("redis", [refusing, mute])
def test_a_missing_redis_at_start_is_one_logged_warning(start, environment, redis):
    with redis() as port:
        environment(
            ENABLED="true", MODELS=MODELS, BROKER_URL=f"redis://127.0.0.1:{port}/0"
        )

        ((level, line),) = start()

    assert level == "WARNING"
    assert f"Redis at 127.0.0.1:{port}" in line
    assert "a later pass of the worker loads its models" in line


APPLICATION = """
import sys, time
began_s = time.perf_counter()
from ollama_warmup import start_in_background
start_in_background(enabled=True)
print(time.perf_counter() - began_s, "celery" in sys.modules)
time.sleep({runs_s})
"""


@pytest.mark.parametrize("runs_s", [0, 0.6])
def test_a_missing_redis_delays_neither_start_nor_end(runs_s, record_property):
    code = APPLICATION.format(runs_s=runs_s)
    with dropping() as port:
        began_s = time.monotonic()
        run = python(code, OLLAMA_WARMUP_BROKER_URL=f"redis://127.0.0.1:{port}/0")
        took_s = time.monotonic() - began_s

    start_s, has_celery = run.stdout.split()
    record_property("start_s", start_s)
    assert float(start_s) < 0.5  # to reach such a Redis takes a second at least
    assert has_celery == "False"
    assert took_s < runs_s + 2
    assert run.stderr == ""


FORKING = """
import os, time
from ollama_warmup import start_in_background, startup
startup.HEAD_START_S = 0
start_in_background(enabled=True)
time.sleep({later_s})
if os.fork() == 0:
    from ollama_warmup import warmup
    os._exit(0)
print(os.wait()[1])
"""


@pytest.mark.parametrize("later_s", [0, 0.1])
def test_a_child_forked_while_warming_starts_can_send(later_s):
    run = python(FORKING.format(later_s=later_s), OLLAMA_WARMUP_BROKER_URL=NOWHERE)

    assert run.stdout == "0\n"
    assert "Exception" not in run.stderr


def test_all_modules_that_sending_needs_are_imported_before_the_thread_sends():
    code = """
import sys
from ollama_warmup import errors, gentle
declared = gentle.ready_to_send(enabled=True)
before = set(sys.modules)
try:
    gentle.send_all(declared)
except errors.StoreUnavailable:
    print(sorted(set(sys.modules) - before))
"""
    run = python(code, OLLAMA_WARMUP_BROKER_URL=NOWHERE)

    assert run.stdout == "[]\n"


WORKERS = """
import logging, os, threading
from ollama_warmup import start_in_background, warmup  # as a preload does
logging.basicConfig(format="%(message)s", level=logging.INFO)
for _ in range(8):
    if os.fork() == 0:
        start_in_background()
        for thread in threading.enumerate():
            if thread is not threading.main_thread():
                thread.join()
        os._exit(0)
for _ in range(8):
    os.wait()
"""


def test_eight_processes_that_start_at_once_share_one_load(system):
    loads = system.ollama.loads()
    known = system.log().count("succeeded in")

    env = {"OLLAMA_WARMUP_ENABLED": "1", "OLLAMA_WARMUP_MODELS": "mid"}
    run = python(WORKERS, **system.environment, **env)

    assert run.stderr.splitlines() == [INITIATED] * 8
    until(
        lambda: system.log().count("succeeded in") >= known + 8,
        "eight warm-ups have succeeded",
    )
    assert system.ollama.loads() == loads + 1
    assert set(system.ollama.resident()) == {"mid:latest"}
