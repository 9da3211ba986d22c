"""What Redis holds when Prometheus asks, and what Prometheus reads of it."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from ollama_warmup.report import Condition, HostReport, OtherReport
from tests.support.builders import NOW
from tests.support.host_reports import host_report, target_report
from worker import metrics
from worker.adapters.snapshot import Snapshot


def snapshot(
    *reports: HostReport,
    events: Mapping[str, float] | None = None,
    totals: Mapping[str, float] | None = None,
    paused: int = 0,
    queues: Mapping[str, int] | None = None,
) -> Snapshot:
    """What a scrape at `NOW` finds in Redis."""
    return Snapshot(
        now=NOW,
        reports=reports,
        events=events or {},
        totals=totals or {},
        paused=paused,
        queues=queues or {},
    )


FULL = snapshot(
    host_report(
        target_report(context_length=4096, left_s=60.0),
        target_report("phi3", Condition.LOADING, elapsed_s=3.0),
        others=(OtherReport(model="x", context_length=1, left_s=1.0),),
    ),
    queues={"ollama.control": 1},
)
"""A snapshot that gives every metric a value."""


def read(taken: Snapshot) -> dict[tuple[str, ...], float]:
    """Each series and its value, by (name, values of the labels, sorted by label)."""
    text = metrics.render(taken).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(taken: Snapshot, name: str) -> dict[tuple[str, ...], float]:
    """The series of one metric, by the values of its labels."""
    name = f"ollama_warmup_{name}"
    return {key[1:]: value for key, value in read(taken).items() if key[0] == name}
