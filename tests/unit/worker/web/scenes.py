"""Reports as passes leave them, said in few words."""

from typing import Any

from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from worker.core.passes import Event, Kind
from worker.web.status import Snapshot

NOW = 1_000_000.0


def target(model="llama3:8b", condition=Condition.WARM, **more):
    given: dict[str, Any] = {
        "wanted": model,
        "since": NOW - 100,
        "is_ready": condition is Condition.WARM,
    } | more
    return TargetReport(model=model, condition=condition, **given)


def host(name="gpu-1", *targets, age_s=2.0, **more):
    given: dict[str, Any] = {
        "url": f"http://{name}:11434",
        "tick_s": 10,
        "enabled": True,
        "state": HostState.UP,
    } | more
    return HostReport(host=name, at=NOW - age_s, targets=targets, **given)


def snapshot(*reports, **more):
    return Snapshot(now=NOW, reports=reports, **more)


def event(age_s, after, before=None, **more):
    given: dict[str, Any] = {
        "host": "gpu-1",
        "model": "llama3:8b",
        "kind": Kind.CHANGED,
    } | more
    return Event(at=NOW - age_s, before=before, after=after, **given)
