"""A resident of a wedged host is unloaded only while a load of ours is late."""

from dataclasses import replace

import pytest

from tests.support.builders import NOW, holder
from tests.support.one_host import OneHost
from worker import curing
from worker.core.passes import Cure, Kind

CALL = Cure(host="gpu", resident="plain:latest")
LATE = holder("chat", began_at=NOW - 31, late_s=30.0)


def wedged(load):
    host = OneHost()
    host.server.resident("plain")
    host.server.resident("chat")
    if load:
        host.loads.take_lane("gpu", load)
    return host


def test_a_resident_of_a_wedged_host_is_unloaded_and_that_is_an_event(caplog):
    host = wedged(LATE)

    assert curing.cure(CALL, host.deps)

    assert host.server.asked == [("unload", {"model": "plain:latest"})]
    assert host.shelf.get("unloaded", "gpu") == {"d-plain:latest": NOW}
    [event] = host.passes.events
    assert (event.kind, event.host, event.model) == (Kind.CURED, "gpu", "plain:latest")
    assert event.at == NOW
    assert caplog.messages == [
        "plain:latest on gpu cured: let go, so that the wedged host loads again"
    ]


@pytest.mark.parametrize(
    "load",
    [None, replace(LATE, late_s=None), replace(LATE, began_at=NOW - 30)],
    ids=["no-load-is-in-flight", "its-load-is-never-late", "its-load-is-not-late-yet"],
)
def test_nothing_is_unloaded_while_no_load_of_ours_is_late(load):
    host = wedged(load)

    assert not curing.cure(CALL, host.deps)

    assert host.server.asked == []
    assert host.passes.events == []


def test_nothing_is_unloaded_when_the_resident_has_gone_by_itself():
    host = wedged(LATE)
    host.server.residents.clear()
    host.server.resident("chat")

    assert not curing.cure(CALL, host.deps)

    assert host.server.asked == []
