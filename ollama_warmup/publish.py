"""Sends warm-ups from any process: by name, through a Celery app of our own.

The app is never the current one and is built on first use, once a process, so
that importing this opens and reads nothing, and an application's own Celery stays
as it is. Results are polled: subscribing to each, as Celery does with Redis, would
gather messages that a caller of `delay` alone never reads.
"""

import inspect
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Generic, ParamSpec
from urllib.parse import urlsplit

from celery import Celery
from celery.backends.redis import RedisBackend
from celery.exceptions import BackendError
from celery.result import AsyncResult
from kombu import Queue
from kombu.exceptions import KombuError

from ollama_warmup import request, routes, settings, warmlist, wire
from ollama_warmup.errors import BadRequest, StoreUnavailable

P = ParamSpec("P")

PATIENCE_S = 1.0
"""Seconds for Redis to connect, and to answer; a `delay` spends a few of them."""
CROWD_S = 5.0
"""Seconds that a thread waits while ten others of its process publish."""
RESULTS = "ollama_warmup.results:PolledResults"
_RETRY_ONCE = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.2,
    "interval_max": 0.2,
}


def lane_of(model: str, host: str | None = None, *, gentle: bool = False) -> str:
    """Check a call of `warmup`, and name the lane of the host that is meant.

    For a process that has the worker's own environment.

    Raises:
        BadRequest: model, options, keep_alive, host or gentle cannot be meant.
        UnknownHost: no such host is configured.
        BadSettings: the environment of this process is wrong.
    """
    wanted = request.parse(model, host=host)
    check_gentle(gentle)
    return wire.lane(warmlist.meant(wanted).target.host)


def check_gentle(gentle: object) -> None:
    """Refuse what is neither true nor false, on both sides.

    Raises:
        BadRequest: it is neither.
    """
    if not isinstance(gentle, bool):
        raise BadRequest(
            f"gentle={str(gentle)[:40]!r}: write True to leave a model alone that is "
            "loaded with other options, or leave it out"
        )


def route(model: str, host: str | None = None, *, gentle: bool = False) -> str:
    """Check a call of `warmup`, and name the queue that it belongs to.

    Returns:
        The lane of the host that is meant; `ollama.control`, where a worker finds
        out, in a process that knows no `OLLAMA_WARMUP_HOSTS`.

    Raises:
        BadRequest: model, options, keep_alive or host cannot be meant.
        UnknownHost: this process knows the hosts, and it is none of them.
        BadSettings: the environment of this process is wrong.
    """
    if warmlist.current().is_named:
        return lane_of(model, host, gentle=gentle)
    request.parse(model, host=host)
    check_gentle(gentle)
    return wire.CONTROL


@contextmanager
def reaching_store() -> Iterator[None]:
    """Let every failure of broker and results leave as `StoreUnavailable`.

    Those are kombu's, redis-py's, and the RuntimeError that Celery's Redis backend
    raises when it has given up to reconnect.
    """
    failures = (KombuError, BackendError, RedisBackend.redis.RedisError)
    try:
        yield
    except (*failures, RuntimeError) as exc:
        root = exc.__cause__ or exc.__context__ or exc
        if not isinstance(exc, failures) and not isinstance(root, failures):
            raise
        url = urlsplit(settings.current().broker_url)
        raise StoreUnavailable(
            f"Redis at {url.hostname}:{url.port or 6379} cannot be used ({root}): is "
            "it running there, and is OLLAMA_WARMUP_BROKER_URL right?"
        ) from exc


class Published(Generic[P]):
    """A task as its publishers see it: `delay` and `apply_async` of Celery."""

    def __init__(self, name: str, route: Callable[P, str]) -> None:
        """Send nothing yet.

        Args:
            name: of the task.
            route: takes the task's arguments, checks them, names their queue.
        """
        self.name = name
        self._route = route
        self._signature = inspect.signature(route)

    def delay(self, *args: P.args, **kwargs: P.kwargs) -> AsyncResult[dict[str, Any]]:
        """Send the task; `apply_async` without options."""
        return self.apply_async(args, kwargs)

    def apply_async(
        self,
        args: Sequence[Any] | None = None,
        kwargs: Mapping[str, Any] | None = None,
        *,
        queue: str | Queue | None = None,
        **options: Any,  # noqa: ANN401 - Celery's own
    ) -> AsyncResult[dict[str, Any]]:
        """Check the arguments, then send the task to where it belongs.

        Args:
            args: positional arguments of the task.
            kwargs: named arguments of the task.
            queue: another queue than its own.
            options: those of Celery's `apply_async`, such as expires, ignore_result
                or task_id.

        Returns:
            Celery's result; its `get(timeout=…)` raises the task's error.

        Raises:
            Permanent: an argument is wrong; nothing was sent.
            StoreUnavailable: Redis does not answer; known within 6 s, by some of more
                than ten threads within 11 s.
        """
        call = self._bind(args or (), kwargs or {})
        own = self._route(*call.args, **call.kwargs)
        options["queue"] = (
            queue if isinstance(queue, Queue) else wire.queue(queue or own)
        )
        options["headers"] = {wire.SENT_AT: time.time()} | (
            options.get("headers") or {}
        )
        # A queue of Redis needs no declaring, and kombu 5.7 fails with an
        # AttributeError when it connects anew meanwhile.
        options["declare"] = ()
        with reaching_store():
            return app().send_task(self.name, call.args, call.kwargs, **options)

    def _bind(
        self, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> inspect.BoundArguments:
        try:
            return self._signature.bind(*args, **kwargs)
        except TypeError as exc:
            raise BadRequest(
                f"{str(exc)[:100]}: the arguments are "
                f"{', '.join(self._signature.parameters)}"
            ) from exc


warmup = Published(wire.WARMUP, route)
"""`warmup.delay("llama3:8b?num_ctx=8192&keep_alive=30m", host="gpu-1")`."""
pull = Published(wire.PULL, routes.pull)
"""`pull.delay("llama3:8b", host="gpu-1")`: downloads what the host does not have."""
unload = Published(wire.UNLOAD, routes.unload)
"""`unload.delay("llama3:8b", host="gpu-1")`: frees the memory that it takes."""


@cache
def app() -> Celery:
    """The Celery of this process that publishes; built at the first call.

    Raises:
        BadSettings: the environment of this process is wrong.
    """
    known = settings.current()
    publisher = wire.OwnCelery(
        "ollama_warmup",
        set_as_current=False,
        loader="celery.loaders.app:AppLoader",
        fixups=[],
        config_source=_config(known),
    )
    publisher.backend_cls = f"{RESULTS}+{known.broker_url}"
    return publisher


def _config(known: settings.Settings) -> dict[str, Any]:
    shared = wire.agreed(known, connect_s=PATIENCE_S, answer_s=PATIENCE_S)
    # kombu keeps one pool a process for equal options; after a fork, parent and
    # child would share its sockets, but for the name.
    own = {"client_name": f"{known.namespace}-{os.getpid()}", **_RETRY_ONCE}
    return shared | {
        "broker_transport_options": shared["broker_transport_options"] | own,
        "task_publish_retry_policy": _RETRY_ONCE,
        "broker_pool_acquire_timeout": CROWD_S,
        # Threads that look at their results at once; redis-py's own limit is 100.
        "redis_max_connections": 10_000,
        # A restart of Redis fails nobody who waits for a result.
        "result_backend_always_retry": True,
        "result_backend_max_retries": 5,
        "result_backend_base_sleep_between_retries_ms": 200,
        "result_backend_thread_safe": True,
    }


os.register_at_fork(after_in_child=app.cache_clear)
