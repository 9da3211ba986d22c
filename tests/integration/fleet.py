"""Two hosts, two workers, four applications."""

import json
import re
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass

from redis import Redis

from tests.integration.harness import (
    START_S,
    Application,
    Simulated,
    run_simulator,
    run_valkey,
    run_worker,
)
from tests.integration.loop import free_range
from worker.cli.supervisor import Supervisor, free_port

MODELS = (
    "one?load=2s",
    "two?load=1s",
    "three?load=1s",
    "slow?load=6s",
    "sick?load=300ms",
)
TOLD = re.compile(
    r"^\[(\S+ [^:]+:\d\d:\d\d,\d+): [^]]+\] (Warming up|Model warmup completed)",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    supervisor: Supervisor
    broker_url: str
    hosts: dict[str, Simulated]
    applications: list[Application]

    def fresh(self):
        """As if nothing had been loaded yet."""
        for host in self.hosts.values():
            host.reset()
        self.redis.delete(*self.redis.keys("fleet:outcome:*"), "x")
        return self

    @property
    def redis(self):
        return Redis.from_url(self.broker_url, decode_responses=True)

    def fire(self, *args, times, **options):
        """Send from all applications at once, and collect every answer."""
        self.send(*args, times=times, **options)
        return self.answers()

    def send(self, *args, times, **options):
        """Send from all applications at once."""
        share = times // len(self.applications)
        for application in self.applications:
            application.send(*args, times=share, **options)

    def answers(self):
        """Every answer, when all are there."""
        return [a for app in self.applications for a in app.answers()]

    def loader(self):
        """Who has the lane of gpu-1, as soon as somebody has: name and pid."""
        while not (lane := self.redis.get("fleet:lane:gpu-1")):
            time.sleep(0.05)
        name, _, pid = json.loads(lane)["process"].rpartition(":")
        return name.removeprefix("celery@"), int(pid)

    def log(self):
        names = ("worker-1", "worker-2")
        return "".join(
            (self.supervisor.folder / f"{name}.log").read_text() for name in names
        )

    def received(self):
        """How many tasks the workers were given so far."""
        return len(set(re.findall(r"warmup\[([^]]+)\] received", self.log())))

    def loads_told(self):
        """Begins and ends of all loads, by the time at which a worker told them."""
        return [what for _, what in sorted(TOLD.findall(self.log()))]


@contextmanager
def running():
    """A whole fleet, for the tests of a module."""
    port = free_range(2)
    hosts = {
        "gpu-1": Simulated(url=f"http://127.0.0.1:{port}"),
        "gpu-2": Simulated(url=f"http://127.0.0.1:{port + 1}"),
    }
    models = [word for model in MODELS for word in ("--model", model)]
    with Supervisor(grace_s=2) as supervisor:
        broker_url = run_valkey(supervisor, free_port())
        env = {
            "OLLAMA_WARMUP_BROKER_URL": broker_url,
            "OLLAMA_WARMUP_NAMESPACE": "fleet",
            "OLLAMA_WARMUP_HOSTS": ", ".join(f"{n}={h.url}" for n, h in hosts.items()),
            "REMAP_SIGTERM": "SIGQUIT",
        }
        run_simulator(supervisor, port, "--hosts", "2", *models)
        for name in ("worker-1", "worker-2"):
            run_worker(supervisor, f"--hostname={name}", env=env, name=name)
        supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
        applications = [Application(env) for _ in range(4)]
        yield Fleet(
            supervisor=supervisor,
            broker_url=broker_url,
            hosts=hosts,
            applications=applications,
        )
        for application in applications:
            application.close()


def outcomes(answers):
    return Counter(
        a["result"]["outcome"] if "result" in a else a["error"] for a in answers
    )
