"""What Redis holds, said in few words, and what Prometheus reads of it."""

from prometheus_client.parser import text_string_to_metric_families

from ollama_warmup.report import (
    Condition,
    HostReport,
    HostState,
    OtherReport,
    TargetReport,
)
from worker import metrics
from worker.adapters.snapshot import Snapshot

NOW = 1_800_000_000.0


def target(model="llama3:8b", condition=Condition.WARM, **more):
    return TargetReport(
        model=model,
        wanted=model,
        condition=condition,
        since=NOW - 60,
        is_ready=condition is Condition.WARM,
        **more,
    )


def host(*targets, name="gpu-1", age_s=2.0, **more):
    return HostReport(
        host=name,
        url="http://10.0.0.5:11434",
        at=NOW - age_s,
        tick_s=10.0,
        enabled=True,
        targets=targets,
        **({"state": HostState.UP} | more),
    )


def snapshot(*reports, events=None, totals=None, paused=0, queues=None):
    return Snapshot(
        now=NOW,
        reports=reports,
        events=events or {},
        totals=totals or {},
        paused=paused,
        queues=queues or {},
    )


FULL = snapshot(
    host(
        target(context_length=4096, left_s=60.0),
        target("phi3", Condition.LOADING, elapsed_s=3.0),
        others=(OtherReport(model="x", context_length=1, left_s=1.0),),
    ),
    queues={"ollama.control": 1},
)
"""With a value of every metric."""


def read(taken):
    """Each series and its value, as (name, labels in order of the alphabet)."""
    text = metrics.render(taken).decode()
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def of(taken, name):
    """The series of one metric, without its name."""
    name = f"ollama_warmup_{name}"
    return {key[1:]: value for key, value in read(taken).items() if key[0] == name}
