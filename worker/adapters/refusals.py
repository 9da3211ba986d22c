"""What an answer with a failure status means: one table from Ollama's words to ours."""

from collections.abc import Container
from dataclasses import dataclass

import httpx

from ollama_warmup import errors


@dataclass(frozen=True, slots=True, kw_only=True)
class _Refusal:
    """Answers of one kind: these statuses and, if any are given, these words."""

    statuses: Container[int]
    words: tuple[str, ...] = ("",)
    error: type[errors.WarmupError]
    advice: str


_NO_USE = "trying again will not help"
_SERVER_FAULT = range(500, 600)
# The first that fits counts. Source: Ollama server/routes.go and server/sched.go at
# 0.33, and what servers of 0.24 and 0.33 answered: a wrong-typed option is a 500.
_REFUSALS = (
    _Refusal(
        statuses={404},
        words=("model",),
        error=errors.UnknownModel,
        advice="run `ollama pull {model}` there",
    ),
    _Refusal(
        statuses={503},
        error=errors.OllamaBusy,
        advice="its queue of loads is full, try again later",
    ),
    _Refusal(
        statuses={502, 504},
        error=errors.OllamaUnreachable,
        advice="a proxy before it gave up; it must wait as long as a load takes",
    ),
    _Refusal(
        statuses={408, 429, 499},
        error=errors.LoadFailed,
        advice="trying again may help",
    ),
    _Refusal(statuses=range(300, 500), error=errors.Refused, advice=_NO_USE),
    _Refusal(
        statuses=_SERVER_FAULT,
        words=(
            "out of memory",
            "out-of-memory",
            "cudamalloc failed",
            "requires more system memory",
            "are available (after",
        ),
        error=errors.OutOfMemory,
        advice="choose a smaller model or num_ctx, or unload others",
    ),
    _Refusal(
        statuses=_SERVER_FAULT,
        words=("must be of type", "incompatible", "binary not found", "not support"),
        error=errors.Refused,
        advice=_NO_USE,
    ),
    _Refusal(
        statuses=_SERVER_FAULT,
        words=("process has terminated", "unexpectedly stopped"),
        error=errors.RunnerTerminated,
        advice="its log tells why the runner died",
    ),
)


def error(response: httpx.Response, *, model: str, host: str) -> errors.WarmupError:
    """The error that an answer with a failure status means.

    Args:
        response: any answer of Ollama or of a proxy before it, not a 2xx.
        model: the model that was asked for, or empty.
        host: the host as messages show it.
    """
    text = _error_text(response)
    asked = f" for {model!r}" if model else ""
    said = f"host {host} answered {response.status_code}{asked}: {text}"
    for refusal in _REFUSALS:
        if response.status_code in refusal.statuses and any(
            word in text.lower() for word in refusal.words
        ):
            return refusal.error(f"{said}; {refusal.advice.format(model=model)}")
    return errors.LoadFailed(f"{said}; trying again may help, its log tells why")


def _error_text(response: httpx.Response) -> str:
    try:
        text = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        text = response.text or "no text"
    return str(text)[:300]
