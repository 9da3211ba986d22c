"""The facts of `doctor` about a system that is well, to be spoilt by tests.

One host, `gpu`, keeps one model warm: `LLAMA` is what is wanted, `LOADED` is what
the host lists.
"""

from dataclasses import replace
from typing import Any

from ollama_warmup.report import Condition, HostReport
from tests.support.builders import INFO, NOW, resident, tags, target, view
from tests.support.host_reports import host_report, target_report
from worker.adapters.broker import Broker
from worker.adapters.nodes import Node, Nodes
from worker.core import residency
from worker.core.domain import Resident
from worker.core.passes import Event
from worker.doctor import judging
from worker.doctor.facts import Facts, HostFacts, Reach, Shared
from worker.doctor.finding import Check, Finding, Severity

SIZE = 4_700_000_000
LLAMA = target("llama3:8b?num_ctx=8192&keep_alive=30m")
LOADED = resident("llama3:8b", 29 * 60, 8192, size_bytes=SIZE)
QUEUES = frozenset({"ollama.control", "ollama.touch", "ollama.pull", "ollama.lane.gpu"})
REDIS = Broker(
    version="valkey 9.1.0",
    at=NOW,
    policy="noeviction",
    used_bytes=2**20,
    max_bytes=0,
    is_saving=True,
    waiting={"ollama.control": 0, "ollama.lane.gpu": 1},
)


def reported(
    condition: Condition = Condition.WARM,
    *,
    why: str = "",
    is_ready: bool | None = None,
    **more: Any,
) -> HostReport:
    """The report of `gpu` with its one target; `more` is said of the host.

    `is_ready` None = the target is ready if it is warm.
    """
    ready = condition is Condition.WARM if is_ready is None else is_ready
    llama = target_report(
        "llama3:8b", condition, wanted=LLAMA.wanted, why=why, is_ready=ready
    )
    return host_report(llama, name="gpu", **more)


def host_facts(*residents: Resident, **more: Any) -> HostFacts:
    """What the host `gpu` answers: it has all that is wanted of it, and lists these."""
    targets = more.pop("targets", (LLAMA,))
    names = {t.name.normal for t in targets}
    names |= {residency.normal(r.name) for r in residents}
    given: dict[str, Any] = {
        "name": "gpu",
        "url": "http://gpu:11434",
        "reach": Reach.ANSWERS,
        "version": "0.33.0",
        "skew_s": 0.2,
        "view": view(*residents),
        "tags": tags(*names, size_bytes=SIZE),
        "infos": {name: replace(INFO, blob="sha256-" + "0" * 64) for name in names},
    }
    return HostFacts(targets=targets, **given | more)


def shared(*events: Event, **more: Any) -> Shared:
    """What passes left in Redis: these events, and the report of a warm host."""
    given: dict[str, Any] = {"reports": {"gpu": reported()}}
    return Shared(now=NOW, events=events, **given | more)


def facts(**more: Any) -> Facts:
    """All facts of a system that is well, but for `more`."""
    given: dict[str, Any] = {
        "redis_at": "127.0.0.1:6379",
        "is_redis_local": True,
        "redis": REDIS,
        "nodes": Nodes(
            workers={"worker@a": Node(queues=QUEUES, slots=2)},
            beats=("celerybeat@a",),
        ),
        "shared": shared(),
        "hosts": (host_facts(LOADED),),
    }
    return Facts(**given | more)


def of(check: Check, facts: Facts) -> list[Finding]:
    """The findings of one check that are not ok; the check must have been made."""
    found = [f for f in judging.judge(facts) if f.check is check]
    assert found, f"{check} was not made"
    return [f for f in found if f.severity is not Severity.OK]


def only(check: Check, facts: Facts) -> Finding:
    """The one finding of a check that is not ok."""
    (finding,) = of(check, facts)
    return finding
