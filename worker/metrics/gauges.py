"""What the last passes saw, as gauges. Pure."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from prometheus_client.metrics_core import GaugeMetricFamily, Metric

from ollama_warmup import verdict
from ollama_warmup.report import Condition, HostReport, HostState, TargetReport
from worker.adapters.snapshot import Snapshot
from worker.metrics.families import TARGET, Rows, gauge


def families(taken: Snapshot) -> Iterator[Metric]:
    """All gauges."""
    yield from _of_all(taken)
    yield from _of_hosts(taken)
    seen = [
        Seen.of(target, one, taken.now)
        for one in taken.reports
        for target in one.targets
    ]
    yield from _of_targets(seen)


def _of_all(taken: Snapshot) -> Iterator[Metric]:
    reports = taken.reports
    judged = verdict.judge(reports, model=None, now=taken.now)
    yield gauge(
        "ready",
        "Whether the critical targets (if none is marked: all) are ready, as health "
        "routes say.",
        [((), float(judged.ready))],
    )
    yield gauge(
        "enabled",
        "Whether passes act (OLLAMA_WARMUP_ENABLED), or observe only.",
        [((), float(any(one.enabled for one in reports)))],
    )
    yield gauge(
        "warm_list_problem",
        "Whether a changed warm list is wrong, so that the last one is in force.",
        [((), float(any(one.warm_list_problem for one in reports)))],
    )
    yield gauge("pauses", "Names that are paused.", [((), taken.paused)])
    yield gauge(
        "tick_seconds",
        "Time between two passes.",
        [((), max(one.tick_s for one in reports))] if reports else [],
    )
    yield gauge(
        "queue_length",
        "Messages that wait in a queue of Celery; those a worker has taken are out.",
        [((name,), length) for name, length in taken.queues.items()],
        labels=("queue",),
    )


def _of_hosts(taken: Snapshot) -> Iterator[Metric]:
    now, reports = taken.now, taken.reports
    yield gauge(
        "host_state",
        "1 for the state of a host: up, down (it refuses connections) or unknown.",
        [
            ((one.host, state.value), float(state is _state(one, now)))
            for one in reports
            for state in HostState
        ],
        labels=("host", "state"),
    )
    yield gauge(
        "pass_age_seconds",
        "Time since the last pass looked at a host.",
        [((one.host,), max(0.0, now - one.at)) for one in reports],
        labels=("host",),
    )
    yield gauge(
        "undeclared_models",
        "Models that are loaded on a host, and that the warm list does not name.",
        [((one.host,), len(one.others)) for one in reports],
        labels=("host",),
    )


def _state(one: HostReport, now: float) -> HostState:
    return HostState.UNKNOWN if verdict.is_stale(one, now) else one.state


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A target as of now, by the last pass."""

    host: str
    target: TargetReport
    condition: Condition
    """`unknown` if another pass should have looked long ago."""
    age_s: float
    """Of what the pass saw."""

    @classmethod
    def of(cls, target: TargetReport, one: HostReport, now: float) -> "Seen":
        """A target of a report."""
        is_stale = verdict.is_stale(one, now)
        return cls(
            host=one.host,
            target=target,
            condition=Condition.UNKNOWN if is_stale else target.condition,
            age_s=max(0.0, now - one.at),
        )

    @property
    def labels(self) -> tuple[str, str]:
        """Its host and its model."""
        return self.host, self.target.model

    @property
    def is_ready(self) -> float:
        """Whether a caller would meet it loaded as wanted."""
        return float(self.target.is_ready and self.condition is not Condition.UNKNOWN)

    @property
    def is_resident(self) -> float | None:
        """Whether it is loaded, with whatever options; None = nobody looked."""
        if self.condition in {Condition.UNKNOWN, Condition.ASLEEP}:
            return None
        told = (self.target.context_length, self.target.left_s)
        return float(self.target.is_forever or told != (None, None))

    @property
    def left_s(self) -> float | None:
        """Seconds until it is cold; None = nobody looked, or it is in use."""
        if not self.is_resident:
            return self.is_resident
        left_s = self.target.left_s
        if left_s is None:
            return math.inf
        return None if left_s < 0 else max(0.0, left_s - self.age_s)

    @property
    def elapsed_s(self) -> float | None:
        """Seconds since its load began; None = none is in flight."""
        if self.condition is not Condition.LOADING or self.target.elapsed_s is None:
            return None
        return self.target.elapsed_s + self.age_s


def _of_targets(targets: Sequence[Seen]) -> Iterator[Metric]:
    yield gauge(
        "target_condition",
        "1 for the condition of a target; docs/design.md has the words.",
        [
            ((*one.labels, condition.value), float(condition is one.condition))
            for one in targets
            for condition in Condition
        ],
        labels=(*TARGET, "condition"),
    )

    def each(
        name: str, documentation: str, value: Callable[[Seen], float | None]
    ) -> GaugeMetricFamily:
        return gauge(name, documentation, _told(targets, value), labels=TARGET)

    yield each(
        "target_ready",
        "Whether a caller would meet the model loaded as wanted.",
        lambda one: one.is_ready,
    )
    yield each(
        "target_resident",
        "Whether the model is loaded, with whatever options; no value if its host "
        "does not answer, or it is paused.",
        lambda one: one.is_resident,
    )
    yield each(
        "target_time_to_cold_seconds",
        "Time until the model's keep-alive runs out: 0 if it is not loaded, +Inf "
        "without a timer; no value while it is in use, or nobody can tell.",
        lambda one: one.left_s,
    )
    yield each(
        "load_elapsed_seconds",
        "Time since the load in flight of a target began; no value without one.",
        lambda one: one.elapsed_s,
    )


def _told(targets: Sequence[Seen], value: Callable[[Seen], float | None]) -> Rows:
    for one in targets:
        number = value(one)
        if number is not None:
            yield one.labels, number
