"""What a task says of itself while it runs."""

import logging
from typing import Any

from celery import Task

from ollama_warmup.errors import StoreUnavailable
from ollama_warmup.publish import reaching_store

logger = logging.getLogger(__name__)


def tell(
    task: "Task[Any, Any]",
    state: str,
    **meta: Any,  # noqa: ANN401 - whatever JSON has
) -> None:
    """Show a state to callers (the result backend) and to Flower (an event).

    What the state is of goes on without it: an outage of Redis fails no task.

    Args:
        task: the running task.
        state: in capitals; the event is `task-` and the same in small letters.
        meta: what comes with it, as JSON.
    """
    try:
        with reaching_store():
            task.update_state(state=state, meta=meta)
            task.send_event(f"task-{state.lower()}", **meta)
    except StoreUnavailable as exc:
        logger.warning("%s cannot be told: %s", state, exc)
