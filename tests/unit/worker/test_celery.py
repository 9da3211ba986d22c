import gc
import weakref

from celery.signals import task_postrun

from worker.celery import app


class Left:
    """What a task has left in a cycle."""

    def __init__(self):
        self.itself = self


def test_objects_that_a_task_leaves_in_cycles_are_freed_after_it():
    gc.disable()
    try:
        left = weakref.ref(Left())
        was_left = left() is not None
        task_postrun.send(sender=app)
    finally:
        gc.enable()

    assert was_left
    assert left() is None
