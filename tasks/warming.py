"""`ollama.warmup`: parse, make warm, answer as JSON."""

import logging
from typing import Any

from celery import Task
from celery.exceptions import SoftTimeLimitExceeded

from ollama_warmup import queues, request, settings
from ollama_warmup.errors import (
    Breaker,
    LoadTimeout,
    Permanent,
    Transient,
    WarmupError,
)
from ollama_warmup.target import Target, resolve
from worker import runtime
from worker.celery import app
from worker.core import residency
from worker.core.domain import Outcome

logger = logging.getLogger(__name__)

_DROPPED = "Ignoring options of %s that never reload a model: %s"


@app.task(
    name=queues.WARMUP,
    bind=True,
    autoretry_for=(Transient,),
    throws=(Permanent, Breaker),
    max_retries=3,
    default_retry_delay=5,
    retry_backoff=2,
    retry_backoff_max=60,
    retry_jitter=True,
)
def warmup(
    self: "Task[Any, Any]", model: str, host: str | None = None
) -> dict[str, object]:
    """Make a model warm with exactly the runner options the application sends.

    Args:
        self: the running task; a retry believes no view and sends the proof.
        model: `MODEL[?OPTION=VALUE&…]`, such as `llama3:8b?num_ctx=8192` or
            `llama3:8b?num_ctx=8192&keep_alive=30m`.
        host: a configured host's name; None = the first.

    Returns:
        model, host, outcome (`loaded` or `already_warm`), load_s and total_s
        (seconds), context_length (tokens), expires_at (UTC; None = no timer),
        vram_fraction (0 to 1); after a reload also reloaded_from (tokens).

    Raises:
        Permanent: the request is wrong, or Ollama refuses; not retried.
        Transient: still failing after 3 retries with back-off.
        Breaker: the model does not fit, its runner died, or it took longer than
            the soft time limit; not retried.
    """
    began = runtime.monotonic()
    try:
        wanted = request.parse(model, host=host)
        if wanted.dropped:
            logger.warning(_DROPPED, wanted.model, ", ".join(wanted.dropped))
        target = resolve(wanted, hosts=settings.current().hosts)
        outcome = runtime.make_warm(target, prove=self.request.retries > 0)
    except SoftTimeLimitExceeded as exc:
        raise LoadTimeout(
            f"{model!r} was not warm within the task's soft time limit, so its load "
            "was cut: is the host's storage slow, or do other loads stand before it?"
        ) from exc
    except WarmupError as exc:
        logger.warning("Model warmup failed: %s (%s)", str(model)[:100], exc)
        raise
    return _as_json(target, outcome, total_s=runtime.monotonic() - began)


def _as_json(target: Target, outcome: Outcome, *, total_s: float) -> dict[str, object]:
    forever = residency.is_forever(outcome.left)
    answer: dict[str, object] = {
        "model": target.model,
        "host": target.host,
        "outcome": outcome.how.value,
        "load_s": round(outcome.load_s, 3),
        "total_s": round(total_s, 3),
        "context_length": outcome.resident.context_length,
        "expires_at": None
        if forever
        else runtime.instant(outcome.left).isoformat(timespec="seconds"),
        "vram_fraction": outcome.resident.vram_fraction,
    }
    if outcome.reloaded_from is not None:
        answer["reloaded_from"] = outcome.reloaded_from
    return answer
