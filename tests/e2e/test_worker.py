"""The shipped image: it warms, and outlives what happens to containers."""

import pytest

from tests.e2e.containers import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def test_the_image_warms_a_model(system):
    answer = system.warm("llama3:8b")

    assert answer["outcome"] == "loaded"
    assert system.ollama.resident() == {"llama3:8b"}
    assert system.is_healthy()


def test_after_a_killed_worker_the_next_one_loads(system):
    system.begin_to_warm("llama3:8b")

    system.worker.kill("SIGKILL")
    assert system.worker.container.status == "exited"
    system.worker.restart()

    assert system.warm("llama3:8b")["outcome"] == "loaded"
    assert system.ollama.resident() == {"llama3:8b"}
    assert system.ollama.get("/_sim/stats")["cancelled_loads"] == 1


def test_a_worker_outlives_a_restart_of_its_broker(system):
    began_at = system.worker.container.attrs["State"]["StartedAt"]
    system.begin_to_warm("llama3:8b")

    system.broker.restart()

    assert until(lambda: "llama3:8b" in system.ollama.resident(), seconds=20)
    assert system.warm("phi3:mini")["outcome"] == "loaded"
    assert until(system.is_healthy, seconds=20)
    system.worker.container.reload()
    assert system.worker.container.attrs["State"]["StartedAt"] == began_at
    assert system.ollama.get("/_sim/stats")["loads"] == 2
