"""What a worker checks when it boots."""

import logging

from billiard.common import REMAP_SIGTERM
from celery import bootsteps
from celery.apps.worker import Worker
from celery.exceptions import ImproperlyConfigured

from ollama_warmup import settings, warmlist

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
