from contextlib import contextmanager

import pytest

from ollama_warmup.report import Condition, OtherReport
from tests.support.builders import NOW
from tests.support.host_reports import event, host_report, target_report
from worker.adapters.eventlog import Entry
from worker.core.passes import Kind
from worker.web import details, status
from worker.web.chronicle import Chronicle
from worker.web.details import Past
from worker.web.status import Looked, Snapshot


class Log:
    """An event log of the tests: what is kept, and what comes."""

    def __init__(self, *events):
        self.entries = [Entry(id=f"1-{n}", event=e) for n, e in enumerate(events)]
        self.coming: list[Entry] = []

    def backwards(self):
        return reversed(self.entries)

    def after(self, _last, *, wait_s):
        assert wait_s > 0
        coming, self.coming = self.coming, []
        return coming


def chronicle(*events):
    kept = Chronicle(Log(*events))  # type: ignore[arg-type] # of the tests
    kept.refresh()
    return kept


def seen(*reports, events=(), histories=None, find="", **more):
    at = Snapshot(now=NOW, reports=reports, **more)
    chosen = status.choose(reports, Looked(find=find))
    past = Past(chronicle=chronicle(*events), histories=histories or {})
    return details.fill(status.overview(at, reports), at, chosen, past, find=find)


def only(answer):
    [shown] = [t for h in answer.hosts for t in h.targets]
    return shown


@pytest.mark.parametrize(
    ("more", "goes_at", "is_busy"),
    [
        ({"left_s": 300.0}, NOW - 2 + 300, False),
        ({"left_s": -4.0}, None, True),
        ({}, None, False),
        ({"is_forever": True}, None, False),
    ],
)
def test_the_end_of_a_timer_is_shown_as_an_instant(more, goes_at, is_busy):
    shown = only(seen(host_report(target_report(**more))))

    assert (shown.goes_at, shown.is_busy) == (goes_at, is_busy)


def test_the_loads_of_a_target_are_those_of_its_weights_and_context():
    wanted = target_report(wanted="llama3:8b?num_ctx=8192", weights="sha256-1")
    report = host_report(wanted, target_report("other"))
    chosen = status.choose([report], Looked())

    kept = details.histories(chosen)
    answer = seen(report, histories={kept[0]: [8.0, 2.0, 3.0]})

    assert kept == [("gpu-1", "sha256-1", 8192)]
    loads, none = (t.loads for t in answer.hosts[0].targets)
    assert loads
    assert (loads.last_s, loads.median_s, loads.count) == (8.0, 3.0, 3)
    assert none is None


def test_a_target_is_shown_with_its_last_event_and_the_reason():
    old = event(500, Condition.WARM)
    new = event(9, Condition.COLD, Condition.WARM, kind=Kind.EVICTED, why="by mid")
    other = event(1, Condition.WARM, model="other")

    shown = only(seen(host_report(target_report()), events=[old, new, other]))

    assert shown.last_event
    assert (shown.last_event.kind, shown.last_event.why) == (Kind.EVICTED, "by mid")


def test_events_are_those_of_the_search_newest_first():
    events = [event(n, Condition.WARM, model=f"m{n % 2}") for n in range(60, 0, -1)]

    answer = seen(host_report(target_report("m1")), events=events, find="m1")

    assert [NOW - e.at for e in answer.events] == list(range(1, 24, 2))
    assert len(seen(host_report(), events=events).events) == details.EVENTS_SHOWN


def test_of_the_events_of_a_load_only_its_end_is_shown_but_every_loss_is():
    queued = event(9, Condition.QUEUED, Condition.COLD)
    loading = event(8, Condition.LOADING, Condition.QUEUED)
    warm = event(5, Condition.WARM, Condition.LOADING)
    lost = event(2, Condition.QUEUED, Condition.WARM, kind=Kind.LAPSED)

    answer = seen(host_report(target_report()), events=[queued, loading, warm, lost])

    assert [NOW - e.at for e in answer.events] == [2, 5]


def test_the_problem_of_an_unknown_host_is_not_repeated_for_its_targets():
    unknown = target_report("a", Condition.UNKNOWN, why="it is away")

    lost = event(9, Condition.UNKNOWN, Condition.WARM, model="a", why="it is away")

    answer = seen(host_report(unknown, problem="it is away"), events=[lost])

    assert (answer.hosts[0].problem, only(answer).why) == ("it is away", "")
    assert only(answer).last_event.why == ""
    assert answer.events[0].why == "it is away"


def test_at_most_eight_foreign_residents_are_shown():
    others = tuple(
        OtherReport(model=f"m{n}", context_length=1, left_s=None) for n in range(20)
    )

    assert len(seen(host_report(others=others)).hosts[0].others) == 8


def test_a_paused_host_is_shown_as_paused():
    hosts = host_report(name="a"), host_report(name="b")

    def told(*paused):
        return [h.is_paused for h in seen(*hosts, paused=frozenset(paused)).hosts]

    assert told("b") == [False, True]
    assert told("*") == [True, True]


@contextmanager
def few(monkeypatch, number):
    monkeypatch.setattr("worker.web.chronicle.KEPT", number)
    yield


def test_the_chronicle_keeps_as_many_events_as_the_log(monkeypatch):
    with few(monkeypatch, 3):
        kept = chronicle(*(event(n, Condition.WARM, model=f"m{n}") for n in range(5)))

    assert [e.model for e in kept.newest(9)] == ["m4", "m3", "m2"]
    assert kept.of("gpu-1", "m1") == ()
    assert kept.oldest_at == NOW - 2


def test_the_chronicle_takes_up_new_events():
    log = Log(event(9, Condition.COLD))
    kept = Chronicle(log)  # type: ignore[arg-type] # of the tests
    kept.refresh()
    log.coming = [
        Entry(id="2-0", event=None),  # of another release
        Entry(id="2-1", event=event(1, Condition.WARM)),
    ]

    kept.refresh()

    assert [e.after for e in kept.of("gpu-1", "llama3:8b")] == [
        Condition.COLD,
        Condition.WARM,
    ]
