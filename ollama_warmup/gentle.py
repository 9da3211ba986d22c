"""What nobody waits for: gentle warm-ups of start-up and health routes, and passes.

Warm-ups leave a model alone that is loaded with other options. All are worth nothing
after a minute: a pass of the worker has seen the same by then.
"""

import encodings.idna  # noqa: F401 - else it is imported while we connect

import kombu.transport.redis  # noqa: F401 - likewise

from ollama_warmup import publish, settings, warmlist, wire
from ollama_warmup.warmlist import WarmList

EXPIRES_S = 60
"""Seconds after which a worker drops what was sent."""


def ready_to_send(*, enabled: bool | None) -> WarmList | None:
    """What this process declares, with everything built that sending it takes.

    Connects to nothing.

    Args:
        enabled: whether to warm; None = as `OLLAMA_WARMUP_ENABLED` says.

    Returns:
        None when it is not enabled.

    Raises:
        BadSettings: the environment of this process is wrong.
    """
    if not (settings.current().enabled if enabled is None else enabled):
        return None
    known = warmlist.current()
    publisher = publish.app()
    _ = publisher.backend, publisher.producer_pool, publisher.events.Dispatcher
    _ = publisher.amqp.router, publisher.amqp.send_task_message
    return known


def send_all(known: WarmList) -> None:
    """Send a warm-up for each target, the important ones first.

    A process that declares none has the worker look after its own.

    Raises:
        StoreUnavailable: Redis does not answer; the rest was not sent.
    """
    for target in sorted(known.targets, key=lambda target: -target.priority):
        _send(publish.warmup, target.wanted, target.host if known.is_named else None)
    if not known.targets:
        _reconcile.apply_async(expires=EXPIRES_S, ignore_result=True)


def send_reported(model: str, host: str) -> None:
    """Send the warm-up of a target that a pass reported.

    Args:
        model: its bare name, for which the worker takes what it declares.
        host: as the worker names it; this process need not know it.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    _send(_reported, model, host)


def send_pass(host: str | None) -> None:
    """Ask for a look at one host, or at all, so that a change shows at once.

    Raises:
        StoreUnavailable: Redis does not answer; the next tick shows it.
    """
    _reconcile.apply_async((host,), expires=EXPIRES_S, ignore_result=True)


def _send(task: "publish.Published[...]", model: str, host: str | None) -> None:
    task.apply_async(
        (model, host), {"gentle": True}, expires=EXPIRES_S, ignore_result=True
    )


def _lane(model: str, host: str, *, gentle: bool) -> str:  # noqa: ARG001 - the task's
    return wire.lane(host)


def _control(host: str | None = None) -> str:  # noqa: ARG001 - the task's
    return wire.CONTROL


_reported = publish.Published(wire.WARMUP, _lane)
_reconcile = publish.Published(wire.RECONCILE, _control)
