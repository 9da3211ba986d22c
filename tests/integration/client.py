"""An application's process: a JSON line in sends tasks, a JSON line out ends them.

Run as `python -m tests.integration.client`. In: {"task": "warmup", "args": […],
"options": {…}, "times": n, "wait_s": s}; all are sent before the first result is
waited for, each for so many seconds. Out: a list.
"""

import json
import sys
from typing import Any

from celery.exceptions import TimeoutError as ResultTimeoutError

from ollama_warmup.errors import WarmupError
from tasks import pull, unload, warmup

TASKS = {"pull": pull, "unload": unload, "warmup": warmup}


def send(task: str, args: Any, options: Any) -> Any:
    try:
        return TASKS[task].apply_async(args=args, **options)
    except WarmupError as exc:
        return exc


def answer(pending: Any, wait_s: float) -> dict[str, object]:
    if isinstance(pending, WarmupError):  # refused before it was sent
        name = type(pending).__name__
        return {"id": None, "error": name, "text": str(pending)}
    try:
        return {"id": pending.id, "result": pending.get(timeout=wait_s)}
    except (WarmupError, ResultTimeoutError) as exc:
        return {"id": pending.id, "error": type(exc).__name__, "text": str(exc)}


if __name__ == "__main__":
    for line in sys.stdin:
        sent = json.loads(line)
        call = sent["task"], sent["args"], sent["options"]
        pendings = [send(*call) for _ in range(sent["times"])]
        sys.stdout.write(
            json.dumps([answer(p, sent["wait_s"]) for p in pendings]) + "\n"
        )
        sys.stdout.flush()
