"""`RunningSystem`: the processes of one system, with its servers and applications."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from tests.support import warmlist
from tests.support.application import Application, answers_in, caller
from tests.support.ollama import SimulatedOllama, start_simulated
from tests.support.ports import free_range
from tests.support.processes import START_S, RestartingSupervisor
from tests.support.state import RedisState
from tests.support.waiting import until
from worker.cli.supervisor import free_port
from worker.cli.system import System

WORKER = (sys.executable, "-m", "worker", "worker", "--loglevel=INFO")


@dataclass(slots=True, kw_only=True)
class RunningSystem:
    """A system under test: nothing runs until a test starts it."""

    supervisor: RestartingSupervisor
    shipped: System
    """What all processes are told; `configure` changes it before they start."""
    hosts: dict[str, SimulatedOllama] = field(default_factory=dict)
    """The simulated servers, by host name."""
    applications: list[Application] = field(default_factory=list)

    def configure(self, **fields: Any) -> None:
        """Set fields of `worker.cli.system.System`; variables are added."""
        fields["variables"] = {**self.shipped.variables, **fields.pop("variables", {})}
        self.shipped = replace(self.shipped, **fields)

    @property
    def environment(self) -> dict[str, str]:
        """The variables that make a process part of this system."""
        return self.shipped.environment

    @property
    def broker_url(self) -> str:
        return self.environment["OLLAMA_WARMUP_BROKER_URL"]

    @property
    def namespace(self) -> str:
        return self.shipped.namespace

    @property
    def state(self) -> RedisState:
        """What the system has written into its Redis."""
        return RedisState(url=self.broker_url, namespace=self.namespace)

    @property
    def ollama(self) -> SimulatedOllama:
        """The first simulated server, of most systems the only one."""
        return next(iter(self.hosts.values()))

    def simulate(self, *names: str, **options: Any) -> list[SimulatedOllama]:
        """Start a server for each host name, all alike: see `start_simulated`."""
        first = free_range(len(names))
        ports = range(first, first + len(names))
        servers = start_simulated(self.supervisor, ports, **options)
        self.hosts |= dict(zip(names, servers, strict=True))
        return servers

    def declare_hosts(self) -> None:
        """Tell all processes the hosts by name, without a warm list."""
        pairs = ", ".join(f"{name}={host.url}" for name, host in self.hosts.items())
        self.configure(variables={"OLLAMA_WARMUP_HOSTS": pairs})

    @property
    def warm_list(self) -> Path:
        """The file that `want` writes."""
        return self.supervisor.folder / "warmlist.yaml"

    def want(self, **models: str) -> None:
        """Write the warm list: all hosts, and by host "a?num_ctx=512, b"."""
        urls = {name: host.url for name, host in self.hosts.items()}
        warmlist.write(self.warm_list, urls, models)
        self.configure(config=self.warm_list)

    def start_broker(self) -> None:
        self.shipped.start_broker(self.supervisor)

    def start_worker(self, *options: str, name: str = "worker", **env: str) -> None:
        """Start a worker that consumes every queue, unless the options name some."""
        self.supervisor.start(
            name,
            (*WORKER, *options),
            env=self.environment | env,
            ready=partial(self.supervisor.said, name, " ready."),
        )

    def start_twin(self, name: str) -> None:
        """Start another process like `worker`, under a name of its own."""
        worker = self.supervisor.processes["worker"]
        self.supervisor.start(
            name,
            [word.replace("worker@", f"{name}@") for word in worker.argv],
            env=worker.env,
            ready=partial(self.supervisor.said, name, " ready."),
        )

    def start_shipped(self) -> None:
        """Start all processes of a shipped system, with its broker."""
        self.shipped.start(self.supervisor)

    def wait_ready(self) -> None:
        """Wait until everything that was started serves."""
        self.supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)

    @property
    def application(self) -> Application:
        """An application of this system; it is started when it is first needed."""
        return self.applications[0] if self.applications else self.start_application()

    def start_application(self, **env: str) -> Application:
        """Start another application, with further variables."""
        self.applications.append(Application(self.environment | env))
        return self.applications[-1]

    def call(self, name: str, models: Sequence[str], *, wait_s: float) -> None:
        """Start an application as a process that a test may kill.

        It warms each model, waits for the results that long, and ends.
        """
        self.supervisor.callers.add(name)
        self.supervisor.start(
            name,
            caller(models, wait_s=wait_s),
            env=self.environment,
            ready=partial(self.supervisor.said, name, "sent"),
        )

    def answers(self, name: str) -> list[dict[str, Any]]:
        """Return what a supervised application has been told so far."""
        return answers_in(self.supervisor.processes[name].output())

    def loader(self, host: str) -> tuple[str, int]:
        """Wait for a load of ours; returns its worker's name, and the child's pid."""
        lease = until(partial(self.state.holder, host), f"a load on {host} begins")
        assert lease
        name, _, pid = lease["process"].rpartition(":")
        return name.removeprefix("celery@"), int(pid)

    def log(self, *names: str) -> str:
        """Return what some processes have written; by default, `worker`."""
        return self.supervisor.log(*(names or ("worker",)))

    def close(self) -> None:
        for application in self.applications:
            application.close()
        self.applications.clear()


@contextmanager
def running_system(
    namespace: str = "tests",
    *,
    logs: Path | None = None,
    grace_s: float = 2.0,
    **fields: Any,
) -> Iterator[RunningSystem]:
    """Yield a system before anything of it runs; nothing of it runs afterwards.

    Args:
        namespace: of its keys and queues.
        logs: a folder that keeps its logs; None = one that goes.
        grace_s: how long its processes have to end by themselves.
        fields: further ones of `worker.cli.system.System`.
    """
    fields = {"valkey_port": free_port()} | fields
    with RestartingSupervisor(grace_s=grace_s, logs=logs) as supervisor:
        shipped = System(namespace=namespace, **fields)
        system = RunningSystem(supervisor=supervisor, shipped=shipped)
        try:
            yield system
        finally:
            system.close()
