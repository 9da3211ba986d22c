"""A whole system that keeps models warm: ticks of a second, hosts in a file."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import redis

from tests.integration.harness import START_S, Simulated
from worker.adapters.passstore import PassStore
from worker.cli.supervisor import Supervisor, free_port, listens
from worker.cli.system import System

TICK_S = 1.0
NAMESPACE = "loop"


@dataclass(slots=True, kw_only=True)
class Loop:
    """A running system; its warm list is a file that a test may change."""

    supervisor: Supervisor
    system: System
    folder: Path
    hosts: dict[str, Simulated] = field(default_factory=dict)
    began: float = 0.0
    """When all was warm, by this process's clock."""
    is_over: bool = False

    @property
    def passes(self) -> PassStore:
        return PassStore(self.system.broker_url, namespace=NAMESPACE)

    @property
    def redis(self) -> "redis.Redis":
        return redis.Redis.from_url(self.system.broker_url)

    def simulate(self, *options: str, names: list[str]) -> None:
        """Start a simulated server for each name, all alike."""
        control, first = free_port(), free_range(len(names))
        argv = [sys.executable, "-m", "worker.cli", "simulate", *options]
        argv += ["--port", str(first), "--hosts", str(len(names))]
        self.supervisor.start(
            f"ollama-{names[0]}",
            [*argv, "--control-port", str(control)],
            ready=lambda: listens(control),
            is_last=True,
        )
        self.supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
        for index, name in enumerate(names):
            self.hosts[name] = Simulated(url=f"http://127.0.0.1:{first + index}")

    def want(self, **models: str) -> None:
        """Write the warm list: each host's models, `a?x=1, b` as in a variable."""
        lines = ["hosts:"]
        lines += [f"  {name}: {host.url}" for name, host in self.hosts.items()]
        lines += ["models:"]
        for host, wanted in models.items():
            for place, model in enumerate(wanted.split(", ")):
                name, _, options = model.partition("?")
                lines += [f"  - model: {name}", f"    hosts: [{host}]"]
                lines += [f"    priority: {-place}"]
                lines += _options(options)
        (self.folder / "new.yaml").write_text("\n".join(lines) + "\n")
        (self.folder / "new.yaml").replace(self.folder / "warmlist.yaml")

    def conditions(self, host: str) -> dict[str, str]:
        reports = {report.host: report for report in self.passes.reports()}
        targets = reports[host].targets if host in reports else ()
        return {target.model: target.condition.value for target in targets}

    def why(self, host: str, model: str) -> str:
        reports = {report.host: report for report in self.passes.reports()}
        return next(t.why for t in reports[host].targets if t.model == model)

    def kinds(self, host: str) -> list[str]:
        events = self.passes.events(10_000)
        return [e.kind.value for e in reversed(events) if e.host == host]

    def until(self, is_so: Callable[[], object], *, seconds: float = 40) -> bool:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if is_so():
                return True
            time.sleep(0.05)
        return False

    def is_warm(self, host: str, *models: str) -> bool:
        now = self.conditions(host)
        return all(now.get(model) == "warm" for model in models)

    def ask(self, host: str, model: str, **rest: Any) -> httpx.Response:
        """As an application does: a short answer."""
        options = {"num_predict": 1} | rest.pop("options", {})
        body = {"model": model, "prompt": "hi", "stream": False, "options": options}
        return self.hosts[host].post("/api/generate", **(body | rest))


def _options(query: str) -> list[str]:
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    lines = [f"    {k}: {v}" for k, v in pairs if k == "keep_alive"]
    runner = [f"      {k}: {v}" for k, v in pairs if k != "keep_alive"]
    return lines + (["    options:", *runner] if runner else [])


def free_range(number: int) -> int:
    """The first of so many ports in a row, below those that clients are given."""
    while True:
        first = free_port()
        if not any(listens(port) for port in range(first, first + number)):
            return first


@contextmanager
def running(folder: Path, **variables: str) -> Iterator[Loop]:
    """Yield it before it is started: start hosts, write a warm list, `start`."""
    system = System(namespace=NAMESPACE, valkey_port=free_port())
    told = {
        "OLLAMA_WARMUP_CONFIG": str(folder / "warmlist.yaml"),
        "OLLAMA_WARMUP_ENABLED": "true",
        "OLLAMA_WARMUP_TICK_S": str(TICK_S),
        **variables,
    }
    before = dict(os.environ)
    os.environ.update(told)
    try:
        with Supervisor(grace_s=3) as supervisor:
            yield Loop(supervisor=supervisor, system=system, folder=folder)
    finally:
        os.environ.clear()
        os.environ.update(before)


def start(loop: Loop) -> None:
    loop.system.start(loop.supervisor)
    loop.supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
