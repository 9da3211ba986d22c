"""The folder of one namespace: what outlives `up`, and how to find a running one.

`$XDG_STATE_HOME/ollama-warmup/<namespace>`, else below `~/.local/state`:

    lock          held with flock by the `up` that runs, and by its reaper
    environment   the variables that join it, NAME=VALUE; there while it runs
    valkey/       what the embedded Valkey keeps
    logs/         what the processes of the last `up` wrote
"""

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ollama_warmup.errors import WarmupError

PATIENCE_S = 0.5
"""A look at the lock holds it for an instant, seconds."""


class RunsAlready(WarmupError):
    """Another `up` of this namespace runs, or its processes are ending."""


class NoPlace(WarmupError):
    """The state folder cannot be made."""


@dataclass(frozen=True, slots=True)
class Place:
    """The folder of one namespace."""

    namespace: str

    @property
    def folder(self) -> Path:
        """Of this namespace; it may not exist yet."""
        # A relative path is to be ignored (XDG Base Directory Specification 0.8).
        given = Path(os.environ.get("XDG_STATE_HOME", ""))
        state = given if given.is_absolute() else Path.home() / ".local" / "state"
        return state / "ollama-warmup" / self.namespace

    def subfolder(self, name: str) -> Path:
        """A folder in it, made if need be, for this user alone.

        Raises:
            NoPlace: it cannot be made.
        """
        folder = self.folder / name
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise NoPlace(
                f"cannot make the folder {folder} ({exc.strerror}): set XDG_STATE_HOME "
                "to a folder of yours"
            ) from exc
        return folder

    @contextlib.contextmanager
    def locked(self) -> Iterator[int]:
        """Hold the lock; yields its descriptor: who inherits it holds it too.

        Raises:
            RunsAlready: somebody else holds it.
            NoPlace: there is no folder for it.
        """
        self.subfolder(".")
        lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            if not _lock(lock, patience_s=PATIENCE_S):
                raise RunsAlready(_runs_already(self, os.read(lock, 20).decode()))
            os.truncate(lock, 0)
            os.write(lock, str(os.getpid()).encode())
            yield lock
        finally:
            os.close(lock)

    @contextlib.contextmanager
    def published(self, environment: Mapping[str, str]) -> Iterator[None]:
        """Let others join by these variables while this runs."""
        file = self.folder / "environment"
        file.unlink(missing_ok=True)
        file.touch(mode=0o600)
        file.write_text("".join(f"{k}={v}\n" for k, v in environment.items()))
        try:
            yield
        finally:
            file.unlink(missing_ok=True)

    def environment(self) -> dict[str, str]:
        """The variables that join the system that runs here; empty: none runs."""
        try:
            lock = os.open(self.folder / "lock", os.O_RDONLY)
        except FileNotFoundError:
            return {}
        try:
            if _lock(lock):
                return {}  # nobody holds it: what is written is left from a crash
            lines = (self.folder / "environment").read_text().splitlines()
        except FileNotFoundError:
            return {}
        finally:
            os.close(lock)
        return {name: value for name, _, value in (x.partition("=") for x in lines)}


def _lock(descriptor: int, *, patience_s: float = 0.0) -> bool:
    deadline = time.monotonic() + patience_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(0.05)
        else:
            return True


def _runs_already(place: Place, pid: str) -> str:
    try:
        os.kill(int(pid or 0), 0)
    except ProcessLookupError:
        return (
            f"the processes of an `up` that was killed (namespace {place.namespace}) "
            "are ending: try again in half a minute"
        )
    return (
        f"`ollama-warmup up` of the namespace {place.namespace} runs already (pid "
        f"{pid}): use that one, or set OLLAMA_WARMUP_NAMESPACE for another system "
        "beside it"
    )
