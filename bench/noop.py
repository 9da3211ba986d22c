"""A task that does nothing; only the worker of `bench.dispatch` includes it."""

import time

from worker.celery import app


@app.task(name="bench.noop")
def noop() -> float:
    """When the task's body began, Unix seconds."""
    return time.time()
