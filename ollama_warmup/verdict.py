"""Whether an application's models are ready, judged from what the last pass saw.

Pure: reports and the time go in, what a health route answers comes out.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus

from ollama_warmup import durations
from ollama_warmup.names import Name, parse
from ollama_warmup.report import Condition, HostReport, TargetReport

TICKS = 3
"""A report older than so many passes says nothing about now."""
PAUSE_S = 10
"""What Retry-After says where no report tells the tick; its default, seconds."""
_NAMED = 3
"""Targets that a sentence names; the others are counted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched(TargetReport):
    """A target's report, and the host that it is about."""

    host: str

    def as_json(self) -> dict[str, object]:
        """What tells something, for a health route."""
        told = {
            "host": self.host,
            "model": self.model,
            "condition": self.condition.value,
            "is_ready": self.is_ready,
        }
        more = {
            "why": self.why or None,
            "elapsed_s": self.elapsed_s,
            "expected_s": self.expected_s,
        }
        return told | {name: value for name, value in more.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """What a health route answers."""

    ready: bool
    status: int
    """Of HTTP: 200, 503, or 404 for a model that nobody declared."""
    why: str
    """A sentence for people."""
    retry_after_s: int | None = None
    """How long it takes at least, whole seconds; None = unknown."""
    pause_s: int = PAUSE_S
    """When to ask again if that is unknown: after the next pass, seconds."""
    targets: tuple[Watched, ...] = ()
    """Those that count for this answer."""

    @property
    def cold(self) -> tuple[Watched, ...]:
        """The targets that a warm-up would help."""
        if self.ready:
            return ()
        return tuple(t for t in self.targets if t.condition is Condition.COLD)

    def as_json(self) -> dict[str, object]:
        """The body of the answer."""
        body: dict[str, object] = {"ready": self.ready, "why": self.why}
        if self.retry_after_s is not None:
            body["retry_after_s"] = self.retry_after_s
        return body | {"targets": [target.as_json() for target in self.targets]}

    def headers(self) -> dict[str, str]:
        """Retry-After, as long as asking again makes sense."""
        if self.status != HTTPStatus.SERVICE_UNAVAILABLE:
            return {}
        return {"Retry-After": str(self.retry_after_s or self.pause_s)}


def not_ready(why: str, *, status: int = HTTPStatus.SERVICE_UNAVAILABLE) -> Readiness:
    """Answer without a report that tells more."""
    return Readiness(ready=False, status=int(status), why=why)


def judge(
    reports: Sequence[HostReport], *, model: Name | None, now: float
) -> Readiness:
    """Judge what the last pass saw.

    (1) Nobody looked within the last ticks: not observed.
    (2) Nothing is declared.
    (3) The model that is asked for is not declared.
    (4) For a model one host that has it is enough; without one every critical
        target counts, and if none is marked so, every target.

    Args:
        reports: of all hosts.
        model: the one that is asked for; None = all that are wanted.
        now: Unix seconds, by the clock of the reports.
    """
    if all(is_stale(report, now) for report in reports):  # (1)
        return not_ready(_not_observed(reports))
    wanted = tuple(watched for r in reports for watched in _watched(r, now))
    if not wanted:  # (2)
        return not_ready(
            "nothing is wanted: set OLLAMA_WARMUP_MODELS for the worker, such as "
            "OLLAMA_WARMUP_MODELS=llama3:8b"
        )
    if model is not None:
        asked = tuple(t for t in wanted if parse(t.model).normal == model.normal)
        if not asked:  # (3)
            return not_ready(_not_declared(model), status=HTTPStatus.NOT_FOUND)
        return _answer(asked, reports, now, one_is_enough=True)  # (4)
    counted = tuple(t for t in wanted if t.critical) or wanted
    return _answer(counted, reports, now, one_is_enough=False)


def _answer(
    targets: tuple[Watched, ...],
    reports: Sequence[HostReport],
    now: float,
    *,
    one_is_enough: bool,
) -> Readiness:
    pause_s = math.ceil(min(report.tick_s for report in reports))
    if (any if one_is_enough else all)(target.is_ready for target in targets):
        return Readiness(
            ready=True,
            status=int(HTTPStatus.OK),
            why="ready",
            pause_s=pause_s,
            targets=targets,
        )
    ages_s = {report.host: now - report.at for report in reports}
    lefts_s = [left for t in targets if (left := _left_s(t, ages_s[t.host])) > 0]
    left_s = (min if one_is_enough else max)(lefts_s, default=0)
    return Readiness(
        ready=False,
        status=int(HTTPStatus.SERVICE_UNAVAILABLE),
        why=_waited_for([target for target in targets if not target.is_ready]),
        retry_after_s=math.ceil(left_s) or None,
        pause_s=pause_s,
        targets=targets,
    )


def _left_s(target: Watched, age_s: float) -> float:
    """How long its load still takes, by its history; 0 or less: nobody knows."""
    if (
        target.condition is not Condition.LOADING
        or target.expected_s is None
        or target.elapsed_s is None
    ):
        return 0
    return target.expected_s - target.elapsed_s - age_s


def _watched(report: HostReport, now: float) -> list[Watched]:
    watched = [Watched(**asdict(t), host=report.host) for t in report.targets]
    if not is_stale(report, now):
        return watched
    why = f"not observed since {_instant(report.at)}"
    return [
        replace(
            target,
            condition=Condition.UNKNOWN,
            is_ready=False,
            why=why,
            expected_s=None,
            elapsed_s=None,
        )
        for target in watched
    ]


def is_stale(report: HostReport, now: float) -> bool:
    """Whether another report should have followed long ago."""
    return now - report.at > TICKS * report.tick_s


def _not_observed(reports: Sequence[HostReport]) -> str:
    if not reports:
        return (
            "not observed yet: are worker and beat running, with this process's "
            "OLLAMA_WARMUP_BROKER_URL and OLLAMA_WARMUP_NAMESPACE?"
        )
    last = max(report.at for report in reports)
    return f"not observed since {_instant(last)}: is beat running?"


def _not_declared(model: Name) -> str:
    return (
        f"{model.short} is not declared: add it to OLLAMA_WARMUP_MODELS of the "
        "worker to have it kept warm"
    )


def _waited_for(targets: Sequence[Watched]) -> str:
    told = [f"{t.model} on {t.host} is {_condition(t)}" for t in targets[:_NAMED]]
    rest = len(targets) - len(told)
    return "; ".join([*told, f"{rest} more are not ready"] if rest else told)


def _condition(target: Watched) -> str:
    if target.condition is Condition.LOADING and target.elapsed_s is not None:
        since = durations.format_short(target.elapsed_s)
        return f"loading since {since}"
    what = target.condition.value
    return f"{what} ({target.why})" if target.why else what


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
