"""An application's process: a JSON line in sends a warm-up, a JSON line out ends it.

Run as `python -m tests.integration.client`; {"args": […], "options": {…}} in.
"""

import json
import sys

from celery.exceptions import TimeoutError as ResultTimeoutError

from ollama_warmup.errors import WarmupError
from tasks import warmup


def answer(args: list[object], options: dict[str, object]) -> dict[str, object]:
    pending = warmup.apply_async(args=args, **options)  # type: ignore[arg-type]
    try:
        return {"id": pending.id, "result": pending.get(timeout=50)}
    except (WarmupError, ResultTimeoutError) as exc:
        return {"id": pending.id, "error": type(exc).__name__, "text": str(exc)}


if __name__ == "__main__":
    for line in sys.stdin:
        sent = json.loads(line)
        sys.stdout.write(
            json.dumps(answer(sent["args"], sent.get("options", {}))) + "\n"
        )
        sys.stdout.flush()
