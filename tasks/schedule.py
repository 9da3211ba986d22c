"""What passes are made of: `ollama.reconcile`, `ollama.touch`, `ollama.cure`.

Beat sends a pass every tick; a pass sends the tasks of what it has decided.
"""

import logging
import os
from collections import Counter
from dataclasses import asdict
from typing import Any

from celery import Task

from ollama_warmup import request, warmlist, wire
from ollama_warmup.errors import BadRequest, Breaker, Permanent, Transient, UnknownHost
from ollama_warmup.report import Condition
from ollama_warmup.target import Target
from tasks import announce
from worker import curing, runtime, touching
from worker import reconcile as reconciling
from worker.celery import app
from worker.core.passes import Action, Cure, Pull, Touch, Warm

logger = logging.getLogger(__name__)

_last: dict[str, object] = {}
"""What the last pass of this process counted; only a change is worth a line."""


@app.task(name=wire.RECONCILE, throws=(Permanent, Breaker), max_retries=0)
def reconcile(host: str | None = None) -> dict[str, object]:
    """One pass: observe the hosts, plan, send what is to be done, and report.

    Args:
        host: a configured host's name; None = all of them.

    Returns:
        hosts (looked at), unanswered, wanted (targets), the number in each condition
        that occurs, sent (tasks by name), seconds.

    Raises:
        Permanent: no such host is configured, or the warm list was never right.
        StoreUnavailable: Redis does not answer; the next tick comes.
    """
    began = runtime.clock.monotonic()
    sent: Counter[str] = Counter()

    def send(action: Action, expires_s: float) -> None:
        _send(action, expires_s)
        sent[type(action).__name__.lower()] += 1

    if host is not None:
        _configured(host)
    glances = reconciling.run(announce.deps(), send=send, host=host)
    verdicts = [verdict for glance in glances for verdict in glance.plan.verdicts]
    conditions = Counter(verdict.condition for verdict in verdicts)
    counted: dict[str, object] = {
        "hosts": len(glances),
        "unanswered": sum(g.observed.memory.looked_at != g.now for g in glances),
        "wanted": len(verdicts),
        **{c.value: conditions[c] for c in Condition if conditions[c]},
        "sent": dict(sent),
    }
    _log(counted, is_whole=host is None)
    seconds = round(runtime.clock.monotonic() - began, 3)
    if host is None:
        runtime.count_pass(seconds)
    return counted | {"seconds": seconds}


def _log(counted: dict[str, object], *, is_whole: bool) -> None:
    """One line a pass; at INFO only when it says something new."""
    is_news = bool(counted["sent"]) or (is_whole and counted != _last)
    if is_whole:
        _last.clear()
        _last.update(counted)
    text = ", ".join(f"{name} {value}" for name, value in counted.items())
    level = logging.INFO if is_news else logging.DEBUG
    logger.log(level, "Pass: %s", text, extra={"action": "pass", **counted})


def _send(action: Action, expires_s: float) -> None:
    """Publish the task of an action; raises `StoreUnavailable`."""
    match action:
        case Warm(target=target):
            arguments = _named(target) | {"gentle": True}
            lane = wire.lane(target.host)
            announce.send(wire.WARMUP, arguments, queue=lane, expires=expires_s)
        case Touch(target=target, digest=digest, num_ctx=num_ctx):
            arguments = _named(target) | {"digest": digest, "num_ctx": num_ctx}
            announce.send(wire.TOUCH, arguments, queue=wire.TOUCH, expires=expires_s)
        case Pull(target=target):
            announce.send(wire.PULL, _named(target), queue=wire.PULL)
        case Cure():
            announce.send(
                wire.CURE, asdict(action), queue=wire.TOUCH, expires=expires_s
            )


def _named(target: Target) -> dict[str, Any]:
    return {"model": target.model, "host": target.host}


@app.task(
    name=wire.TOUCH,
    bind=True,
    autoretry_for=(Transient,),
    throws=(Permanent, Breaker),
    max_retries=3,
    retry_backoff=1,
    retry_backoff_max=4,
    retry_jitter=True,
)
def touch(
    self: "Task[Any, Any]",
    model: str,
    host: str,
    digest: str,
    num_ctx: int | None = None,
) -> dict[str, object]:
    """Restart the timer of a resident model, without `keep_alive` or inference.

    Its message expires with the timer, and so do its retries.

    Args:
        self: the running task.
        model: a declared one's name.
        host: a configured host's name.
        digest: of the resident that is meant; with another one, nothing is sent.
        num_ctx: tokens, of a resident that somebody else has loaded; None = the
            declared options as they are.

    Returns:
        model, host, outcome (`touched`, `loading`, `busy` or `gone`).

    Raises:
        Permanent: the call is wrong, or the model is not declared on this host.
        Transient: no answer in spite of 3 retries; the next pass decides.
        Breaker: the model's runner died.
    """
    target = _declared(model, _configured(host))
    call = touching.Call(
        target=target,
        digest=_text("digest", digest),
        num_ctx=_context(num_ctx),
        task_id=str(self.request.id),
        process=f"{self.request.hostname}:{os.getpid()}",
    )
    touched = touching.touch(call, announce.deps())
    return {"model": target.model, "host": host, "outcome": touched.value}


@app.task(name=wire.CURE, throws=(Permanent, Breaker), max_retries=0)
def cure(host: str, resident: str) -> dict[str, object]:
    """Let a resident go, so that a wedged host loads again.

    Args:
        host: a configured host's name.
        resident: a name that it lists.

    Returns:
        host, resident, cured: false if there was nothing to cure any more.

    Raises:
        Permanent: the call is wrong.
        Transient: no answer; the next pass decides.
    """
    call = Cure(host=_configured(host), resident=_text("resident", resident))
    cured = curing.cure(call, announce.deps())
    return {"host": host, "resident": resident, "cured": cured}


def _configured(host: object) -> str:
    hosts = warmlist.current().hosts
    if not isinstance(host, str) or host not in hosts:
        raise UnknownHost.among(host, hosts)
    return host


def _declared(model: str, host: str) -> Target:
    name = request.parse(model).name.normal
    for target in warmlist.current().of(host):
        if target.name.normal == name:
            return target
    raise BadRequest(f"{model!r} is not in the warm list of {host}: nothing to touch")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= request.LONGEST:
        raise BadRequest(f"{name} must be a text, not {str(value)[:60]!r}")
    return value


def _context(value: object) -> int | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise BadRequest(f"num_ctx must be a whole number, not {str(value)[:60]!r}")
