"""Two applications want different options, or different models, on one host at once."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest

from tests.support.system import running_system

MODELS = ("shared?load=1s&token=20ms", "other?load=1s")
LONG = {"num_ctx": 2048, "num_predict": 300}
"""An answer that takes 6 s."""


@pytest.fixture(scope="module")
def _system():
    with running_system("two") as system:
        system.simulate("gpu-1", models=MODELS)
        system.declare_hosts()
        system.start_broker()
        system.start_worker()
        system.wait_ready()
        yield system


@pytest.fixture
def system(_system):
    _system.ollama.reset()
    return _system


@pytest.fixture(scope="module")
def applications(_system):
    return _system.start_application(), _system.start_application()


@pytest.mark.parametrize(
    ("second", "loads", "reloads"),
    [
        ("shared?num_ctx=1024", 2, 1),
        ("other?num_ctx=1024", 2, 0),
        ("shared?num_ctx=2048", 1, 0),
    ],
    ids=["other options", "other models", "the same"],
)
def test_each_application_gets_its_context(
    system, applications, second, loads, reloads
):
    before = system.ollama.stats()
    models = ("shared?num_ctx=2048", second)

    for application, model in zip(applications, models, strict=True):
        application.send(model)
    told = [application.answers()[0]["result"] for application in applications]

    after = system.ollama.stats()
    contexts = [str(result["context_length"]) for result in told]
    assert contexts == [model.rpartition("=")[2] for model in models]
    assert after["loads"] == before["loads"] + loads
    assert after["reloads"] == before["reloads"] + reloads


def test_no_load_is_sent_while_a_user_is_served(system, applications):
    first, second = applications
    user = replace(system.ollama, agent="user")
    first.warmup("shared?num_ctx=2048&keep_alive=2s")
    with ThreadPoolExecutor(1) as threads:
        using = threads.submit(user.ask, "shared", options=LONG)
        time.sleep(3.2)  # past the keep-alive: from here on the use can be seen
        told = second.warmup("shared?num_ctx=1024")

    [used] = [row for row in asked(system.ollama) if row["caller"] == "user"]
    sent = [row for row in asked(system.ollama) if row["asked_at"] > used["asked_at"]]
    assert using.result().json()["eval_count"] == LONG["num_predict"]
    assert told["result"]["context_length"] == 1024
    assert [row["asked_at"] > used["ended_at"] for row in sent] == [True]


def asked(ollama):
    """Return the server's record of requests for a runner, with instants."""
    rows = ollama.get("/_sim/requests")["requests"]
    for row in rows:
        for name in ("asked_at", "ended_at"):
            row[name] = datetime.fromisoformat(row[name])
    return rows
