"""One process of the supervisor: started as often as needed, with one log."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import worker
from worker.cli import reaper

LOG_BYTES = 10_000_000
"""A log that has grown to this is moved to `<name>.log.1`, and begins anew."""

_ROOT = Path(worker.__file__).parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """A process ended by itself."""

    name: str
    code: int
    """Its exit code; negative: the signal that killed it."""
    pid: int
    age_s: float
    """How long it ran, seconds."""
    tail: str
    """Its last lines."""

    @property
    def cause(self) -> str:
        """As words."""
        if self.code < 0:
            return f"killed by {signal.Signals(-self.code).name}"
        return f"exit code {self.code}"


@dataclass(kw_only=True)
class Process:
    """A command line, and what became of it."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str]
    """Added to this process's environment."""
    ready: Callable[[], bool]
    """Asked until it is true; may raise OSError meanwhile."""
    is_last: bool
    """Whether the others need it until they have ended."""
    log: Path
    """Standard output and error."""
    _running: "subprocess.Popen[bytes] | None" = None
    _started_at_s: float = 0.0
    _began: int = field(default=0, init=False)
    """Where in the log the output of the running process begins, bytes."""
    _told: int = field(default=0, init=False)
    """Up to where `new_lines` has returned the log, bytes."""

    def start(self, *, announce: Callable[[], None] = lambda: None) -> None:
        """Start it, in a session of its own.

        Args:
            announce: called in the new process before its program begins.
        """
        with self.log.open("ab") as log, _without_signals() as allowed:

            def begin() -> None:
                announce()
                signal.pthread_sigmask(signal.SIG_SETMASK, allowed)

            self._began = log.tell()
            self._running = subprocess.Popen(  # noqa: S603 - our own command lines
                self.argv,
                # Celery imports from its folder first: no stranger's tasks.py.
                cwd=_ROOT,
                env=os.environ | self.env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=begin,  # noqa: PLW1509 - there are no threads here
            )
        self._started_at_s = time.monotonic()

    @property
    def pid(self) -> int | None:
        """None when it is not started, or its end was noticed."""
        return self._running.pid if self._running else None

    @property
    def age_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self._started_at_s

    def is_ready(self) -> bool:
        """Whether it serves."""
        try:
            return self.pid is not None and self.ready()
        except OSError:
            return False

    def poll(self) -> int | None:
        """Its exit code if it has ended, negative for a signal; None while it runs."""
        return self._running.poll() if self._running else None

    def wait(self) -> None:
        """Collect it; it was killed, or has ended."""
        if self._running:
            self._running.wait()

    def death(self) -> Death | None:
        """Its death, told once; what it leaves of its group is killed."""
        code, pid, age_s = self.poll(), self.pid, self.age_s
        if code is None or pid is None:
            return None
        reaper.kill(pid)
        self._running = None
        return Death(name=self.name, code=code, pid=pid, age_s=age_s, tail=self.tail())

    def output(self) -> str:
        """What it wrote since it was started."""
        with self.log.open("rb") as log:
            log.seek(self._began)
            return log.read().decode(errors="replace")

    def tail(self, lines: int = 15) -> str:
        """The last lines that it wrote, without the empty ones."""
        written = [line for line in self.output().splitlines() if line.strip()]
        return "\n".join(written[-lines:])

    def new_lines(self) -> list[str]:
        """The whole lines that it wrote since the last call."""
        with self.log.open("rb") as log:
            log.seek(self._told)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._told += len(whole)
        if self._told > LOG_BYTES:
            self._turn_log()
        return whole.decode(errors="replace").splitlines()

    def _turn_log(self) -> None:
        # Copied and cut, as the process goes on writing to the same file; what it
        # writes in between is lost.
        shutil.copyfile(self.log, self.log.with_suffix(".log.1"))
        os.truncate(self.log, 0)
        self._began = self._told = 0


@contextlib.contextmanager
def _without_signals() -> Iterator[set[signal.Signals]]:
    """Hold signals back: Python ignores what a handler raises inside of a fork.

    Yields:
        Those that were held back before.
    """
    ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    try:
        yield {signal.Signals(number) for number in before}
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
