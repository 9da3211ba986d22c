"""One call wants one model on a host's disk: it waits, downloads, or gives up."""

from dataclasses import replace

import pytest

from ollama_warmup.errors import DiskFull, OllamaDown, PullFailed, StoreUnavailable
from tests.support.builders import NOW, target
from tests.support.one_host import FakeDownload, OneHost
from worker import pulling
from worker.core.calls import Queued
from worker.core.domain import Progress
from worker.pulling import How, Order, Pulled

NEW = target("new")
BEGAN_S = 100.0
"""When a run begins, by its clock."""
FINISHING = Progress(status="verifying sha256 digest")


class Pull:
    """One run of a pull of `new`, which the host does not have."""

    def __init__(self, says=lambda _: None, *, ends_after_s=float("inf")):
        self.host = OneHost()
        self.host.time.run_until(BEGAN_S)
        self.server = self.host.server
        self.reported: list[Progress] = []

        def said(elapsed_s):
            if elapsed_s >= ends_after_s:
                self.server.add("new", size_bytes=7)
            return says(elapsed_s)

        self.download = self.server.download = FakeDownload(
            self.host.time, said, ends_after_s=ends_after_s
        )

    def run(self, *, since=None):
        order = Order(target=NEW, holder="me", slice_s=240.5, patience_s=285)
        if since is not None:
            order = replace(order, waiting_since=since)
        return pulling.pull(order, self.host.deps, on_progress=self.reported.append)

    @property
    def took_s(self):
        return self.host.time.now - BEGAN_S

    @property
    def lease(self):
        return self.host.shelf.get("pull", "gpu")


def grows(elapsed_s):
    """A download of which something has come each second."""
    return Progress(status="pulling a", completed_bytes=int(elapsed_s), total_bytes=999)


def test_a_model_that_the_host_lacks_is_pulled(caplog):
    caplog.set_level("INFO")
    pull = Pull(grows, ends_after_s=90)

    result = pull.run()

    assert isinstance(result, Pulled)
    assert (result.how, result.stored.size_bytes) == (How.PULLED, 7)
    assert pull.server.asked == [("pull", {"model": "new"})]
    assert pull.took_s == 90
    assert (pull.lease, pull.download.is_closed) == (None, True)
    assert caplog.messages == [
        "Pulling Ollama model: new onto gpu",
        "Model pulled: new (7 bytes)",
    ]


def test_progress_is_reported_each_second():
    pull = Pull(grows, ends_after_s=5)

    pull.run()

    assert pull.reported == [grows(n) for n in range(1, 5)]


@pytest.mark.parametrize(
    ("since", "how"), [(None, How.ALREADY_THERE), (NOW - 90, How.JOINED)]
)
def test_a_model_that_the_host_has_is_not_pulled(since, how):
    pull = Pull()
    pull.server.add("new", size_bytes=7)

    result = pull.run(since=since)

    assert isinstance(result, Pulled)
    assert (result.how, pull.server.asked) == (how, [])


@pytest.mark.parametrize(
    ("since", "told"), [(None, NOW + BEGAN_S), (NOW - 90, NOW - 90)]
)
def test_a_call_holds_its_slot_one_second_for_the_pull_of_another_call(since, told):
    pull = Pull()
    pull.host.loads.hold_pull("gpu", "another")

    assert pull.run(since=since) == Queued(waiting_since=told)

    assert pull.took_s == pytest.approx(1.0, abs=0.11)
    assert (pull.lease, pull.server.asked) == ("another", [])


def test_a_call_pulls_as_soon_as_the_other_pull_is_over():
    pull = Pull(grows, ends_after_s=5)
    pull.host.loads.hold_pull("gpu", "another")
    pull.host.after(0.42, lambda: pull.host.loads.release_pull("gpu", "another"))

    result = pull.run()

    assert isinstance(result, Pulled)
    assert pull.took_s == pytest.approx(5.5)


def test_a_call_that_gets_the_lease_looks_once_more():
    pull = Pull()
    pull.host.loads.hold_pull("gpu", "another")

    def another_call_ends():
        pull.server.add("new", size_bytes=7)
        pull.host.loads.release_pull("gpu", "another")

    pull.host.after(0.42, another_call_ends)

    result = pull.run()

    assert isinstance(result, Pulled)
    assert (result.how, pull.server.asked) == (How.JOINED, [])
    assert pull.lease is None


def test_a_run_downloads_for_its_slice_and_closes_the_request():
    pull = Pull(grows)

    assert pull.run() == Queued(waiting_since=NOW + BEGAN_S)

    assert pull.took_s == 240.5
    assert (pull.lease, pull.download.is_closed) == (None, True)


def test_a_run_waits_longer_for_a_host_that_checks_what_has_come():
    pull = Pull(lambda _: FINISHING)

    assert pull.run(since=NOW - 90) == Queued(waiting_since=NOW - 90)

    assert pull.took_s == 285


def test_the_lease_of_a_download_is_renewed():
    pull = Pull(grows)
    held = []
    for second in range(1, 240):
        pull.host.after(second, lambda: held.append(pull.lease))

    pull.run()

    assert held == ["me"] * 239


def test_the_lease_of_a_download_is_renewed_every_five_seconds():
    pull = Pull(grows)
    ends = []
    leases = pull.host.shelf.values
    for second in (4.5, 5.5, 9.5, 10.5):
        pull.host.after(second, lambda: ends.append(leases["pull", "gpu"][1]))

    pull.run()

    assert [end - BEGAN_S for end in ends] == [15.0, 20.0, 20.0, 25.0]


def test_a_stream_that_is_mute_for_a_minute_has_failed():
    pull = Pull(lambda elapsed_s: grows(1) if elapsed_s < 10 else None)

    with pytest.raises(PullFailed, match=r"stands still \(no word for 60 s\)"):
        pull.run()

    assert pull.took_s == 70
    assert pull.lease is None


def test_a_stream_that_never_said_a_word_has_failed_after_a_minute():
    pull = Pull()

    with pytest.raises(PullFailed, match="no word for 60 s"):
        pull.run()

    assert pull.took_s == 61


def test_a_stream_without_a_new_byte_for_two_minutes_has_failed():
    pull = Pull(lambda elapsed_s: grows(min(elapsed_s, 30)))

    with pytest.raises(PullFailed, match="no byte for 120 s"):
        pull.run()

    assert pull.took_s == 151


def test_a_host_that_checks_what_has_come_may_be_mute():
    pull = Pull(
        lambda elapsed_s: FINISHING if elapsed_s < 5 else None, ends_after_s=200
    )

    assert isinstance(pull.run(), Pulled)


def test_a_failure_of_the_download_frees_the_lease():
    pull = Pull(lambda _: DiskFull("no space left"))

    with pytest.raises(DiskFull):
        pull.run()

    assert (pull.lease, pull.download.is_closed) == (None, True)


def test_a_host_that_does_not_list_what_it_pulled_is_told():
    pull = Pull()
    pull.server.download = FakeDownload(pull.host.time, grows, ends_after_s=5)

    with pytest.raises(PullFailed, match="does not list it"):
        pull.run()


def test_a_download_goes_on_while_redis_is_away():
    pull = Pull(grows, ends_after_s=100)
    shelf = pull.host.shelf
    pull.host.after(10.5, lambda: setattr(shelf, "is_away", True))
    pull.host.after(60.5, lambda: setattr(shelf, "is_away", False))

    assert isinstance(pull.run(), Pulled)

    assert pull.lease is None


def test_a_lease_that_cannot_be_given_back_does_not_hide_the_result():
    pull = Pull(grows, ends_after_s=20)
    pull.host.after(16, lambda: setattr(pull.host.shelf, "is_away", True))

    assert isinstance(pull.run(), Pulled)


def test_a_lease_that_another_call_took_aborts_no_download_and_is_told_once(caplog):
    pull = Pull(grows, ends_after_s=60)
    pull.host.after(2, lambda: pull.host.shelf.set("pull", "gpu", value="another"))

    assert isinstance(pull.run(), Pulled)

    assert caplog.text.count("was lost to another") == 1
    assert pull.lease == "another"


def test_a_redis_that_is_away_and_a_host_that_is_down_are_told():
    pull = Pull()
    pull.host.shelf.is_away = True
    with pytest.raises(StoreUnavailable):
        pull.run()

    pull = Pull()
    pull.host.deps = replace(pull.host.deps, server=_raise(OllamaDown("down")))
    with pytest.raises(OllamaDown):
        pull.run()


def _raise(error):
    def server(_host):
        raise error

    return server
