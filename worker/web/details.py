"""What `/status` tells of the hosts and targets that it shows. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from statistics import median

from ollama_warmup import verdict
from ollama_warmup.report import Condition, HostReport, OtherReport, TargetReport
from worker.core.passes import Event, Kind
from worker.core.pauses import ALL
from worker.web import status, timeline
from worker.web.chronicle import Chronicle
from worker.web.shapes import (
    Happened,
    HostStatus,
    Loads,
    OtherStatus,
    Status,
    TargetStatus,
)
from worker.web.status import Chosen, Snapshot
from worker.web.timeline import Window

OTHERS_SHOWN = 8
EVENTS_SHOWN = 12
EVENTS_SEARCHED = 2_000
History = tuple[str, str, int]
"""Host, weights and context, by which the seconds of loads are kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What is known of earlier times."""

    chronicle: Chronicle
    histories: Mapping[History, Sequence[float]] = field(default_factory=dict)
    """Seconds of loads, the last one first."""


def histories(chosen: Chosen) -> list[History]:
    """By what the loads of the targets that are shown are kept, as far as is told."""
    pairs = ((host.host, target) for host in chosen.hosts for target in host.targets)
    return [known for pair in pairs if (known := _history(*pair))]


def _history(host: str, target: TargetReport) -> History | None:
    meant = status.meaning(host, target.wanted)
    if not meant or not target.weights:
        return None
    return host, target.weights, meant.options.num_ctx or 0


def fill(
    frame: Status, snapshot: Snapshot, chosen: Chosen, past: Past, *, find: str
) -> Status:
    """The whole answer.

    Args:
        frame: of `status.overview`.
        snapshot: what Redis held.
        chosen: what is shown.
        past: what is known of earlier times.
        find: the words that are looked for.
    """
    window = timeline.window(past.chronicle.oldest_at, now=snapshot.now)
    page = _Page(snapshot=snapshot, chosen=chosen, past=past, window=window)
    return replace(
        frame,
        found=chosen.found,
        shown=sum(len(host.targets) for host in chosen.hosts),
        window_s=window.end - window.start,
        hosts=[page.host(report) for report in chosen.hosts],
        events=[happened(event) for event in _newest(past.chronicle, find)],
    )


def _newest(chronicle: Chronicle, find: str) -> list[Event]:
    """The last events that hold each word; a load is told by its end alone."""
    words = find.lower().split()
    meant = (
        event
        for event in chronicle.newest(EVENTS_SEARCHED)
        if not _is_on_its_way(event) and all(word in _words(event) for word in words)
    )
    return list(islice(meant, EVENTS_SHOWN))


def _is_on_its_way(event: Event) -> bool:
    return event.kind is Kind.CHANGED and event.after in _WAY


_WAY = frozenset({Condition.QUEUED, Condition.LOADING})


def _words(event: Event) -> str:
    after = event.after.value if event.after else ""
    return f"{event.host} {event.model} {after} {event.kind.value}".lower()


def happened(event: Event) -> Happened:
    """An event as it is shown."""
    return Happened(
        at=event.at,
        host=event.host,
        model=event.model,
        kind=event.kind,
        before=event.before,
        after=event.after,
        why=status.text(event.why),
        evictors=event.evictors,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """What one answer is made from."""

    snapshot: Snapshot
    chosen: Chosen
    past: Past
    window: Window

    def host(self, report: HostReport) -> HostStatus:
        return HostStatus(
            host=report.host,
            url=status.text(report.url),
            at=report.at,
            is_old=verdict.is_stale(report, self.snapshot.now),
            state=report.state,
            problem=status.text(report.problem),
            is_paused=bool(self.snapshot.paused & {ALL, report.host}),
            targets=[self._target(report, target) for target in report.targets],
            left_out=self.chosen.left_out[report.host],
            others=[_other(o, report.at) for o in report.others[:OTHERS_SHOWN]],
        )

    def _target(self, report: HostReport, target: TargetReport) -> TargetStatus:
        events = self.past.chronicle.of(report.host, target.model)
        goes_at, is_busy = _timer(target.left_s, report.at)
        return TargetStatus(
            model=target.model,
            wanted=target.wanted,
            condition=target.condition,
            since=target.since,
            why=_but(report.problem, target.why),
            is_ready=target.is_ready,
            critical=target.critical,
            priority=target.priority,
            context_length=target.context_length,
            wanted_context=target.wanted_context,
            goes_at=goes_at,
            is_busy=is_busy,
            is_forever=target.is_forever,
            expected_s=target.expected_s,
            loads=self._loads(report.host, target),
            last_event=_last(events, report),
            timeline=timeline.steps(
                events, target.condition, target.since, window=self.window
            ),
        )

    def _loads(self, host: str, target: TargetReport) -> Loads | None:
        kept = _history(host, target)
        seconds = self.past.histories.get(kept) if kept else None
        if not seconds:
            return None
        middle_s = round(median(seconds), 3)
        return Loads(last_s=seconds[0], median_s=middle_s, count=len(seconds))


def _last(events: Sequence[Event], report: HostReport) -> Happened | None:
    told = next((e for e in reversed(events) if not _is_on_its_way(e)), None)
    if told is None:
        return None
    return replace(happened(told), why=_but(report.problem, told.why))


def _but(problem: str | None, why: str) -> str:
    """A reason, unless it is its host's, which is told once."""
    return "" if why == problem else status.text(why)


def _other(other: OtherReport, at: float) -> OtherStatus:
    goes_at, is_busy = _timer(other.left_s, at)
    return OtherStatus(
        model=other.model,
        context_length=other.context_length,
        goes_at=goes_at,
        is_busy=is_busy,
    )


def _timer(left_s: float | None, at: float) -> tuple[float | None, bool]:
    """When a timer runs out, and whether somebody holds it up."""
    if left_s is None or left_s < 0:
        return None, left_s is not None
    return at + left_s, False
