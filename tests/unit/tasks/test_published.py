import pytest
from celery.exceptions import Reject
from kombu.exceptions import OperationalError

from tasks import pull, unload, warmup


@pytest.fixture
def away(monkeypatch):
    """A broker that takes nothing."""

    def refuse(*_args, **_options):
        raise OperationalError("connection refused")

    monkeypatch.setattr(warmup.app, "send_task", refuse)


@pytest.mark.usefixtures("away")
@pytest.mark.parametrize("task", [warmup, pull, unload], ids=lambda task: task.name)
def test_a_retry_that_cannot_be_sent_gives_the_message_back(task):
    task.push_request(id="1", args=("m",), kwargs={}, called_directly=False)
    try:
        with pytest.raises(Reject) as told:
            task.retry(exc=ValueError("sick"), countdown=1)
    finally:
        task.pop_request()

    _reason, is_requeued = told.value.args
    assert is_requeued
