"""Results in Redis that are looked at, not subscribed to."""

import math
import time
from collections.abc import Callable
from typing import Any

from celery.backends.base import SyncBackendMixin
from celery.backends.redis import RedisBackend
from celery.exceptions import TimeoutError  # noqa: A004 - Celery's own name
from celery.states import READY_STATES

from ollama_warmup.publish import reaching_store

PAUSES_S = (0.02, 0.05, 0.1, 0.2, 0.5)
"""Pauses between two looks of a caller who waits, seconds; the last one repeats. What
is warm is told at once, and many who wait for a long load take neither Redis nor the
machine from those who answer them."""


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
        self,
        task_id: str,
        timeout: float | None = None,
        on_interval: Callable[[], None] | None = None,
        **_: object,
    ) -> dict[str, Any]:
        """Wait for a result.

        Raises:
            TimeoutError: Celery's; there is none after so many seconds.
        """
        self._ensure_not_eager()  # type: ignore[attr-defined] # stubs lack it
        left_s = math.inf if timeout is None else timeout
        pauses = iter(PAUSES_S)
        while (meta := self.get_task_meta(task_id))["status"] not in READY_STATES:
            if on_interval:
                on_interval()
            if left_s <= 0:
                raise TimeoutError("The operation timed out.")
            pause_s = min(next(pauses, PAUSES_S[-1]), left_s)
            time.sleep(pause_s)  # noqa: TID251 - as Celery's own
            left_s -= pause_s
        return meta
