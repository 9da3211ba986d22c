"""A client of an Ollama that answers as a test says."""

import httpx

from ollama_warmup.request import RunnerOptions
from worker.adapters.ollama import Ollama

DATE = "Mon, 23 Nov 2026 08:00:00 GMT"
"""What a view needs."""


def ollama_that(answer):
    return Ollama("gpu-1", "http://gpu:11434", transport=httpx.MockTransport(answer))


def answers(status, **kwargs):
    return ollama_that(lambda _: httpx.Response(status, **kwargs))


def infer(ollama, **kwargs):
    wanted = {"options": RunnerOptions(), "keep_alive_s": None, "embed": False}
    return ollama.infer("m", **(wanted | kwargs))
