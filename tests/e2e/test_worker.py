"""The shipped image: it warms, and outlives what happens to containers."""

import pytest

from tests.support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_the_image_warms_a_model(system):
    answer = system.warm("llama3:8b")

    assert answer["outcome"] == "loaded"
    assert system.ollama.loaded() == {"llama3:8b"}
    assert system.is_healthy()


def test_after_a_killed_worker_the_next_one_loads(system):
    system.begin_to_warm("llama3:8b")

    system.worker.kill("SIGKILL")
    assert system.worker.container.status == "exited"
    system.worker.restart()

    assert system.warm("llama3:8b")["outcome"] == "loaded"
    assert system.ollama.loaded() == {"llama3:8b"}
    assert system.ollama.stats()["cancelled_loads"] == 1


def test_a_worker_outlives_a_restart_of_its_broker(system):
    began_at = system.worker.container.attrs["State"]["StartedAt"]
    system.begin_to_warm("llama3:8b")

    system.broker.restart()

    until(lambda: "llama3:8b" in system.ollama.resident(), "the load has ended")
    assert system.warm("phi3:mini")["outcome"] == "loaded"
    until(system.is_healthy, "the worker is healthy again")
    system.worker.container.reload()
    assert system.worker.container.attrs["State"]["StartedAt"] == began_at
    assert system.ollama.loads() == 2
