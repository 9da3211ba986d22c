"""What an answer with a failure status means, or none: from Ollama's words to ours."""

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
    text = error_text(response)
    asked = f" for {model!r}" if model else ""
    said = f"host {host} answered {response.status_code}{asked}: {text}"
    for refusal in _REFUSALS:
        if response.status_code in refusal.statuses and any(
            word in text.lower() for word in refusal.words
        ):
            return refusal.error(f"{said}; {refusal.advice.format(model=model)}")
    return errors.LoadFailed(f"{said}; trying again may help, its log tells why")


@dataclass(frozen=True, slots=True, kw_only=True)
class _PullRefusal:
    """What one of these words means in the text of a pull that failed."""

    words: tuple[str, ...]
    error: type[errors.WarmupError]
    advice: str


# The first that fits counts. Source: Ollama server/images.go and server/download.go
# at 0.33, Go's net and syscall: a pull has no statuses, all that differs is words.
_PULL_REFUSALS = (
    _PullRefusal(
        words=("no space left", "not enough space on the disk", "disk quota"),
        error=errors.DiskFull,
        advice="free space on the disk that holds its models, then pull again: what "
        "is there is kept",
    ),
    _PullRefusal(
        words=("file does not exist",),
        error=errors.UnknownModel,
        advice="its registry has no model of this name: look up name and tag there "
        "(ollama.com/library for names without a host)",
    ),
    _PullRefusal(
        words=("permission denied", "read-only file system"),
        error=errors.Refused,
        advice="its Ollama may not write where it keeps models",
    ),
    _PullRefusal(
        words=("newer version of ollama", "requires mlx", "insecure protocol"),
        error=errors.Refused,
        advice=_NO_USE,
    ),
    _PullRefusal(
        words=("unauthorized", "manifest: 400", "manifest: 401", "manifest: 403"),
        error=errors.Refused,
        advice="its registry does not hand this model to that host",
    ),
    _PullRefusal(
        words=("digest mismatch",),
        error=errors.PullFailed,
        advice="what came was damaged on the way and thrown away: pull again",
    ),
    _PullRefusal(
        words=(
            "dial tcp",
            "i/o timeout",
            "tls handshake",
            "no such host",
            "connection re",
            "unreachable",
            "deadline exceeded",
            "eof",
        ),
        error=errors.PullFailed,
        advice="it does not reach the registry: check its network, name server and "
        "proxy (HTTPS_PROXY of its Ollama)",
    ),
)


def pull_error(text: str, *, model: str, host: str, so_far: str) -> errors.WarmupError:
    """The error that the text of a pull that failed means.

    Args:
        text: what stood in the answer's `error`.
        model: the model that was to be pulled.
        host: the host as messages show it.
        so_far: how much of it is there, for people; may be empty.
    """
    said = f"host {host} could not pull {model!r}{so_far}: {text[:300]}"
    for refusal in _PULL_REFUSALS:
        if any(word in text.lower() for word in refusal.words):
            return refusal.error(f"{said}; {refusal.advice}")
    return errors.PullFailed(
        f"{said}; trying again may help and goes on from what is there"
    )


def error_text(response: httpx.Response) -> str:
    """What an answer with a failure status says."""
    try:
        text = response.json()["error"]
    except (ValueError, KeyError, TypeError):
        text = response.text or "no text"
    return str(text)[:300]


def late(host: str, ceiling_s: float) -> errors.LoadTimeout:
    """No answer to a load within its ceiling, seconds."""
    return errors.LoadTimeout(
        f"host {host} did not end a load within {ceiling_s:.0f} s, so it was "
        "given up: is its storage slow, does it wait behind other loads, or is the "
        "host wedged? OLLAMA_WARMUP_LOAD_CEILING_S says how long to wait"
    )
