"""What Redis holds of one host: as the adapters do, without Redis."""

from dataclasses import dataclass, field

from tests.history.loop import Loop
from worker.core.domain import Holder, LoadRecord, TouchRecord
from worker.core.memory import Memory
from worker.core.passes import Event, Kind

BEGAN_AT = 1_700_000_000.0
"""Our clock when the history begins; far from the host's."""
HISTORY_LENGTH = 32
RECORD_S = 7_200.0


@dataclass(slots=True)
class Store:
    """Leases, records, histories, memory and events."""

    loop: Loop
    memory: Memory = field(default_factory=Memory)
    records: dict[str, LoadRecord] = field(default_factory=dict)
    touches: dict[str, TouchRecord] = field(default_factory=dict)
    holder: Holder | None = None
    holder_until: float = float("inf")
    """When the lease ends by itself; infinite = its keeper renews it."""
    sent: tuple[str, float] | None = None
    loads: dict[str, list[float]] = field(default_factory=dict)
    """Seconds that loads took, the newest first, by target's key."""
    longest: tuple[float, int] = (0.0, 0)
    events: list[Event] = field(default_factory=list)

    def now(self) -> float:
        return BEGAN_AT + self.loop.now

    def lane(self) -> Holder | None:
        """Who holds it."""
        if self.holder is not None and self.loop.now >= self.holder_until:
            self.holder = None
        return self.holder

    def take_lane(self, holder: Holder) -> bool:
        if self.lane() is not None:
            return False
        self.holder, self.holder_until, self.sent = holder, float("inf"), None
        return True

    def release_lane(self, holder: Holder) -> None:
        if self.holder == holder:
            self.holder = None

    def sent_key(self) -> str | None:
        """The target whose load is sent, and not begun."""
        if self.sent is not None and self.loop.now >= self.sent[1]:
            self.sent = None
        return self.sent[0] if self.sent else None

    def record(self, key: str) -> LoadRecord | None:
        record = self.records.get(key)
        if record is not None and record.ended_at + RECORD_S < self.now():
            del self.records[key]
            return None
        return record

    def add_load(self, key: str, load_s: float, size_bytes: int) -> None:
        self.loads[key] = [load_s, *self.loads.get(key, ())][:HISTORY_LENGTH]
        if load_s > self.longest[0]:
            self.longest = (load_s, size_bytes)

    def told(self, kind: Kind) -> list[Event]:
        return [event for event in self.events if event.kind is kind]

    def empty(self) -> None:
        """Somebody has flushed Redis; the events are for the tests."""
        self.memory = Memory()
        self.records.clear()
        self.touches.clear()
        self.holder = self.sent = None
        self.loads.clear()
        self.longest = (0.0, 0)
