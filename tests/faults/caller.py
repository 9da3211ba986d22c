"""An application's process: sends warm-ups, waits for each, tells what it was told.

Run as `python -m tests.faults.caller SECONDS MODEL…`. Writes `sent`, and a line of
JSON for each call. Who is told that Redis is away tries again, and says so.
"""

import json
import sys
import time
from typing import Any

from billiard.exceptions import TimeLimitExceeded
from celery.exceptions import TimeoutError as ResultTimeoutError

from ollama_warmup import warmup
from ollama_warmup.errors import StoreUnavailable, WarmupError

AGAIN_S = 0.5
DOCUMENTED = (WarmupError, TimeLimitExceeded)


def send(model: str, until: float) -> tuple[Any, list[float]]:
    refused_s: list[float] = []
    while time.time() < until:
        began = time.time()
        try:
            return warmup.delay(model), refused_s
        except StoreUnavailable:
            refused_s.append(round(time.time() - began, 2))
            time.sleep(AGAIN_S)
    return None, refused_s


def answer(pending: Any, until: float) -> dict[str, Any]:
    unreachable = 0
    while pending is not None and time.time() < until:
        try:
            got = pending.get(timeout=max(until - time.time(), 0.1))
        except StoreUnavailable:
            unreachable += 1
            time.sleep(AGAIN_S)
        except ResultTimeoutError:
            break
        except Exception as exc:  # noqa: BLE001 - whatever else is a finding
            kind = "error" if isinstance(exc, DOCUMENTED) else "undocumented"
            return {"what": kind, "told": f"{type(exc).__name__}: {exc}"[:200]}
        else:
            return {"what": "truth", "told": got["outcome"], "unreachable": unreachable}
    return {"what": "lost", "told": "nothing"}


if __name__ == "__main__":
    until = time.time() + float(sys.argv[1])
    calls = [(model, *send(model, until)) for model in sys.argv[2:]]
    print("sent", flush=True)
    for model, pending, refused_s in calls:
        known = answer(pending, until) | {"model": model, "refused_s": refused_s}
        print(json.dumps(known | {"at": time.time()}), flush=True)
