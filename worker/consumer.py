"""A consumer that survives a restart of Redis under Celery 5.7.0.

When the connection is lost while a late-ack or ETA message is held, Celery
closes the connection twice: the dead BRPOP aborts the first close, the second
then meets a transport without a client and raises AttributeError, which ends
the worker. Named by `worker_consumer` in celeryconfig.py. It uses two private
attributes of kombu, hence the exact pins; delete it when upstream mends this
(celery/worker/consumer/consumer.py, `on_connection_error_after_connected`).
"""

import contextlib
from collections.abc import Callable

from celery.worker.consumer import Consumer


class ResilientConsumer(Consumer):
    """Celery's consumer with a connection that can be closed twice."""

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """Make the lost connection safe to close, then do as Celery does."""
        connection = self.connection
        if connection is not None:
            transport = getattr(connection, "_transport", None)
            for channel in list(getattr(transport, "channels", None) or ()):
                if getattr(channel, "_in_poll", None):
                    channel._in_poll = None  # noqa: SLF001 - the dead BRPOP
            connection.close = _quiet(connection.close)  # type: ignore[method-assign]
        super().on_connection_error_after_connected(exc)


def _quiet(close: Callable[..., None]) -> Callable[..., None]:
    def quiet(*args: object, **kwargs: object) -> None:
        with contextlib.suppress(Exception):
            close(*args, **kwargs)

    return quiet
