"""Counts an application's calls in Redis, from a thread of its own.

Nobody waits for it: calls go into a queue with a bound, and to Redis once a second.
What does not fit, or meets a Redis that is away, is dropped, and the number of those
is told when Redis is back.
"""

import atexit
import encodings.idna  # noqa: F401 - else the thread imports it, maybe amid a fork
import logging
import os
import threading
import time
from collections import Counter
from queue import Empty, Full, Queue
from typing import Any

from ollama_warmup import publish, report, settings, tally
from ollama_warmup.errors import WarmupError
from ollama_warmup.met import Call, Known
from ollama_warmup.tally import Tally, What

logger = logging.getLogger(__name__)

QUEUED = 10_000
"""Calls that wait to be counted, at most."""
BATCH_S = 1.0
"""Between two writes; and what a process that ends waits for the last one."""
FRESH_S = 30.0
"""How long what calls are judged by is believed, seconds."""


class CallCounts:
    """The calls of one process."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._queue: Queue[Call] = Queue(QUEUED)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ends = threading.Event()
        self._dropped = 0
        self._known = Known()
        self._known_at = -FRESH_S
        self._is_failing = False

    def add(self, call: Call) -> None:
        """Count a call, soon; waits for nothing."""
        try:
            self._queue.put_nowait(call)
        except Full:
            self._drop(1)
        if self._thread is None:
            with self._lock:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="ollama-warmup-calls", daemon=True
                    )
                    self._thread.start()

    def finish(self, timeout_s: float = BATCH_S) -> bool:
        """Write at once from now on, and wait until all is; whether it is."""
        self._ends.set()
        queue = self._queue
        with queue.all_tasks_done:
            return queue.all_tasks_done.wait_for(
                lambda: not queue.unfinished_tasks, timeout_s
            )

    def _run(self) -> None:
        while True:
            batch = [self._queue.get()]
            self._ends.wait(BATCH_S)  # more come meanwhile
            batch += self._waiting()
            self._count(batch)
            for _ in batch:
                self._queue.task_done()

    def _waiting(self) -> list[Call]:
        calls: list[Call] = []
        try:
            while len(calls) < QUEUED:
                calls.append(self._queue.get_nowait())
        except Empty:
            pass
        return calls

    def _count(self, batch: list[Call]) -> None:
        dropped = self._dropped
        try:
            self._write(batch, dropped)
        except WarmupError as exc:
            self._drop(len(batch))
            if not self._is_failing:
                logger.warning("Calls of Ollama are not counted for now: %s", exc)
            self._is_failing = True
        except Exception:
            self._drop(len(batch))
            logger.exception("Calls of Ollama are not counted")
        else:
            self._drop(-dropped)
            self._is_failing = False

    def _drop(self, number: int) -> None:
        with self._lock:
            self._dropped += number

    def _write(self, batch: list[Call], dropped: int) -> None:
        namespace, redis = settings.current().namespace, _redis()
        if time.monotonic() - self._known_at >= FRESH_S:
            self._known = _read(redis, namespace)
            self._known_at = time.monotonic()
        amounts = Counter(self._known.series(call) for call in batch)
        if dropped:
            amounts[tally.field(What.DROPPED)] = dropped
        with publish.reaching_store(), redis.pipeline() as together:
            tally.add(together, Tally(amounts=amounts), namespace=namespace)
            together.execute()


def _read(redis: Any, namespace: str) -> Known:  # noqa: ANN401 - as `_redis`
    with publish.reaching_store(), redis.pipeline(transaction=False) as together:
        together.hvals(report.key(namespace))
        together.hgetall(tally.typical_key(namespace))
        rows, typical = together.execute()
    reports = []
    for row in rows:
        try:
            reports.append(report.load(row))
        except ValueError:  # another release wrote it
            continue
    return Known.of(reports, {pair.decode(): float(s) for pair, s in typical.items()})


def _redis() -> Any:  # noqa: ANN401 - redis-py's, imported by its one adapter alone
    return publish.app().backend.client  # type: ignore[attr-defined] # Redis has it


_counts = CallCounts()


def add(call: Call) -> None:
    """Count a call of this process, soon; waits for nothing."""
    _counts.add(call)


def finish(timeout_s: float = BATCH_S) -> bool:
    """Have all calls so far written, and wait for it; whether they are."""
    return _counts.finish(timeout_s)


def _begin_anew() -> None:
    """In a forked child, where the thread is not, and the calls are its parent's."""
    global _counts  # noqa: PLW0603 - one a process
    _counts = CallCounts()


os.register_at_fork(after_in_child=_begin_anew)
atexit.register(finish)
