"""Facts of a system in which nothing is wrong, to be spoilt by tests."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from ollama_warmup import request
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from ollama_warmup.target import Target
from worker.adapters.broker import Broker
from worker.adapters.nodes import Node, Nodes
from worker.core import residency
from worker.core.domain import FOREVER, HostView, ModelInfo, Resident, Tag
from worker.core.passes import Event, Kind
from worker.doctor import judging
from worker.doctor.facts import Facts, HostFacts, Reach, Shared
from worker.doctor.finding import Check, Finding, Severity

NOW = 1_000_000.0
HERE = datetime(2026, 11, 25, tzinfo=UTC)
SIZE = 4_700_000_000
LLAMA = "llama3:8b?num_ctx=8192&keep_alive=30m"
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


def target(text: str = LLAMA, **more: Any) -> Target:
    return replace(Target.of(request.parse(text), host="gpu"), **more)


def resident(
    name: str = "llama3:8b",
    *,
    context: int | None = 8192,
    vram: int = SIZE,
    left: timedelta = timedelta(minutes=29),
) -> Resident:
    return Resident(
        name=name,
        digest=f"digest of {name}",
        context_length=context,
        size_bytes=SIZE,
        size_vram_bytes=vram,
        expires_at=HERE + left,
    )


FOR_EVER = FOREVER + timedelta(days=1)


def info(quantization: str = "Q4_K_M", **more: Any) -> ModelInfo:
    return ModelInfo(
        capabilities=frozenset({"completion"}),
        training_context=8192,
        modelfile_num_ctx=None,
        blob="sha256-" + "0" * 64,
        is_remote=False,
        quantization=quantization,
        **more,
    )


def report(condition: Condition = Condition.WARM, **more: Any) -> HostReport:
    told = TargetReport(
        model="llama3:8b",
        wanted="llama3:8b?keep_alive=30m&num_ctx=8192",
        condition=condition,
        since=NOW - 60,
        why=more.pop("why", ""),
        is_ready=more.pop("is_ready", condition is Condition.WARM),
    )
    given = {"at": NOW - 2, "enabled": True} | more
    return HostReport(
        host="gpu",
        url="http://gpu:11434",
        tick_s=10,
        state=HostState.UP,
        targets=(told,),
        **given,
    )


def event(kind: Kind, why: str = "", *, age_s: float = 60, **more: Any) -> Event:
    given = {"host": "gpu", "model": "llama3:8b"} | more
    return Event(at=NOW - age_s, kind=kind, why=why, **given)


def host(*residents: Resident, **more: Any) -> HostFacts:
    targets = more.pop("targets", (target(),))
    names = {t.name.normal for t in targets}
    names |= {residency.normal(r.name) for r in residents}
    given: dict[str, Any] = {
        "name": "gpu",
        "url": "http://gpu:11434",
        "reach": Reach.ANSWERS,
        "version": "0.33.0",
        "skew_s": 0.2,
        "view": HostView(residents=residents, observed_at=HERE),
        "tags": {n: Tag(digest=f"digest of {n}", size_bytes=SIZE) for n in names},
        "infos": {n: info() for n in names},
    }
    return HostFacts(targets=targets, **given | more)


def shared(*events: Event, **more: Any) -> Shared:
    given: dict[str, Any] = {"reports": {"gpu": report()}}
    return Shared(now=NOW, events=events, **given | more)


def facts(**more: Any) -> Facts:
    given: dict[str, Any] = {
        "redis_at": "127.0.0.1:6379",
        "is_redis_local": True,
        "redis": REDIS,
        "nodes": Nodes(
            workers={"worker@a": Node(queues=QUEUES, slots=2)},
            beats=("celerybeat@a",),
        ),
        "shared": shared(),
        "hosts": (host(resident()),),
    }
    return Facts(**given | more)


def of(check: Check, facts: Facts) -> list[Finding]:
    """The findings of one check that are not ok."""
    found = [f for f in judging.judge(facts) if f.check is check]
    assert found, f"{check} was not made"
    return [f for f in found if f.severity is not Severity.OK]


def only(check: Check, facts: Facts) -> Finding:
    (finding,) = of(check, facts)
    return finding
