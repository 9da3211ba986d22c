"""One call wants a model let go: what it asks for, and what it saw."""

import pytest

from ollama_warmup.errors import OllamaDown
from tests.support.builders import NOW, target
from tests.support.one_host import OneHost
from worker import unloading
from worker.core.passes import Rules
from worker.unloading import Left


def unload(host, model="chat"):
    ended = unloading.unload(target(model), host.deps)
    return ended.left, ended.resident and ended.resident.name


def test_a_loaded_model_is_unloaded_and_seen_gone():
    host = OneHost()
    host.server.resident("chat")
    host.server.resident("plain")

    assert unload(host) == (Left.UNLOADED, "chat:latest")

    assert host.server.asked == [("unload", {"model": "chat:latest"})]
    assert host.time.now == 0


def test_passes_know_of_an_unload_before_it_is_sent():
    host = OneHost()
    host.server.resident("chat")
    noted = []
    host.server.on_unload = lambda: noted.append(host.shelf.get("unloaded", "gpu"))

    unload(host)

    assert noted == [{"d-chat:latest": NOW}]


def test_a_model_is_unloaded_while_redis_is_away():
    host = OneHost()
    host.server.resident("chat")
    host.shelf.is_away = True

    assert unload(host) == (Left.UNLOADED, "chat:latest")


@pytest.mark.parametrize(("tick_s", "noted_s"), [(10.0, 60), (30.0, 90)])
def test_passes_know_of_an_unload_for_a_minute_or_three_ticks(tick_s, noted_s):
    host = OneHost(rules=Rules(tick_s=tick_s))
    host.server.resident("chat")

    unload(host)

    assert host.shelf.values["unloaded", "gpu"] == ({"d-chat:latest": NOW}, noted_s)


def test_a_model_is_unloaded_under_the_name_by_which_it_is_resident():
    host = OneHost()
    host.server.add("alias")
    host.server.tagged |= {target("alias").name.normal: _tag_of(host, "chat")}
    host.server.resident("chat")

    assert unload(host, "alias") == (Left.UNLOADED, "chat:latest")


def test_a_model_is_unloaded_with_whatever_options_it_is_loaded():
    host = OneHost()
    host.server.resident("chat", context=512)

    assert unload(host, "chat?num_ctx=2048") == (Left.UNLOADED, "chat:latest")


@pytest.mark.parametrize("residents", [(), ("plain",)], ids=["nothing", "another"])
@pytest.mark.parametrize("model", ["chat", "unknown"])
def test_nothing_is_asked_of_a_host_on_which_the_model_is_not_loaded(residents, model):
    host = OneHost()
    for name in residents:
        host.server.resident(name)

    assert unload(host, model) == (Left.NOT_LOADED, None)
    assert host.server.asked == []


def test_a_model_that_goes_after_its_work_is_seen_gone():
    host = OneHost()
    host.server.resident("chat", -1.0)
    host.server.lets_go = False
    host.after(3.1, host.server.residents.clear)

    assert unload(host) == (Left.UNLOADED, "chat:latest")
    assert host.time.now == pytest.approx(3.2)


@pytest.mark.parametrize(
    ("left_s", "left"), [(-1.0, Left.GOING), (300.0, Left.STILL_LOADED)]
)
def test_a_model_that_does_not_go_is_watched_for_ten_seconds(left_s, left):
    host = OneHost()
    host.server.resident("chat", left_s)
    host.server.lets_go = False

    assert unload(host) == (left, "chat:latest")
    assert host.time.now == pytest.approx(10.0, abs=0.21)


def test_a_model_that_is_about_to_go_after_ten_seconds_is_going():
    host = OneHost()
    host.server.lets_go = False
    host.server.on_view = lambda: host.server.resident("chat", 1.0)

    assert unload(host) == (Left.GOING, "chat:latest")


def test_a_model_of_the_same_name_with_other_weights_is_another_one():
    host = OneHost()
    host.server.resident("chat")
    host.server.lets_go = False
    host.after(1.0, lambda: host.server.resident("chat", digest="new"))

    assert unload(host) == (Left.UNLOADED, "chat:latest")


def test_a_host_that_is_down_is_told():
    host = OneHost()
    host.server.view_fails = [OllamaDown("down")]

    with pytest.raises(OllamaDown):
        unload(host)


def _tag_of(host, name):
    return host.server.tagged[target(name).name.normal]
