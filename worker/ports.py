"""What the use cases need of the world outside: a protocol for each.

`worker.adapters` has the real ones, `tests.support` those of the tests.
"""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from ollama_warmup import tally
from ollama_warmup.request import RunnerOptions
from ollama_warmup.tally import Tally
from ollama_warmup.target import Sample, Target
from ollama_warmup.warmlist import Host
from worker.core.domain import (
    Answer,
    Holder,
    HostView,
    LoadRecord,
    ModelInfo,
    Progress,
    Tag,
    TouchRecord,
)
from worker.core.pass_values import HostResponse, PassResult, StoredHost
from worker.core.passes import Event


class Download(Protocol):
    """A download of a model onto a host; see `worker.adapters.download.Download`."""

    @property
    def progress(self) -> Progress:
        """The bytes that have come, and the status."""

    @property
    def heard(self) -> int:
        """How many lines have come."""

    def wait(self, timeout_s: float) -> bool:
        """Wait for the end, at most so many seconds; return whether it has come."""

    def check(self) -> None:
        """Raise why it failed, once it has ended."""


class ModelServer(Protocol):
    """One Ollama server; see `worker.adapters.ollama.Ollama`.

    Every method that sends raises a `WarmupError` when the server does not do it.
    """

    @property
    def shown(self) -> str:
        """The server as messages show it, without its login."""

    def view(self) -> HostView:
        """What is resident now, and the host's own time."""

    def tags(self) -> dict[str, Tag]:
        """Every model that the host has, by normal name."""

    def show(self, model: str) -> ModelInfo:
        """What the host knows of a model."""

    def infer(
        self,
        model: str,
        *,
        options: RunnerOptions,
        keep_alive_s: float | None,
        embed: bool,
        sample: Sample | None = None,
        ceiling_s: float = 1_800,
    ) -> Answer:
        """Make the model answer one token, or one vector; loads it if need be."""

    def touch(
        self,
        model: str,
        *,
        options: RunnerOptions,
        embed: bool,
        ceiling_s: float = 1_800,
    ) -> None:
        """Restart the timer of a resident model."""

    def unload(self, model: str) -> None:
        """Ask the host to let the model go now, or after its work."""

    def pull(self, model: str) -> AbstractContextManager[Download]:
        """A download of the model onto the host, not begun yet."""


class Observer(Protocol):
    """Looks at many servers at once; see `worker.adapters.observer.Observer`."""

    def look(
        self, hosts: Iterable[Host], targets: Mapping[str, Sequence[Target]]
    ) -> Generator[Mapping[str, HostResponse], None, None]:
        """Yield the responses by host name; the caller closes the generator."""


class LoadStore(Protocol):
    """Leases, records and histories; see `worker.adapters.store.Store`.

    Every method raises `StoreUnavailable` when Redis does not answer.
    """

    def now(self) -> float:
        """The time by which leases and records are read, Unix seconds."""

    def take_lane(self, host: str, holder: Holder) -> bool:
        """Take the lane of a host if it is free."""

    def renew_lane(self, host: str, holder: Holder) -> bool:
        """Keep the lane, or take it again; False = another load has it."""

    def release_lane(self, host: str, holder: Holder) -> None:
        """Give the lane back; without effect if another load has it."""

    def holder(self, host: str) -> Holder | None:
        """The load that has a host's lane."""

    def read(self, host: str, key: str) -> tuple[LoadRecord | None, Holder | None]:
        """How the last load of a target ended, and the holder of its lane."""

    def write_record(
        self, host: str, key: str, record: LoadRecord, *, adds: Tally = tally.NOTHING
    ) -> None:
        """Keep how a load ended, and count it."""

    def history(self, host: str, *, weights: str, context: int) -> list[float]:
        """Seconds of the last loads of these weights, newest first."""

    def add_history(
        self, host: str, *, weights: str, context: int, load_s: float
    ) -> None:
        """Keep how long a load took, seconds."""

    def longest(self, host: str) -> tuple[float, int]:
        """The longest load of a host: seconds, and the model's bytes."""

    def set_longest(self, host: str, load_s: float, size_bytes: int) -> None:
        """Keep the longest load of a host."""

    def hold_pull(self, host: str, holder: str) -> bool:
        """Take the one pull of a host if it is free, or keep it."""

    def release_pull(self, host: str, holder: str) -> None:
        """Give the pull back; without effect if another one has it."""


class PassStore(Protocol):
    """What passes share; see `worker.adapters.passstore.PassStore`.

    Every method but `give_up` raises `StoreUnavailable` when Redis does not answer.
    """

    def begin(self, hosts: Sequence[str], *, nonce: str, once_more: bool) -> list[str]:
        """Take the hosts that no other pass is at."""

    def give_up(self, hosts: Sequence[str], *, nonce: str) -> None:
        """Release the hosts of a pass that has no result."""

    def read(
        self, hosts: Mapping[str, Sequence[Target]]
    ) -> tuple[dict[str, StoredHost], frozenset[str], float]:
        """What is kept of hosts, what is paused, and the time."""

    def end(
        self, results: Mapping[str, PassResult], *, nonce: str
    ) -> tuple[set[str], set[str]]:
        """Write results, release hosts; those written, those to look at again."""

    def drop_strangers(self, hosts: Sequence[str]) -> None:
        """Forget the reports of all other hosts."""

    def mark_sent(self, host: str, key: str, *, seconds: float) -> None:
        """Note that the load of a target is sent, for so many seconds."""

    def note_unload(self, host: str, digest: str, *, seconds: int) -> None:
        """Note, for so many seconds, that we unload a resident of a host."""

    def write_touch(
        self, host: str, key: str, record: TouchRecord, *, adds: Tally = tally.NOTHING
    ) -> None:
        """Keep how a touch ended, and count it."""

    def add_events(self, events: Sequence[Event]) -> None:
        """Keep what happened outside a pass."""


class Clock(Protocol):
    """Time as one process sees it."""

    def monotonic(self) -> float:
        """Seconds that never go back."""

    def sleep(self, seconds: float) -> None:
        """Let time pass."""


class Signal(Protocol):
    """What one thread sets and others wait for, as `threading.Event`."""

    def set(self) -> None:
        """Wake all that wait, now and later."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is set, at most so many seconds; whether it is."""


class Threads(Protocol):
    """How a process runs something beside what it does."""

    def start(self, run: Callable[[], None], *, name: str) -> None:
        """Run it in a thread of its own, which ends with the process."""

    def signal(self) -> Signal:
        """A signal that is not set."""
