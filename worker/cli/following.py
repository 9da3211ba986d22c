"""Shows events: those that are kept, and then those that come."""

import json
import math
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from rich.console import Console
from rich.text import Text

from ollama_warmup import durations
from ollama_warmup.errors import BadRequest, StoreUnavailable
from worker.adapters.eventlog import Entry, EventLog
from worker.adapters.passstore import PassStore
from worker.cli import choosing, joining, reports, spans, tables
from worker.cli.choosing import Choice, Known
from worker.core.passes import Event

COMMAND = "events"
SHOWN = 0
"""Exit code."""
LAST = 50
"""How many are shown if nothing else is said."""
WAIT_S = 1.0
"""A look for new ones waits so long for the first, seconds."""
LOST_S = 10.0
"""A Redis that restarts is waited for, seconds."""
HEADINGS = ("TIME", "HOST", "MODEL", "KIND", "CONDITION", "WHY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What is asked for."""

    words: Sequence[str]
    since: str | None
    count: int | None
    is_following: bool
    as_json: bool

    def since_s(self) -> float:
        """How far back, seconds; infinite = as far as there are events.

        Raises:
            BadRequest: no duration, or none above 0.
        """
        if self.since is None:
            return math.inf
        seconds = durations.parse(self.since)
        if seconds <= 0:
            raise BadRequest(f"--since {self.since}: write more than 0s, such as 1h")
        return seconds

    @property
    def most(self) -> int | None:
        """How many at most; None = all."""
        return LAST if self.count is None and self.since is None else self.count


def run(wish: Wish) -> int:
    """Show events.

    Returns:
        The exit code.
    """

    def body() -> int:
        since_s = wish.since_s()
        store = reports.open_store()
        choice = _choice(wish, store)
        last = store.log.newest_id()
        entries = kept(store, wish, choice, since_s=since_s, up_to=last)
        if not wish.is_following:
            _show(entries, wish)
            return SHOWN
        with suppress(KeyboardInterrupt):
            printer = Printer(entries, as_json=wish.as_json)
            for new in coming(store.log, last):
                printer.print(chosen(new, choice))
        return SHOWN

    return joining.run(COMMAND, body)


def _choice(wish: Wish, store: PassStore) -> Choice:
    """What the words mean; a name that only events know is one, too."""
    counted = Known.of((host, model) for _, host, model in store.counts())
    try:
        reported = reports.read(store).known
    except joining.NoReport as exc:
        if not counted.hosts and not wish.is_following:
            raise
        reported = Known.of(())
        if not counted.hosts:
            joining.complain(COMMAND, str(exc))
    return choosing.choose(wish.words, counted | reported)


def kept(
    store: PassStore, wish: Wish, choice: Choice, *, since_s: float, up_to: str
) -> list[Entry]:
    """The chosen events that are kept, the oldest first."""
    _, _, now = store.read({})
    since = max(now - since_s, 0.0)
    entries = store.log.backwards(up_to=up_to, since=since)
    return list(islice(chosen(entries, choice), wish.most))[::-1]


def chosen(entries: Iterable[Entry], choice: Choice) -> Iterator[Entry]:
    """Of entries those that are meant, and understood."""
    for entry in entries:
        if entry.event and choice.has(entry.event.host, entry.event.model):
            yield entry


def coming(log: EventLog, last: str) -> Iterator[list[Entry]]:
    """New events as they come, without an end.

    Args:
        log: to read.
        last: the id after which they are new.

    Raises:
        StoreUnavailable: Redis has not answered for `LOST_S`.
    """
    heard_s = time.monotonic()
    while True:
        try:
            new = log.after(last, wait_s=WAIT_S)
            heard_s = time.monotonic()
        except StoreUnavailable:
            if time.monotonic() - heard_s > LOST_S:
                raise
            time.sleep(WAIT_S)
            continue
        if new:
            last = new[-1].id
            yield new


def _show(entries: Sequence[Entry], wish: Wish) -> None:
    if wish.as_json:
        tables.document({"events": [document(entry) for entry in entries]})
    elif entries:
        Printer(entries, as_json=False)
    else:
        what = f" to {' '.join(wish.words)}" if wish.words else ""
        when = f" in the last {wish.since}" if wish.since else " yet"
        joining.complain(COMMAND, f"nothing happened{what}{when}")


class Printer:
    """Prints events line by line, those that come later below the others."""

    def __init__(self, entries: Sequence[Entry], *, as_json: bool) -> None:
        """Print what there is already.

        Args:
            entries: the oldest first; may be empty.
            as_json: whether as one object a line.
        """
        self._as_json = as_json
        self._console = Console(highlight=False, soft_wrap=True)
        self._columns = tables.Columns([HEADINGS, *map(row, entries)])
        if not as_json:
            self._print(self._columns.line(HEADINGS))
        self.print(entries)

    def print(self, entries: Iterable[Entry]) -> None:
        """Print some more."""
        for entry in entries:
            if self._as_json:
                sys.stdout.write(f"{json.dumps(document(entry))}\n")
            else:
                self._print(self._columns.line(row(entry)))
        sys.stdout.flush()

    def _print(self, line: Text) -> None:
        if sys.stdout.isatty():
            self._console.print(line)
        else:
            sys.stdout.write(f"{line.plain}\n")


def row(entry: Entry) -> tables.Row:
    """An event for people; the entry has one."""
    event = _event(entry)
    change = tables.condition(event.after)
    if event.before is not None and event.before is not event.after:
        change = Text(" -> ").join((tables.condition(event.before), change))
    kind = event.kind.value.replace("_", " ")
    why = tables.plain(event.why)
    return spans.clock(event.at), event.host, event.model, kind, change, why


def document(entry: Entry) -> dict[str, Any]:
    """An event for scripts; `id` is its place, which a later one is above."""
    return {"id": entry.id, **asdict(_event(entry))}


def _event(entry: Entry) -> Event:
    if entry.event is None:  # `chosen` leaves these out
        raise AssertionError
    return entry.event
