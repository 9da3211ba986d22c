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
from dataclasses import dataclass, field
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
    wait_s: float
    """All results are waited for that long."""
    options: dict[str, Any] = field(default_factory=dict)
    """Those of Celery's `apply_async`, for all calls."""
    persists: bool = False
    """Whether an unreachable Redis is no answer, but a reason to try again."""
    begins_at: float = 0.0
    """Unix seconds. Above 0: each call has a thread, and all send at that instant."""


class Caller:
    """One order under way."""

    def __init__(self, order: Order) -> None:
        self.order = order
        module, _, name = order.task.rpartition(".")
        self._task = getattr(import_module(module), name)
        self._deadline = max(time.time(), order.begins_at) + order.wait_s

    def answers(self, sent: Callable[[], object]) -> Iterator[dict[str, Any]]:
        """Yield what became of each call; `sent` is called when all are sent."""
        calls = self.order.calls
        if self.order.begins_at:
            with ThreadPoolExecutor(len(calls)) as threads:
                yield from threads.map(lambda c: self._answer(*self._send(c)), calls)
        else:
            pendings = [self._send(call) for call in calls]
            sent()
            for pending, known in pendings:
                yield self._answer(pending, known)

    def _send(self, args: list[Any]) -> tuple[Any, dict[str, Any]]:
        """Send one call; returns its pending result, and what is known of it."""
        refused_s: list[float] = []
        known = {"model": args[0] if args else None, "refused_s": refused_s}
        time.sleep(max(0.0, self.order.begins_at - time.time()))
        while time.time() < self._deadline:
            began = time.time()
            try:
                pending = self._task.apply_async(args=args, **self.order.options)
            except WarmupError as exc:
                if not (self.order.persists and isinstance(exc, StoreUnavailable)):
                    return None, known | _failure(exc)
                refused_s.append(round(time.time() - began, 2))
                time.sleep(AGAIN_S)
            else:
                return pending, known | {"sent_s": time.time() - began}
        return None, known | _failure(ResultTimeoutError("it could not be sent"))

    def _answer(self, pending: Any, known: dict[str, Any]) -> dict[str, Any]:
        """Wait for the result of one call."""
        while "what" not in known:
            left_s = self._deadline - time.time()
            try:
                result = pending.get(timeout=max(left_s, 0.1))
                known |= {"what": "truth", "result": result}
            except Exception as exc:  # noqa: BLE001 - whatever a caller is told
                if not (self.order.persists and isinstance(exc, StoreUnavailable)):
                    known |= _failure(exc)
                elif left_s < 0:
                    known |= _failure(ResultTimeoutError(str(exc)))
                else:
                    time.sleep(AGAIN_S)
        return known | {"id": getattr(pending, "id", None), "at": time.time()}


def _failure(exc: Exception) -> dict[str, Any]:
    what = "error" if isinstance(exc, DOCUMENTED) else "undocumented"
    if isinstance(exc, ResultTimeoutError):
        what = "lost"
    return {"what": what, "error": type(exc).__name__, "text": str(exc)}


def main() -> None:
    if sys.argv[1:]:
        caller = Caller(Order(**json.loads(sys.argv[1])))
        for answer in caller.answers(partial(print, "sent", flush=True)):
            print(json.dumps(answer), flush=True)
        return
    for line in sys.stdin:
        caller = Caller(Order(**json.loads(line)))
        print(json.dumps([*caller.answers(lambda: None)]), flush=True)


if __name__ == "__main__":
    main()
