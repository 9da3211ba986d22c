"""Prompts of any length for `bench.first_token`."""

import itertools
import random
from collections.abc import Iterator

WORDS = ("hi", "no", "we", "so", "at", "be", "if", "my", "us", "go", "up", "an")
"""The warm-up's own is none of them."""


def of(words: int) -> Iterator[str]:
    """Prompts of so many words, each begun otherwise than the one before."""
    chance = random.Random(words)  # noqa: S311 - the same ones in every run
    for first in itertools.cycle(WORDS):
        yield " ".join([first, *chance.choices(WORDS, k=words - 1)])
