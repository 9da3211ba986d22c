"""Shows what a pass would do now, from a preview that changes nothing."""

import math
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from typing import Any

from ollama_warmup import warmlist
from ollama_warmup.durations import format_short
from ollama_warmup.errors import UnknownHost
from ollama_warmup.report import Condition, HostReport
from worker import reconcile, runtime
from worker.cli import joining, tables
from worker.core.domain import Unanswered
from worker.core.passes import Action, Cure, Kind, Pull, Touch, Verdict, Warm
from worker.reconcile import Glance

COMMAND = "plan"
SHOWN = 0
"""Exit code."""
HEADINGS = ("HOST", "MODEL", "CONDITION", "ACTION", "WHY")


def run(host: str | None, *, as_json: bool) -> int:
    """Show the plan for one host, or all of them.

    Returns:
        The exit code.
    """

    def body() -> int:
        if host is not None:
            _check(host)
        glances = reconcile.preview(runtime.deps(), host=host)
        is_enabled = runtime.rules().enabled
        if as_json:
            tables.document(document(glances, is_enabled=is_enabled))
            return SHOWN
        tables.show(HEADINGS, rows(glances))
        lists = advice(glances, _reports(), is_enabled=is_enabled)
        for sentence in lists:
            joining.complain(COMMAND, sentence)
        return SHOWN

    return joining.run(COMMAND, body)


def _check(host: str) -> None:
    hosts = list(warmlist.current().hosts)
    if host in hosts:
        return
    near = get_close_matches(host, hosts, n=1)
    hint = f"did you mean {near[0]}?" if near else f"the hosts are {', '.join(hosts)}"
    raise UnknownHost(f"host {host!r} is not configured in this environment: {hint}")


def _reports() -> list[HostReport]:
    try:
        return runtime.passes().reports()
    except ValueError:  # of another release; only a comparison is lost
        return []


def rows(glances: Sequence[Glance]) -> list[tables.Row]:
    """For people: what is let go, then the targets, host by host."""
    return [row for glance in glances for row in _of_host(glance)]


def _of_host(glance: Glance) -> Iterator[tables.Row]:
    host = glance.host.name
    for cure in _cures(glance):
        yield host, cure.resident, "-", "cure", tables.plain(_why_cure(glance))
    for verdict in glance.plan.verdicts:
        action = _action(glance, verdict)
        yield (
            host,
            verdict.target.model,
            tables.condition(_condition(verdict, action)),
            _words(action),
            tables.plain(_why(glance, verdict, action)),
        )
    if not glance.plan.verdicts:
        view = glance.seen.view
        why = view.text if isinstance(view, Unanswered) else "nothing is wanted of it"
        yield host, "-", "-", "nothing", tables.plain(why)


def _cures(glance: Glance) -> list[Cure]:
    return [action for action in glance.plan.actions if isinstance(action, Cure)]


def _why_cure(glance: Glance) -> str:
    told = (e for e in glance.plan.events if e.kind is Kind.WEDGED)
    return next((f"{e.model}: {e.why}" for e in told), "the host is wedged")


def _action(glance: Glance, verdict: Verdict) -> Warm | Touch | Pull | None:
    """What would be sent for a target."""
    for action in glance.plan.actions:
        if not isinstance(action, Cure) and action.target.key == verdict.target.key:
            return action
    return None


def _condition(verdict: Verdict, action: Action | None) -> Condition:
    """A pass says queued when it sends a load; here none is sent."""
    return Condition.COLD if isinstance(action, Warm) else verdict.condition


def _words(action: Action | None) -> str:
    if isinstance(action, Touch) and action.num_ctx is not None:
        return f"touch (num_ctx {action.num_ctx})"
    return type(action).__name__.lower() if action else "nothing"


def _why(glance: Glance, verdict: Verdict, action: Action | None) -> str:
    if isinstance(action, Warm):
        reason = glance.observed.reasons.get(verdict.target.key)
        return reason.why if reason else "not loaded"
    if isinstance(action, Touch):
        return "; ".join(filter(None, (verdict.why, _why_touch(action))))
    return verdict.why


def _why_touch(touch: Touch) -> str:
    if math.isinf(touch.left_s):
        return "it has answered nobody for an hour"
    return f"it would go in {format_short(max(touch.left_s, 0.0))}"


def advice(
    glances: Sequence[Glance], reports: Sequence[HostReport], *, is_enabled: bool
) -> list[str]:
    """What a person should know beside the plan.

    Args:
        glances: the plan.
        reports: of the last passes; may be none.
        is_enabled: whether passes act.
    """
    told = []
    if not is_enabled:
        told.append(
            "passes are not enabled and only observe; this is what they would do with "
            "OLLAMA_WARMUP_ENABLED=true in the environment of the workers"
        )
    if not any(glance.plan.verdicts for glance in glances):
        told.append(
            "this environment wants nothing: is it that of the workers? "
            "OLLAMA_WARMUP_MODELS or OLLAMA_WARMUP_CONFIG names what is to be kept warm"
        )
    theirs = {(r.host, t.wanted) for r in reports for t in r.targets}
    others = [g.host.name for g in glances if _is_other(g, theirs, reports)]
    if others:
        told.append(
            f"the workers want other models of {', '.join(others)} than this "
            "environment: give it theirs, OLLAMA_HOST and OLLAMA_WARMUP_*"
        )
    return told


def _is_other(
    glance: Glance, theirs: set[tuple[str, str]], reports: Sequence[HostReport]
) -> bool:
    """Whether the last pass over a host had another warm list."""
    host = glance.host.name
    if not any(report.host == host for report in reports):
        return False
    ours = {(host, verdict.target.wanted) for verdict in glance.plan.verdicts}
    return ours != {row for row in theirs if row[0] == host}


def document(glances: Sequence[Glance], *, is_enabled: bool) -> dict[str, Any]:
    """For scripts.

    Args:
        glances: the plan.
        is_enabled: whether passes act; else nothing of it is done.
    """
    return {"enabled": is_enabled, "hosts": [_host(glance) for glance in glances]}


def _host(glance: Glance) -> dict[str, Any]:
    view = glance.seen.view
    return {
        "host": glance.host.name,
        "problem": view.text if isinstance(view, Unanswered) else None,
        "cures": [
            {"model": cure.resident, "why": _why_cure(glance)}
            for cure in _cures(glance)
        ],
        "targets": [_target(glance, verdict) for verdict in glance.plan.verdicts],
    }


def _target(glance: Glance, verdict: Verdict) -> dict[str, Any]:
    action = _action(glance, verdict)
    return {
        "model": verdict.target.model,
        "wanted": verdict.target.wanted,
        "condition": _condition(verdict, action).value,
        "is_ready": verdict.is_ready,
        "action": type(action).__name__.lower() if action else None,
        "num_ctx": action.num_ctx if isinstance(action, Touch) else None,
        "why": _why(glance, verdict, action),
    }
