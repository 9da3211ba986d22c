"""The system of a soak: two servers, and what is looked at all the time."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx

from tests.faults.bounds import TICK_S
from tests.soak import schedule
from tests.soak.memory import Sampler
from tests.soak.pace import Pace
from tests.soak.record import APPLICATION, Recorder
from tests.soak.schedule import MODELS, OPTIONS, ROOM, SERVERS, WANTED, Use
from tests.support.system import RunningSystem, running_system

NAMESPACE = "soak"
READ_S = 1.0
USE_S = 20.0


@dataclass(slots=True, kw_only=True)
class Stage:
    """A running system, its record, and the applications beside it."""

    system: RunningSystem
    record: Recorder = field(default_factory=Recorder)
    memory: Sampler = field(default_factory=Sampler)
    pace: Pace = field(default_factory=Pace)
    uses: list[Use] = field(default_factory=list)
    """What applications are still to ask, the next one first."""
    uses_from: float = 0.0
    """When their round began."""
    _read_at: float = 0.0
    _applications: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(4)
    )

    def start(self) -> None:
        supervisor = self.system.supervisor
        self.system.start_shipped()
        self.system.wait_ready()
        supervisor.watches.append(self.look)
        supervisor.tend_until(lambda: not self.cold(), "what is wanted is loaded")
        supervisor.tend_until(lambda: not self.leases(), "all lanes are free")
        self.pace.start()

    def look(self) -> None:
        """Read what is due, and let applications ask."""
        supervisor = self.system.supervisor
        if self.memory.is_due and supervisor.is_alive():  # who is away shares no pages
            self.memory.read(supervisor.pids())
        if time.monotonic() - self._read_at >= READ_S:
            self.read()
        while self.uses and time.time() - self.uses_from >= self.uses[0].at_s:
            self._applications.submit(self._use, self.uses.pop(0))

    def read(self) -> None:
        """Read what the servers have recorded."""
        self._read_at = time.monotonic()
        for host, pid in self.server_pids().items():
            self.record.read(host, self.system.hosts[host].url, pid)

    def server_pids(self) -> dict[str, int]:
        """Of servers that run, by host."""
        pids = self.system.supervisor.pids()
        return {host: pids[name] for host, name in SERVERS.items() if name in pids}

    def cold(self) -> set[str]:
        """What is wanted and was not resident at the last look."""
        pids = self.server_pids()
        return {
            model
            for host, models in WANTED.items()
            for model in models
            if host not in pids or model not in self.record.resident(host, pids[host])
        }

    def leases(self) -> list[str]:
        """Return the leases of all lanes that a load holds now."""
        return self.system.state.leases()

    def views(self) -> dict[str, int]:
        """How often we looked at each server's present run."""
        pids = self.server_pids()
        return {h: self.record.views(h, pid) for h, pid in pids.items()}

    def wait(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Let time go by; whether it became so meanwhile."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.system.supervisor.tend()
            if until():
                return True
            time.sleep(0.1)
        return False

    def _use(self, use: Use) -> None:
        options = {"num_predict": use.tokens}
        if use.context:
            options["num_ctx"] = use.context
        server = self.system.hosts[use.host]
        application = replace(server, agent=APPLICATION, answer_s=USE_S)
        with suppress(httpx.HTTPError):
            application.ask(use.model, options=options)


@contextmanager
def stage(folder: Path) -> Iterator[Stage]:
    """A system that keeps its Redis's data and follows a warm list."""
    variables = {
        "OLLAMA_WARMUP_VISIBILITY_S": str(schedule.VISIBILITY_S),
        "OLLAMA_WARMUP_ENABLED": "true",
    }
    data = folder / "data"
    data.mkdir()
    fields: Any = {"data": data, "tick_s": TICK_S, "variables": variables}
    with running_system(NAMESPACE, logs=folder, grace_s=3, **fields) as system:
        for host, name in SERVERS.items():
            models = [f"{m}?load={load_s:g}s" for m, load_s in MODELS[host].items()]
            room = ("--max-loaded-models", str(ROOM[host]))
            keep_alive = ("--keep-alive", f"{schedule.KEEP_ALIVE_S:g}s")
            flags = (*room, *keep_alive)
            system.simulate(host, models=models, flags=flags, process=name)
        system.want(**_wanted())
        yield Stage(system=system)


def _wanted() -> dict[str, str]:
    """What is declared, as a warm list has it."""
    options = {model: f"&num_ctx={context}" for model, context in OPTIONS.items()}
    return {
        host: ", ".join(
            f"{model}?keep_alive={keep_alive_s:g}s{options.get(model, '')}"
            for model, keep_alive_s in models.items()
        )
        for host, models in WANTED.items()
    }
