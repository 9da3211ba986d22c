from types import SimpleNamespace
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

from tasks import lanes


@pytest.mark.parametrize("trouble", [SoftTimeLimitExceeded(), OperationalError("away")])
def test_a_run_that_cannot_be_put_back_goes_on_with_its_message(trouble, caplog):
    def apply_async():
        raise trouble

    message = SimpleNamespace(apply_async=apply_async)
    task: Any = SimpleNamespace(
        request=SimpleNamespace(retries=0, headers={}),
        signature_from_request=lambda **_: message,
    )

    lanes.put_back(task, queue="ollama.lane.gpu", waiting_since=None)

    assert "could not be put back" in caplog.text
