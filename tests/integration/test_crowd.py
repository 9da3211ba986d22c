"""More threads of an application publish at once than Celery has connections."""

import threading
import time

import pytest
from celery.exceptions import TimeoutError as CeleryTimeout

from ollama_warmup import publish


@pytest.fixture
def publisher(environment):
    environment(BROKER_URL="redis://127.0.0.1:1/0")
    return publish.app()


def test_a_thread_of_a_crowd_waits_longer_than_redis_may_take_to_answer(publisher):
    def publish_one():
        with publisher.producer_or_acquire():
            pass

    def release():
        for producer in taken:
            producer.release()

    taken = [publisher.producer_or_acquire().__enter__() for _ in range(10)]
    others = [threading.Thread(target=publish_one) for _ in range(15)]
    for other in others:
        other.start()
    threading.Timer(publish.PATIENCE_S + 0.3, release).start()

    publish_one()

    for other in others:
        other.join()


def test_a_publish_declares_no_queue(publisher):
    declared = []
    publisher.amqp.send_task_message = lambda *_, **options: declared.append(
        options["declare"]
    )

    publish.warmup.delay("llama3:8b")

    assert declared == [()]


def test_a_caller_that_waits_for_long_looks_less_often(publisher):
    looks = []

    def look(task_id):
        looks.append(task_id)
        return {"status": "PENDING"}

    publisher.backend.get_task_meta = look

    with pytest.raises(CeleryTimeout):
        publisher.AsyncResult("x").get(timeout=2.1)

    assert 8 <= len(looks) <= 10  # and not one each 100 ms


def test_a_short_wait_for_a_result_ends_in_time(publisher):
    publisher.backend.get_task_meta = lambda _id: {"status": "PENDING"}
    began = time.monotonic()

    with pytest.raises(CeleryTimeout):
        publisher.AsyncResult("x").get(timeout=0.2)

    assert time.monotonic() - began < 1
