"""What a pass leaves: the memory for the next one, its events, its report. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from ollama_warmup.report import HostReport, HostState, OtherReport, TargetReport
from ollama_warmup.target import Target
from worker.core.domain import FOREVER, Unanswered
from worker.core.memory import Memory, Observed, Reason, Told
from worker.core.passes import Event, Kind, Plan, Pull, Rules, Seen, Touch, Verdict
from worker.core.stays import Stay


def tell(
    observed: Observed, plan: Plan, *, rules: Rules, host: str, now: float
) -> tuple[Memory, tuple[Event, ...]]:
    """The memory with what was said and sent in it, and what happened.

    Every change of a condition is an event, and so is the end of a residency even
    if a new one is there already.

    Args:
        observed: the look.
        plan: what was made of it.
        rules: the deployment's.
        host: its name.
        now: by the store's clock.
    """
    memory = observed.memory
    told = {
        v.target.key: _told(memory.told.get(v.target.key), v, now)
        for v in plan.verdicts
    }
    events = (*_changes(observed, plan, host=host, now=now), *plan.events)
    is_wedged = any(event.kind is Kind.WEDGED for event in plan.events)
    stays = dict(memory.stays)
    for digest, stay in memory.stays.items():
        is_short = stay.is_short(rules.tick_s)
        if is_short is not stay.is_short_told:
            stays[digest] = replace(stay, is_short_told=is_short)
    pulls = dict(memory.pulls)
    for action in plan.actions:
        if isinstance(action, Touch):
            stays[action.digest] = replace(stays[action.digest], asked_at=now)
        elif isinstance(action, Pull):
            pulls[action.target.key] = now
    after = replace(
        memory,
        told=told,
        stays=stays,
        pulls=pulls,
        wedged_at=now if is_wedged else memory.wedged_at,
    )
    return after, events


def _told(before: Told | None, verdict: Verdict, now: float) -> Told:
    if before is not None and before.condition is verdict.condition:
        return before
    return Told(condition=verdict.condition, since=now)


def _changes(
    observed: Observed, plan: Plan, *, host: str, now: float
) -> Iterator[Event]:
    for verdict in plan.verdicts:
        key = verdict.target.key
        old = observed.memory.told.get(key)
        reason = observed.reasons.get(key)
        if reason is None and old and old.condition is verdict.condition:
            continue
        reason = reason or Reason(kind=Kind.CHANGED, why=verdict.why)
        yield Event(
            at=now,
            host=host,
            model=verdict.target.model,
            kind=reason.kind,
            before=old.condition if old else None,
            after=verdict.condition,
            why=reason.why,
            evictors=reason.evictors,
        )


def sentence(event: Event) -> str:
    """An event as a line for people."""
    where = f"{event.model} on {event.host}"
    why = f": {event.why}" if event.why else ""
    if event.before == event.after:
        return f"{where} {event.kind.value.replace('_', ' ')}{why}"
    after = event.after.value if event.after else "gone"
    before = f" (was {event.before.value})" if event.before else ""
    return f"{where} is {after}{before}{why}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a report says beside the plan."""

    host: str
    url: str
    at: float
    rules: Rules
    warm_list_problem: str | None = None


def report(seen: Seen, plan: Plan, memory: Memory, *, frame: Frame) -> HostReport:
    """What everybody who looks is told of a host.

    Args:
        seen: what the pass saw.
        plan: what it made of it.
        memory: as `tell` returns it.
        frame: the rest.
    """
    is_up = not isinstance(seen.view, Unanswered)
    missing = HostState.DOWN if memory.is_down else HostState.UNKNOWN
    ours = set(memory.serves.values())
    others = [s for d, s in memory.stays.items() if d not in ours] if is_up else []
    return HostReport(
        host=frame.host,
        url=frame.url,
        at=frame.at,
        tick_s=frame.rules.tick_s,
        enabled=frame.rules.enabled,
        state=HostState.UP if is_up else missing,
        problem=seen.view.text if isinstance(seen.view, Unanswered) else None,
        warm_list_problem=frame.warm_list_problem,
        targets=tuple(
            _target(v, memory.told[v.target.key].since, _weights(v.target, seen))
            for v in plan.verdicts
        ),
        others=tuple(_other(stay) for stay in others),
    )


def _weights(target: Target, seen: Seen) -> str:
    """As `worker.loading` names them when it keeps how long a load took."""
    info = seen.infos.get(target.name.normal)
    return (info.blob or target.name.normal) if info else ""


def _target(verdict: Verdict, since: float, weights: str) -> TargetReport:
    target, left_s = verdict.target, verdict.left_s
    forever = left_s is not None and math.isinf(left_s)
    return TargetReport(
        model=target.model,
        wanted=target.wanted,
        condition=verdict.condition,
        since=since,
        why=verdict.why,
        is_ready=verdict.is_ready,
        priority=target.priority,
        critical=target.critical,
        context_length=verdict.resident.context_length if verdict.resident else None,
        wanted_context=verdict.wanted_context,
        left_s=None if forever else left_s,
        is_forever=forever,
        expected_s=verdict.expected_s,
        elapsed_s=verdict.elapsed_s,
        weights=weights,
    )


def _other(stay: Stay) -> OtherReport:
    forever = stay.left_s > FOREVER.total_seconds()
    return OtherReport(
        model=stay.name,
        context_length=stay.context_length,
        left_s=None if forever else stay.left_s,
    )
