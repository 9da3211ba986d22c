"""Redis: all that metrics are made of, read at one instant.

Two round trips, whatever is there: what is read grows with the warm list alone.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass

from redis import Redis

from ollama_warmup import report, tally, wire
from ollama_warmup.report import HostReport
from worker.adapters.connection import connect, reaching

QUEUES = (wire.CONTROL, wire.TOUCH, wire.PULL)
"""Beside the lanes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What Redis holds."""

    now: float
    """By Redis' clock, Unix seconds."""
    reports: Sequence[HostReport]
    """Of the configured hosts, by name; those that another release wrote are left
    out."""
    events: Mapping[str, float]
    """How many, by `kind|host|model`."""
    totals: Mapping[str, float]
    """By `tally.field`."""
    paused: int
    """How many names are."""
    queues: Mapping[str, int]
    """How many messages wait in each queue."""


def take(url: str, *, namespace: str, answer_s: float | None = None) -> Snapshot:
    """Read it.

    Args:
        url: of Redis or Valkey.
        namespace: prefix of every key.
        answer_s: as of `worker.adapters.store.connect`.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    with closing(connect(url, answer_s=answer_s)) as redis, reaching():
        with redis.pipeline(transaction=False) as together:
            together.time()
            together.hvals(report.key(namespace))
            together.hgetall(f"{namespace}:counts")
            together.hgetall(tally.totals_key(namespace))
            together.scard(f"{namespace}:paused")
            (seconds, microseconds), rows, events, totals, paused = together.execute()
        reports = _understood(rows)
        return Snapshot(
            now=float(seconds) + float(microseconds) / 1e6,
            reports=reports,
            events=_numbers(events),
            totals=_numbers(totals),
            paused=int(paused),
            queues=_queues(redis, reports, namespace),
        )


def _understood(rows: Sequence[str]) -> list[HostReport]:
    reports = []
    for row in rows:
        try:
            reports.append(report.load(row))
        except ValueError:
            continue
    return sorted(reports, key=lambda one: one.host)


def _numbers(rows: Mapping[str, str]) -> dict[str, float]:
    return {name: float(number) for name, number in rows.items()}


def _queues(
    redis: Redis, reports: Sequence[HostReport], namespace: str
) -> dict[str, int]:
    names = [*QUEUES, *(wire.lane(one.host) for one in reports)]
    with redis.pipeline(transaction=False) as together:
        for name in names:
            together.llen(f"{namespace}:{name}")
        return {n: int(k) for n, k in zip(names, together.execute(), strict=True)}
