"""What callers are told, and how soon, while Redis is away."""

import asyncio
import time

import pytest

import tasks
from ollama_warmup import warmup, warmup_ollama_model
from ollama_warmup.errors import BadRequest, StoreUnavailable, WarmupTimeout
from tests.support.outages import dropping, mute, refusing
from tests.support.readiness import beats


@pytest.fixture
def broker(environment):
    """Make this process an application with the broker at a port."""
    return lambda port: environment(BROKER_URL=f"redis://:secret@127.0.0.1:{port}/0")


@pytest.mark.parametrize("task", [warmup, tasks.warmup], ids=["package", "tasks"])
@pytest.mark.parametrize(
    ("redis", "bound_s"), [(refusing, 2), (mute, 6), (dropping, 6)]
)
def test_a_send_fails_soon_while_redis_is_away(broker, task, redis, bound_s):
    with redis() as port:
        broker(port)
        began = time.monotonic()

        with pytest.raises(StoreUnavailable) as told:
            task.delay("llama3:8b")

    assert time.monotonic() - began < bound_s
    assert f"127.0.0.1:{port}" in str(told.value)
    assert "secret" not in str(told.value)


@pytest.mark.parametrize("redis", [mute, dropping])
def test_awaiting_never_holds_the_loop_and_ends_when_its_time_is_over(broker, redis):
    with redis() as port:
        broker(port)
        began = time.monotonic()

        outcome, longest = asyncio.run(
            beats(warmup_ollama_model("llama3:8b", timeout_s=1))
        )
        took = time.monotonic() - began

    assert isinstance(outcome, WarmupTimeout)
    assert "had not even taken the request" in str(outcome)
    assert longest < 0.5
    assert took < 2


def test_awaiting_raises_store_unavailable_before_its_time_is_over(broker):
    with mute() as port:
        broker(port)

        outcome, longest = asyncio.run(beats(warmup_ollama_model("llama3:8b")))

    assert isinstance(outcome, StoreUnavailable)
    assert longest < 0.5


def test_a_cancelled_wait_ends_at_once(broker):
    async def cancelled() -> float:
        waiting = asyncio.create_task(warmup_ollama_model("llama3:8b"))
        await asyncio.sleep(0.2)
        began = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return time.monotonic() - began

    with mute() as port:
        broker(port)

        assert asyncio.run(cancelled()) < 0.5


def test_a_wrong_request_is_refused_where_it_is_awaited(broker):
    with refusing() as port:
        broker(port)

        with pytest.raises(BadRequest, match="did you mean num_ctx"):
            asyncio.run(warmup_ollama_model("llama3:8b?nun_ctx=1"))


@pytest.mark.usefixtures("unserved")
def test_a_wait_without_a_worker_ends_as_a_timeout_and_the_load_goes_on():
    with pytest.raises(WarmupTimeout, match=r"within 0\.5 s: the load goes on"):
        asyncio.run(warmup_ollama_model("llama3:8b", timeout_s=0.5))


def test_callers_who_never_look_at_results_leave_no_subscription(unserved):
    for options in ({}, {"ignore_result": True}, {"queue": "theirs"}):
        warmup.apply_async(("llama3:8b",), **options)

    assert unserved.redis.pubsub_channels("*celery-task-meta-*") == []
    assert unserved.redis.llen("ollama-warmup:ollama.control") == 2
    assert unserved.redis.llen("ollama-warmup:theirs") == 1
