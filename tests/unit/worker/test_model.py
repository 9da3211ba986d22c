"""Which resident serves a target's model, and what its host is asked for that."""

import pytest

from ollama_warmup.errors import UnknownModel
from tests.support.builders import target
from tests.support.one_host import OneHost
from worker import warming
from worker.model import Model


def model(host, wanted="chat"):
    return Model(target(wanted), host.server)


def found(host, wanted="chat"):
    """The name of the resident that serves a target, and what the host was asked."""
    resident = model(host, wanted).find(host.server.view())
    return resident and resident.name, host.server.questions


def test_a_host_with_nothing_resident_is_asked_nothing():
    assert found(OneHost()) == (None, [])


def test_a_model_is_found_by_its_name_and_nothing_is_asked():
    host = OneHost()
    host.server.resident("plain")
    host.server.resident("chat")

    assert found(host) == ("chat:latest", [])


def test_an_alias_is_found_by_its_manifest():
    host = OneHost()
    host.server.add("alias")
    host.server.tagged[target("alias").name.normal] = host.server.tagged[
        target("chat").name.normal
    ]
    host.server.resident("plain")
    host.server.resident("chat")

    assert found(host, "alias") == ("chat:latest", ["tags"])


def test_a_child_is_found_by_the_weights_that_it_shares_with_its_parent():
    host = OneHost()
    host.server.add("child", blob="sha256-1")
    host.server.add("chat", blob="sha256-1")
    host.server.add("plain", blob="sha256-2")
    host.server.resident("plain")
    host.server.resident("chat")

    assert found(host, "child") == (
        "chat:latest",
        ["tags", "show child", "show plain:latest", "show chat:latest"],
    )


def test_a_model_whose_weights_the_host_does_not_tell_shares_them_with_none():
    host = OneHost()
    host.server.add("child")
    host.server.resident("plain")

    assert found(host, "child") == (None, ["tags", "show child"])


def test_a_model_that_the_host_does_not_have_is_told():
    host = OneHost()
    host.server.resident("plain")

    with pytest.raises(UnknownModel):
        found(host, "unknown")


def test_a_model_asks_its_host_once_for_its_capabilities():
    host = OneHost()
    meant = model(host)

    assert meant.info == meant.info
    assert host.server.questions == ["show chat"]


@pytest.mark.parametrize(
    ("wanted", "hides"),
    [
        ("chat", False),
        ("chat?num_ctx=2048", False),
        ("chat?num_gpu=1", True),
        ("chat?num_ctx=2048&use_mmap=false", True),
    ],
)
def test_options_other_than_the_context_are_hidden_from_a_view(wanted, hides):
    assert model(OneHost(), wanted).hides_options is hides


@pytest.mark.parametrize(
    ("left_s", "context", "is_warm"),
    [
        (300.0, 2048, True),
        (1.0, 2048, False),
        (1.5, 2048, True),
        (-5.0, 2048, True),
        (None, 2048, True),
        (300.0, 4096, False),
        (300.0, None, True),
    ],
    ids=["idle", "going", "still", "busy", "no-timer", "other-context", "old-server"],
)
def test_a_resident_is_warm_with_the_wanted_context_and_time_left(
    left_s, context, is_warm
):
    host = OneHost()
    there = host.server.resident("chat", left_s, context=context)

    meant = model(host, "chat?num_ctx=2048")

    assert meant.is_warm(there, host.server.view()) is is_warm


def test_the_resident_of_a_target_is_found_from_a_view_of_now():
    host = OneHost()
    there = host.server.resident("chat", context=512)

    assert warming.find_resident(target("chat?num_ctx=2048"), host.server) == there
    host.server.residents.clear()
    assert warming.find_resident(target("chat"), host.server) is None
