"""The bodies of inference answers: field by field as Ollama writes them."""

import hashlib
import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

ZERO_TIME = "0001-01-01T00:00:00Z"
"""Go's zero time, seen in the answer to a stream that ended early."""

_WORDS = (
    " the quick brown fox jumps over the lazy dog and the warm model answers at once"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """How long an answer took; zeros are left out, as Go's omitempty does."""

    total_s: float
    load_s: float
    prompt_tokens: int
    prompt_s: float
    tokens: int
    token_s: float

    def as_json(self) -> dict[str, int]:
        """Durations in nanoseconds."""
        fields = {
            "total_duration": _ns(self.total_s),
            "load_duration": _ns(self.load_s),
            "prompt_eval_count": self.prompt_tokens,
            "prompt_eval_duration": _ns(self.prompt_s),
            "eval_count": self.tokens,
            "eval_duration": _ns(self.tokens * self.token_s) if self.tokens else 0,
        }
        return {name: value for name, value in fields.items() if value}


class Shape(Protocol):
    """How an endpoint words its answers."""

    path: str
    """The endpoint."""

    def part(
        self, model: str, stamp: str, text: str, thinking: str
    ) -> dict[str, object]:
        """An answer up to its `done`."""


class GenerateShape:
    """`/api/generate`: the text is the field `response`."""

    path = "/api/generate"

    def part(
        self, model: str, stamp: str, text: str, thinking: str
    ) -> dict[str, object]:
        """An answer up to its `done`."""
        thought = {"thinking": thinking} if thinking else {}
        return {"model": model, "created_at": stamp, "response": text, **thought}


class ChatShape:
    """`/api/chat`: the text is in a message."""

    path = "/api/chat"

    def part(
        self, model: str, stamp: str, text: str, thinking: str
    ) -> dict[str, object]:
        """An answer up to its `done`."""
        thought = {"thinking": thinking} if thinking else {}
        role = "assistant" if model else ""
        message = {"role": role, "content": text, **thought}
        return {"model": model, "created_at": stamp, "message": message}


def words(count: int) -> Iterator[str]:
    """So many tokens of text that never changes."""
    cycle = itertools.cycle(_WORDS.split())
    return (" " + word for word in itertools.islice(cycle, count))


def vector(text: str, length: int) -> list[float]:
    """A unit vector that depends on the text alone."""
    seeds = (hashlib.sha256(f"{i}:{text}".encode()).digest() for i in itertools.count())
    raw = itertools.chain.from_iterable(seeds)
    values = [next(raw) - 127.5 for _ in range(length)]
    norm = math.sqrt(sum(value * value for value in values))
    return [round(value / norm, 8) for value in values]


def _ns(seconds: float) -> int:
    return max(1, round(seconds * 1e9))
