"""Celery's processes, as they answer over the broker: workers and beats."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ollama_warmup import publish

_BEAT = "celerybeat@"


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A worker that has answered."""

    queues: frozenset[str]
    """What it consumes."""
    slots: int = 0
    """Tasks that it runs at once; 0 = it did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nodes:
    """Who has answered."""

    workers: Mapping[str, Node] = field(default_factory=dict)
    """By name."""
    beats: tuple[str, ...] = ()
    """Their names; one that has not ticked for a minute does not answer."""

    def consumers(self, queue: str) -> list[str]:
        """The workers that consume a queue."""
        return sorted(n for n, node in self.workers.items() if queue in node.queues)


def look(*, timeout_s: float) -> Nodes:
    """Ask all of them who they are.

    Args:
        timeout_s: how long to wait for one more answer, seconds.

    Raises:
        StoreUnavailable: the broker does not answer.
    """
    with ThreadPoolExecutor(max_workers=3) as threads:
        asked = [
            threads.submit(_ask, command, timeout_s)
            for command in ("active_queues", "stats", "ping")
        ]
        consumed, stats, pings = (question.result() for question in asked)
    return Nodes(
        workers={
            name: Node(queues=_names(rows), slots=_slots(stats.get(name)))
            for name, rows in sorted(consumed.items())
        },
        beats=tuple(sorted(name for name in pings if name.startswith(_BEAT))),
    )


def queues(*, timeout_s: float) -> dict[str, frozenset[str]]:
    """What each worker consumes, by its name; empty = none answers.

    A ping would also be answered by beat.

    Raises:
        StoreUnavailable: the broker does not answer.
    """
    rows = _ask("active_queues", timeout_s)
    return {name: _names(queues) for name, queues in rows.items()}


def _ask(command: str, timeout_s: float) -> dict[str, Any]:
    with publish.reaching_store():
        inspect = publish.app().control.inspect(timeout=timeout_s)
        answers = getattr(inspect, command)()
    return dict(answers or {})


def _names(rows: Any) -> frozenset[str]:  # noqa: ANN401 - Celery's own dictionaries
    return frozenset(str(row["name"]) for row in rows or ())


def _slots(stats: Any) -> int:  # noqa: ANN401 - Celery's own dictionaries
    pool = (stats or {}).get("pool") or {}
    return int(pool.get("max-concurrency") or 0)
