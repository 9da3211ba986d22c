"""What was counted, as counters: for what is declared, and for `other`. Pure."""

from collections.abc import Iterator, Sequence
from itertools import accumulate, product

from prometheus_client.metrics_core import (
    HistogramMetricFamily,
    Metric,
    SummaryMetricFamily,
)

from ollama_warmup import met, tally
from ollama_warmup.tally import OTHER, What
from worker.adapters.snapshot import Snapshot
from worker.core.counting import BUCKETS_S, Cause, LoadResult, TouchResult
from worker.core.passes import Kind
from worker.metrics.families import PREFIX, TARGET, Rows, counter

OF_HOSTS = {
    Kind.WEDGED: (
        "wedges",
        "Times that every load of a host hung (ollama issue 17408).",
    ),
    Kind.CURED: ("wedge_cures", "Models that were let go to free a wedged host."),
}
"""Events that concern a host as a whole."""

Pair = tuple[str, str]
"""A host and a model."""


def families(taken: Snapshot) -> Iterator[Metric]:
    """All counters: each with a value from the start, so that no first one is lost."""
    yield from _events(taken)
    declared = _declared(taken)
    hosts = [one.host for one in taken.reports]
    loaded = list(dict.fromkeys([*declared, *((host, OTHER) for host in hosts)]))
    yield counter(
        "loads",
        "Loads of ours that ended, by who asked for them; result = success, or the "
        "kind of error.",
        _rows(taken, What.LOAD, [tuple(Cause), tuple(LoadResult)], loaded),
        labels=(*TARGET, "cause", "result"),
    )
    yield _load_seconds(taken, declared)
    yield counter(
        "touches",
        "Touches that restarted the timer of a target, or had to load it, or failed.",
        _rows(taken, What.TOUCH, [tuple(TouchResult)], declared),
        labels=(*TARGET, "result"),
    )
    elsewhere = [(OTHER, model) for model in sorted({m for _, m in declared})]
    called = [*loaded, *elsewhere, (OTHER, OTHER)]
    yield counter(
        "application_calls",
        "Calls of applications that answered, by what they met: a warm model, or a "
        "cold one that they had to wait for.",
        _rows(taken, What.CALL, [(met.WARM, met.COLD)], list(dict.fromkeys(called))),
        labels=(*TARGET, "met"),
    )
    yield counter(
        "application_calls_dropped",
        "Calls of applications that could not be counted, as Redis was away.",
        [((), taken.totals.get(tally.field(What.DROPPED), 0.0))],
    )
    yield _pass_seconds(taken)


def _declared(taken: Snapshot) -> list[Pair]:
    return [(one.host, t.model) for one in taken.reports for t in one.targets]


def _events(taken: Snapshot) -> Iterator[Metric]:
    of_targets = [kind for kind in Kind if kind not in OF_HOSTS]
    yield counter(
        "events",
        "What happened to a target, by kind, as `ollama-warmup events` tells it.",
        [
            ((*pair, kind.value), taken.events.get("|".join((kind.value, *pair)), 0.0))
            for pair in _declared(taken)
            for kind in of_targets
        ],
        labels=(*TARGET, "kind"),
    )
    sums: dict[Pair, float] = {}
    for name, number in taken.events.items():
        kind, host, _ = name.split("|", 2)
        sums[kind, host] = sums.get((kind, host), 0.0) + number
    for kind, (name, documentation) in OF_HOSTS.items():
        yield counter(
            name,
            documentation,
            [
                ((one.host,), sums.get((kind.value, one.host), 0.0))
                for one in taken.reports
            ],
            labels=("host",),
        )


def _rows(
    taken: Snapshot,
    what: What,
    words: Sequence[Sequence[str]],
    pairs: Sequence[Pair],
) -> Rows:
    """A row for each pair and each combination of words."""
    for (host, model), said in product(pairs, list(product(*words))):
        name = tally.field(what, *said, host=host, model=model)
        yield (host, model, *said), taken.totals.get(name, 0.0)


def _load_seconds(taken: Snapshot, pairs: Sequence[Pair]) -> HistogramMetricFamily:
    family = HistogramMetricFamily(
        PREFIX + "load_duration_seconds",
        "Time that loads of ours took which did well, as Ollama tells it: queueing and "
        "evictions included.",
        labels=TARGET,
    )
    bounds = [*(f"{bound:g}" for bound in BUCKETS_S), "inf"]

    def total(word: str, pair: Pair) -> float:
        name = tally.field(What.LOAD_S, word, host=pair[0], model=pair[1])
        return taken.totals.get(name, 0.0)

    shown = [*(str(bound) for bound in BUCKETS_S), "+Inf"]
    for pair in pairs:
        numbers = accumulate(total(bound, pair) for bound in bounds)
        family.add_metric(
            pair,
            buckets=list(zip(shown, numbers, strict=True)),
            sum_value=total(tally.SUM, pair),
        )
    return family


def _pass_seconds(taken: Snapshot) -> SummaryMetricFamily:
    count = taken.totals.get(tally.field(What.PASSES, "count"), 0.0)
    return SummaryMetricFamily(
        PREFIX + "pass_duration_seconds",
        "Time that passes over all hosts took.",
        count_value=int(count),
        sum_value=taken.totals.get(tally.field(What.PASSES, tally.SUM), 0.0),
    )
