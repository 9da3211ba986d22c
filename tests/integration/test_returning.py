"""What comes back after a restart of anything, and that nothing loads twice."""

import json
import time

import pytest

from tests.support.ollama import short
from tests.support.system import running_system
from tests.support.waiting import until

TICK_S = 1.0
MODELS = ("one", "two", "three")
ALL = dict.fromkeys(MODELS, "warm")


@pytest.fixture(scope="module")
def system():
    enabled = {"OLLAMA_WARMUP_ENABLED": "true"}
    with running_system("loop", tick_s=TICK_S, variables=enabled) as system:
        models = [f"{model}?load=400ms&token=2ms" for model in MODELS]
        system.simulate("gpu", models=models)
        system.want(gpu="one, two?priority=-1, three?priority=-2")
        system.start_shipped()
        system.wait_ready()
        yield system


@pytest.fixture(autouse=True)
def all_warm(system):
    system.state.wait_for("gpu", ALL)


def names(system):
    return short(stay["name"] for stay in system.ollama.history())


def kill(supervisor, name):
    """Kill one process; return a function that starts it again."""
    supervisor.kill(name)
    until(lambda: [d.name for d in supervisor.deaths()] == [name], f"{name} is dead")

    def start_again():
        supervisor.restart(name)
        until(supervisor.processes[name].is_ready, f"{name} serves again")

    return start_again


def test_a_restarted_server_gets_its_models_back_in_order_of_priority(system):
    kill(system.supervisor, "ollama")()

    until(lambda: len(names(system)) == len(MODELS), "all are loaded again")
    system.state.wait_for("gpu", ALL)
    assert names(system) == list(MODELS)
    assert system.state.events("gpu").count("restarted") == len(MODELS)


@pytest.mark.parametrize("name", ["worker", "control", "beat", "valkey"])
def test_no_resident_model_is_loaded_again_whichever_process_dies(system, name):
    before = names(system)
    start_again = kill(system.supervisor, name)
    time.sleep(2)
    start_again()
    began = time.time()

    def is_seen_again():
        report = system.state.reports().get("gpu")
        return report and report.at > began

    until(is_seen_again, "a pass has reported")
    assert system.state.conditions("gpu") == ALL
    assert names(system) == before


def test_no_resident_model_is_loaded_again_after_redis_was_emptied(system):
    before = names(system)

    system.state.redis.flushall()

    system.state.wait_for("gpu", ALL)
    assert names(system) == before


def test_models_unloaded_while_the_worker_is_away_are_loaded_when_it_returns(system):
    start_again = kill(system.supervisor, "worker")
    system.ollama.unload(*MODELS)
    until(lambda: not system.ollama.resident(), "all models are unloaded")
    time.sleep(10 * TICK_S)

    redis = system.state.redis
    [lane] = redis.keys("*ollama.lane.gpu")
    waiting = [json.loads(row) for row in redis.lrange(lane, 0, -1)]
    lives = [one for one in waiting if one["headers"]["expires"] > now()]

    assert len(lives) <= 1
    start_again()
    system.state.wait_for("gpu", ALL)
    assert names(system)[-3:] == list(MODELS)


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime())
