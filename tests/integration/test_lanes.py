"""Lanes of running workers follow the warm list's file, unless `-Q` names them.

Nobody listens at the hosts of this list: no load ever begins.
"""

import os
import signal
import time

import pytest

from ollama_warmup import wire
from ollama_warmup.settings import Settings
from ollama_warmup.wire import OwnCelery
from tests.integration.harness import START_S, run_valkey, run_worker
from worker.cli.supervisor import Supervisor, free_port

BACKLOG = 40
HERS = wire.lane("hers")
NOBODY = "http://127.0.0.1:1"


class Lanes:
    """Two workers, one of them with `-Q`, and their warm list."""

    def __init__(self, supervisor, app, file):
        self.supervisor = supervisor
        self.app = app
        self.file = file

    def want(self, *hosts):
        lines = [f"  {host}: {NOBODY}" for host in hosts]
        new = self.file.with_name("new.yaml")
        new.write_text("\n".join(["hosts:", *lines]) + "\n")
        new.replace(self.file)

    def of(self, worker):
        inspect = self.app.control.inspect(limit=2, timeout=5)
        answers = inspect.active_queues() or {}
        queues = next(q for name, q in answers.items() if name.startswith(worker))
        return {q["name"] for q in queues if wire.is_lane(q["name"])}

    def until(self, worker, *hosts):
        """Whether these are its lanes within a few ticks."""
        wanted, deadline = {wire.lane(host) for host in hosts}, time.monotonic() + 10
        while (is_not := self.of(worker) != wanted) and time.monotonic() < deadline:
            time.sleep(0.2)
        return not is_not

    def send(self, host):
        arguments, lane = {"model": "m", "host": host}, wire.lane(host)
        return self.app.send_task(
            wire.WARMUP, kwargs=arguments, queue=wire.queue(lane), routing_key=lane
        )

    def signal(self, worker, number):
        os.kill(self.supervisor.processes[worker].pid, number)


@pytest.fixture(scope="module")
def lanes(tmp_path_factory):
    file = tmp_path_factory.mktemp("lanes") / "warmlist.yaml"
    with Supervisor(grace_s=2) as supervisor:
        url = run_valkey(supervisor, free_port())
        env = {
            "OLLAMA_WARMUP_CONFIG": str(file),
            "OLLAMA_WARMUP_BROKER_URL": url,
            "OLLAMA_WARMUP_TICK_S": "1",
        }
        config = wire.agreed(Settings(broker_url=url), connect_s=1, answer_s=5)
        app = OwnCelery("x", set_as_current=False, config_source=config)
        lanes = Lanes(supervisor, app, file)
        lanes.want("stays", "leaves", "hers")
        slots = "--concurrency=1"
        run_worker(supervisor, slots, "-n", "follows@%h", env=env, name="follows")
        told = (slots, "-n", "told@%h", "-Q", HERS)
        run_worker(supervisor, *told, env=env, name="told")
        supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
        yield lanes
        app.close()


def errors(results):
    return {type(r.get(timeout=20, propagate=False)).__name__ for r in results}


def test_a_removed_hosts_lane_is_emptied_and_given_up_without_a_restart(lanes):
    assert lanes.until("follows", "stays", "leaves", "hers")
    lanes.signal("follows", signal.SIGSTOP)
    backlog = [lanes.send("leaves") for _ in range(BACKLOG)]
    lanes.want("stays", "comes")
    lanes.signal("follows", signal.SIGCONT)

    assert errors(backlog) == {"UnknownHost"}
    assert lanes.until("follows", "stays", "comes")
    assert errors([lanes.send("leaves")]) == {"UnknownHost"}
    assert not lanes.supervisor.said("follows", "could not be followed")


def test_a_worker_with_queues_of_its_own_keeps_them_whatever_the_list_says(lanes):
    assert lanes.of("told") == {HERS}
