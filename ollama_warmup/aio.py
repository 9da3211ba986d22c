"""For asynchronous applications: await a warm-up without blocking the loop."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, TypeVar

from ollama_warmup.errors import WarmupTimeout
from ollama_warmup.publish import warmup
from ollama_warmup.results import PAUSES_S

T = TypeVar("T")

_GOES_ON = "the load goes on; call again to wait for it"
_NOT_SENT = "Redis had not even taken the request; is it well?"


async def warmup_ollama_model(
    model: str, *, host: str | None = None, timeout_s: float = 330
) -> dict[str, Any]:
    """Have a model made warm, and wait until it is.

    Cancelled, it stops waiting; what was sent goes on.

    Args:
        model: `MODEL[?OPTION=VALUE&…]`, such as `llama3:8b?num_ctx=8192`.
        host: a configured host's name; None = the default resolution.
        timeout_s: seconds to wait at most, > 0.

    Returns:
        What the task `ollama.warmup` returns.

    Raises:
        WarmupTimeout: `timeout_s` is over; the load goes on.
        StoreUnavailable: Redis does not answer.
        WarmupError: the request is wrong, or the warm-up failed.
    """
    sent = None
    try:
        async with asyncio.timeout(timeout_s) as patience:
            sent = await off_the_loop(warmup.delay, model, host)
            pauses = iter(PAUSES_S)
            while not await off_the_loop(sent.ready):  # noqa: ASYNC110 - Redis' event
                await asyncio.sleep(next(pauses, PAUSES_S[-1]))
            # Known by now; inside a task of an application, `get` would refuse.
            return sent.get(disable_sync_subtasks=False)
    except TimeoutError as exc:
        if not patience.expired():
            raise
        raise WarmupTimeout(
            f"{str(model)[:100]!r} was not warm within {timeout_s:g} s: "
            + (_GOES_ON if sent else _NOT_SENT)
        ) from exc


async def off_the_loop(function: Callable[..., T], *args: object) -> T:
    """Run what blocks in one of `threads`."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(threads(), function, *args)


@cache
def threads() -> ThreadPoolExecutor:
    """A few of our own: while Redis is mute, the application's stay free."""
    return ThreadPoolExecutor(max_workers=4, thread_name_prefix="ollama-warmup")


os.register_at_fork(after_in_child=threads.cache_clear)
