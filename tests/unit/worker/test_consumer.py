"""What stands between a message and Celery, which may be ended by it."""

import logging
from types import SimpleNamespace

import pytest
from celery.worker.consumer import Consumer
from redis.exceptions import ConnectionError as RedisConnectionError

from worker.consumer import ResilientConsumer
from worker.core import envelope

HEADERS = {"id": "1", "task": "ollama.warmup"}


class Message(SimpleNamespace):
    """A message of kombu, as far as it is looked at."""

    def __init__(self, **fields):
        whole = {"body": "[]", "payload": [[], {}, {}], "content_encoding": "utf-8"}
        super().__init__(**whole | fields, headers=HEADERS)
        self.acknowledged = False
        self.rejected = 0

    def reject_log_error(self, *_):
        self.rejected += 1


@pytest.fixture
def given(monkeypatch):
    """Gives a message to a consumer; Celery does with it what `handle` does."""

    def give(message, handle):
        monkeypatch.setattr(Consumer, "create_task_handler", lambda _: handle)
        ResilientConsumer.create_task_handler(object.__new__(ResilientConsumer))(
            message
        )

    return give


def celery_breaks(_):
    raise KeyError("chord")


def celery_is_not_asked(_):
    pytest.fail("it was given to Celery")


def test_a_message_that_breaks_celery_is_logged_once_and_dropped(given, caplog):
    message = Message()

    given(message, celery_breaks)

    assert message.rejected == 1
    [told] = caplog.records
    assert told.levelno == logging.ERROR
    assert "KeyError: 'chord'" in told.getMessage()


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"body": "x" * (envelope.LONGEST_BODY + 1)}, "its body is larger than"),
        ({"content_encoding": 5}, "its content-encoding is no text"),
    ],
)
def test_a_message_too_large_or_of_no_encoding_is_dropped_before_it_is_decoded(
    given, caplog, fields, why
):
    message = Message(**fields)

    given(message, celery_is_not_asked)

    assert message.rejected == 1
    assert why in caplog.text


def test_a_lost_connection_drops_no_message(given):
    def connection_is_lost(_):
        raise RedisConnectionError

    message = Message()

    with pytest.raises(RedisConnectionError):
        given(message, connection_is_lost)

    assert message.rejected == 0
