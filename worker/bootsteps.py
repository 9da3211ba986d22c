"""What a worker checks when it boots, and the lanes that it consumes."""

import logging
from collections.abc import Mapping
from typing import Any

from billiard.common import REMAP_SIGTERM
from celery import bootsteps
from celery.apps.worker import Worker
from celery.exceptions import ImproperlyConfigured
from celery.signals import celeryd_init
from celery.worker.consumer import Consumer

from ollama_warmup import settings, warmlist, wire

logger = logging.getLogger(__name__)


class PoolGuard(bootsteps.StartStopStep):
    """Refuse every pool but prefork, where alone time limits work.

    Celery ignores soft and hard limits silently in threads and solo, soft
    limits in gevent and eventlet. A bootstep can end the start; a signal
    handler cannot, Celery swallows what it raises.
    """

    def __init__(self, parent: Worker, **kwargs: object) -> None:
        """Check the pool of `parent`, the worker.

        Raises:
            ImproperlyConfigured: another pool than prefork; the worker exits 1.
        """
        super().__init__(parent, **kwargs)
        pool_cls = parent.pool_cls  # type: ignore[attr-defined] # set from --pool
        pool = pool_cls.__module__
        if pool != "celery.concurrency.prefork":
            raise ImproperlyConfigured(
                f"the pool {pool} ignores time limits: start the worker with "
                "--pool=prefork, or leave --pool out"
            )


class StartAdvice(bootsteps.StartStopStep):
    """Read the warm list, so that a wrong one ends the start; say what to mend."""

    def __init__(self, parent: Worker, **kwargs: object) -> None:
        """Check what `parent`, the worker, was told by its environment.

        Raises:
            BadSettings: the warm list is wrong; the worker exits 1.
        """
        super().__init__(parent, **kwargs)
        for sentence in warmlist.warnings(settings.current(), warmlist.current()):
            logger.warning("%s", sentence)
        if REMAP_SIGTERM != "SIGQUIT":
            logger.warning(
                "SIGTERM will wait for running tasks without bound: start the worker "
                "with REMAP_SIGTERM=SIGQUIT in its environment, so that it gives them "
                "back after %s s",
                parent.app.conf.worker_soft_shutdown_timeout,
            )


class LaneFollower(bootsteps.StartStopStep):
    """Consume the lane of every host of the warm list, also of those that come.

    A worker that was told its queues (`-Q`) keeps them. The lane of a host that is
    removed is consumed until it is empty, and again when something comes: a task
    that was at it then goes back to it, and an application may not know yet.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Consumer, **kwargs: object) -> None:
        """Find out whether `parent`, the consumer, was told its queues."""
        super().__init__(parent, **kwargs)
        told = _told_queues.get(parent.hostname)
        self.enabled = not told
        self._timer: Any = None
        self._known: set[str] = set()
        """Lanes that this worker has consumed."""

    def start(self, parent: Consumer) -> None:
        """Look at the warm list from now on."""
        self._follow(parent)
        self._timer = parent.timer.call_repeatedly(
            settings.current().tick_s, self._follow, (parent,)
        )

    def stop(self, parent: Consumer) -> None:  # noqa: ARG002 - Celery's interface
        """Look no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _follow(self, parent: Consumer) -> None:
        try:
            self._add_and_cancel(parent)
        except Exception:
            logger.exception("The lanes could not be followed; the next tick tries")

    def _add_and_cancel(self, parent: Any) -> None:  # noqa: ANN401 - stubs lack it
        wanted = [wire.lane(host) for host in warmlist.current().hosts]
        consumed = {q.name for q in parent.task_consumer.queues if wire.is_lane(q.name)}
        self._known |= consumed.union(wanted)
        gone = self._known.difference(wanted)
        left = [lane for lane in sorted(gone) if _has_messages(parent, lane)]
        for lane in [*wanted, *left]:
            if lane not in consumed:
                parent.app.amqp.queues.add(wire.queue(lane))
                parent.add_task_queue(lane)
        for lane in consumed.difference(wanted, left):
            parent.cancel_task_queue(lane)


def _has_messages(parent: Any, queue: str) -> bool:  # noqa: ANN401 - stubs lack it
    """Whether a queue waits for somebody; an empty one does not exist in Redis."""
    declared = parent.connection.default_channel.queue_declare(queue=queue)
    return bool(declared.message_count)


_told_queues: dict[str, object] = {}
"""What `-Q` said, by worker; a step cannot see it."""


@celeryd_init.connect
def _note_queues(
    sender: str, options: Mapping[str, object] | None = None, **_: object
) -> None:
    _told_queues[sender] = (options or {}).get("queues")
