"""Builders of what a pass leaves for others: reports of hosts and targets, and events.

The defaults make a host that was looked at two seconds before `NOW`, and a target
that is warm since a minute; a test states what differs.
"""

from typing import Any

from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from tests.support.builders import NOW
from worker.core.passes import Event, Kind


def target_report(
    model: str = "llama3:8b", condition: Condition = Condition.WARM, **more: Any
) -> TargetReport:
    """The report of a target; it is ready if it is warm, unless `more` says so."""
    given: dict[str, Any] = {
        "wanted": model,
        "since": NOW - 60,
        "is_ready": condition is Condition.WARM,
    }
    return TargetReport(model=model, condition=condition, **given | more)


def host_report(
    *targets: TargetReport, name: str = "gpu-1", age_s: float = 2.0, **more: Any
) -> HostReport:
    """The report of a host that was looked at `age_s` before `NOW`."""
    given: dict[str, Any] = {
        "url": f"http://{name}:11434",
        "tick_s": 10.0,
        "enabled": True,
        "state": HostState.UP,
    }
    return HostReport(host=name, at=NOW - age_s, targets=targets, **given | more)


def event(
    age_s: float = 60.0,
    after: Condition | None = None,
    before: Condition | None = None,
    **more: Any,
) -> Event:
    """An event of `llama3:8b` on `gpu-1` that happened `age_s` before `NOW`.

    Without a `kind` it is a change of the condition from `before` to `after`.
    """
    given: dict[str, Any] = {
        "at": NOW - age_s,
        "host": "gpu-1",
        "model": "llama3:8b",
        "kind": Kind.CHANGED,
    }
    return Event(before=before, after=after, **given | more)
