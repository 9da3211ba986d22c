"""From what Redis holds to what `/status` answers: chosen, bounded, in order. Pure."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache

from ollama_warmup import request, verdict
from ollama_warmup.errors import BadRequest
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from ollama_warmup.target import Target
from worker.core import pauses
from worker.core.domain import Holder
from worker.web.shapes import Paused, Status

PROBLEMS = frozenset(
    (
        *(Condition.FAILING, Condition.UNKNOWN, Condition.CONTESTED),
        *(Condition.UNFIT, Condition.DRIFTED),
    )
)
"""What a person may want to look into."""
UNDER_WAY = frozenset({Condition.COLD, Condition.QUEUED, Condition.LOADING})
"""What passes see to."""
LONGEST = 300
"""Characters of a sentence that is shown."""
PAUSED_SHOWN = 50
_LOGIN = re.compile(r"(?<=//)[^/\s]*@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What Redis held at one instant."""

    now: float
    reports: tuple[HostReport, ...] = ()
    paused: frozenset[str] = frozenset()
    holders: Mapping[str, Holder] = field(default_factory=dict)
    """Who has the lane, by host."""
    problem: str = ""
    """Why there are no reports, if that has a reason of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What is looked for, and how many targets of it are shown."""

    find: str = ""
    """Words; a target is meant if its host, model and condition hold each of them."""
    limit: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The hosts and targets that are shown, in order."""

    hosts: tuple[HostReport, ...]
    """With the targets that are shown of them."""
    left_out: Mapping[str, int]
    """Targets of a host that are meant and not shown."""
    found: int


def current(snapshot: Snapshot) -> tuple[HostReport, ...]:
    """The reports as they are by now.

    A load that has begun since is told by the lane of its host; a report that is too
    old says nothing any more, as for readiness.
    """
    return tuple(_current(report, snapshot) for report in snapshot.reports)


def _current(report: HostReport, snapshot: Snapshot) -> HostReport:
    if verdict.is_stale(report, snapshot.now):
        targets = tuple(_unknown(target, report.at) for target in report.targets)
        return replace(report, targets=targets, others=())
    holder = snapshot.holders.get(report.host)
    if holder is None:
        return report
    targets = tuple(
        _loading(target, holder, snapshot.now)
        if (meant := meaning(report.host, target.wanted)) and meant.key == holder.key
        else target
        for target in report.targets
    )
    return replace(report, targets=targets)


def _unknown(target: TargetReport, at: float) -> TargetReport:
    return replace(
        target,
        condition=Condition.UNKNOWN,
        since=at,
        why=f"not observed since {_instant(at)}",
        is_ready=False,
        left_s=None,
        is_forever=False,
        expected_s=None,
        elapsed_s=None,
    )


def _loading(target: TargetReport, holder: Holder, now: float) -> TargetReport:
    return replace(
        target,
        condition=Condition.LOADING,
        since=min(holder.began_at, now),
        why="",
        is_ready=False,
        left_s=None,
        is_forever=False,
        expected_s=holder.expected_s,
        elapsed_s=max(0.0, now - holder.began_at),
    )


@lru_cache(maxsize=16_384)
def meaning(host: str, wanted: str) -> Target | None:
    """The target that a report means; None = another release wrote it otherwise."""
    try:
        return Target.of(request.parse(wanted), host=host)
    except BadRequest:
        return None


def choose(reports: Sequence[HostReport], looked: Looked) -> Chosen:
    """The targets that are meant, those of hosts with a problem first, up to a limit.

    What passes see to comes before the rest only where not all can be shown: else a
    load would move its host up and down before the eyes of who looks.
    """
    words = looked.find.lower().split()
    meant = [_meant(report, words) for report in reports]
    meant = [report for report in meant if report.targets or not words]
    found = sum(len(report.targets) for report in meant)
    is_cut = found > looked.limit
    meant.sort(key=lambda report: (_rank(report, is_cut=is_cut), natural(report.host)))
    hosts: list[HostReport] = []
    left_out: dict[str, int] = {}
    room = looked.limit
    for report in meant:
        if room <= 0 and hosts:
            break
        shown = report.targets[:room]
        hosts.append(replace(report, targets=shown))
        left_out[report.host] = len(report.targets) - len(shown)
        room -= max(len(shown), 1)
    return Chosen(hosts=tuple(hosts), left_out=left_out, found=found)


def _meant(report: HostReport, words: Sequence[str]) -> HostReport:
    if not words:
        return report
    targets = tuple(t for t in report.targets if is_meant(report.host, t, words))
    return replace(report, targets=targets)


def is_meant(host: str, target: TargetReport, words: Sequence[str]) -> bool:
    """Whether a target has every word, all in lower case."""
    text = f"{host} {target.model} {target.condition.value}".lower()
    return all(word in text for word in words)


def _rank(report: HostReport, *, is_cut: bool) -> int:
    conditions = {target.condition for target in report.targets}
    if report.state is not HostState.UP or conditions & PROBLEMS:
        return 0
    return 1 if is_cut and conditions & UNDER_WAY else 2


def natural(name: str) -> list[str | int]:
    """To sort by, with gpu-2 before gpu-10."""
    parts = re.split(r"(\d+)", name)
    return [int(part) if i % 2 else part for i, part in enumerate(parts)]


def overview(snapshot: Snapshot, reports: Sequence[HostReport]) -> Status:
    """What holds of all targets, whatever is looked for; nothing is shown of it yet.

    Args:
        snapshot: what Redis held.
        reports: of `current`.
    """
    targets = [target for report in reports for target in report.targets]
    counted = Counter(target.condition for target in targets)
    return Status(
        now=snapshot.now,
        observed_at=max((report.at for report in reports), default=None),
        is_observed=any(not verdict.is_stale(r, snapshot.now) for r in reports),
        notices=list(_notices(snapshot)),
        counts={c: counted[c] for c in Condition if counted[c]},
        ready=sum(target.is_ready for target in targets),
        total=len(targets),
        hosts_total=len(reports),
        found=0,
        shown=0,
        paused=paused(snapshot.paused),
        window_s=0.0,
        hosts=[],
        events=[],
    )


def _notices(snapshot: Snapshot) -> Iterator[str]:
    reports, now = snapshot.reports, snapshot.now
    if snapshot.problem:
        yield snapshot.problem
    elif not reports:
        yield (
            "Not observed yet: are beat and a worker of ollama.control running, with "
            "this service's OLLAMA_WARMUP_BROKER_URL and OLLAMA_WARMUP_NAMESPACE?"
        )
    elif all(verdict.is_stale(report, now) for report in reports):
        yield (
            f"Not observed since {_instant(max(report.at for report in reports))}: are "
            "beat and a worker of ollama.control running?"
        )
    problems = dict.fromkeys(r.warm_list_problem for r in reports)
    yield from (
        f"The changed warm list is not taken up: {text(problem)}"
        for problem in list(filter(None, problems))[:3]
    )
    if any(report.targets and not report.enabled for report in reports):
        yield (
            "Passes only observe, nothing is kept warm: start the workers with "
            "OLLAMA_WARMUP_ENABLED=true."
        )


def paused(rest: Collection[str]) -> list[Paused]:
    """What passes leave alone, as it is shown."""
    listed = sorted(rest)[:PAUSED_SHOWN]
    return [Paused(name=name, shown=pauses.shown(name)) for name in listed]


def _instant(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def text(told: str | None) -> str:
    """A sentence as it may be shown: bounded, and without a login in a URL."""
    told = _LOGIN.sub("", told or "")
    return told if len(told) <= LONGEST else told[: LONGEST - 1] + "…"
