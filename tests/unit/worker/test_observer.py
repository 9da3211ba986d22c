"""The observer as passes use it, over real connections to hosts that misbehave."""

import asyncio
import os
import signal
import time
from contextlib import closing
from datetime import timedelta
from socket import socket
from threading import Timer

import pytest

from ollama_warmup.report import Condition
from ollama_warmup.warmlist import Host
from tests.support import passes
from tests.support.builders import target
from tests.unit.worker.badhost import (
    HEALTHY,
    NONSENSE,
    NOW,
    VIEW_S,
    answer,
    drips,
    drips_its_head,
    hangs,
    ps,
    serving,
)
from worker.adapters.observer import Observer
from worker.core.domain import HostView, Unanswered


async def in_thread(looks):
    """All that an observer yields, while this loop serves the hosts."""
    return await asyncio.to_thread(lambda: list(looks()))


class Passes:
    """Passes over some hosts, without a store: the observer, then the core."""

    def __init__(self, *hosts, wanted=("a",)):
        self.hosts = hosts
        self.first = passes.Host(*map(target, wanted))
        self.observer = Observer(monotonic=time.monotonic, view_s=VIEW_S)
        self.looks = {}

    async def look(self):
        """One pass over all hosts; returns the plan for the first one."""
        wanted = {host.name: list(self.first.targets) for host in self.hosts}
        for looks in await in_thread(lambda: self.observer.look(self.hosts, wanted)):
            self.looks |= looks
        look = self.looks[self.hosts[0].name]
        return self.first.look(view=look.view, tags=look.tags, infos=look.infos)


async def one_look(replies):
    async with serving(HEALTHY | {"/api/ps": replies}) as server:
        some = Passes(server.host)
        plan = await some.look()
        return some.looks["gpu"].view, plan, server.asked


@pytest.mark.parametrize("reply", NONSENSE.values(), ids=NONSENSE)
def test_a_host_that_answers_nonsense_is_unknown_and_asked_at_most_twice_a_pass(reply):
    """aiohttp asks once more when a connection is closed without an answer."""
    view, plan, asked = asyncio.run(one_look(reply))

    assert isinstance(view, Unanswered)
    assert not view.is_refused
    assert view.text.startswith("gpu (http://127.0.0.1:")
    assert [v.condition for v in plan.verdicts] == [Condition.UNKNOWN]
    assert plan.actions == ()
    assert asked.keys() == {"/api/ps"}
    assert asked["/api/ps"] <= 2


@pytest.mark.parametrize("reply", [hangs, drips, drips_its_head])
def test_a_host_that_hangs_or_drips_is_unknown_in_time_and_never_down(reply):
    async def looks():
        async with serving(HEALTHY | {"/api/ps": reply}) as server:
            some = Passes(server.host)
            began = time.monotonic()
            plans = [await some.look() for _ in range(4)]
            return plans, some.first.memory, server.asked, time.monotonic() - began

    plans, memory, asked, seconds = asyncio.run(looks())

    assert {v.condition for p in plans for v in p.verdicts} == {Condition.UNKNOWN}
    assert not memory.is_down
    assert asked == {"/api/ps": 4}
    assert seconds < 4 * (VIEW_S + 0.3)


def test_a_host_that_hangs_delays_no_other():
    async def looks():
        async with (
            serving({"/api/ps": drips}) as bad,
            serving(HEALTHY | {"/api/ps": answer(ps())}) as good,
        ):
            bad.host = Host(name="bad", url=bad.host.url)
            observer = Observer(monotonic=time.monotonic, view_s=VIEW_S)
            hosts = [bad.host, good.host]
            looks = await in_thread(lambda: observer.look(hosts, {}))
            return [list(look) for look in looks]

    assert asyncio.run(looks()) == [["gpu"], ["bad"]]


def test_a_refused_connection_is_down_only_after_three_in_a_row():
    with closing(socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        host = Host(name="gpu", url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        some = Passes(host)
        down = []
        for _ in range(4):
            asyncio.run(some.look())
            down.append(some.first.memory.is_down)

    view = some.looks["gpu"].view
    assert isinstance(view, Unanswered)
    assert view.is_refused
    assert down == [False, False, True, True]


@pytest.mark.parametrize("skew_s", [-3_600, 0, 3_600])
def test_a_clock_an_hour_off_changes_nothing(skew_s):
    async def looks(left_s):
        reply = ps(expires_at=(NOW + timedelta(seconds=skew_s + left_s)).isoformat())
        return await one_look(answer(reply, skew_s=skew_s))

    _, far, _ = asyncio.run(looks(300))
    _, near, _ = asyncio.run(looks(20))

    assert [v.condition for v in far.verdicts] == [Condition.WARM]
    assert far.verdicts[0].left_s == pytest.approx(300, abs=1)
    assert far.actions == ()
    assert [type(a).__name__ for a in near.actions] == ["Touch"]


def test_an_alias_is_warm_under_the_name_that_loaded_it_first():
    tags = {"models": [{"name": f"{n}:latest", "digest": "d-a"} for n in ("a", "nick")]}

    async def look():
        replies = {"/api/tags": answer(tags), "/api/ps": answer(ps())}
        async with serving(HEALTHY | replies) as server:
            return await Passes(server.host, wanted=("nick",)).look()

    plan = asyncio.run(look())

    assert [v.condition for v in plan.verdicts] == [Condition.WARM]
    assert plan.verdicts[0].resident.name == "a:latest"


def test_a_model_is_shown_once_and_a_missing_one_is_looked_for_once_a_pass():
    async def looks(wanted):
        async with serving(HEALTHY | {"/api/ps": answer(ps())}) as server:
            some = Passes(server.host, wanted=wanted)
            for _ in range(5):
                await some.look()
            return server.asked

    assert asyncio.run(looks(("a",))) == {
        "/api/ps": 5,
        "/api/tags": 1,
        "/api/show": 1,
    }
    assert asyncio.run(looks(("missing",)))["/api/tags"] == 5


@pytest.mark.parametrize("path", ["/api/tags", "/api/show"])
@pytest.mark.parametrize(
    "reply", [hangs, NONSENSE["no JSON"], NONSENSE["500"], NONSENSE["half a body"]]
)
def test_a_host_that_answers_no_tags_or_show_is_still_viewed(path, reply):
    async def look():
        async with serving(HEALTHY | {"/api/ps": answer(ps()), path: reply}) as server:
            some = Passes(server.host)
            return await some.look(), some.looks["gpu"].view, server.asked

    plan, view, asked = asyncio.run(look())

    assert isinstance(view, HostView)
    assert [v.condition for v in plan.verdicts] == [Condition.WARM]
    assert asked[path] == 1


class TimeLimit(Exception):
    """What Celery raises in a task, wherever it is."""


@pytest.fixture
def mute():
    """A host that takes a connection and says nothing."""
    with closing(socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        yield Host(name="mute", url=f"http://127.0.0.1:{port}")


def test_a_time_limit_that_comes_while_hosts_are_mute_is_raised_as_it_is(mute):
    def limit(*_):
        raise TimeLimit

    before = signal.signal(signal.SIGUSR1, limit)
    timer = Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    timer.start()
    began = time.monotonic()
    try:
        with pytest.raises(TimeLimit):
            list(Observer(monotonic=time.monotonic).look([mute], {}))
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, before)

    assert time.monotonic() - began < 5


def test_looks_that_a_pass_takes_no_more_are_broken_off(mute):
    with closing(socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        away = Host(name="away", url=f"http://127.0.0.1:{taken.getsockname()[1]}")
        looks = Observer(monotonic=time.monotonic).look([mute, away], {})
        began = time.monotonic()

        assert list(next(looks)) == ["away"]
        looks.close()

    assert time.monotonic() - began < 5
