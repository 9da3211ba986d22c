"""What Prometheus is told: computed from Redis at each scrape, kept nowhere.

So any number of processes that are asked give the same answer. Hosts and models are
those of the last pass's reports, and `other`: names that callers make up make no
series. A host that leaves the warm list takes its series along, and they go on where
they were when it comes back; only a Redis that was emptied begins anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from worker.adapters import snapshot
from worker.adapters.snapshot import Snapshot
from worker.metrics import counters, gauges

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
"""Of what `exposition` returns."""


def exposition(
    broker_url: str, *, namespace: str, answer_s: float | None = None
) -> bytes:
    """All metrics of a namespace, in Prometheus' text format.

    Args:
        broker_url: of Redis or Valkey.
        namespace: prefix of every key.
        answer_s: as of `worker.adapters.store.connect`.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    return render(snapshot.take(broker_url, namespace=namespace, answer_s=answer_s))


def render(taken: Snapshot) -> bytes:
    """A snapshot as `exposition` tells it."""
    return generate_latest(_Families(taken))


@dataclass(frozen=True, slots=True)
class _Families(Collector):
    taken: Snapshot

    def collect(self) -> Iterator[Metric]:
        yield from gauges.families(self.taken)
        yield from counters.families(self.taken)
