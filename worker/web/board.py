"""Reads what the page shows from Redis, once for all who look at the same time.

Everything that waits for Redis runs in threads, and each answer of Redis is waited
for a second at most.
"""

import time
from contextlib import suppress
from dataclasses import replace

from ollama_warmup import aio, gentle, health, names
from ollama_warmup.errors import BadRequest, StoreUnavailable
from ollama_warmup.settings import Settings
from ollama_warmup.verdict import Readiness
from worker import metrics
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.core import residency
from worker.core.pauses import ALL
from worker.web import details, status
from worker.web.chronicle import Chronicle
from worker.web.details import Past
from worker.web.shapes import Paused, Status
from worker.web.shared import Shared
from worker.web.status import Looked, Snapshot

ANSWER_S = 1.0
"""How long Redis has to connect, and to answer."""
KEEP_S = 0.5
"""How long an answer is given to all who ask the same."""


class Board:
    """What one process of the service has at hand."""

    def __init__(self, told: Settings) -> None:
        """Open nothing yet."""
        at = told.broker_url
        self._told = told
        self.store = PassStore(at, namespace=told.namespace, answer_s=ANSWER_S)
        self._loads = Store(at, namespace=told.namespace, answer_s=ANSWER_S)
        self._chronicle = Chronicle(self.store.log)
        self._snapshots: Shared[None, tuple[Snapshot, float]] = Shared(keep_s=KEEP_S)
        self._answers: Shared[Looked, tuple[Status, float]] = Shared(keep_s=KEEP_S)
        self._metrics: Shared[None, bytes] = Shared(keep_s=KEEP_S)
        self._readiness: Shared[str | None, Readiness] = Shared(keep_s=KEEP_S)

    def close(self) -> None:
        """Close the connections, and let nobody wait for what is not begun."""
        aio.threads().shutdown(wait=False, cancel_futures=True)
        aio.threads.cache_clear()
        self.store.close()
        self._loads.close()

    async def readiness(self, model: str | None) -> Readiness:
        """Whether the wanted models are ready; what is cold is sent to be warmed."""
        return await self._readiness.get(model, lambda: health.readiness(model))

    async def metrics(self) -> bytes:
        """What Prometheus is told; raises `StoreUnavailable`."""
        return await self._metrics.get(None, lambda: aio.off_the_loop(self._scrape))

    def _scrape(self) -> bytes:
        told = self._told
        return metrics.exposition(
            told.broker_url, namespace=told.namespace, answer_s=ANSWER_S
        )

    async def status(self, looked: Looked) -> Status:
        """What is meant by what somebody looks for.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        seen, read_at_s = await self._answers.get(looked, lambda: self._look(looked))
        return replace(seen, now=seen.now + time.monotonic() - read_at_s)

    async def _look(self, looked: Looked) -> tuple[Status, float]:
        snapshot, read_at_s = await self._snapshots.get(
            None, lambda: aio.off_the_loop(self._snapshot)
        )
        return await aio.off_the_loop(self._fill, snapshot, looked), read_at_s

    def _snapshot(self) -> tuple[Snapshot, float]:
        _, paused, now = self.store.read({})
        read_at_s = time.monotonic()
        try:
            reports = tuple(self.store.reports())
        except ValueError:
            problem = (
                "Another release wrote the last report: run the same release of "
                "ollama-warmup here and in the workers."
            )
            return Snapshot(now=now, paused=paused, problem=problem), read_at_s
        self._chronicle.refresh()
        holders = self._loads.holders([report.host for report in reports])
        snapshot = Snapshot(now=now, reports=reports, paused=paused, holders=holders)
        return snapshot, read_at_s

    def _fill(self, snapshot: Snapshot, looked: Looked) -> Status:
        reports = status.current(snapshot)
        chosen = status.choose(reports, looked)
        kept = details.histories(chosen)
        seconds = dict(zip(kept, self._loads.histories(kept), strict=True))
        return details.fill(
            status.overview(snapshot, reports),
            snapshot,
            chosen,
            Past(chronicle=self._chronicle, histories=seconds),
            find=looked.find,
        )

    def pause(self, name: str) -> list[Paused]:
        """Have passes leave a host, a model on all hosts or everything alone.

        Args:
            name: a reported host's, or else a reported model's; `*` = everything.

        Returns:
            What is paused now.

        Raises:
            BadRequest: no such host or model is wanted.
            StoreUnavailable: Redis does not answer.
        """
        return self._change(name, is_paused=True)

    def resume(self, name: str) -> list[Paused]:
        """Take a pause back; as `pause`."""
        return self._change(name, is_paused=False)

    def _change(self, word: str, *, is_paused: bool) -> list[Paused]:
        hosts = {report.host: report for report in self.store.reports()}
        known = {ALL, *hosts, *(() if is_paused else self.store.paused())}
        models = (t.model for report in hosts.values() for t in report.targets)
        known |= {residency.normal(model) for model in models}
        name = word if word in known else names.parse(word).normal
        if name not in known:
            raise BadRequest(f"{word[:100]!r} is no host or model that is wanted")
        (self.store.pause if is_paused else self.store.resume)(name)
        with suppress(StoreUnavailable):  # else the next tick shows it
            gentle.send_pass(name if name in hosts else None)
        return status.paused(self.store.paused())
