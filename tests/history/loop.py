"""Processes under one virtual clock: generators that wait for instants and signals."""

import heapq
import itertools
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class Signal:
    """Something that happens once; a process may wait for it."""

    value: Any = None
    is_set: bool = False
    waiters: list["Running"] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Wait:
    """For a signal, at most so many seconds; sends back whether it came."""

    signal: Signal
    seconds: float | None = None


Process = Generator[float | Wait, Any, T]
"""Yields seconds to sleep, or what to wait for."""


@dataclass(eq=False, slots=True)
class Running:
    """A process under way."""

    process: Process[None]
    turn: int = 0
    """Counts its waits: a wake-up for an earlier one comes too late."""
    is_killed: bool = False


class Source(Protocol):
    """A state machine that has events of its own."""

    def next_event_at(self) -> float | None:
        """When to advance it next."""

    def advance(self, now: float) -> None:
        """Let happen what is due."""


class Loop:
    """Runs processes, and advances one source with them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.source: Source | None = None
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Running, int, Any]] = []

    def start(self, process: Process[None], *, after: float = 0.0) -> Running:
        running = Running(process)
        self._wake(running, after, None)
        return running

    def kill(self, running: Running) -> None:
        """End a process where it is, as a `kill -9` would."""
        running.is_killed = True
        running.process.close()

    def fire(self, signal: Signal, value: Any = None) -> None:
        signal.value, signal.is_set = value, True
        for running in signal.waiters:
            self._wake(running, 0.0, True)
        signal.waiters.clear()

    def run_until(self, end: float) -> None:
        """Let everything happen until an instant, in order."""
        while True:
            at = self._heap[0][0] if self._heap else end
            due = self.source.next_event_at() if self.source else None
            if due is not None and due <= at:
                at = due
            if at > end:
                break
            self.now = max(self.now, at)
            if self.source and due is not None and due <= self.now:
                self.source.advance(self.now)
            elif self._heap:
                self._step()
            else:
                break
        self.now = end
        if self.source:
            self.source.advance(end)

    def _step(self) -> None:
        _, _, running, turn, value = heapq.heappop(self._heap)
        if running.is_killed or running.turn != turn:
            return
        running.turn += 1
        try:
            wish = running.process.send(value)
        except StopIteration:
            return
        if not isinstance(wish, Wait):
            self._wake(running, wish, None)
            return
        if wish.signal.is_set:
            self._wake(running, 0.0, True)
            return
        wish.signal.waiters.append(running)
        if wish.seconds is not None:
            self._wake(running, wish.seconds, False)

    def _wake(self, running: Running, seconds: float, value: Any) -> None:
        at = self.now + seconds
        entry = (at, next(self._order), running, running.turn, value)
        heapq.heappush(self._heap, entry)
