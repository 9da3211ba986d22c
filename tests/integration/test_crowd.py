"""More threads of an application publish at once than Celery has connections."""

import threading

import pytest

from ollama_warmup import publish, settings


@pytest.fixture
def publisher(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_BROKER_URL", "redis://127.0.0.1:1/0")
    settings.current.cache_clear()
    publish.app.cache_clear()
    yield publish.app()
    settings.current.cache_clear()
    publish.app.cache_clear()


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
