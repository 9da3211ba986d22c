"""Runs several processes in one terminal and ends every one of them.

Each process leads a process group of its own, so that Ctrl-C reaches only the
supervisor, and a group goes as a whole, a Celery worker's children with it. A
reaper (`worker.cli.reaper`) waits on a pipe: should the supervisor itself be
killed, the pipe closes and the reaper ends the groups in its place.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Self

from ollama_warmup.errors import WarmupError
from worker.cli import reaper

POLL_S = 0.05


class ProcessFailed(WarmupError):
    """A process ended by itself, or never became ready; its last lines are told."""


class Supervisor:
    """A context in which processes run; nothing of them outlives it.

    SIGTERM and SIGHUP leave the context as Ctrl-C does; while it ends its
    processes, further signals do not interrupt it.
    """

    def __init__(self, *, grace_s: float = reaper.GRACE_S) -> None:
        """Start the reaper.

        Args:
            grace_s: seconds that processes have to end by themselves.
        """
        self._grace_s = grace_s
        self.folder = Path(tempfile.mkdtemp(prefix="ollama-warmup-"))
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        self._ready: dict[str, Callable[[], bool]] = {}
        self._reaper = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, reaper.__file__, str(self.folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
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
        for number in self._handlers:
            signal.signal(number, signal.SIG_IGN)
        groups = [process.pid for process in self._running.values()]
        reaper.end(groups, grace_s=self._grace_s, reap=self._reap)
        for process in self._running.values():
            process.wait()
        self._tell_reaper(*(-group for group in groups))
        _pipe(self._reaper).close()
        self._reaper.wait()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def start(
        self,
        name: str,
        argv: Sequence[str],
        *,
        ready: Callable[[], bool],
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Start a process; its output goes to `<folder>/<name>.log`.

        Args:
            name: for messages and the log.
            argv: program and arguments.
            ready: asked until it is true; may raise OSError meanwhile.
            env: added to this process's environment.
        """
        with self._log(name).open("wb") as log:
            process = subprocess.Popen(  # noqa: S603 - our own command lines
                argv,
                env=os.environ | (env or {}),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._tell_reaper(process.pid)
        self._running[name] = process
        self._ready[name] = ready

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
        waiting = list(self._ready)
        deadline = time.monotonic() + timeout_s
        while waiting:
            progress(waiting)
            self.check()
            if time.monotonic() > deadline:
                raise ProcessFailed(
                    f"{waiting[0]} was not ready within {timeout_s:.0f} s; its last "
                    f"lines:\n{self._tail(waiting[0])}"
                )
            time.sleep(POLL_S)
            waiting = [name for name in waiting if not self._is_ready(name)]

    def check(self) -> None:
        """Notice a process that ended by itself.

        Raises:
            ProcessFailed: one did.
        """
        for name, process in self._running.items():
            if process.poll() is not None:
                raise ProcessFailed(
                    f"{name} ended by itself (exit code {process.returncode}); its "
                    f"last lines:\n{self._tail(name)}"
                )

    def said(self, name: str, text: str) -> bool:
        """Whether this text stands in the output of a process so far."""
        return text in self._log(name).read_text(errors="replace")

    def _tell_reaper(self, *pids: int) -> None:
        with contextlib.suppress(BrokenPipeError):
            _pipe(self._reaper).write("".join(f"{pid}\n" for pid in pids).encode())
            _pipe(self._reaper).flush()

    def _reap(self) -> None:
        for process in self._running.values():
            process.poll()

    def _is_ready(self, name: str) -> bool:
        try:
            return self._ready[name]()
        except OSError:
            return False

    def _log(self, name: str) -> Path:
        return self.folder / f"{name}.log"

    def _tail(self, name: str, lines: int = 15) -> str:
        text = self._log(name).read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])


def free_port() -> int:
    """A TCP port of loopback that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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
