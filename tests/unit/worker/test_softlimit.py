import signal
from types import SimpleNamespace
from typing import Any

import pytest
from billiard.pool import SIG_SOFT_TIMEOUT, soft_timeout_sighandler
from celery.exceptions import Ignore, SoftTimeLimitExceeded
from celery.signals import task_postrun, task_prerun

from tasks import lanes
from worker import softlimit


@pytest.fixture(autouse=True)
def child():
    """This process as a child of a pool, whose task has begun."""
    before = signal.signal(SIG_SOFT_TIMEOUT, soft_timeout_sighandler)
    softlimit.install()
    task_prerun.send(sender=None)
    yield
    task_prerun.disconnect(softlimit.begins)
    task_postrun.disconnect(softlimit.is_over)
    signal.signal(SIG_SOFT_TIMEOUT, before)


def test_the_soft_limit_ends_a_running_task():
    with pytest.raises(SoftTimeLimitExceeded):
        signal.raise_signal(SIG_SOFT_TIMEOUT)


def test_the_soft_limit_spares_an_idle_child_and_counts_again_for_its_next_task():
    task_postrun.send(sender=None)
    signal.raise_signal(SIG_SOFT_TIMEOUT)

    task_prerun.send(sender=None)
    with pytest.raises(SoftTimeLimitExceeded):
        signal.raise_signal(SIG_SOFT_TIMEOUT)


def test_the_soft_limit_fails_no_task_that_was_put_back():
    message = SimpleNamespace(apply_async=lambda: None)
    task: Any = SimpleNamespace(
        request=SimpleNamespace(retries=0, headers={}),
        signature_from_request=lambda **_: message,
    )

    with pytest.raises(Ignore):
        lanes.put_back(task, queue="ollama.lane.gpu", waiting_since=None)

    signal.raise_signal(SIG_SOFT_TIMEOUT)
