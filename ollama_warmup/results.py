"""Results in Redis that are looked at, not subscribed to."""

from typing import Any

from celery.backends.base import SyncBackendMixin
from celery.backends.redis import RedisBackend
from celery.exceptions import TimeoutError  # noqa: A004 - Celery's own name

from ollama_warmup.publish import reaching_store

SOON_S = 3.0
"""So long a caller looks every POLL_S, then every LATER_S, seconds: looks of many who
wait for a long load would take Redis and the machine from those who answer them."""
POLL_S, LATER_S = 0.1, 0.5


class PolledResults(SyncBackendMixin, RedisBackend):  # type: ignore[misc] # stubs' bases
    """The backend of `publish.app`."""

    def on_task_call(self, producer: object, task_id: str) -> None:
        """Do nothing at a call; Celery's own would subscribe."""

    def get_task_meta(self, *args: object, **kwargs: object) -> dict[str, Any]:
        """Read a result; every other way to it comes through here.

        Raises:
            StoreUnavailable: Redis has not answered for several tries.
        """
        with reaching_store():
            return super().get_task_meta(*args, **kwargs)  # type: ignore[misc, no-any-return]

    def wait_for(
        self, task_id: str, timeout: float | None = None, **rest: object
    ) -> dict[str, Any]:
        """Wait for a result, looking more often than Celery does at first."""
        soon_s = SOON_S if timeout is None else min(SOON_S, timeout)
        try:
            return self._wait(task_id, soon_s, rest | {"interval": POLL_S})
        except TimeoutError:
            if soon_s == timeout:
                raise
        left_s = None if timeout is None else timeout - soon_s
        return self._wait(task_id, left_s, rest | {"interval": LATER_S})

    def _wait(
        self, task_id: str, timeout: float | None, rest: dict[str, object]
    ) -> dict[str, Any]:
        return super().wait_for(task_id, timeout=timeout, **rest)  # type: ignore[misc, no-any-return]
