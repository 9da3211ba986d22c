"""Redis as a server: what it is, whether it may lose something, what waits in it.

Reads only, once, and gives up early: for those who look what is wrong.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import AuthenticationError, ResponseError

from ollama_warmup.errors import StoreUnavailable
from worker.adapters.connection import connect, reaching

PATIENCE_S = 2.0
"""How long it may take to connect, and to answer, seconds."""


class LoginRefused(StoreUnavailable):
    """Redis wants another user or password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """What Redis tells of itself."""

    version: str
    """With its name: `valkey 9.1.0`."""
    at: float
    """Its time, Unix seconds."""
    policy: str | None
    """Of what goes first when it is full; None = it may not tell."""
    used_bytes: int
    max_bytes: int
    """0 = no limit."""
    is_saving: bool
    """Whether it can write its data to its disk; if not, it may refuse commands."""
    waiting: Mapping[str, int] = field(default_factory=dict)
    """Messages that nobody has taken, by queue."""


def look(url: str, *, namespace: str, queues: Sequence[str]) -> Broker:
    """Ask Redis once.

    Args:
        url: of Redis or Valkey.
        namespace: prefix of every key.
        queues: whose messages are counted.

    Raises:
        LoginRefused: it wants another user or password.
        StoreUnavailable: it does not answer.
    """
    with connect(url, answer_s=PATIENCE_S) as client:
        try:
            return _look(client, [f"{namespace}:{queue}" for queue in queues], queues)
        except StoreUnavailable as exc:
            if isinstance(exc.__cause__, AuthenticationError):
                raise LoginRefused(
                    f"Redis at {shown(url)} refuses the login ({exc.__cause__}): put "
                    "user and password into OLLAMA_WARMUP_BROKER_URL, "
                    "redis://USER:PASSWORD@host:6379/0"
                ) from exc
            raise


def _look(client: "Redis", keys: Sequence[str], queues: Sequence[str]) -> Broker:
    with reaching(), client.pipeline(transaction=False) as together:
        together.time()
        for key in keys:
            together.llen(key)
        (seconds, microseconds), *lengths = together.execute()
        info = _info(client)
    return Broker(
        version=_version(info),
        at=float(seconds) + float(microseconds) / 1e6,
        policy=info.get("maxmemory_policy"),
        used_bytes=int(info.get("used_memory") or 0),
        max_bytes=int(info.get("maxmemory") or 0),
        is_saving=all(
            info.get(name, "ok") == "ok"
            for name in ("rdb_last_bgsave_status", "aof_last_write_status")
        ),
        waiting=dict(zip(queues, map(int, lengths), strict=True)),
    )


def _info(client: "Redis") -> dict[str, Any]:
    """What INFO tells; nothing if this user may not ask for it."""
    try:
        return dict(client.info("server", "memory", "persistence"))
    except ResponseError:
        return {}


def _version(info: Mapping[str, Any]) -> str:
    if "valkey_version" in info:
        return f"valkey {info['valkey_version']}"
    return f"redis {info['redis_version']}" if "redis_version" in info else "unknown"


def shown(url: str) -> str:
    """Where a broker is, without its login: `redis.example:6379`."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or 6379}"
