"""What makes `from tasks import warmup, pull` publish as applications do."""

from typing import Any

from celery import Task
from celery.exceptions import Reject, Retry
from celery.result import AsyncResult

from ollama_warmup import publish, wire

_here: dict[str, publish.Published[...]] = {
    wire.WARMUP: publish.Published(wire.WARMUP, publish.lane_of),
    wire.PULL: publish.pull,
    wire.UNLOAD: publish.unload,
}
"""How each task is sent by a process that has the worker's own environment."""


class Published(Task[Any, Any]):
    """A task that is checked, routed and sent by `ollama_warmup.publish`.

    What the worker sends again (a retry, a return to the queue) goes as it is: it
    was checked before, and it names its queue.
    """

    def apply_async(  # type: ignore[override] # Celery's options, unchanged
        self,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 - Celery's own
    ) -> AsyncResult[Any]:
        """Send the task; see `ollama_warmup.publish.Published.apply_async`."""
        if "retries" in options:  # Celery's mark of a message that exists already
            return super().apply_async(args, kwargs, **options)
        return _here[self.name].apply_async(args, kwargs, **options)

    def retry(self, *args: Any, **options: Any) -> Retry:  # noqa: ANN401 - Celery's own
        """Send the running task again, as Celery does, and lose it never.

        Celery drops the message if that cannot be published, and tells the caller
        `Reject`; here the broker gives it to a worker again.
        """
        try:
            return super().retry(*args, **options)
        except Reject as exc:
            raise Reject(exc.args[0], requeue=True) from exc
