"""Metric families from rows of label values and numbers. Pure."""

from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily

PREFIX = "ollama_warmup_"
TARGET = ("host", "model")
"""The labels of what concerns a model on a host."""

Rows = Iterable[tuple[Sequence[str], float]]
"""The values of labels, and a number."""


def gauge(
    name: str, documentation: str, rows: Rows, *, labels: Sequence[str] = ()
) -> GaugeMetricFamily:
    """What goes up and down; without rows it is there, and has no value."""
    family = GaugeMetricFamily(PREFIX + name, documentation, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family


def counter(
    name: str, documentation: str, rows: Rows, *, labels: Sequence[str] = ()
) -> CounterMetricFamily:
    """What only grows; `_total` is put behind its name."""
    family = CounterMetricFamily(PREFIX + name, documentation, labels=labels)
    for values, number in rows:
        family.add_metric(values, number)
    return family
