"""What a worker checks when it boots."""

from celery import bootsteps
from celery.apps.worker import Worker
from celery.exceptions import ImproperlyConfigured


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
