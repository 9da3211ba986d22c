"""`ollama.pull`: parse, download slice by slice, answer as JSON."""

import logging
import os
import uuid
from functools import partial
from typing import Any

from celery import Task
from celery.exceptions import Reject, SoftTimeLimitExceeded

from ollama_warmup import request, warmlist, wire
from ollama_warmup.errors import Permanent, Transient, WarmupError
from ollama_warmup.target import Target
from tasks import announce, lanes, states
from tasks.published import Published
from worker import pulling, runtime
from worker.celery import app
from worker.core.calls import Queued
from worker.core.domain import Progress
from worker.pulling import How, Order, Pulled

logger = logging.getLogger(__name__)

PULLING = "PULLING"
"""The state of a task whose model is being downloaded."""
SLICE_SPARE_S = 60.0
"""A slice ends so long before the soft limit, or a quarter of it."""
SPARE_S = 15.0
"""So does a run whose host checks what has come."""


@app.task(
    name=wire.PULL,
    base=Published,
    bind=True,
    throws=(Permanent,),
    max_retries=3,
    default_retry_delay=5,
)
def pull(
    self: "Task[Any, Any]", model: str, host: str | None = None
) -> dict[str, object]:
    """Download a model onto a host that does not have it.

    It takes as many runs as it needs, each far below the time limits; a run that
    is killed costs nothing of what has come.

    Args:
        self: the running task.
        model: its name; options after it, as in a warm-up, mean nothing here.
        host: a configured host's name; None = the first that wants this model,
            else the first.

    Returns:
        model, host, outcome (`pulled`, `joined` if another call ended the
        download, or `already_there`; then it was not looked up whether there is a
        newer one), total_bytes, total_s (seconds since its first run began),
        digest (of the manifest).

    Raises:
        Permanent: the request is wrong, no registry has the model, or the disk is
            full; not retried.
        Transient: still failing after 3 retries with back-off.
    """
    began = runtime.clock.monotonic()
    try:
        target = warmlist.meant(request.parse(model, host=host)).target
        pulled = _run(self, target)
    except WarmupError as exc:
        logger.warning("Model pull failed: %.100r (%s)", model, exc)
        if not isinstance(exc, Transient):
            raise
        raise self.retry(
            exc=exc,
            countdown=lanes.back_off_s(self, factor=5),
            headers=lanes.waiting(self, lanes.waiting_since(self)),
            expires=None,  # type: ignore[arg-type] # what has begun does not expire
        ) from exc
    if pulled.how is How.PULLED:
        announce.pass_soon(target.host)
    return _as_json(target, pulled, total_s=_total_s(self, began))


def _run(task: "Task[Any, Any]", target: Target) -> Pulled:
    """One run; with work left, or while another one pulls, it goes to the tail.

    Raises:
        Ignore: it was put back. What has begun does not expire.
        Reject: it could not be put back as long as this run may last; the broker
            gives the message to a worker again.
    """
    began, soft_s = runtime.clock.monotonic(), lanes.soft_limit_s(task)
    since = lanes.waiting_since(task)
    where = f"{task.request.hostname}:{os.getpid()}"
    holder = f"{where} {target.name.normal} {uuid.uuid4().hex}"
    while True:
        gone_s = runtime.clock.monotonic() - began
        slice_s = soft_s - min(SLICE_SPARE_S, soft_s / 4) - gone_s
        if slice_s <= 0:
            raise Reject(requeue=True)
        order = Order(
            target=target,
            holder=holder,
            slice_s=slice_s,
            patience_s=max(slice_s, soft_s - min(SPARE_S, soft_s / 4) - gone_s),
            waiting_since=since,
        )
        answer = _once(task, order)
        if isinstance(answer, Pulled):
            return answer
        since = answer.waiting_since
        lanes.put_back(task, queue=wire.PULL, waiting_since=since, expires=None)


def _once(task: "Task[Any, Any]", order: Order) -> Pulled | Queued:
    try:
        return pulling.pull(
            order, announce.deps(), on_progress=partial(_tell_pulling, task)
        )
    except SoftTimeLimitExceeded:  # the net; a slice ends before it
        return Queued(waiting_since=order.waiting_since or runtime.store().now())


def _tell_pulling(task: "Task[Any, Any]", progress: Progress) -> None:
    """Show PULLING to callers (the result backend) and to Flower (an event)."""
    states.tell(
        task,
        PULLING,
        completed_bytes=progress.completed_bytes,
        total_bytes=progress.total_bytes,
        status=progress.status,
    )


def _total_s(task: "Task[Any, Any]", began: float) -> float:
    since = lanes.waiting_since(task)
    if since is None:
        return runtime.clock.monotonic() - began
    return runtime.store().now() - since


def _as_json(target: Target, pulled: Pulled, *, total_s: float) -> dict[str, object]:
    return {
        "model": target.model,
        "host": target.host,
        "outcome": pulled.how.value,
        "total_bytes": pulled.stored.size_bytes,
        "total_s": round(total_s, 3),
        "digest": pulled.stored.digest,
    }
