"""What passes share: on a real Redis, and in the memory that unit tests use for it."""

import pytest

from ollama_warmup.report import HostReport, HostState
from tests.support.builders import failed, loaded, resident, target
from tests.support.memory_store import MemoryLoadStore, MemoryPassStore, Shelf
from tests.support.virtual_time import VirtualTime
from worker.adapters.passstore import PassStore
from worker.adapters.store import Store
from worker.core.domain import Holder, TouchRecord
from worker.core.memory import Memory
from worker.core.pass_values import PassResult
from worker.core.passes import Event, Kind

CHAT, PLAIN = target("chat?num_ctx=2048"), target("plain")
EVENT = Event(at=1.0, host="gpu", model="chat", kind=Kind.LAPSED, why="why")
REPORT = HostReport(
    host="gpu", url="http://gpu", at=1.0, tick_s=10, enabled=True, state=HostState.UP
)
HELD = Holder(
    nonce="n", key=CHAT.key, task_id="t", process="w:1", began_at=1.5, expected_s=None
)


@pytest.fixture(params=["redis", "memory"])
def stores(request, valkey):
    """Both stores of one namespace."""
    if request.param == "memory":
        shelf = Shelf(VirtualTime())
        yield MemoryPassStore(shelf), MemoryLoadStore(shelf)
        return
    name = request.node.name
    passes = PassStore(valkey.connection_url, namespace=name)
    loads = Store(valkey.connection_url, namespace=name)
    yield passes, loads
    passes.close()
    loads.close()


def read(passes, *targets):
    stored, paused, now = passes.read({"gpu": targets})
    assert now > 1_000
    assert paused == frozenset()
    return stored["gpu"]


def test_a_host_of_which_nothing_is_kept_is_read_as_empty(stores):
    passes, _ = stores

    stored = read(passes, CHAT)

    assert stored.memory == Memory()
    assert (stored.records, stored.touches) == ({}, {})
    assert (stored.holder, stored.sent, stored.pulling) == (None, None, frozenset())


def test_a_pass_reads_what_loads_and_touches_and_pulls_have_left(stores):
    passes, loads = stores
    record = loaded(resident("chat"))
    touch = TouchRecord(at=2.0, digest="d", left_s=300.0)
    loads.write_record("gpu", CHAT.key, record)
    loads.write_record("other", PLAIN.key, record)
    passes.write_touch("gpu", PLAIN.key, touch)
    loads.take_lane("gpu", HELD)
    loads.hold_pull("gpu", f"w:1 {PLAIN.name.normal} 123")

    stored = read(passes, CHAT, PLAIN)

    assert stored.records == {CHAT.key: record}
    assert stored.touches == {PLAIN.key: touch}
    assert stored.holder == HELD
    assert stored.pulling == {PLAIN.key}


def test_a_load_that_is_sent_is_marked_until_it_has_the_lane(stores):
    passes, loads = stores
    passes.mark_sent("gpu", CHAT.key, seconds=20)
    assert read(passes).sent == CHAT.key

    loads.take_lane("gpu", HELD)

    assert read(passes).sent is None
    passes.mark_sent("gpu", CHAT.key, seconds=20)
    passes.clear_sent("gpu")
    assert read(passes).sent is None


def test_a_pass_reads_all_unloads_that_were_noted(stores):
    passes, _ = stores
    assert read(passes).unloaded == {}

    passes.note_unload("gpu", "d1", seconds=60)
    passes.note_unload("gpu", "d2", seconds=60)
    passes.note_unload("other", "d3", seconds=60)

    _, _, now = passes.read({})
    noted = read(passes).unloaded
    assert noted.keys() == {"d1", "d2"}
    assert all(now - 5 < at <= now for at in noted.values())


def test_one_pass_at_a_time_is_at_a_host(stores):
    passes, _ = stores

    assert passes.begin(["gpu", "b"], nonce="1", once_more=False) == ["gpu", "b"]
    assert passes.begin(["gpu", "c"], nonce="2", once_more=False) == ["c"]
    passes.give_up(["gpu", "b"], nonce="2")  # not its own: without effect
    assert passes.begin(["gpu"], nonce="2", once_more=False) == []
    passes.give_up(["gpu", "b"], nonce="1")
    assert passes.begin(["gpu", "b"], nonce="2", once_more=False) == ["gpu", "b"]


def test_a_pass_leaves_its_memory_and_releases_its_host(stores):
    passes, loads = stores
    loads.write_record("gpu", CHAT.key, failed("OllamaBusy"))
    loads.write_record("gpu", PLAIN.key, failed("OllamaBusy"))
    memory = Memory(looked_at=7.0)
    result = PassResult(
        memory=memory, report=REPORT, events=[EVENT], forgotten=[CHAT.key]
    )
    passes.begin(["gpu"], nonce="1", once_more=False)

    assert passes.end({"gpu": result}, nonce="1") == ({"gpu"}, set())

    stored = read(passes, CHAT, PLAIN)
    assert stored.memory == memory
    assert set(stored.records) == {PLAIN.key}
    assert passes.begin(["gpu"], nonce="2", once_more=False) == ["gpu"]


def test_a_pass_that_lost_its_host_leaves_nothing(stores):
    passes, _ = stores
    passes.begin(["gpu"], nonce="1", once_more=False)
    result = PassResult(memory=Memory(looked_at=7.0), report=REPORT)

    assert passes.end({"gpu": result}, nonce="2") == (set(), set())

    assert read(passes).memory == Memory()
    assert passes.begin(["gpu"], nonce="3", once_more=False) == []


@pytest.mark.parametrize("once_more", [True, False])
def test_a_pass_is_told_at_its_end_that_another_one_asked_for_a_look(stores, once_more):
    passes, _ = stores
    result = PassResult(memory=Memory(), report=REPORT)
    passes.begin(["gpu"], nonce="1", once_more=False)
    passes.begin(["gpu"], nonce="2", once_more=once_more)

    _, again = passes.end({"gpu": result}, nonce="1")

    assert again == ({"gpu"} if once_more else set())
    passes.begin(["gpu"], nonce="3", once_more=False)
    assert passes.end({"gpu": result}, nonce="3") == ({"gpu"}, set())
