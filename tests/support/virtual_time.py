"""Many threads under one virtual clock: each runs until it waits, and nothing sleeps.

Code that takes its clock and its threads from outside runs here as it is: a thread
is a greenlet, and a wait switches to the thread that is due next. The test itself is
one of the threads: while it waits, the others run.
"""

import heapq
import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from greenlet import GreenletExit, getcurrent, greenlet

LONGEST_S = 100_000.0
"""No test lasts longer by the virtual clock: one that does waits in vain."""
MOST_SPINS = 10_000
"""Nor does one wait so often in a row without any time passing."""


class Source(Protocol):
    """A state machine that has events of its own."""

    def next_event_at(self) -> float | None:
        """When to advance it next."""

    def advance(self, now: float) -> None:
        """Let happen what is due."""


@dataclass(eq=False, slots=True)
class Process:
    """An operating system's process: its threads are killed together."""

    threads: "set[_Thread]" = field(default_factory=set)
    is_killed: bool = False


class _Thread(greenlet):
    process: Process
    task: Callable[[], object]
    turn = 0
    """Counts its waits: a wake-up for an earlier one comes too late."""

    @property
    def greenlet(self) -> greenlet:
        return self


class VirtualTime:
    """A clock, and the threads that run by it; both as `worker.ports` want them."""

    def __init__(self) -> None:
        self.now = 0.0
        self.source: Source | None = None
        self._test = _TestThread(Process())
        self.current: _Thread | _TestThread = self._test
        """The thread that runs."""
        self._spins = 0
        """Waits in a row that took no time."""
        self._end = float("inf")
        """Until when the test lets the others run."""
        self._idle: list[_Thread] = []
        """Greenlets whose tasks have ended."""
        self._order = itertools.count()
        self._heap: list[tuple[float, int, Any, int, Any]] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        thread, at = self.current, self.now + seconds
        if thread.process.is_killed:
            raise GreenletExit
        self.bound(at)
        if thread is not self._test and self._is_idle_until(at):
            self.now = at  # no other thread would run: this one need not wait
            return
        self.wake(thread, seconds, None)
        self.pause(thread)

    def signal(self) -> "VirtualSignal":
        return VirtualSignal(self)

    def start(
        self,
        run: Callable[[], object],
        *,
        name: str = "",
        after: float = 0.0,
        process: Process | None = None,
    ) -> None:
        """Run something in a thread of its own.

        Args:
            run: raises into the test what it raises.
            name: not used; `worker.ports.Threads` has it.
            after: seconds until it begins.
            process: of which it is part; None = that of the thread that starts it.
        """
        thread = self._idle.pop() if self._idle else self._new_thread()
        thread.task, thread.process = run, process or self.current.process
        thread.process.threads.add(thread)
        self.wake(thread, after, name)

    def _new_thread(self) -> "_Thread":
        return _Thread(self._serve, self._test.greenlet)

    def _serve(self, _: object) -> None:
        """Run the tasks of one greenlet: to make one takes longer than most tasks."""
        thread = getcurrent()
        while isinstance(thread, _Thread):
            process = thread.process
            try:
                thread.task()
            except GreenletExit:
                if not process.is_killed:
                    raise
                return
            finally:
                process.threads.discard(thread)
            self._idle.append(thread)
            self._test.greenlet.switch()

    def kill(self, process: Process) -> None:
        """End a process as `kill -9` does: none of its threads reaches the world."""
        process.is_killed = True
        killer = self.current
        for thread in list(process.threads):
            if thread:  # it has begun, so it may have something to unwind
                thread.parent, self.current = killer.greenlet, thread
                thread.throw(GreenletExit)
        self.current = killer
        process.threads.clear()

    def run_until(self, end: float) -> None:
        """Let everything happen until an instant, in order; called by the test."""
        self._end = end
        while self._step(end):
            pass
        self.now = end
        if self.source:
            self.source.advance(end)

    def check(self) -> None:
        """End the thread that asks if its process was killed."""
        if self.current.process.is_killed:
            raise GreenletExit

    def pause(self, thread: "_Thread | _TestThread") -> Any:
        """Let others run until this thread is woken; returns what it is woken with."""
        if thread.process.is_killed:
            raise GreenletExit
        if isinstance(thread, _Thread):
            return self._test.greenlet.switch()
        turn, self._end = thread.turn, float("inf")
        while thread.turn == turn:
            if not self._step(float("inf")):
                raise AssertionError("every thread waits, and nothing will wake one")
        return thread.value

    def bound(self, at: float) -> None:
        """Fail for a wait until this instant if waits have no end."""
        if at > LONGEST_S:
            raise AssertionError(f"a test waits in vain: {at:.0f} s are over")
        self._spins = self._spins + 1 if at <= self.now else 0
        if self._spins > MOST_SPINS:
            raise AssertionError("a test waits again and again, and no time passes")

    def _is_idle_until(self, at: float) -> bool:
        """Whether nothing is due until an instant, that instant included."""
        if at > self._end or (self._heap and self._heap[0][0] <= at):
            return False
        due = self.source.next_event_at() if self.source else None
        return due is None or due > at

    def _step(self, end: float) -> bool:
        """Let the next thing happen; False if none is due until `end`."""
        at = self._heap[0][0] if self._heap else float("inf")
        due = self.source.next_event_at() if self.source else None
        if due is not None and due <= at:
            if due > end:
                return False
            self.now = max(self.now, due)
            if self.source:
                self.source.advance(self.now)
            return True
        if not self._heap or at > end:
            return False
        self.now = max(self.now, at)
        _, _, thread, turn, value = heapq.heappop(self._heap)
        if thread.turn == turn and not thread.process.is_killed:
            thread.turn += 1
            self.current = thread
            thread.switch(value)
            self.current = self._test
        return True

    def wake(self, thread: "_Thread | _TestThread", seconds: float, value: Any) -> None:
        entry = (self.now + seconds, next(self._order), thread, thread.turn, value)
        heapq.heappush(self._heap, entry)


class _TestThread:
    """The thread in which the test runs, and all others are switched to."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self.greenlet = getcurrent()
        self.turn = 0
        self.value: Any = None

    def switch(self, value: Any) -> None:
        self.value = value


class VirtualSignal:
    """As `threading.Event`, by the virtual clock."""

    def __init__(self, time: VirtualTime) -> None:
        self._time = time
        self._waiters: list[tuple[Any, int]] = []
        self.is_set = False

    def set(self) -> None:
        self.is_set = True
        for thread, turn in self._waiters:
            if thread.turn == turn:
                self._time.wake(thread, 0.0, True)
        self._waiters.clear()

    def wait(self, timeout: float | None = None) -> bool:
        time, thread = self._time, self._time.current
        if self.is_set:
            time.check()
            return True
        self._waiters.append((thread, thread.turn))
        if timeout is not None:
            time.bound(time.now + timeout)
            time.wake(thread, timeout, False)
        return bool(time.pause(thread))
