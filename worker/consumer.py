"""A consumer that survives what ends Celery 5.7.0's own.

A restart of Redis: when the connection is lost while a late-ack or ETA message is
held, Celery closes it twice: the dead BRPOP aborts the first close, the second then
meets a transport without a client and raises AttributeError. It uses two private
attributes of kombu, hence the exact pins; delete it when upstream mends this
(celery/worker/consumer/consumer.py, `on_connection_error_after_connected`).

A message that is no task's: Celery unpacks it in the consuming process, and what it
raises there ends the worker with the message unacknowledged, for the next one.
Named by `worker_consumer` in celeryconfig.py.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from celery.worker.consumer import Consumer
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from worker.core import envelope

logger = logging.getLogger(__name__)


class ResilientConsumer(Consumer):
    """Celery's consumer, which a lost connection or a wrong message does not end."""

    def create_task_handler(
        self,
        *args: Any,  # noqa: ANN401 - Celery's own
        **kwargs: Any,  # noqa: ANN401 - Celery's own
    ) -> Callable[[Any], None]:
        """What takes each message: one that is no task's is logged and dropped."""
        handle = super().create_task_handler(*args, **kwargs)

        def on_task_received(message: Any) -> None:  # noqa: ANN401 - kombu's
            try:
                fault = _fault(message)
                if fault is None:
                    handle(message)
                    return
            except (OSError, RedisError, KombuError):  # the connection's
                raise
            except Exception as exc:  # noqa: BLE001 - it would end the worker
                fault = f"{type(exc).__name__}: {str(exc)[:200]}"
            self._drop(message, fault)

        return on_task_received

    def _drop(self, message: Any, fault: str) -> None:  # noqa: ANN401 - kombu's
        logger.error(
            "A message was dropped, it is no task's (%s): whoever can write to Redis "
            "has sent it, see docs/security.md",
            fault,
        )
        if not message.acknowledged:
            message.reject_log_error(logger, (OSError, RedisError))

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


def _fault(message: Any) -> str | None:  # noqa: ANN401 - kombu's
    """Why a message is no task's, or None.

    Celery would take a KeyError from here for a lost connection.
    """
    if len(message.body or "") > envelope.LONGEST_BODY:
        return f"its body is larger than {envelope.LONGEST_BODY} bytes"
    if not isinstance(message.content_encoding, str):
        return "its content-encoding is no text"
    fault = envelope.fault(message.headers)
    if fault:
        return fault
    try:
        payload = message.payload
    except Exception as exc:  # noqa: BLE001 - whatever a foreign body raises
        return f"{type(exc).__name__}: {str(exc)[:200]}"
    return envelope.fault_of_body(payload)


def _quiet(close: Callable[..., None]) -> Callable[..., None]:
    def quiet(*args: object, **kwargs: object) -> None:
        with contextlib.suppress(Exception):
            close(*args, **kwargs)

    return quiet
