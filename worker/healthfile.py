"""The file by which a probe sees that a worker or beat does its work.

`OLLAMA_WARMUP_HEALTH_FILE` names it; unset, there is none. A probe asks whether it
was touched within the last minute, for which `find` is enough. A worker touches it
while its loop turns, and has it only while it consumes; beat touches it at each tick.
"""

from typing import Any

from celery import beat, bootsteps
from celery.worker.consumer import Consumer

from ollama_warmup import settings
from ollama_warmup.errors import BadSettings

TOUCH_S = 5.0
"""Between two touches; well below the minute that probes allow."""


class HealthFile(bootsteps.StartStopStep):
    """Have the file while the worker consumes, and no longer.

    Celery stops this step when it loses the broker, and starts it again when it is
    back. The timer runs in the loop that consumes: one that hangs touches nothing.
    """

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, parent: Consumer, **kwargs: object) -> None:
        """Find out whether a file is wanted."""
        super().__init__(parent, **kwargs)
        self.enabled = settings.current().health_file is not None
        self._timer: Any = None

    def start(self, parent: Consumer) -> None:
        """Touch it from now on.

        Raises:
            BadSettings: it cannot be written; the worker exits 1.
        """
        touch()
        self._timer = parent.timer.call_repeatedly(TOUCH_S, touch)

    def stop(self, parent: Consumer) -> None:  # noqa: ARG002 - Celery's interface
        """Take it away."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        file = settings.current().health_file
        if file:
            file.unlink(missing_ok=True)


class Scheduler(beat.Scheduler):
    """Celery's scheduler that remembers nothing, with the file of its last tick."""

    def tick(self, *args: Any, **kwargs: Any) -> float:  # noqa: ANN401 - Celery's
        """Send what is due; returns the seconds until the next look.

        Raises:
            BadSettings: the file cannot be written; beat exits 1.
        """
        delay_s: float = super().tick(*args, **kwargs)
        touch()
        return delay_s


def touch() -> None:
    """Say that this process does its work now.

    Raises:
        BadSettings: the file cannot be written.
    """
    file = settings.current().health_file
    if file is None:
        return
    try:
        file.touch()
    except OSError as exc:
        raise BadSettings(
            f"OLLAMA_WARMUP_HEALTH_FILE: cannot write {file} ({exc.strerror}): name a "
            "file in a folder that this process may write to"
        ) from exc
