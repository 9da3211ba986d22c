"""Shows what the last passes saw, and says what keeps them from seeing or acting."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from typing import Any

from ollama_warmup.report import (
    Condition,
    HostReport,
    HostState,
    OtherReport,
    TargetReport,
)
from ollama_warmup.verdict import is_stale
from worker.cli import choosing, joining, reports, spans, tables
from worker.cli.choosing import Choice
from worker.cli.reports import Reports

COMMAND = "ps"
READY, NOT_READY = 0, 1
"""Exit codes."""
HEADINGS = (
    *("HOST", "MODEL", "CONDITION", "SINCE", "CONTEXT", "UNTIL", "WANTED", "WHY"),
)


def run(words: Sequence[str], *, as_json: bool) -> int:
    """Show the chosen part of the last reports.

    Returns:
        The exit code.
    """

    def body() -> int:
        seen = reports.read(reports.open_store())
        chosen = choose(seen, choosing.choose(words, seen.known))
        if as_json:
            tables.document(document(chosen))
        else:
            tables.show(HEADINGS, rows(chosen))
            for sentence in advice(chosen):
                joining.complain(COMMAND, sentence)
        return exit_code(chosen)

    return joining.run(COMMAND, body)


def choose(seen: Reports, choice: Choice) -> Reports:
    """The part of reports that is meant."""
    hosts = (
        replace(
            host,
            targets=tuple(t for t in host.targets if choice.has(host.host, t.model)),
            others=tuple(o for o in host.others if choice.has(host.host, o.model)),
        )
        for host in seen.hosts
        if choice.has_host(host.host)
    )
    if choice.models:
        hosts = (host for host in hosts if host.targets or host.others)
    return replace(seen, hosts=tuple(hosts))


def exit_code(seen: Reports) -> int:
    """Whether all of it is ready, and can be believed."""
    if any(is_stale(host, seen.now) for host in seen.hosts):
        return joining.NO_REPORT
    is_ready = all(target.is_ready for host in seen.hosts for target in host.targets)
    return READY if is_ready else NOT_READY


def document(seen: Reports) -> dict[str, Any]:
    """For scripts: the reports with their age; fields of `ollama_warmup.report`."""
    return {
        "at": seen.now,
        "hosts": [
            asdict(host)
            | {
                "age_s": round(seen.now - host.at, 3),
                "is_old": is_stale(host, seen.now),
            }
            for host in seen.hosts
        ],
    }


def rows(seen: Reports) -> list[tables.Row]:
    """For people: targets, then what is loaded beside them, host by host."""
    return [row for host in seen.hosts for row in _of_host(host, seen.now)]


def _of_host(host: HostReport, now: float) -> Iterator[tables.Row]:
    age_s = now - host.at
    for target in host.targets:
        yield (
            host.host,
            target.model,
            tables.condition(target.condition),
            spans.age(now - target.since),
            str(target.context_length or "-"),
            _until(target, age_s),
            _wanted(target),
            tables.plain(_why(host, target)),
        )
    for other in host.others:
        context, until = str(other.context_length or "-"), _until_of_other(other, age_s)
        yield host.host, other.model, "-", "-", context, until, "not wanted", ""
    if not host.targets and not host.others:
        is_up = host.state is HostState.UP
        why = "nothing is wanted, nothing is loaded" if is_up else _state(host)
        yield host.host, *("-",) * 6, why


def _wanted(target: TargetReport) -> str:
    """The options and the keep-alive that are wanted; the model stands beside it."""
    return target.wanted.partition("?")[2] or "yes"


def _until(target: TargetReport, age_s: float) -> str:
    if target.is_forever:
        return "Forever"
    return "-" if target.left_s is None else _left(target.left_s, age_s)


def _until_of_other(other: OtherReport, age_s: float) -> str:
    return "Forever" if other.left_s is None else _left(other.left_s, age_s)


def _left(left_s: float, age_s: float) -> str:
    """What is left by now of what was left when the host was looked at."""
    if left_s < 0:
        return "in use"
    return spans.from_now(left_s - age_s) if left_s > age_s else "about now"


def _why(host: HostReport, target: TargetReport) -> str:
    """The reason of an unknown target is its host's, and told once."""
    if target.condition is Condition.UNKNOWN and target.why == host.problem:
        return _state(host)
    return target.why


def _state(host: HostReport) -> str:
    if host.state is HostState.DOWN:
        return "its host is down"
    return "its host gave no answer"


def advice(seen: Reports) -> list[str]:
    """What a person should know beside the table, most important first."""
    return [
        *_on_old(seen),
        *(_on_problem(host) for host in seen.hosts if host.problem),
        *dict.fromkeys(
            f"the changed warm list is not taken up: {tables.plain(problem)}"
            for host in seen.hosts
            if (problem := host.warm_list_problem)
        ),
        *_on_enabled(seen),
    ]


def _on_problem(host: HostReport) -> str:
    """Most problems name their host."""
    problem = tables.plain(host.problem or "")
    return problem if problem.startswith(host.host) else f"{host.host}: {problem}"


def _on_old(seen: Reports) -> Iterator[str]:
    old = [host for host in seen.hosts if is_stale(host, seen.now)]
    if not old:
        return
    latest = max(host.at for host in old)
    what = ", ".join(host.host for host in old) if len(old) < len(seen.hosts) else ""
    yield (
        f"{what or 'nothing'} was {'not ' if what else ''}observed since "
        f"{spans.clock(latest)}, {spans.age(seen.now - latest)} ago: are beat and a "
        "worker of ollama.control running? `ollama-warmup up` starts both"
    )


def _on_enabled(seen: Reports) -> Iterator[str]:
    if any(host.targets and not host.enabled for host in seen.hosts):
        yield (
            "passes only observe, nothing is kept warm: start the workers with "
            "OLLAMA_WARMUP_ENABLED=true, `ollama-warmup plan` shows what they would do"
        )
