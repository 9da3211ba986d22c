"""The system of one cell, as its experiment and its checks look at it."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.faults.bounds import TICK_S
from tests.faults.matrix import Cell
from tests.faults.server import KEPT, Counts, Server
from tests.support.ollama import Ollama, short
from tests.support.system import RunningSystem
from worker.cli.process import Death
from worker.cli.supervisor import free_port

NAMESPACE = "faults"
POLL_S = 0.2
ASK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A running system beside one server, simulated or real."""

    system: RunningSystem
    server: Server

    def start(self) -> None:
        self.server.start(self.system.supervisor, self.system.shipped.ollama)
        self.system.start_shipped()
        self.system.wait_ready()
        tend_until = self.system.supervisor.tend_until
        tend_until(lambda: KEPT in self.resident(), "what is wanted is loaded")
        tend_until(lambda: not self.leases(), "its lane is free")

    def call(self, name: str, parts: tuple[str, ...], *, wait_s: float) -> None:
        """Let an application send warm-ups."""
        self.system.call(name, [*map(self.server.name, parts)], wait_s=wait_s)

    def counts(self) -> Counts:
        """What the server did since it was started; raises what httpx raises."""
        url = self.system.shipped.ollama
        return self.server.counts(self.system.supervisor, url)

    def resident(self) -> set[str]:
        """Which of the models are loaded, by their part."""
        with suppress(httpx.HTTPError):
            names = set(short(self._ollama().resident()))
            parts = self.server.loads_s
            return {part for part in parts if self.server.name(part) in names}
        return set()

    def unload(self, part: str) -> None:
        """Let it go by hand."""
        self._ollama().unload(self.server.name(part))

    def _ollama(self) -> Ollama:
        return Ollama(url=self.system.shipped.ollama, view_s=ASK_S)

    @property
    def died(self) -> list[Death]:
        """The processes that died and were started again."""
        return self.system.supervisor.died

    def is_alive(self) -> bool:
        """Whether every process that serves does."""
        return self.system.supervisor.is_alive()

    def children(self) -> list[int]:
        """Those of the worker, pids."""
        return self.system.supervisor.children("worker")

    def leases(self) -> list[str]:
        """Return the leases of all lanes that a load holds now."""
        return self.system.state.leases()

    def eternal(self) -> list[str]:
        """Leases, locks and marks that would never lapse."""
        return self.system.state.eternal()


def told(folder: Path, cell: Cell) -> dict[str, Any]:
    """Return the fields of a cell's system, whose Redis keeps its data as shipped."""
    (folder / "data").mkdir()
    return {
        "data": folder / "data",
        "ollama": f"http://127.0.0.1:{free_port()}",
        "keeps": (cell.server.name(KEPT),),
        "tick_s": TICK_S,
        "variables": {"OLLAMA_WARMUP_VISIBILITY_S": str(cell.visibility_s)},
    }
