"""The system of a soak: two servers, and what is looked at all the time."""

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.faults.bounds import TICK_S
from tests.faults.scene import START_S, Scene
from tests.faults.server import simulate
from tests.soak import schedule
from tests.soak.memory import Sampler
from tests.soak.pace import Pace
from tests.soak.record import APPLICATION, Recorder
from tests.soak.schedule import MODELS, OPTIONS, ROOM, SERVERS, WANTED, Use
from worker.cli.supervisor import Supervisor, free_port
from worker.cli.system import System

NAMESPACE = "soak"
READ_S = 1.0
USE_S = 20.0


@dataclass(kw_only=True)
class Stage(Scene):
    """A running system, its record, and the applications beside it."""

    urls: dict[str, str]
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
        for host, name in SERVERS.items():
            models = [f"{m}?load={load_s:g}s" for m, load_s in MODELS[host].items()]
            simulate(
                self.supervisor,
                name,
                self.urls[host],
                models,
                *("--max-loaded-models", str(ROOM[host])),
                *("--keep-alive", f"{schedule.KEEP_ALIVE_S:g}s"),
            )
        self.system.start(self.supervisor)
        self.supervisor.wait_ready(timeout_s=START_S, progress=lambda _: None)
        self.until(lambda: not self.cold(), "what is wanted is loaded")
        self.until(lambda: not self.leases(), "all lanes are free")
        self.pace.start()

    def tend(self) -> None:
        """Start again what died, look, and let applications ask."""
        Scene.tend(self)
        if self.memory.is_due and self.is_alive():  # who is away shares no pages
            self.memory.read(self.pids())
        if time.monotonic() - self._read_at >= READ_S:
            self.read()
        while self.uses and time.time() - self.uses_from >= self.uses[0].at_s:
            self._applications.submit(self._use, self.uses.pop(0))

    def read(self) -> None:
        """Read what the servers have recorded."""
        self._read_at = time.monotonic()
        for host, name in SERVERS.items():
            if pid := self.supervisor.processes[name].pid:
                self.record.read(host, self.urls[host], pid)

    def server_pids(self) -> dict[str, int]:
        """Of servers that run, by host."""
        known = {h: self.supervisor.processes[n].pid for h, n in SERVERS.items()}
        return {host: pid for host, pid in known.items() if pid}

    def pids(self) -> dict[str, int]:
        """Of all processes that run, callers apart."""
        known = {n: p.pid for n, p in self.supervisor.processes.items()}
        return {n: pid for n, pid in known.items() if pid and n[:6] != "client"}

    def cold(self) -> set[str]:
        """What is wanted and was not resident at the last look."""
        pids = self.server_pids()
        return {
            model
            for host, models in WANTED.items()
            for model in models
            if host not in pids or model not in self.record.resident(host, pids[host])
        }

    def views(self) -> dict[str, int]:
        """How often we looked at each server's present run."""
        pids = self.server_pids()
        return {h: self.record.views(h, pid) for h, pid in pids.items()}

    def wait(self, seconds: float, until: Callable[[], object] = lambda: False) -> bool:
        """Let time go by; whether it became so meanwhile."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            self.tend()
            if until():
                return True
            time.sleep(0.1)
        return False

    def _use(self, use: Use) -> None:
        options = {"num_predict": use.tokens}
        if use.context:
            options["num_ctx"] = use.context
        body = {"model": use.model, "prompt": "hi", "stream": False, "options": options}
        with suppress(httpx.HTTPError):
            httpx.post(
                f"{self.urls[use.host]}/api/generate",
                json=body,
                headers={"User-Agent": APPLICATION},
                timeout=USE_S,
                trust_env=False,
            )


def stage(folder: Path, supervisor: Supervisor) -> Stage:
    """A system that keeps its Redis's data and follows a warm list."""
    os.environ["OLLAMA_WARMUP_VISIBILITY_S"] = str(schedule.VISIBILITY_S)
    os.environ["OLLAMA_WARMUP_ENABLED"] = "true"
    urls = {host: f"http://127.0.0.1:{free_port()}" for host in SERVERS}
    (folder / "data").mkdir()
    (folder / "warmlist.yaml").write_text(_warm_list(urls))
    system = System(
        namespace=NAMESPACE,
        valkey_port=free_port(),
        data=folder / "data",
        config=folder / "warmlist.yaml",
        tick_s=TICK_S,
    )
    return Stage(supervisor=supervisor, system=system, urls=urls)


def _warm_list(urls: dict[str, str]) -> str:
    lines = ["hosts:", *(f"  {host}: {url}" for host, url in urls.items()), "models:"]
    for host, models in WANTED.items():
        for model, keep_alive_s in models.items():
            lines += [f"  - model: {model}", f"    hosts: [{host}]"]
            lines += [f"    keep_alive: {keep_alive_s:g}s"]
            if model in OPTIONS:
                lines += ["    options:", f"      num_ctx: {OPTIONS[model]}"]
    return "\n".join(lines) + "\n"
