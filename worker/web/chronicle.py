"""What happened lately, kept at hand: the log is read whole once, then what is new."""

import threading
from collections import deque
from collections.abc import Sequence
from itertools import islice

from worker.adapters.eventlog import BEGINNING, KEPT, Entry, EventLog
from worker.core.passes import Event

NO_WAIT_S = 0.001
"""The least that Redis can be told to wait, seconds; 0 is for ever."""


class Chronicle:
    """The last events of a namespace, as many as the log itself keeps.

    Any thread may read while one refreshes.
    """

    def __init__(self, log: EventLog) -> None:
        """Read nothing yet."""
        self._log = log
        self._lock = threading.Lock()
        self._last_id: str | None = None
        self._all: deque[Event] = deque()
        self._by_target: dict[tuple[str, str], deque[Event]] = {}

    def refresh(self) -> None:
        """Take up what has happened since; not for two threads at once.

        Raises:
            StoreUnavailable: Redis does not answer; the next call goes on.
        """
        if self._last_id is None:
            kept = list(islice(self._log.backwards(), KEPT))[::-1]
            self._last_id = BEGINNING
            self._take(kept)
        while new := self._log.after(self._last_id, wait_s=NO_WAIT_S):
            self._take(new)

    def of(self, host: str, model: str) -> Sequence[Event]:
        """The events of a target, the oldest first."""
        with self._lock:
            return tuple(self._by_target.get((host, model), ()))

    def newest(self, count: int) -> list[Event]:
        """The last events of all targets, the newest first."""
        with self._lock:
            return list(islice(reversed(self._all), count))

    @property
    def oldest_at(self) -> float | None:
        """When the oldest one was; None = there is none."""
        with self._lock:
            return self._all[0].at if self._all else None

    def _take(self, entries: Sequence[Entry]) -> None:
        with self._lock:
            for entry in entries:
                self._last_id = entry.id
                if entry.event is not None:
                    self._add(entry.event)

    def _add(self, event: Event) -> None:
        if len(self._all) >= KEPT:
            self._drop_oldest()
        self._all.append(event)
        self._by_target.setdefault((event.host, event.model), deque()).append(event)

    def _drop_oldest(self) -> None:
        oldest = self._all.popleft()
        target = oldest.host, oldest.model
        self._by_target[target].popleft()
        if not self._by_target[target]:
            del self._by_target[target]
