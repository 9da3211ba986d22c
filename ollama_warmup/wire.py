"""What publisher and worker must agree on: names, and how they use the broker.

`celeryconfig.py` and `ollama_warmup.publish` take it from here; each adds only
what concerns its own side.
"""

from typing import Any

from celery import Celery
from kombu import Connection, Queue

from ollama_warmup.settings import Settings

WARMUP = "ollama.warmup"
"""The task that makes one model warm."""
TOUCH = "ollama.touch"
"""The task that restarts a resident model's timer, and the queue of such tasks."""
PULL = "ollama.pull"
"""The task that downloads a model, and its queue."""
UNLOAD = "ollama.unload"
"""The task that lets a model go."""
CURE = "ollama.cure"
"""The task that frees a wedged host."""
RECONCILE = "ollama.reconcile"
"""The task that is one pass."""

CONTROL = "ollama.control"
"""The queue of what needs no lane, and of calls whose host nobody resolved yet."""


SENT_AT = "sent_at"
"""Header of a message: when its caller sent it, Unix seconds, by that clock."""


_LANE = "ollama.lane."


def lane(host: str) -> str:
    """The queue of a host's lane: the serial channel of its loads."""
    return _LANE + host


def is_lane(queue: str) -> bool:
    """Whether a queue is the lane of some host, configured or not."""
    return queue.startswith(_LANE)


def queue(name: str) -> Queue:
    """A queue to publish to or consume from.

    The routing key is explicit: Celery 5.7 gives a queue without one the default's.
    """
    return Queue(name, routing_key=name)


class OwnCelery(Celery):
    """A Celery that variables meant for another one cannot redirect.

    `CELERY_BROKER_READ_URL` and `CELERY_BROKER_WRITE_URL` win over a configuration
    when Celery reads it (celery/app/utils.py, `Settings`).
    """

    def connection_for_read(
        self, url: str | None = None, *args: object, **kwargs: object
    ) -> Connection:
        """Connect to the configured broker."""
        url = url or self.conf["broker_read_url"]
        return super().connection_for_read(url, *args, **kwargs)

    def connection_for_write(
        self, url: str | None = None, *args: object, **kwargs: object
    ) -> Connection:
        """Connect to the configured broker."""
        url = url or self.conf["broker_write_url"]
        return super().connection_for_write(url, *args, **kwargs)


def agreed(settings: Settings, *, connect_s: float, answer_s: float) -> dict[str, Any]:
    """The settings of Celery that must be the same on both sides, by their names.

    Args:
        settings: broker and namespace.
        connect_s: seconds for one attempt to connect, > 0; may differ.
        answer_s: seconds for Redis to answer one command, > 0; may differ.
    """
    prefix = f"{settings.namespace}:"
    return {
        # Both directions by name: CELERY_BROKER_URL overrides broker_url, not these.
        "broker_read_url": settings.broker_url,
        "broker_write_url": settings.broker_url,
        "result_backend": settings.broker_url,
        # No code execution from the broker.
        "task_serializer": "json",
        "result_serializer": "json",
        "event_serializer": "json",
        "accept_content": ["json"],
        "result_accept_content": ["json"],
        "timezone": "UTC",
        "enable_utc": True,
        "task_default_queue": CONTROL,
        "task_default_routing_key": CONTROL,
        "task_default_exchange": "",
        "task_create_missing_queues": False,
        "task_send_sent_event": True,
        "broker_transport_options": _broker(prefix, connect_s, answer_s),
        "result_backend_transport_options": {"global_keyprefix": prefix},
        "redis_socket_connect_timeout": connect_s,
        "redis_socket_timeout": answer_s,
        "redis_socket_keepalive": True,
        "redis_backend_health_check_interval": 25,
    }


def _broker(prefix: str, connect_s: float, answer_s: float) -> dict[str, Any]:
    return {
        "global_keyprefix": prefix,
        "client_name": prefix.removesuffix(":"),
        # One list a queue: each further step is one more key for every BRPOP.
        "priority_steps": [0],
        "socket_connect_timeout": connect_s,
        "socket_timeout": answer_s,
        "socket_keepalive": True,
        "health_check_interval": 25,
    }
