"""The system of one cell: started, looked at, and what died started again."""

import json
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import psutil
import redis

from tests.faults.bounds import TICK_S
from tests.faults.server import KEPT, Counts, Server, Simulated
from worker.cli.process import Death
from worker.cli.supervisor import Supervisor, free_port
from worker.cli.system import System

NAMESPACE = "faults"
START_S = 90.0
POLL_S = 0.2
ASK_S = 1.0
_NAMES = {"Redis": "valkey", "Ollama": "ollama", "worker child": "worker"}
"""Of victims, where the process is called otherwise."""


@dataclass(slots=True, kw_only=True)
class Scene:
    """A running system, and the callers beside it."""

    supervisor: Supervisor
    system: System
    server: Server = field(default_factory=Simulated)
    pauses_s: dict[str, float] = field(default_factory=dict)
    """For how long a victim stays away; whatever else dies, a second."""
    died: list[Death] = field(default_factory=list)
    _due: dict[str, float] = field(default_factory=dict)
    finished: set[str] = field(default_factory=set)

    def start(self) -> None:
        self.server.start(self.supervisor, self.system.ollama)
        self.system.start(self.supervisor)
        self.supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
        self.until(lambda: KEPT in self.resident(), "what is wanted is loaded")
        self.until(lambda: not self.leases(), "its lane is free")

    def call(self, name: str, models: tuple[str, ...], *, seconds: float) -> None:
        """Let an application send warm-ups."""
        words = (f"{seconds:g}", *map(self.server.name, models))
        self.supervisor.start(
            name,
            (sys.executable, "-m", "tests.faults.caller", *words),
            env=self.system.environment,
            ready=partial(self.supervisor.said, name, "sent"),
        )

    def until(self, is_so: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + START_S
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {START_S:g} s in vain until {what}")
            self.tend()
            time.sleep(POLL_S)

    def tend(self) -> None:
        """Do as `up` does: start again what died, after its pause."""
        for death in self.supervisor.deaths():
            if death.name.startswith("client"):
                self.finished.add(death.name)
                continue
            self.died.append(death)
            self._due[death.name] = time.monotonic() + self.pauses_s.pop(
                death.name, 1.0
            )
        for name, due in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[name]
                self.supervisor.restart(name)

    def is_alive(self) -> bool:
        """Whether every process that serves does."""
        serving = [p for n, p in self.supervisor.processes.items() if n[:6] != "client"]
        return all(process.is_ready() for process in serving)

    def pid(self, name: str) -> int:
        pid = self.supervisor.processes[process_of(name)].pid
        if pid is None:
            raise ProcessLookupError(f"{name} does not run")
        return pid

    def children(self) -> list[int]:
        return children_of(self.pid("worker"))

    def loading_child(self) -> int:
        """The child that holds the load in flight; without one, any."""
        for lease in self.leases():
            pid = int(json.loads(lease)["process"].rpartition(":")[2])
            if pid in self.children():
                return pid
        return self.children()[0]

    def counts(self) -> Counts:
        """What the server did since it was started; raises what httpx raises."""
        return self.server.counts(self.supervisor, self.system.ollama)

    def resident(self) -> set[str]:
        """Which of the models are loaded, by their part."""
        with suppress(httpx.HTTPError):
            url = f"{self.system.ollama}/api/ps"
            rows = httpx.get(url, trust_env=False, timeout=ASK_S).json()["models"]
            names = {row["name"].removesuffix(":latest") for row in rows}
            parts = self.server.loads_s
            return {part for part in parts if self.server.name(part) in names}
        return set()

    def unload(self, model: str) -> None:
        """Let it go by hand."""
        url = f"{self.system.ollama}/api/generate"
        body = {"model": self.server.name(model), "keep_alive": 0}
        httpx.post(url, json=body, trust_env=False)

    def leases(self) -> list[str]:
        """Who holds a lane now."""
        with suppress(redis.RedisError):
            keys = self.redis.keys(f"{NAMESPACE}:lane:*")
            return [str(value) for key in keys if (value := self.redis.get(key))]
        return []

    def eternal(self) -> list[str]:
        """Leases, locks and marks that would never lapse."""
        keys = [
            str(key)
            for kind in ("lane", "pass", "sent", "pull")
            for key in self.redis.keys(f"{NAMESPACE}:{kind}:*")
        ]
        return [key for key in keys if self.redis.ttl(key) == -1]

    @property
    def redis(self) -> "redis.Redis":
        return redis.Redis.from_url(
            self.system.broker_url, decode_responses=True, socket_timeout=ASK_S
        )

    def answers(self, name: str) -> list[dict[str, Any]]:
        written = self.supervisor.processes[name].output().splitlines()
        return [json.loads(line) for line in written if line.startswith("{")]


def process_of(victim: str) -> str:
    """What the process of a victim is called."""
    return _NAMES.get(victim, str(victim))


def children_of(pid: int) -> list[int]:
    """Of a process, pids; none of one that is gone."""
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children()]
    return []


def system(folder: Path, *, visibility_s: int, server: Server) -> System:
    """A system that keeps its Redis's data, as a shipped one does."""
    os.environ["OLLAMA_WARMUP_VISIBILITY_S"] = str(visibility_s)
    (folder / "data").mkdir()
    return System(
        namespace=NAMESPACE,
        valkey_port=free_port(),
        data=folder / "data",
        ollama=f"http://127.0.0.1:{free_port()}",
        keeps=(server.name(KEPT),),
        tick_s=TICK_S,
    )
