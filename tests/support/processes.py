"""The processes of a running system: found, killed, and started again."""

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.support.waiting import until
from worker.cli.process import Death
from worker.cli.supervisor import Supervisor

START_S = 90.0
"""For all processes of a system, on a busy machine."""
RESTART_S = 1.0
"""How long a dead process stays away, as under `up`."""


class RestartingSupervisor(Supervisor):
    """A supervisor that starts again what died, where a test lets it (`tend`)."""

    def __init__(self, *, grace_s: float = 2.0, logs: Path | None = None) -> None:
        super().__init__(grace_s=grace_s, logs=logs)
        self.died: list[Death] = []
        """The processes that died and were, or will be, started again."""
        self.pauses_s: dict[str, float] = {}
        """By process: how long it stays away after its next death."""
        self.callers: set[str] = set()
        """Processes that are not started again: they end when their work is done."""
        self.finished: set[str] = set()
        """The callers that have ended."""
        self.watches: list[Callable[[], None]] = []
        """Called by each `tend`."""
        self._due: dict[str, float] = {}

    def tend(self) -> None:
        """Start again what died, after its pause."""
        for death in self.deaths():
            if death.name in self.callers:
                self.finished.add(death.name)
                continue
            self.died.append(death)
            pause_s = self.pauses_s.pop(death.name, RESTART_S)
            self._due[death.name] = time.monotonic() + pause_s
        for name, due in list(self._due.items()):
            if time.monotonic() >= due:
                del self._due[name]
                self.restart(name)
        for watch in self.watches:
            watch()

    def tend_until(
        self, is_so: Callable[[], object], what: str, *, seconds: float = START_S
    ) -> None:
        """Wait until a condition holds, and start again what dies meanwhile."""
        until(is_so, what, seconds=seconds, meanwhile=self.tend)

    def is_alive(self) -> bool:
        """Whether every process but the callers serves."""
        serving = self.processes.keys() - self.callers
        return all(self.processes[name].is_ready() for name in serving)

    def pid(self, name: str) -> int:
        """Return the pid of a process; raises ProcessLookupError if it does not run."""
        pid = self.processes[name].pid
        if pid is None:
            raise ProcessLookupError(f"{name} does not run")
        return pid

    def pids(self) -> dict[str, int]:
        """Return the pids of all processes that run, but for the callers."""
        known = {name: process.pid for name, process in self.processes.items()}
        return {n: pid for n, pid in known.items() if pid and n not in self.callers}

    def children(self, name: str) -> list[int]:
        """Return the pids of a process's children."""
        return children_of(self.pid(name))

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to one process, not to its children."""
        os.kill(self.pid(name), number)

    def log(self, *names: str) -> str:
        """Return all that some processes have written since they were first started."""
        return "".join((self.folder / f"{name}.log").read_text() for name in names)


def children_of(pid: int) -> list[int]:
    """Return the pids of a process's children, none if it is gone."""
    with suppress(psutil.NoSuchProcess):
        return [child.pid for child in psutil.Process(pid).children()]
    return []
