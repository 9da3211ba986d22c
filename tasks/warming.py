"""`ollama.warmup`: parse, make warm, answer as JSON."""

import logging
import os
from functools import partial
from typing import Any

from celery import Task
from celery.exceptions import Reject, SoftTimeLimitExceeded

from ollama_warmup import publish, request, warmlist, wire
from ollama_warmup.errors import Breaker, Permanent, Transient, WarmupError
from ollama_warmup.target import Resolved
from tasks import announce, lanes, states
from tasks.published import Published
from worker import runtime, softlimit, warming
from worker.celery import app
from worker.core import residency
from worker.core.calls import Call, Failed, Queued, RunResult, TryAgain
from worker.core.domain import Outcome

logger = logging.getLogger(__name__)

LOADING = "LOADING"
"""The state of a task whose model is being loaded."""
SPARE_S = 15.0
"""A run stops waiting so long before its soft limit, or a quarter of it."""


@app.task(
    name=wire.WARMUP,
    base=Published,
    bind=True,
    throws=(Permanent, Breaker, Transient),
    max_retries=3,
    default_retry_delay=5,
)
def warmup(
    self: "Task[Any, Any]",
    model: str,
    host: str | None = None,
    *,
    gentle: bool = False,
) -> dict[str, object]:
    """Make a model warm with exactly the runner options the application sends.

    Args:
        self: the running task.
        model: `MODEL[?OPTION=VALUE&…]`, such as `llama3:8b?num_ctx=8192` or
            `llama3:8b?num_ctx=8192&keep_alive=30m`.
        host: a configured host's name; None = the first that wants this model,
            else the first.
        gentle: leave the model as it is if it is loaded with other options, and do
            not try again what failed: the next pass decides.

    Returns:
        model, host, outcome (`loaded`, `joined`, `already_warm`, or `drifted` for
        what a gentle call left as it was), load_s and
        total_s (seconds), context_length (tokens), expires_at (UTC; None = no
        timer), vram_fraction (0 to 1), attempts (loads begun, >= 0),
        options_verified; after a reload also reloaded_from (tokens); if the warm
        list declares other options, also differs_from_declared.

    Raises:
        Permanent: the request is wrong, or Ollama refuses; not retried.
        Transient: still failing after 3 retries with back-off.
        Breaker: the model does not fit, its runner died, or its load took longer
            than the ceiling; not retried.
    """
    began = runtime.clock.monotonic()
    try:
        publish.check_gentle(gentle)
        meant = _meant(model, host)
        answer = _run(self, meant, is_gentle=gentle)
    except Transient as exc:  # this run could not even try
        answer = TryAgain(
            error=exc, countdown_s=lanes.back_off_s(self), waiting_since=None
        )
    except WarmupError as exc:
        answer = Failed(error=exc)
    softlimit.is_over()
    if isinstance(answer, Outcome):
        if gentle:  # a pass has sent it, and marked that
            runtime.passes().clear_sent(meant.target.host)
        since = lanes.waiting_since(self)
        waited_s = runtime.clock.monotonic() - began if since is None else _since(since)
        return _as_json(meant, answer, total_s=waited_s)
    logger.warning("Model warmup failed: %.100r (%s)", model, answer.error)
    if isinstance(answer, Failed) or gentle:  # a pass looks first who is there by now
        raise answer.error
    raise self.retry(
        exc=answer.error,
        countdown=answer.countdown_s,
        headers=lanes.waiting(self, answer.waiting_since),
    )


def _meant(model: str, host: str | None) -> Resolved:
    """The target that a request means here, where the warm list is known."""
    wanted = request.parse(model, host=host)
    if wanted.dropped:
        logger.warning(
            "Ignoring options of %s that never reload a model: %s",
            wanted.model,
            ", ".join(wanted.dropped),
        )
    meant = warmlist.meant(wanted)
    if meant.differs:
        logger.warning("%.100r is asked for otherwise than the warm list says", model)
    return meant


def _run(
    task: "Task[Any, Any]", meant: Resolved, *, is_gentle: bool
) -> Outcome | Failed | TryAgain:
    """One run; while it has to wait, it goes to the tail of its lane.

    Raises:
        Ignore: it was put back, or sent on to its lane by one who knows the hosts.
        Reject: it could not be put back as long as this run may last; the broker
            gives the message to a worker again.
    """
    lane = wire.lane(meant.target.host)
    if lanes.queue_of(task) != lane:
        lanes.put_back(task, queue=lane, waiting_since=None)
    gives_up_at = runtime.clock.monotonic() + _patience_s(task)
    since = lanes.waiting_since(task)
    while True:
        answer = _once(task, meant, since=since, is_gentle=is_gentle)
        if not isinstance(answer, Queued):
            return answer
        since = answer.waiting_since
        lanes.put_back(task, queue=lane, waiting_since=since)
        if runtime.clock.monotonic() >= gives_up_at:
            raise Reject(requeue=True)


def _once(
    task: "Task[Any, Any]", meant: Resolved, *, since: float | None, is_gentle: bool
) -> RunResult:
    """Look once; the soft limit ends the waiting, not the load."""
    call = Call(
        target=meant.target,
        task_id=str(task.request.id),
        process=f"{task.request.hostname}:{os.getpid()}",
        patience_s=_patience_s(task),
        waiting_since=since,
        is_gentle=is_gentle,
        sent_at=lanes.sent_at(task),
        counted_as=meant.counted_as,
    )
    try:
        return warming.make_warm(
            call, announce.deps(), on_progress=partial(_tell_loading, task)
        )
    except SoftTimeLimitExceeded:  # the net; a run stops waiting before it
        return Queued(waiting_since=since or runtime.store().now())


def _patience_s(task: "Task[Any, Any]") -> float:
    soft_s = lanes.soft_limit_s(task)
    return soft_s - min(SPARE_S, soft_s / 4)


def _tell_loading(
    task: "Task[Any, Any]", elapsed_s: float, expected_s: float | None
) -> None:
    """Show LOADING to callers (the result backend) and to Flower (an event)."""
    states.tell(task, LOADING, elapsed_s=round(elapsed_s, 1), expected_s=expected_s)


def _since(waiting_since: float) -> float:
    return runtime.store().now() - waiting_since


def _as_json(meant: Resolved, outcome: Outcome, *, total_s: float) -> dict[str, object]:
    warmth = outcome.warmth
    forever = residency.is_forever(warmth.left)
    answer: dict[str, object] = {
        "model": meant.target.model,
        "host": meant.target.host,
        "outcome": outcome.how.value,
        "load_s": round(warmth.load_s, 3),
        "total_s": round(total_s, 3),
        "context_length": warmth.resident.context_length,
        "expires_at": None
        if forever
        else runtime.instant(warmth.left).isoformat(timespec="seconds"),
        "vram_fraction": warmth.resident.vram_fraction,
        "attempts": outcome.attempts,
        "options_verified": outcome.options_verified,
    }
    if warmth.reloaded_from is not None:
        answer["reloaded_from"] = warmth.reloaded_from
    if meant.differs:
        answer["differs_from_declared"] = True
    return answer
