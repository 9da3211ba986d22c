"""What metrics count: numbers in Redis that only grow, and what a load usually takes.

    key             value                                            lives
    <ns>:totals     hash: a number, by `what|…|host|model`           for ever
    <ns>:typical    hash: seconds of a load, by `host|model`         for ever

The worker and applications add; `worker.metrics` reads. What the warm list does not
name is counted as `other` when it happens, and not when it is read: so names that
callers make up make no fields, and no number goes back when the warm list changes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as has
from enum import StrEnum
from typing import Any

OTHER = "other"
"""Each host, and each model of a host, that the warm list does not name."""
SUM = "sum"
"""In `What.LOAD_S`, beside the numbers of loads by bucket: all their seconds."""


class What(StrEnum):
    """What is counted, with the words that follow it."""

    LOAD = "load"
    """Cause, result."""
    LOAD_S = "load_s"
    """Upper bound of the bucket in seconds, or `sum`."""
    TOUCH = "touch"
    """Result."""
    CALL = "call"
    """What an application's call met: `warm` or `cold`."""
    DROPPED = "dropped"
    """Calls of applications that could not be counted."""
    PASSES = "passes"
    """`count` of passes over all hosts, and the `sum` of their seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What something that happened adds."""

    amounts: Mapping[str, float] = has(default_factory=dict)
    """By field, >= 0."""
    typical_s: Mapping[str, float] = has(default_factory=dict)
    """What loads take from now on, by `pair`."""


NOTHING = Tally()


def totals_key(namespace: str) -> str:
    """Of the numbers."""
    return f"{namespace}:totals"


def typical_key(namespace: str) -> str:
    """Of the seconds."""
    return f"{namespace}:typical"


def field(what: What, *words: str, host: str = "", model: str = "") -> str:
    """Where a number is; no word, host or model has a `|`.

    Args:
        what: is counted.
        words: that it is counted by.
        host: a configured one, or `OTHER`; empty = it concerns none.
        model: as the warm list writes it, or `OTHER`; likewise.
    """
    return "|".join((what.value, *words, host, model))


def pair(host: str, model: str) -> str:
    """A model on a host, both as of `field`."""
    return f"{host}|{model}"


def add(together: Any, tally: Tally, *, namespace: str) -> None:  # noqa: ANN401 - redis' pipeline has no exported type
    """Write it with the next `execute` of a pipeline."""
    for name, amount in tally.amounts.items():
        together.hincrbyfloat(totals_key(namespace), name, amount)
    for name, seconds in tally.typical_s.items():
        together.hset(typical_key(namespace), name, seconds)
