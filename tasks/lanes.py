"""Putting a task back: waiting for a lane is no retry.

`Task.retry` would count an attempt, hold the message as an ETA, and lose it when
its publish fails. Here the same message goes to the tail of its lane, with the
same id, arguments and number of retries, and the run ends without a result.
"""

import logging
import random
from typing import Any

from celery import Task
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from celery.utils.time import get_exponential_backoff_interval

from ollama_warmup import wire
from ollama_warmup.errors import StoreUnavailable
from ollama_warmup.publish import reaching_store
from worker import softlimit

logger = logging.getLogger(__name__)

WAITING_SINCE = "waiting_since"
"""Header of a message that was put back: since when it waits, Unix seconds."""


def put_back(
    task: "Task[Any, Any]",
    *,
    queue: str,
    waiting_since: float | None,
    **options: Any,  # noqa: ANN401 - Celery's own
) -> None:
    """Publish the running task to the tail of a queue, and end this run.

    Returns only if it could not be published, or the soft limit came in between; the
    run still has the message then.

    Args:
        task: the running task.
        queue: a lane's.
        waiting_since: by the store's clock; None = it has not waited.
        options: Celery's, to be other than the running task's.

    Raises:
        Ignore: it was published.
    """
    message = task.signature_from_request(
        queue=queue,
        retries=task.request.retries,
        headers=waiting(task, waiting_since),
        **options,
    )
    try:
        with reaching_store():
            message.apply_async()
    except (StoreUnavailable, SoftTimeLimitExceeded) as exc:
        logger.warning("A task could not be put back, it waits on: %s", exc)
        return
    softlimit.is_over()
    raise Ignore


def waiting(task: "Task[Any, Any]", since: float | None) -> dict[str, Any]:
    """The running task's headers, with since when it waits."""
    headers = dict(task.request.headers or {})
    return headers if since is None else headers | {WAITING_SINCE: since}


def waiting_since(task: "Task[Any, Any]") -> float | None:
    """Since when the running task waits, by the store's clock, or None."""
    return _instant(task, WAITING_SINCE)


def sent_at(task: "Task[Any, Any]") -> float | None:
    """When the caller sent the running task, by the caller's clock, or None."""
    return _instant(task, wire.SENT_AT)


def _instant(task: "Task[Any, Any]", header: str) -> float | None:
    value = (task.request.headers or {}).get(header)
    return float(value) if value is not None else None


def soft_limit_s(task: "Task[Any, Any]") -> float:
    """After how many seconds the running task is told to end."""
    _hard, soft = task.request.timelimit or (None, None)
    return float(soft or task.app.conf.task_soft_time_limit)


def back_off_s(task: "Task[Any, Any]", *, factor: int = 2) -> float:
    """Seconds until a run is tried again: doubling up to 60, half of it jitter.

    Full jitter could spend all three retries within a second.
    """
    whole_s = get_exponential_backoff_interval(
        factor=factor, retries=task.request.retries, maximum=60
    )
    return whole_s * random.uniform(0.5, 1)  # noqa: S311 - spreads, keeps no secret


def queue_of(task: "Task[Any, Any]") -> str:
    """The queue that the running task came from."""
    return str((task.request.delivery_info or {}).get("routing_key", ""))
