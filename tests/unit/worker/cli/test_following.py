import json
import math
import time

import pytest

from ollama_warmup.errors import BadRequest
from ollama_warmup.report import Condition
from tests.support.host_reports import event
from worker.adapters.eventlog import Entry
from worker.cli import following, tables
from worker.cli.choosing import Choice
from worker.cli.following import Wish
from worker.core.passes import Evictor, Kind


def entry(number=1, **more):
    told = event(at=60.0, model="tiny", **more)
    return Entry(id=f"60000-{number}", event=told)


def wish(**more):
    given = {
        "words": (),
        "since": None,
        "count": None,
        "is_following": False,
        "as_json": False,
    }
    return Wish(**given | more)


@pytest.fixture(autouse=True)
def _utc(monkeypatch):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


EVENTS = [
    entry(after=Condition.QUEUED, why="its load is sent"),
    entry(
        2,
        kind=Kind.EVICTED,
        before=Condition.WARM,
        after=Condition.COLD,
        why="evicted by big:latest",
        evictors=(Evictor(model="big:latest", is_ours=False),),
    ),
    entry(3, kind=Kind.RELOADED_BY_TOUCH),
    entry(4, kind=Kind.EVICTED, before=Condition.QUEUED, after=Condition.QUEUED),
]


def test_an_event_is_a_line_with_its_instant_kind_condition_and_reason():
    shown = tables.lines(following.HEADINGS, [following.row(e) for e in EVENTS])

    assert [line.removeprefix("1970-01-01 00:01:00  ") for line in shown[1:]] == [
        "gpu-1  tiny   changed            queued        its load is sent",
        "gpu-1  tiny   evicted            warm -> cold  evicted by big:latest",
        "gpu-1  tiny   reloaded by touch  -",
        "gpu-1  tiny   evicted            queued",
    ]


def test_following_as_json_prints_one_object_a_line(capsys):
    printer = following.Printer([EVENTS[1]], as_json=True)
    printer.print([EVENTS[2]])

    first, second = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {
        "id": "60000-2",
        "at": 60.0,
        "host": "gpu-1",
        "model": "tiny",
        "kind": "evicted",
        "before": "warm",
        "after": "cold",
        "why": "evicted by big:latest",
        "evictors": [{"model": "big:latest", "is_ours": False}],
    }
    assert second["kind"] == "reloaded_by_touch"


def test_events_of_other_hosts_and_of_other_releases_are_left_out():
    entries = [EVENTS[0], Entry(id="60000-9", event=None), entry(5, host="gpu-2")]

    chosen = following.chosen(entries, Choice(hosts=frozenset({"gpu-2"})))

    assert [e.id for e in chosen] == ["60000-5"]


@pytest.mark.parametrize(
    ("asked", "since_s", "most"),
    [
        ({}, math.inf, 50),
        ({"since": "1h"}, 3_600, None),
        ({"since": "90s", "count": 5}, 90, 5),
        ({"count": 500}, math.inf, 500),
    ],
)
def test_events_go_back_by_time_or_by_number(asked, since_s, most):
    assert wish(**asked).since_s() == since_s
    assert wish(**asked).most == most


@pytest.mark.parametrize("since", ["0s", "-1h", "yesterday", "90"])
def test_a_malformed_time_is_refused(since):
    with pytest.raises(BadRequest):
        wish(since=since).since_s()
