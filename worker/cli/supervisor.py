"""Runs several processes in one terminal and ends every one of them.

Each process leads a process group of its own, so that Ctrl-C reaches only the
supervisor, and a group goes as a whole, a Celery worker's children with it. A
reaper (`worker.cli.reaper`) waits on a pipe: should the supervisor itself be
killed, the pipe closes and the reaper ends the groups in its place.

Whoever uses it decides what a death means: `check` makes it an error, `deaths`
tells it, and `restart` starts the process again.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from ollama_warmup.errors import WarmupError
from worker.cli import reaper
from worker.cli.process import Death, Process

POLL_S = 0.05
_PORTS = range(15_000, 32_000)
"""Below those that Linux and macOS give to clients."""
SAME_SIGNAL_S = 0.5
"""A second signal within this is the first once more: `make` and `uv` pass on what
the terminal has sent to everybody."""


class ProcessFailed(WarmupError):
    """A process ended by itself, or never became ready; its last lines are told."""


class Supervisor:
    """A context in which processes run; nothing of them outlives it.

    SIGTERM and SIGHUP leave the context as Ctrl-C does; a second signal while it
    ends its processes kills them at once.
    """

    def __init__(
        self,
        *,
        grace_s: float = reaper.GRACE_S,
        logs: Path | None = None,
        hold: Sequence[int] = (),
    ) -> None:
        """Start the reaper.

        Args:
            grace_s: seconds that processes have to end by themselves.
            logs: an existing folder for them; None: one that goes at the end.
            hold: file descriptors kept open until every process has ended,
                whatever happens to this one.
        """
        self._grace_s = grace_s
        self.folder = logs or Path(tempfile.mkdtemp(prefix="ollama-warmup-"))
        self.processes: dict[str, Process] = {}
        self._is_hurried = False
        folder = [] if logs else [str(self.folder)]
        self._reaper = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, reaper.__file__, str(grace_s), *folder],
            stdin=subprocess.PIPE,
            start_new_session=True,
            pass_fds=hold,
        )

    def __enter__(self) -> Self:
        ending = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        self._handlers = {number: signal.getsignal(number) for number in ending}
        for number in (signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, _leave)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.end()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
        is_last: bool = False,
    ) -> None:
        """Start a process; its output goes to `<folder>/<name>.log`.

        Args:
            name: for messages and the log.
            argv: program and arguments.
            ready: asked until it is true; may raise OSError meanwhile.
            env: added to this process's environment.
            is_last: whether it ends after the others, which need it until then.
        """
        log = self.folder / f"{name}.log"
        log.write_bytes(b"")
        self.processes[name] = Process(
            name=name, argv=argv, env=env or {}, ready=ready, is_last=is_last, log=log
        )
        self.restart(name)

    def restart(self, name: str) -> None:
        """Start a process again whose death was told."""
        process = self.processes[name]
        pipe, last = _pipe(self._reaper).fileno(), " last" * process.is_last

        def announce() -> None:
            # By the child itself: a signal may keep this process from doing it.
            os.write(pipe, f"{os.getpid()}{last}\n".encode())

        process.start(announce=announce)

    def wait_ready(
        self, *, timeout_s: float, progress: Callable[[list[str]], None]
    ) -> None:
        """Wait until every process is ready.

        Args:
            timeout_s: seconds for all of them together.
            progress: called with the names that are still starting.

        Raises:
            ProcessFailed: one ended, or is not ready in time.
        """
        waiting = list(self.processes)
        deadline = time.monotonic() + timeout_s
        while waiting:
            progress(waiting)
            self.check()
            if time.monotonic() > deadline:
                raise ProcessFailed(
                    f"{waiting[0]} was not ready within {timeout_s:.0f} s; its last "
                    f"lines:\n{self.processes[waiting[0]].tail()}"
                )
            time.sleep(POLL_S)
            waiting = [name for name in waiting if not self.processes[name].is_ready()]

    def check(self) -> None:
        """Notice a process that ended by itself.

        Raises:
            ProcessFailed: one did.
        """
        for death in self.deaths():
            raise ProcessFailed(
                f"{death.name} ended by itself ({death.cause}); its last lines:\n"
                f"{death.tail}"
            )

    def deaths(self) -> Iterator[Death]:
        """The processes that ended by themselves, each once."""
        for process in self.processes.values():
            if death := process.death():
                self._tell_reaper(f"-{death.pid}")
                yield death

    def end(self, *, progress: Callable[[], None] = lambda: None) -> None:
        """End all processes, and the reaper; called again, it does nothing.

        Args:
            progress: called while waiting for them.
        """
        if self._reaper.returncode is not None:
            return
        self._hurry_on_signals()

        def is_patient() -> bool:
            progress()
            for process in self.processes.values():
                process.poll()
            return not self._is_hurried

        groups = {p.pid: p.is_last for p in self.processes.values() if p.pid}
        reaper.end(groups, grace_s=self._grace_s, patient=is_patient)
        for process in self.processes.values():
            process.wait()
        progress()
        self._tell_reaper(*(f"-{group}" for group in groups))
        _pipe(self._reaper).close()
        self._reaper.wait()

    def _hurry_on_signals(self) -> None:
        began_s = time.monotonic()

        def hurry(_number: int, _frame: FrameType | None) -> None:
            if time.monotonic() - began_s > SAME_SIGNAL_S:
                self._is_hurried = True

        for number in self._handlers:
            signal.signal(number, hurry)

    def said(self, name: str, text: str) -> bool:
        """Whether this text stands in the output of a process so far."""
        return text in self.processes[name].output()

    def _tell_reaper(self, *lines: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            _pipe(self._reaper).write("".join(f"{line}\n" for line in lines).encode())
            _pipe(self._reaper).flush()


def free_port() -> int:
    """A TCP port of loopback that nobody listens on right now.

    Below those that the system gives to clients: one of these would be taken by a
    connection before a process that starts slowly listens on it.
    """
    while True:
        port = secrets.choice(_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections on this port of loopback."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _leave(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _pipe(process: subprocess.Popen[bytes]) -> IO[bytes]:
    if process.stdin is None:  # opened as PIPE in the constructor
        raise AssertionError
    return process.stdin
