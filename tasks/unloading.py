"""`ollama.unload`: parse, let the model go, answer as JSON."""

import logging
from typing import Any

from celery import Task

from ollama_warmup import request, warmlist, wire
from ollama_warmup.errors import Permanent, Transient, WarmupError
from tasks import announce, lanes
from tasks.published import Published
from worker import unloading
from worker.celery import app

logger = logging.getLogger(__name__)


@app.task(
    name=wire.UNLOAD,
    base=Published,
    bind=True,
    throws=(Permanent,),
    max_retries=3,
    default_retry_delay=5,
)
def unload(
    self: "Task[Any, Any]", model: str, host: str | None = None
) -> dict[str, object]:
    """Let a loaded model go, and see it gone; never loads anything.

    Args:
        self: the running task.
        model: its name; options after it, as in a warm-up, mean nothing here.
        host: a configured host's name; None = the first that wants this model,
            else the first.

    Returns:
        model, host, outcome (`unloaded`, `not_loaded`, `going` if it is still
        answering somebody and goes after that, `still_loaded` if somebody else has
        it loaded again), resident (the name under which it was loaded, or None).

    Raises:
        Permanent: the request is wrong, or Ollama refuses; not retried.
        Transient: still failing after 3 retries with back-off.
    """
    try:
        target = warmlist.meant(request.parse(model, host=host)).target
        ended = unloading.unload(target, announce.deps())
    except WarmupError as exc:
        logger.warning("Model unload failed: %.100r (%s)", model, exc)
        if not isinstance(exc, Transient):
            raise
        raise self.retry(exc=exc, countdown=lanes.back_off_s(self)) from exc
    logger.info("Model unload: %s (%s)", target.model, ended.left)
    return {
        "model": target.model,
        "host": target.host,
        "outcome": ended.left.value,
        "resident": ended.resident and ended.resident.name,
    }
