"""Events on a real Redis: more than it keeps, and while somebody follows."""

import pytest

from worker.adapters.eventlog import BEGINNING, KEPT, PAGE
from worker.adapters.passstore import PassStore
from worker.core.passes import Event, Kind


@pytest.fixture
def store(unserved):
    store = PassStore(unserved.url, namespace="ollama-warmup")
    yield store
    store.close()


def event(number, kind=Kind.CHANGED):
    return Event(at=float(number), host="gpu-1", model="tiny", kind=kind)


def ats(entries):
    return [entry.event.at for entry in entries]


def test_an_event_log_without_events_reads_as_empty(store):
    assert store.log.newest_id() == BEGINNING
    assert list(store.log.backwards()) == []
    assert store.log.after(BEGINNING, wait_s=0.01) == []


def test_the_event_log_is_read_page_by_page_and_each_event_once(store):
    store.add_events([event(n) for n in range(KEPT + 2 * PAGE)])

    read = ats(store.log.backwards())

    assert KEPT <= len(read) < KEPT + PAGE
    assert read == sorted(set(read), reverse=True)
    assert read[0] == KEPT + 2 * PAGE - 1
    assert store.counts() == {("changed", "gpu-1", "tiny"): KEPT + 2 * PAGE}


def test_a_follower_gets_later_events_even_if_its_place_was_cut_off(store):
    store.add_events([event(0)])
    first = store.log.newest_id()
    store.add_events([event(n) for n in range(1, KEPT + 2 * PAGE)])

    page = store.log.after(first, wait_s=0.01)
    following = store.log.after(page[-1].id, wait_s=0.01)

    assert len(page) == PAGE
    assert ats(following)[0] == ats(page)[-1] + 1


def test_reading_backwards_respects_the_last_id_and_the_oldest_instant(store, unserved):
    seconds, _ = unserved.redis.time()
    store.add_events([event(1), event(2)])
    last = store.log.newest_id()
    store.add_events([event(3)])

    assert ats(store.log.backwards(up_to=last, page=1)) == [2, 1]
    assert list(store.log.backwards(since=seconds + 60)) == []
    assert [e.at for e in store.events(2)] == [3, 2]


def test_an_entry_of_another_release_keeps_its_place_without_an_event(store, unserved):
    unserved.redis.xadd("ollama-warmup:events", {"event": '{"kind": "new"}'})
    store.add_events([event(1, Kind.EVICTED)])

    known, strange = store.log.backwards()

    assert known.event == event(1, Kind.EVICTED)
    assert strange.event is None
    assert store.events(2) == [known.event]
