"""Sends tasks from within tasks: what a pass has decided, and a pass itself."""

import logging
from typing import Any

from ollama_warmup import wire
from ollama_warmup.errors import StoreUnavailable
from ollama_warmup.publish import reaching_store
from worker import runtime
from worker.celery import app
from worker.deps import Deps

logger = logging.getLogger(__name__)

SOON_S = 60.0
"""Longer ago, beat's own passes have seen it, seconds."""


def send(
    name: str,
    arguments: dict[str, Any],
    *,
    queue: str,
    **options: Any,  # noqa: ANN401 - Celery's own
) -> None:
    """Publish a task by its name, for nobody who waits for its result.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    options |= {"queue": wire.queue(queue), "ignore_result": True}
    with reaching_store():
        app.send_task(name, kwargs=arguments, **options)


def pass_soon(host: str) -> None:
    """Send a pass over a host; if that fails, the next tick does it."""
    try:
        send(wire.RECONCILE, {"host": host}, queue=wire.CONTROL, expires=SOON_S)
    except StoreUnavailable as exc:
        logger.warning("A pass over %s could not be sent: %s", host, exc)


def deps() -> Deps:
    """Return what use cases of tasks need; each load that ends sends a pass."""
    return runtime.deps(on_load_ended=pass_soon)
