import json
import threading

import httpx
import pytest

from ollama_warmup import request
from ollama_warmup.errors import DiskFull, PullFailed, StoreUnavailable
from ollama_warmup.target import Target
from worker import pulling
from worker.adapters.ollama import Ollama
from worker.call import Queued
from worker.core.domain import Progress, Tag
from worker.pulling import How, Order, Pulled, PullMeans

ROW = {"name": "m:latest", "digest": "d", "size": 7}
VERIFYING = {"status": "verifying sha256 digest"}


class Clock:
    """Time that passes in great steps, one each time somebody looks."""

    def __init__(self, step_s=0.0):
        self.now_s, self.step_s = 0.0, step_s

    def monotonic(self):
        self.now_s += self.step_s
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


class Store:
    """Leases in a dictionary."""

    def __init__(self, holder=None):
        self.holder, self.renewals, self.is_away = holder, 0, False

    def now(self):
        return 1_000.0

    def hold_pull(self, host, holder):
        assert host == "gpu-1"
        if self.is_away:
            raise StoreUnavailable("away")
        self.renewals += 1
        self.holder = self.holder or holder
        return self.holder == holder

    def release_pull(self, _host, holder):
        if self.is_away:
            raise StoreUnavailable("away")
        self.holder = None if self.holder == holder else self.holder


class Host:
    """An Ollama: what it has, and what its pulls say."""

    def __init__(self, *rows, has=False, then_waits=False):
        self.rows, self.has, self.then_waits = rows, has, then_waits
        self.pulls, self.given_up = 0, threading.Event()
        self.ollama = Ollama("gpu-1", "http://g", transport=httpx.MockTransport(self))

    def __call__(self, request):
        if request.url.path == "/api/tags":
            return httpx.Response(200, json={"models": [ROW] if self.has else []})
        self.pulls += 1
        return httpx.Response(200, content=self.stream())

    def stream(self):
        for row in self.rows:
            yield json.dumps(row).encode() + b"\n"
        if self.then_waits:
            self.given_up.wait(10)
        self.has = True
        yield b'{"status":"success"}\n'


@pytest.fixture(autouse=True)
def _brisk(monkeypatch):
    monkeypatch.setattr(pulling, "SAY_S", 0.02)
    monkeypatch.setattr("worker.adapters.download.CLOSE_S", 0.05)


def pull(host, *, store=None, step_s=0.0, since=None, say=lambda _: None):
    order = Order(
        target=Target.of(request.parse("m"), host="gpu-1"),
        holder="me",
        slice_s=240,
        patience_s=285,
        waiting_since=since,
    )
    store = store or Store()
    means = PullMeans(ollama=host.ollama, store=store, clock=Clock(step_s), say=say)
    try:
        return pulling.pull(order, means)
    finally:
        host.given_up.set()
        assert store.holder != "me"


def part(completed):
    row = {"status": "pulling a", "digest": "sha256:a", "total": 100}
    return row | {"completed": completed}


def test_a_model_that_is_not_there_is_pulled():
    host = Host()

    assert pull(host) == Pulled(how=How.PULLED, stored=Tag(digest="d", size_bytes=7))
    assert host.pulls == 1


@pytest.mark.parametrize(
    ("since", "how"), [(None, How.ALREADY_THERE), (900.0, How.JOINED)]
)
def test_a_model_that_is_there_is_not_asked_for(since, how):
    host = Host(has=True)

    answer = pull(host, since=since)

    assert isinstance(answer, Pulled)
    assert (answer.how, host.pulls) == (how, 0)


@pytest.mark.parametrize(("since", "told"), [(None, 1_000.0), (900.0, 900.0)])
def test_a_pull_that_another_call_has_is_waited_for(since, told):
    host = Host()

    answer = pull(host, store=Store(holder="another"), step_s=0.3, since=since)

    assert answer == Queued(waiting_since=told)
    assert host.pulls == 0


def test_whoever_gets_the_lease_looks_once_more():
    host = Host()

    class EndedMeanwhile(Store):
        def hold_pull(self, *args):
            host.has = True
            return super().hold_pull(*args)

    answer = pull(host, store=EndedMeanwhile())

    assert isinstance(answer, Pulled)
    assert (answer.how, host.pulls) == (How.JOINED, 0)


def test_a_slice_ends_and_goes_to_the_tail_with_its_lease_renewed():
    class Slow(Host):
        def stream(self):
            completed = 0
            while not self.given_up.wait(0.005):
                completed += 1
                yield json.dumps(part(completed)).encode() + b"\n"

    store = Store()

    answer = pull(Slow(), store=store, step_s=30)

    assert answer == Queued(waiting_since=1_000.0)
    assert store.renewals > 2


def test_a_host_that_checks_what_has_come_is_waited_for_longer():
    told: list[Progress] = []

    answer = pull(Host(VERIFYING, then_waits=True), step_s=20, say=told.append)

    assert answer == Queued(waiting_since=1_000.0)
    assert len(told) == 15  # until 285 s and not 240 s, and no complaint after 60 s


@pytest.mark.parametrize("rows", [(), (part(1),)], ids=["never", "no more"])
def test_a_mute_stream_is_to_be_tried_again(rows):
    with pytest.raises(PullFailed, match="no word for 60 s"):
        pull(Host(*rows, then_waits=True), step_s=15)


def test_a_stream_without_a_new_byte_is_to_be_tried_again():
    class Stalled(Host):
        def stream(self):
            while not self.given_up.wait(0.005):
                yield json.dumps(part(1)).encode() + b"\n"

    with pytest.raises(PullFailed, match="no byte for 120 s"):
        pull(Stalled(), step_s=15)


def test_a_failure_of_the_host_frees_the_lease():
    full = {"error": "write /m: no space left on device"}

    with pytest.raises(DiskFull, match="free space"):
        pull(Host(part(1), full))


def test_a_host_that_does_not_list_what_it_pulled_says_so():
    class Forgetful(Host):
        def stream(self):
            yield b'{"status":"success"}\n'

    with pytest.raises(PullFailed, match="does not list it"):
        pull(Forgetful())


def test_a_download_goes_on_while_the_store_is_away():
    store = Store()
    host = Host(part(1), then_waits=True)
    seen = []

    def say(progress):
        seen.append(progress)
        store.is_away = len(seen) < 4
        if len(seen) == 5:
            host.given_up.set()

    answer = pull(host, store=store, step_s=6, say=say)

    assert isinstance(answer, Pulled)
    assert answer.how is How.PULLED


def test_a_lease_that_is_lost_aborts_no_download(caplog):
    store = Store()
    host = Host(part(1), then_waits=True)
    seen = []

    def say(progress):
        seen.append(progress)
        store.holder = "another"
        if len(seen) == 4:
            host.given_up.set()

    answer = pull(host, store=store, step_s=6, say=say)

    assert isinstance(answer, Pulled)
    assert caplog.text.count("was lost to another") == 1
