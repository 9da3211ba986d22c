"""Lanes of running workers follow the warm list's file, unless `-Q` names them.

Nobody listens at the hosts of this list: no load ever begins.
"""

import signal

import pytest

from ollama_warmup import wire
from ollama_warmup.settings import Settings
from ollama_warmup.wire import OwnCelery
from tests.support.ollama import SimulatedOllama
from tests.support.system import running_system
from tests.support.waiting import until

BACKLOG = 40
HERS = wire.lane("hers")
NOBODY = "http://127.0.0.1:1"


@pytest.fixture(scope="module")
def system():
    """Two workers, one of them with `-Q`."""
    with running_system("ollama-warmup", tick_s=1) as system:
        want(system, "stays", "leaves", "hers")
        system.start_broker()
        slots = "--concurrency=1"
        system.start_worker(slots, "-n", "follows@%h", name="follows")
        system.start_worker(slots, "-n", "told@%h", "-Q", HERS, name="told")
        system.wait_ready()
        yield system


@pytest.fixture(scope="module")
def app(system):
    settings = Settings(broker_url=system.broker_url)
    config = wire.agreed(settings, connect_s=1, answer_s=5)
    with OwnCelery("x", set_as_current=False, config_source=config) as app:
        yield app


def want(system, *hosts):
    system.hosts = {host: SimulatedOllama(url=NOBODY) for host in hosts}
    system.want()


def lanes_of(worker, app):
    answers = app.control.inspect(limit=2, timeout=5).active_queues() or {}
    queues = next(q for name, q in answers.items() if name.startswith(worker))
    return {q["name"] for q in queues if wire.is_lane(q["name"])}


def wait_for_lanes(worker, app, *hosts):
    """Wait a few ticks until a worker has exactly these lanes."""
    wanted = {wire.lane(host) for host in hosts}
    until(
        lambda: lanes_of(worker, app) == wanted,
        f"{worker} consumes the lanes of {hosts}",
        seconds=10,
        seen=lambda: lanes_of(worker, app),
    )


def send(app, host):
    arguments, lane = {"model": "m", "host": host}, wire.lane(host)
    return app.send_task(
        wire.WARMUP, kwargs=arguments, queue=wire.queue(lane), routing_key=lane
    )


def errors(results):
    return {type(r.get(timeout=20, propagate=False)).__name__ for r in results}


def test_the_lane_of_a_removed_host_is_emptied_and_left_without_a_restart(system, app):
    wait_for_lanes("follows", app, "stays", "leaves", "hers")
    system.supervisor.kill("follows", signal.SIGSTOP)
    backlog = [send(app, "leaves") for _ in range(BACKLOG)]
    want(system, "stays", "comes")
    system.supervisor.kill("follows", signal.SIGCONT)

    assert errors(backlog) == {"UnknownHost"}
    wait_for_lanes("follows", app, "stays", "comes")
    assert errors([send(app, "leaves")]) == {"UnknownHost"}
    assert not system.supervisor.said("follows", "could not be followed")


@pytest.mark.usefixtures("system")
def test_a_worker_with_queues_of_its_own_keeps_them_whatever_the_list_says(app):
    assert lanes_of("told", app) == {HERS}
