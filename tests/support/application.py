"""Applications that send: one that a test talks to, and one that is a victim."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from tests.support.caller import Order

CALLER = (sys.executable, "-m", "tests.support.caller")
WAIT_S = 90.0
SPARE_S = 20.0
"""An application that starts, or that is late, is waited for so much longer."""


class Application:
    """A process of an application, which sends whenever a test says so."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            CALLER,
            env=os.environ | env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._unread = b""
        self._longest_s = 0.0

    def send(
        self,
        *args: object,
        task: str = "warmup",
        times: int = 1,
        wait_s: float = WAIT_S,
        begins_at: float = 0.0,
        **options: object,
    ) -> None:
        """Send a task of the package `tasks`, or of a dotted name, so many times.

        All results are waited for so long. With an instant in `begins_at`, Unix
        seconds, each call is sent then, by a thread of its own. Options are those of
        Celery's `apply_async`.
        """
        assert self._process.stdin
        order = Order(
            task=task if "." in task else f"tasks.{task}",
            calls=[list(args)] * times,
            options=options,
            wait_s=wait_s,
            begins_at=begins_at,
        )
        self._longest_s = max(self._longest_s, wait_s)
        self._process.stdin.write(json.dumps(asdict(order)).encode() + b"\n")

    def answers(self) -> list[dict[str, Any]]:
        """Return what became of each call of the oldest order without an answer."""
        deadline = time.monotonic() + self._longest_s + SPARE_S
        assert self._process.stdout
        while b"\n" not in self._unread:
            left_s = max(0.0, deadline - time.monotonic())
            if not select.select([self._process.stdout], [], [], left_s)[0]:
                raise TimeoutError("an application has not answered in time")
            read = os.read(self._process.stdout.fileno(), 65_536)
            assert read, "the application has ended"
            self._unread += read
        line, _, self._unread = self._unread.partition(b"\n")
        answers: list[dict[str, Any]] = json.loads(line)
        return answers

    def ask(self, task: str, *args: object, **options: Any) -> dict[str, Any]:
        """Send a task once, and return what became of it."""
        self.send(*args, task=task, **options)
        return self.answers()[0]

    def warmup(self, *args: object, **options: Any) -> dict[str, Any]:
        """Send a warm-up once, and return what became of it."""
        return self.ask("warmup", *args, **options)

    def close(self) -> None:
        """End the process; a call that still waits is given up."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe
            pipe.close()


def caller(models: Sequence[str], *, wait_s: float) -> tuple[str, ...]:
    """Return the command of an application that warms each model, and then ends.

    It outlives a Redis that is away, and writes its answers for `answers_in`.
    """
    order = Order(
        task="ollama_warmup.warmup",
        calls=[[model] for model in models],
        wait_s=wait_s,
        persists=True,
    )
    return (*CALLER, json.dumps(asdict(order)))


def answers_in(output: str) -> list[dict[str, Any]]:
    """Return the answers that a supervised application has written so far.

    Each has a field more: what the caller was `told`, in short.
    """
    written = [json.loads(line) for line in output.splitlines() if line[:1] == "{"]
    return [answer | {"told": _told(answer)} for answer in written]


def _told(answer: Mapping[str, Any]) -> str:
    if answer["what"] == "truth":
        return str(answer["result"]["outcome"])
    if answer["what"] == "lost":
        return "nothing"
    return f"{answer['error']}: {answer['text']}"[:200]
