"""Redis: how it is reached; every failure of it leaves as `StoreUnavailable`."""

from collections.abc import Iterator
from contextlib import contextmanager

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from ollama_warmup.errors import StoreUnavailable

SOCKET_S = 5.0


def connect(url: str, *, answer_s: float | None = None) -> Redis:
    """A client of Redis or Valkey that opens nothing yet.

    Args:
        url: of it.
        answer_s: seconds for it to connect, and to answer, each tried once; None = as
            long as work is worth waiting for, and tried again.
    """
    once = {} if answer_s is None else {"retry": Retry(NoBackoff(), 0)}
    return Redis.from_url(
        url,
        decode_responses=True,
        socket_timeout=answer_s or SOCKET_S,
        socket_connect_timeout=answer_s or SOCKET_S,
        health_check_interval=25,
        **once,
    )


@contextmanager
def reaching() -> Iterator[None]:
    """Let every failure of Redis leave as `StoreUnavailable`."""
    try:
        yield
    except (RedisError, OSError) as exc:
        raise StoreUnavailable(
            f"Redis, where leases and outcomes are kept, does not answer ({exc}): is "
            "it running at OLLAMA_WARMUP_BROKER_URL?"
        ) from exc
