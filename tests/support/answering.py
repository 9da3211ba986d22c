"""Clients of an Ollama that answers as a test says."""

from collections.abc import Callable, Mapping
from typing import Any

import httpx

from ollama_warmup.request import RunnerOptions
from worker.adapters.ollama import Ollama
from worker.core.domain import Answer

DATE = "Mon, 23 Nov 2026 08:00:00 GMT"
"""A `Date` header, without which an answer is no view."""


def ollama_that(
    answer: Callable[[httpx.Request], httpx.Response],
    *,
    url: str = "http://gpu:11434",
    authorization: Callable[[], Mapping[str, str]] = dict,
) -> Ollama:
    """A client of `gpu-1`, whose Ollama answers each request as this function does."""
    transport = httpx.MockTransport(answer)
    return Ollama("gpu-1", url, authorization=authorization, transport=transport)


def answers(status: int, **kwargs: Any) -> Ollama:
    """A client whose Ollama gives every request the same `httpx.Response`."""
    return ollama_that(lambda _: httpx.Response(status, **kwargs))


def infer(ollama: Ollama, **kwargs: Any) -> Answer:
    """Ask for an inference of the model `m`, without options unless they are given."""
    wanted: dict[str, Any] = {
        "options": RunnerOptions(),
        "keep_alive_s": None,
        "embed": False,
    }
    return ollama.infer("m", **(wanted | kwargs))
