"""An application's process: it sends tasks, waits for their results, and reports both.

`python -m tests.support.caller ORDER` carries out one order: it prints "sent" when all
calls are sent, then one line of JSON for each. Without ORDER it reads orders from
standard input, one a line, and answers each with one line: the list of its calls.
`tests.support.application` starts it and writes its orders.
"""

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any

from billiard.exceptions import TimeLimitExceeded
from celery.exceptions import TimeoutError as ResultTimeoutError

from ollama_warmup.errors import StoreUnavailable, WarmupError

AGAIN_S = 0.5
DOCUMENTED = (WarmupError, TimeLimitExceeded)
"""What a call may raise by the documents; every other error is a finding."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """Calls of one task."""

    task: str
    """Where it is imported from: `tasks.warmup`, `ollama_warmup.warmup`."""
    calls: list[list[Any]]
    """The arguments of each call."""
    options: dict[str, Any]
    """Those of Celery's `apply_async`, for all calls."""
    wait_s: float
    """All results are waited for that long."""
    persists: bool = False
    """Whether an unreachable Redis is no answer, but a reason to try again."""
    begins_at: float = 0.0
    """Unix seconds. Above 0: each call has a thread, and all send at that instant."""


@dataclass(slots=True)
class Caller:
    """One order under way."""

    order: Order
    deadline: float

    def answers(self, sent: Callable[[], object]) -> Iterator[dict[str, Any]]:
        """Yield what became of each call.

        Args:
            sent: called when all calls are sent.
        """
        calls = self.order.calls
        if self.order.begins_at:
            with ThreadPoolExecutor(len(calls)) as threads:
                yield from threads.map(
                    lambda call: self.answer(*self.send(call)), calls
                )
        else:
            pendings = [self.send(call) for call in calls]
            sent()
            for pending, known in pendings:
                yield self.answer(pending, known)

    def send(self, args: list[Any]) -> tuple[Any, dict[str, Any]]:
        """Send one call; returns its pending result or its error, and its record."""
        module, _, name = self.order.task.rpartition(".")
        task = getattr(import_module(module), name)
        refused_s: list[float] = []
        known = {"model": args[0] if args else None, "refused_s": refused_s}
        time.sleep(max(0.0, self.order.begins_at - time.time()))
        while time.time() < self.deadline:
            began = time.time()
            try:
                pending = task.apply_async(args=args, **self.order.options)
            except StoreUnavailable as exc:
                if not self.order.persists:
                    return exc, known
                refused_s.append(round(time.time() - began, 2))
                time.sleep(AGAIN_S)
            except WarmupError as exc:
                return exc, known
            else:
                return pending, known | {"sent_s": time.time() - began}
        return ResultTimeoutError("the call could not be sent"), known

    def answer(self, pending: Any, known: dict[str, Any]) -> dict[str, Any]:
        """Wait for the result of one call."""
        outcome = self._outcome(pending)
        task_id = getattr(pending, "id", None)
        return known | {"id": task_id, "at": time.time()} | outcome

    def _outcome(self, pending: Any) -> dict[str, Any]:
        if isinstance(pending, Exception):
            return _failure(pending)
        while True:
            try:
                left_s = max(self.deadline - time.time(), 0.1)
                return {"what": "truth", "result": pending.get(timeout=left_s)}
            except StoreUnavailable as exc:
                if not self.order.persists:
                    return _failure(exc)
                if time.time() > self.deadline:
                    return _failure(ResultTimeoutError(str(exc)))
                time.sleep(AGAIN_S)
            except Exception as exc:  # noqa: BLE001 - whatever a caller is told
                return _failure(exc)


def _failure(exc: Exception) -> dict[str, Any]:
    what = "error" if isinstance(exc, DOCUMENTED) else "undocumented"
    if isinstance(exc, ResultTimeoutError):
        what = "lost"
    return {"what": what, "error": type(exc).__name__, "text": str(exc)}


def carry_out(text: str, sent: Callable[[], object]) -> Iterator[dict[str, Any]]:
    """Carry out an order that is written as JSON."""
    order = Order(**json.loads(text))
    deadline = max(time.time(), order.begins_at) + order.wait_s
    return Caller(order, deadline).answers(sent)


if __name__ == "__main__":
    if sys.argv[1:]:
        for each in carry_out(sys.argv[1], partial(print, "sent", flush=True)):
            print(json.dumps(each), flush=True)
    for line in sys.stdin if not sys.argv[1:] else ():
        print(json.dumps([*carry_out(line, lambda: None)]), flush=True)
