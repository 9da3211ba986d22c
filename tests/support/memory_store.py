"""The stores of the worker in memory, by a virtual clock.

Held to the real ones by tests/integration/test_store.py and test_pass_store.py.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ollama_warmup import tally
from ollama_warmup.errors import StoreUnavailable
from ollama_warmup.report import HostReport
from ollama_warmup.tally import Tally
from ollama_warmup.target import Target
from tests.support.virtual_time import VirtualTime
from worker.adapters.passstore import MEMORY_S, PASS_S
from worker.adapters.store import HISTORY_LENGTH, RECORD_S
from worker.core.domain import LEASE_S, Holder, LoadRecord, TouchRecord
from worker.core.memory import Memory
from worker.core.pass_values import PassResult, StoredHost
from worker.core.passes import Event

BEGAN_AT = 1_700_000_000.0
"""Far from any host's clock."""
FOREVER_S = float("inf")


@dataclass(slots=True)
class Shelf:
    """What Redis is to both stores: values by key, each until its time is over."""

    time: VirtualTime
    latency_s: float = 0.0
    """What each round trip takes, seconds."""
    began_at: float = BEGAN_AT
    """The store's clock when the test's begins, Unix seconds."""
    is_away: bool = False
    """Whether it does not answer."""
    values: dict[tuple[str, ...], tuple[Any, float]] = field(default_factory=dict)

    def trip(self) -> None:
        """One round trip; raises `StoreUnavailable` if it is away."""
        self.time.sleep(self.latency_s)
        if self.is_away:
            raise StoreUnavailable("the test has it away")

    def now(self) -> float:
        return self.began_at + self.time.now

    def get(self, *key: str) -> Any:
        found = self.values.get(key)
        return found[0] if found and self.time.now < found[1] else None

    def set(self, *key: str, value: Any, seconds: float = FOREVER_S) -> None:
        self.values[key] = (value, self.time.now + seconds)

    def drop(self, *key: str) -> None:
        self.values.pop(key, None)

    def clear(self) -> None:
        """Lose everything, as a FLUSHALL does."""
        self.values.clear()

    def take(self, *key: str, value: Any, seconds: float) -> bool:
        """Take a lease that is free, or renew one's own."""
        if self.get(*key) not in (None, value):
            return False
        self.set(*key, value=value, seconds=seconds)
        return True

    def release(self, *key: str, value: Any) -> None:
        """Give back a lease, if it is one's own."""
        if self.get(*key) == value:
            self.drop(*key)


@dataclass(slots=True)
class MemoryLoadStore:
    """As `worker.adapters.store.Store`."""

    shelf: Shelf
    counted: list[Tally] = field(default_factory=list)

    def now(self) -> float:
        self.shelf.trip()
        return self.shelf.now()

    def take_lane(self, host: str, holder: Holder) -> bool:
        self.shelf.trip()
        if self.shelf.get("lane", host) is not None:
            return False
        self.shelf.set("lane", host, value=holder, seconds=LEASE_S)
        self.shelf.drop("sent", host)
        return True

    def renew_lane(self, host: str, holder: Holder) -> bool:
        self.shelf.trip()
        return self.shelf.take("lane", host, value=holder, seconds=LEASE_S)

    def release_lane(self, host: str, holder: Holder) -> None:
        self.shelf.trip()
        self.shelf.release("lane", host, value=holder)

    def holder(self, host: str) -> Holder | None:
        self.shelf.trip()
        held: Holder | None = self.shelf.get("lane", host)
        return held

    def read(self, host: str, key: str) -> tuple[LoadRecord | None, Holder | None]:
        self.shelf.trip()
        return self.shelf.get("outcome", host, key), self.shelf.get("lane", host)

    def write_record(
        self, host: str, key: str, record: LoadRecord, *, adds: Tally = tally.NOTHING
    ) -> None:
        self.shelf.trip()
        self.shelf.set("outcome", host, key, value=record, seconds=RECORD_S)
        self.counted.append(adds)

    def history(self, host: str, *, weights: str, context: int) -> list[float]:
        self.shelf.trip()
        return list(self.shelf.get("history", host, weights, str(context)) or ())

    def add_history(
        self, host: str, *, weights: str, context: int, load_s: float
    ) -> None:
        self.shelf.trip()
        key = ("history", host, weights, str(context))
        loads = [round(load_s, 3), *(self.shelf.get(*key) or ())]
        self.shelf.set(*key, value=loads[:HISTORY_LENGTH])

    def longest(self, host: str) -> tuple[float, int]:
        self.shelf.trip()
        load_s, size_bytes = self.shelf.get("longest", host) or (0.0, 0)
        return load_s, size_bytes

    def set_longest(self, host: str, load_s: float, size_bytes: int) -> None:
        self.shelf.trip()
        self.shelf.set("longest", host, value=(round(load_s, 3), size_bytes))

    def hold_pull(self, host: str, holder: str) -> bool:
        self.shelf.trip()
        return self.shelf.take("pull", host, value=holder, seconds=LEASE_S)

    def release_pull(self, host: str, holder: str) -> None:
        self.shelf.trip()
        self.shelf.release("pull", host, value=holder)


@dataclass(slots=True)
class MemoryPassStore:
    """As `worker.adapters.passstore.PassStore`."""

    shelf: Shelf
    events: list[Event] = field(default_factory=list)
    """All that happened, the first one first."""
    reports: dict[str, HostReport] = field(default_factory=dict)
    """The last one of each host."""
    counted: list[Tally] = field(default_factory=list)
    paused: set[str] = field(default_factory=set)

    def begin(self, hosts: Sequence[str], *, nonce: str, once_more: bool) -> list[str]:
        self.shelf.trip()
        mine = [h for h in hosts if self.shelf.get("pass", h) is None]
        for host in mine:
            self.shelf.set("pass", host, value=nonce, seconds=PASS_S)
        for host in set(hosts) - set(mine) if once_more else ():
            self.shelf.set("again", host, value=True, seconds=PASS_S)
        return mine

    def give_up(self, hosts: Sequence[str], *, nonce: str) -> None:
        with suppress(StoreUnavailable):
            self.shelf.trip()
            for host in hosts:
                self.shelf.release("pass", host, value=nonce)

    def read(
        self, hosts: Mapping[str, Sequence[Target]]
    ) -> tuple[dict[str, StoredHost], frozenset[str], float]:
        self.shelf.trip()
        stored = {host: self._stored(host, of) for host, of in hosts.items()}
        return stored, frozenset(self.paused), self.shelf.now()

    def _stored(self, host: str, targets: Sequence[Target]) -> StoredHost:
        get = self.shelf.get
        keys = [target.key for target in targets]
        pulled = (get("pull", host) or "").split()
        return StoredHost(
            memory=get("memory", host) or Memory(),
            records={k: x for k in keys if (x := get("outcome", host, k))},
            touches={k: x for k in keys if (x := get("touch", host, k))},
            holder=get("lane", host),
            sent=get("sent", host),
            unloaded=get("unloaded", host) or {},
            pulling=frozenset(t.key for t in targets if t.name.normal in pulled),
        )

    def end(
        self, results: Mapping[str, PassResult], *, nonce: str
    ) -> tuple[set[str], set[str]]:
        self.shelf.trip()
        written = {h for h in results if self.shelf.get("pass", h) == nonce}
        again = {h for h in written if self.shelf.get("again", h)}
        for host in written:
            result = results[host]
            self.shelf.set("memory", host, value=result.memory, seconds=MEMORY_S)
            self.reports[host] = result.report
            self.events += result.events
            for name in ("pass", "again"):
                self.shelf.drop(name, host)
            for key in result.forgotten:
                self.shelf.drop("outcome", host, key)
        return written, again

    def drop_strangers(self, hosts: Sequence[str]) -> None:
        self.shelf.trip()
        self.reports = {h: r for h, r in self.reports.items() if h in hosts}

    def mark_sent(self, host: str, key: str, *, seconds: float) -> None:
        self.shelf.trip()
        self.shelf.set("sent", host, value=key, seconds=seconds)

    def clear_sent(self, host: str) -> None:
        self.shelf.trip()
        self.shelf.drop("sent", host)

    def note_unload(self, host: str, digest: str, *, seconds: int) -> None:
        self.shelf.trip()
        notes = (self.shelf.get("unloaded", host) or {}) | {digest: self.shelf.now()}
        self.shelf.set("unloaded", host, value=notes, seconds=seconds)

    def write_touch(
        self, host: str, key: str, record: TouchRecord, *, adds: Tally = tally.NOTHING
    ) -> None:
        self.shelf.trip()
        self.shelf.set("touch", host, key, value=record, seconds=RECORD_S)
        self.counted.append(adds)

    def add_events(self, events: Sequence[Event]) -> None:
        self.shelf.trip()
        self.events += events
