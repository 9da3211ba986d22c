"""What comes back after a restart of anything, and that nothing loads twice."""

import json
import os
import signal
import time

import pytest

from tests.integration import loop as loops

MODELS = ("one", "two", "three")
ALL = dict.fromkeys(MODELS, "warm")
simulate = [
    word for model in MODELS for word in ("--model", f"{model}?load=400ms&token=2ms")
]


@pytest.fixture(scope="module")
def loop(tmp_path_factory):
    with loops.running(tmp_path_factory.mktemp("returning")) as loop:
        loop.simulate(*simulate, names=["gpu"])
        loop.want(gpu=", ".join(MODELS))
        loops.start(loop)
        yield loop


@pytest.fixture(autouse=True)
def all_warm(loop):
    assert loop.until(lambda: loop.conditions("gpu") == ALL, seconds=30)


def names(loop):
    return [
        stay["name"].removesuffix(":latest") for stay in loop.hosts["gpu"].history()
    ]


def kill(loop, name, number=signal.SIGKILL):
    """Kill one process, and hand over to who starts it again."""
    os.kill(loop.supervisor.processes[name].pid, number)
    assert loop.until(lambda: [d.name for d in loop.supervisor.deaths()] == [name])

    def again():
        loop.supervisor.restart(name)
        process = loop.supervisor.processes[name]
        assert loop.until(process.is_ready)

    return again


def test_a_server_that_was_restarted_gets_all_back_in_order_of_priority(loop):
    kill(loop, "ollama-gpu")()

    assert loop.until(lambda: len(names(loop)) == len(MODELS))
    assert loop.until(lambda: loop.conditions("gpu") == ALL)
    assert names(loop) == list(MODELS)
    assert loop.kinds("gpu").count("restarted") == len(MODELS)


@pytest.mark.parametrize("name", ["worker", "control", "beat", "valkey"])
def test_whatever_dies_nothing_that_is_resident_is_loaded_again(loop, name):
    before = names(loop)
    again = kill(loop, name)
    time.sleep(2)
    again()
    began = time.time()

    def is_seen_again():
        return loop.passes.reports() and loop.passes.reports()[0].at > began

    assert loop.until(is_seen_again, seconds=30)
    assert loop.conditions("gpu") == ALL
    assert names(loop) == before


def test_an_emptied_redis_loads_nothing_that_is_resident(loop):
    before = names(loop)

    loop.redis.flushall()

    assert loop.until(lambda: loop.conditions("gpu") == ALL)
    assert names(loop) == before


def test_what_went_while_a_worker_was_away_comes_back_with_it(loop):
    again = kill(loop, "worker")
    for model in MODELS:
        loop.hosts["gpu"].post("/api/generate", model=model, keep_alive=0)
    assert loop.until(lambda: not loop.hosts["gpu"].resident())
    time.sleep(10 * loops.TICK_S)

    waiting = [json.loads(row) for row in loop.redis.lrange(lane(loop), 0, -1)]
    lives = [one for one in waiting if one["headers"]["expires"] > now()]

    assert len(lives) <= 1
    again()
    assert loop.until(lambda: loop.conditions("gpu") == ALL)
    assert names(loop)[-3:] == list(MODELS)


def lane(loop):
    (key,) = loop.redis.keys("*ollama.lane.gpu")
    return key


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
