"""A Redis from which no worker takes anything: it shows what was sent."""

import base64
import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from redis import Redis


@dataclass(frozen=True, slots=True, kw_only=True)
class Queues:
    """The queues of the namespace `ollama-warmup`."""

    url: str
    redis: Redis

    def messages(self, queue: str) -> list[dict[str, Any]]:
        """Return what was sent to a queue, the first message first."""
        raw = self.redis.lrange(f"ollama-warmup:{queue}", 0, -1)
        return [_message(json.loads(text)) for text in reversed(raw)]


def _message(sent: dict[str, Any]) -> dict[str, Any]:
    args, kwargs, _ = json.loads(base64.b64decode(sent["body"]))
    headers = sent["headers"]
    expires = datetime.fromisoformat(headers["expires"]).timestamp()
    return {
        "task": headers["task"],
        "args": args,
        "kwargs": kwargs,
        "ignore_result": headers["ignore_result"],
        "expires_s": round(expires - headers["sent_at"]),
    }
