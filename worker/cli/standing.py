"""How a whole system stands, as Redis and the workers tell."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ollama_warmup import settings, verdict, warmlist, wire
from ollama_warmup.report import Condition, HostReport
from ollama_warmup.verdict import Readiness, is_stale
from worker.adapters import broker, nodes
from worker.adapters.broker import Broker
from worker.adapters.nodes import Nodes
from worker.cli import joining, reports
from worker.cli.reports import Reports

READY, NOT_READY = 0, 1
"""Exit codes."""
ANSWER_S = 1.0
"""How long a worker has to answer, seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a system stands."""

    broker: Broker
    where: str
    """The broker, without its login."""
    nodes: Nodes
    hosts: Sequence[HostReport]
    """As the last passes saw them; none = no pass has reported."""
    at: float
    """Now, by the clock of the reports."""
    paused: frozenset[str] = frozenset()
    missing: str = ""
    """Why there is no report."""

    @property
    def readiness(self) -> Readiness:
        """What a health route answers."""
        return verdict.judge(self.hosts, model=None, now=self.at)

    @property
    def is_observed(self) -> bool:
        """Whether a pass has reported lately."""
        return any(not is_stale(host, self.at) for host in self.hosts)

    def conditions(self) -> dict[Condition, int]:
        """How many targets are in each condition, those that occur."""
        found = Counter(t.condition for host in self.hosts for t in host.targets)
        return {c: found[c] for c in Condition if found[c]}


def look() -> Standing:
    """Ask Redis, and the workers through it.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    known = settings.current()
    store, seen, missing = reports.open_store(), None, ""
    try:
        seen = reports.read(store)
    except joining.NoReport as exc:
        missing = str(exc)
    told = broker.look(
        known.broker_url, namespace=known.namespace, queues=_queues(seen)
    )
    return Standing(
        broker=told,
        where=broker.shown(known.broker_url),
        nodes=nodes.look(timeout_s=ANSWER_S),
        hosts=seen.hosts if seen else (),
        at=seen.now if seen else told.at,
        paused=store.paused(),
        missing=missing,
    )


def _queues(seen: Reports | None) -> list[str]:
    hosts = [report.host for report in seen.hosts] if seen else []
    hosts = hosts or list(warmlist.current().hosts)
    return [wire.CONTROL, wire.TOUCH, wire.PULL, *map(wire.lane, hosts)]


def exit_code(standing: Standing) -> int:
    """Whether it is ready, and that can be believed."""
    if not standing.is_observed:
        return joining.NO_REPORT
    return READY if standing.readiness.ready else NOT_READY


def document(standing: Standing) -> dict[str, Any]:
    """For scripts."""
    readiness, hosts = standing.readiness, standing.hosts
    last = max(hosts, key=lambda host: host.at, default=None)
    targets = [target for host in hosts for target in host.targets]
    problems = dict.fromkeys(h.warm_list_problem for h in hosts if h.warm_list_problem)
    return {
        "ready": readiness.ready,
        "why": readiness.why,
        "retry_after_s": readiness.retry_after_s,
        "hosts": {
            h.host: {"state": h.state.value, "problem": h.problem} for h in hosts
        },
        "targets": {
            "wanted": len(targets),
            "ready": sum(target.is_ready for target in targets),
            "conditions": {c.value: n for c, n in standing.conditions().items()},
        },
        "passes": last
        and {
            "at": last.at,
            "age_s": round(standing.at - last.at, 3),
            "tick_s": last.tick_s,
            "enabled": last.enabled,
            "is_old": not standing.is_observed,
        },
        "workers": {
            name: {"queues": sorted(node.queues), "slots": node.slots}
            for name, node in standing.nodes.workers.items()
        },
        "beats": list(standing.nodes.beats),
        "queues": dict(standing.broker.waiting),
        "broker": {
            "address": standing.where,
            "version": standing.broker.version,
            "used_bytes": standing.broker.used_bytes,
        },
        "paused": sorted(standing.paused),
        "warm_list_problem": next(iter(problems), None),
    }
