from types import SimpleNamespace

import pytest
from celery.exceptions import BackendStoreError

from tasks import states, warming


def task(told, *, fails=None):
    def update_state(**fields):
        if fails:
            raise fails
        told.append(fields)

    def send_event(kind, **fields):
        told.append((kind, fields))

    return SimpleNamespace(update_state=update_state, send_event=send_event)


def test_a_state_goes_to_callers_and_to_flower():
    told: list[object] = []

    states.tell(task(told), "LOADING", elapsed_s=1.0)

    assert told == [
        {"state": "LOADING", "meta": {"elapsed_s": 1.0}},
        ("task-loading", {"elapsed_s": 1.0}),
    ]


def test_a_load_goes_on_while_redis_takes_no_state(caplog):
    away = BackendStoreError("failed to store result on the backend")

    states.tell(task([], fails=away), warming.LOADING)

    assert "LOADING cannot be told" in caplog.text


def test_a_failure_to_publish_a_state_that_is_not_an_outage_is_raised():
    with pytest.raises(TypeError):
        states.tell(task([], fails=TypeError("not JSON")), "LOADING")
