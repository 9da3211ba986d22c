"""Redis: what happened, as a stream, and how often.

Keys and lifetimes are drawn in `worker.adapters.passstore`, whose events these are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter, ValidationError
from redis import Redis

from worker.adapters.connection import reaching
from worker.core.passes import Event

KEPT = 10_000
"""Events in the stream; some more, as Redis cuts it in whole nodes."""
PAGE = 500
"""Events that are read at once."""
BEGINNING = "0-0"
"""Before the first id."""

_EVENT = TypeAdapter(Event)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One place in the stream."""

    id: str
    """Redis' own: its clock's milliseconds, and a number."""
    event: Event | None
    """None = another release wrote it, and it is not understood."""


class EventLog:
    """The events of a namespace."""

    def __init__(self, redis: Redis, *, namespace: str) -> None:
        """Open nothing yet."""
        self._redis = redis
        self._stream = f"{namespace}:events"
        self._counts = f"{namespace}:counts"

    def add(self, together: Any, events: Sequence[Event]) -> None:  # noqa: ANN401 - redis' pipeline has no exported type
        """Write and count events with the next `execute` of a pipeline."""
        for event in events:
            together.xadd(
                self._stream,
                {"event": _EVENT.dump_json(event).decode()},
                maxlen=KEPT,
                approximate=True,
            )
            name = f"{event.kind.value}|{event.host}|{event.model}"
            together.hincrby(self._counts, name, 1)

    def newest_id(self) -> str:
        """Of the last event; `BEGINNING` if there is none."""
        with reaching():
            rows = self._redis.xrevrange(self._stream, count=1) or []
        return str(rows[0][0]) if rows else BEGINNING

    def backwards(
        self, *, up_to: str = "+", since: float = 0.0, page: int = PAGE
    ) -> Iterator[Entry]:
        """The events, the newest first, read page by page as they are taken.

        Args:
            up_to: the id of the first one that is meant; `+` = the newest.
            since: Unix seconds by Redis' clock; older ones are left out.
            page: how many are read at once, > 0.
        """
        least = str(int(since * 1000))
        while True:
            with reaching():
                rows = self._redis.xrevrange(self._stream, up_to, least, count=page)
            entries = [_entry(row) for row in rows or []]
            yield from entries
            if len(entries) < page:
                return
            up_to = f"({entries[-1].id}"

    def after(self, last: str, *, wait_s: float) -> list[Entry]:
        """The events after an id, the oldest first, at most a page of them.

        Args:
            last: an id; it may be cut off by now.
            wait_s: how long to wait for the first one, seconds, > 0 and below the
                socket's time-out.
        """
        with reaching():
            streams: Any = self._redis.xread(
                {self._stream: last}, count=PAGE, block=int(wait_s * 1000)
            )
        return [_entry(row) for _, rows in streams or () for row in rows]

    def counts(self) -> dict[tuple[str, str, str], int]:
        """How many events there were, by (kind, host, model)."""
        with reaching():
            rows = self._redis.hgetall(self._counts)
        counted = {}
        for name, number in rows.items():
            kind, host, model = str(name).split("|", 2)
            counted[kind, host, model] = int(number)
        return counted


def _entry(row: Any) -> Entry:  # noqa: ANN401 - (id, fields) as redis answers
    row_id, fields = row
    try:
        event = _EVENT.validate_json((fields or {}).get("event", ""))
    except ValidationError:
        event = None
    return Entry(id=str(row_id), event=event)
