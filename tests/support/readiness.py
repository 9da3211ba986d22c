"""Calls of `readiness`, what they send, and how long they hold an event loop."""

import asyncio
import time

from ollama_warmup import health, readiness
from tests.support.waiting import until


async def at_once(times, model=None):
    """Return the answers to so many calls in one instant."""
    return await asyncio.gather(*(readiness(model) for _ in range(times)))


def wait_until_sent():
    """Wait for the threads that send what readiness asks for."""
    until(lambda: not health.asking, "readiness has sent what it asks for")


def sent(unserved, host="gpu-1"):
    """Return the requests that were sent to a host's lane."""
    wait_until_sent()
    messages = unserved.messages(f"ollama.lane.{host}")
    return [tuple(message["args"]) for message in messages]


async def beats(awaitable):
    """Return an outcome, and the longest time that the event loop stood still."""
    awaited = asyncio.ensure_future(awaitable)
    longest_s = 0.0
    while not awaited.done():
        began = time.monotonic()
        await asyncio.sleep(0.01)
        longest_s = max(longest_s, time.monotonic() - began)
    return (awaited.exception() or awaited.result()), longest_s
