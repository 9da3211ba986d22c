"""What callers are told, and how soon, while Redis is away."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator

import pytest
from redis import Redis

import tasks
from ollama_warmup import publish, settings, warmup, warmup_ollama_model
from ollama_warmup.errors import BadRequest, StoreUnavailable, WarmupTimeout


@contextlib.contextmanager
def refusing() -> Iterator[int]:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    yield port


@contextlib.contextmanager
def mute() -> Iterator[int]:
    """Connections succeed (the kernel takes them), and nobody answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=50) as server:
        yield server.getsockname()[1]


@contextlib.contextmanager
def dropping() -> Iterator[int]:
    """A full backlog: Linux drops every further SYN."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(server.getsockname())
        yield server.getsockname()[1]


@pytest.fixture
def broker(monkeypatch):
    """Makes this process an application with another broker."""

    def use(url, namespace="outage"):
        monkeypatch.setenv("OLLAMA_WARMUP_BROKER_URL", url)
        monkeypatch.setenv("OLLAMA_WARMUP_NAMESPACE", namespace)
        settings.current.cache_clear()
        publish.app.cache_clear()

    yield use
    publish.app().close()
    monkeypatch.undo()
    settings.current.cache_clear()
    publish.app.cache_clear()


@pytest.mark.parametrize("task", [warmup, tasks.warmup], ids=["package", "tasks"])
@pytest.mark.parametrize(
    ("redis", "bound_s"), [(refusing, 2), (mute, 6), (dropping, 6)]
)
def test_a_caller_knows_soon_that_redis_is_away(broker, task, redis, bound_s):
    with redis() as port:
        broker(f"redis://:secret@127.0.0.1:{port}/0")
        began = time.monotonic()

        with pytest.raises(StoreUnavailable) as told:
            task.delay("llama3:8b")

    assert time.monotonic() - began < bound_s
    assert f"127.0.0.1:{port}" in str(told.value)
    assert "secret" not in str(told.value)


async def beats(awaitable):
    """The outcome of an awaitable, and the longest time that its loop stood still."""
    awaited = asyncio.ensure_future(awaitable)
    longest = 0.0
    while not awaited.done():
        began = time.monotonic()
        await asyncio.sleep(0.01)
        longest = max(longest, time.monotonic() - began)
    return (awaited.exception() or awaited.result()), longest


@pytest.mark.parametrize("redis", [mute, dropping])
def test_awaiting_never_holds_the_loop_and_ends_when_its_time_is_over(broker, redis):
    with redis() as port:
        broker(f"redis://127.0.0.1:{port}/0")
        began = time.monotonic()

        outcome, longest = asyncio.run(
            beats(warmup_ollama_model("llama3:8b", timeout_s=1))
        )
        took = time.monotonic() - began

    assert isinstance(outcome, WarmupTimeout)
    assert "had not even taken the request" in str(outcome)
    assert longest < 0.5
    assert took < 2


def test_awaiting_tells_that_redis_is_away_before_its_time_is_over(broker):
    with mute() as port:
        broker(f"redis://127.0.0.1:{port}/0")

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
        broker(f"redis://127.0.0.1:{port}/0")

        assert asyncio.run(cancelled()) < 0.5


def test_a_wrong_request_is_refused_where_it_is_awaited(broker):
    with refusing() as port:
        broker(f"redis://127.0.0.1:{port}/0")

        with pytest.raises(BadRequest, match="did you mean num_ctx"):
            asyncio.run(warmup_ollama_model("llama3:8b?nun_ctx=1"))


@pytest.fixture
def unserved(broker, stage):
    """A Redis of which no worker takes anything; its URL."""
    url: str = stage.broker_url.removesuffix("/0") + "/2"
    broker(url)
    return url


@pytest.mark.usefixtures("unserved")
def test_a_wait_without_a_worker_ends_as_a_timeout_and_the_load_goes_on():
    with pytest.raises(WarmupTimeout, match=r"within 0\.5 s: the load goes on"):
        asyncio.run(warmup_ollama_model("llama3:8b", timeout_s=0.5))


def test_callers_who_never_look_at_results_leave_no_subscription(unserved):
    with Redis.from_url(unserved, decode_responses=True) as redis:
        redis.flushdb()
        for options in ({}, {"ignore_result": True}, {"queue": "theirs"}):
            warmup.apply_async(("llama3:8b",), **options)

        assert redis.pubsub_channels("*celery-task-meta-*") == []
        assert redis.llen("outage:ollama.control") == 2
        assert redis.llen("outage:theirs") == 1
