"""The soft time limit ends a task's work, and nothing else.

Celery sends it as a signal that raises wherever the child is at that moment: also
while it stores what has become of the task, which fails then, and in a child that is
idle by now, which ends then. The main process may not know: it reads nothing while
Redis is away, and a machine that was suspended has all its limits run out at once.
"""

import signal

from billiard.pool import SIG_SOFT_TIMEOUT, soft_timeout_sighandler
from celery.signals import task_postrun, task_prerun


def install() -> None:
    """Let it count in this child from the begin of each task until `is_over`."""
    task_prerun.connect(begins)
    task_postrun.connect(is_over)


def begins(**_: object) -> None:
    """Let it end the task that begins now."""
    signal.signal(SIG_SOFT_TIMEOUT, soft_timeout_sighandler)


def is_over(**_: object) -> None:
    """Say that the task's work is done; Celery's hard limit goes on."""
    if signal.getsignal(SIG_SOFT_TIMEOUT) is soft_timeout_sighandler:
        signal.signal(SIG_SOFT_TIMEOUT, signal.SIG_IGN)
