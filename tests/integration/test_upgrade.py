"""A worker is replaced by another one while applications wait for a load."""

import signal

import pytest

from tests.support.crowd import answers_of_all, outcomes, send_from_all
from tests.support.system import running_system
from tests.support.waiting import until

CALLERS = 20
OLD, NEW = "old", "new"
AS_SHIPPED = {"REMAP_SIGTERM": "SIGQUIT"}


@pytest.fixture
def system():
    """One worker and two applications beside a server that takes 10 s for a load."""
    with running_system("upgrade") as system:
        system.simulate("gpu-1", models=["slow?load=10s"])
        system.declare_hosts()
        system.start_broker()
        system.start_worker("-n", f"{OLD}@%h", name=OLD, **AS_SHIPPED)
        system.wait_ready()
        system.start_application()
        system.start_application()
        yield system


def test_an_upgrade_during_a_load_answers_every_caller(system):
    supervisor = system.supervisor
    send_from_all(system, "slow", times=CALLERS)
    system.loader("gpu-1")

    system.start_worker("-n", f"{NEW}@%h", name=NEW, **AS_SHIPPED)
    system.wait_ready()
    assert system.state.holder("gpu-1"), "the load was to be in flight"
    supervisor.kill(OLD, signal.SIGTERM)
    [death] = until(lambda: list(supervisor.deaths()), "the old worker has ended")

    told = outcomes(answers_of_all(system))
    stats = system.ollama.stats()
    assert (death.name, death.code) == (OLD, 0)
    assert told.total() == CALLERS
    assert set(told) <= {"loaded", "joined", "already_warm"}
    assert stats["cancelled_loads"] <= 1
    assert stats["loads"] == stats["cancelled_loads"] + 1
    assert system.ollama.loaded() == {"slow"}
