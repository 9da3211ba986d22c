"""The thread that holds a load, whatever becomes of the task that began it."""

from dataclasses import dataclass, field, replace

import pytest

from ollama_warmup.errors import LoadFailed, StoreUnavailable, WarmupError
from tests.support.builders import NOW, holder
from tests.support.one_host import OneHost
from worker.core.domain import LEASE_S, Holder
from worker.keeper import Keeper

MINE = replace(holder("k", began_at=NOW), nonce="mine")
ANOTHER = replace(MINE, nonce="another")


@dataclass(eq=False)
class Job:
    """A load of so many seconds that keeps what it is called for."""

    one: OneHost
    lasts_s: float = 20.0
    failure: BaseException | None = None
    host: str = "gpu"
    holder: Holder = MINE
    did: list[str] = field(default_factory=list)
    recorded: list[tuple[object, float]] = field(default_factory=list)

    def run(self) -> str:
        self.did.append("run")
        self.one.time.sleep(self.lasts_s)
        if self.failure:
            raise self.failure
        return "warm"

    def record(self, end: str | WarmupError, now: float) -> str:
        if self.one.shelf.is_away:
            raise StoreUnavailable("away")
        held = self.one.shelf.get("lane", "gpu")
        self.did.append("record with the lane" if held else "record")
        self.recorded.append((end, now))
        return "the record"

    def after(self) -> None:
        held = self.one.shelf.get("lane", "gpu")
        self.did.append("after with the lane" if held else "after")


def keep(job, *, has_lane=True):
    if has_lane:
        job.one.loads.take_lane("gpu", job.holder)
    keeper = Keeper[str, str](job, job.one.deps)
    keeper.start()
    return keeper


def test_a_load_is_recorded_before_its_lane_is_free_and_reported_after_that():
    job = Job(OneHost())

    keeper = keep(job)

    assert keeper.wait(30.0)
    assert keeper.end() == ("warm", "the record")
    assert job.recorded == [("warm", NOW + 20)]
    assert job.did == ["run", "record with the lane", "after"]


def test_a_wait_ends_before_the_load_does():
    job = Job(OneHost())

    keeper = keep(job)

    assert not keeper.wait(5.0)
    assert job.one.time.now == 5.0
    with pytest.raises(RuntimeError, match="has not ended"):
        keeper.end()


def test_the_lease_is_renewed_every_five_seconds_until_the_load_ends(caplog):
    one = OneHost()
    keep(Job(one, lasts_s=47.0))

    for second in range(1, 47):
        one.time.run_until(float(second))
        assert one.loads.holder("gpu") == MINE
    one.time.run_until(47.0 + LEASE_S)

    assert one.loads.holder("gpu") is None
    assert caplog.messages == []


def test_the_lease_is_renewed_again_once_redis_is_back():
    one = OneHost()
    keep(Job(one, lasts_s=40.0))
    one.after(4.0, lambda: setattr(one.shelf, "is_away", True))
    one.after(6.0, lambda: setattr(one.shelf, "is_away", False))

    one.time.run_until(39.0)

    assert one.loads.holder("gpu") == MINE


def test_a_renewal_that_is_slower_than_the_end_of_the_load_takes_no_lane():
    one = OneHost()
    keep(Job(one, lasts_s=5.2))
    one.after(4.9, lambda: setattr(one.shelf, "latency_s", 3.0))
    one.after(5.1, lambda: setattr(one.shelf, "latency_s", 0.0))

    one.time.run_until(9.0)

    assert one.loads.holder("gpu") is None


def test_a_failure_of_the_load_is_what_it_ended_with():
    error = LoadFailed("why")
    job = Job(OneHost(), failure=error)

    keeper = keep(job)

    assert keeper.wait(30.0)
    assert keeper.end()[0] is error
    assert job.recorded == [(error, NOW + 20)]


def test_a_fault_of_ours_in_the_load_is_recorded_as_a_failure_of_it(caplog):
    job = Job(OneHost(), failure=KeyError("ours"))

    keeper = keep(job)

    assert keeper.wait(30.0)
    end, _ = keeper.end()
    assert type(end) is WarmupError
    assert "the worker broke while it loaded a model: KeyError('ours')" in str(end)
    assert "A load of k broke" in caplog.text


def test_a_load_keeps_its_lane_until_redis_is_back_and_has_its_record():
    one = OneHost()
    job = Job(one)
    keeper = keep(job)
    one.after(10.0, lambda: setattr(one.shelf, "is_away", True))
    one.after(32.5, lambda: setattr(one.shelf, "is_away", False))

    assert not keeper.wait(32.9)
    assert job.recorded == []
    assert keeper.wait(5.0)

    assert job.recorded == [("warm", NOW + 33)]
    assert one.loads.holder("gpu") is None


def test_a_lease_that_redis_lost_is_taken_again():
    one = OneHost()
    keep(Job(one))
    one.after(7.0, one.shelf.clear)

    one.time.run_until(10.5)

    assert one.loads.holder("gpu") == MINE


def test_a_lane_that_another_load_has_is_left_to_it_and_reported_once(caplog):
    one = OneHost()
    one.loads.take_lane("gpu", ANOTHER)
    job = Job(one, lasts_s=14.0)

    keeper = keep(job, has_lane=False)

    assert keeper.wait(30.0)
    assert keeper.end() == ("warm", "the record")
    assert one.loads.holder("gpu") == ANOTHER
    assert caplog.text.count("The lane of gpu was lost to another load") == 1


def test_a_lane_that_comes_free_is_taken_by_the_load_that_goes_on():
    one = OneHost()
    one.loads.take_lane("gpu", ANOTHER)
    keep(Job(one), has_lane=False)
    one.after(7.0, lambda: one.loads.release_lane("gpu", ANOTHER))

    one.time.run_until(10.5)

    assert one.loads.holder("gpu") == MINE


def test_a_lane_that_cannot_be_given_back_runs_out():
    one = OneHost()
    job = Job(one)
    keeper = keep(job)
    record = job.record

    def then_redis_goes(*args):
        written = record(*args)
        one.shelf.is_away = True
        return written

    job.record = then_redis_goes  # type: ignore[method-assign]

    assert keeper.wait(30.0)
    one.shelf.is_away = False
    assert one.loads.holder("gpu") == MINE
    one.time.run_until(one.time.now + LEASE_S)
    assert one.loads.holder("gpu") is None
