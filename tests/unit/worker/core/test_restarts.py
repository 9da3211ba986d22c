"""A server that stops or starts again: what passes forget of its host."""

import pytest

from tests.support.builders import holder, target
from tests.support.passes import REFUSED, Host, loads
from worker.core.domain import Unanswered

A, B, C = target("a", priority=3), target("b", priority=2), target("c", priority=1)


def test_a_server_that_restarted_gets_its_models_back_in_order_of_priority():
    host = Host(B, A)
    host.look(host.resident("a"), host.resident("b"))

    plan = host.look()

    assert loads(plan) == ["a"]
    assert host.kinds == [("a", "restarted"), ("b", "restarted")]


@pytest.mark.parametrize(
    ("refusals", "is_down"), [(1, False), (2, False), (3, True), (9, True)]
)
def test_a_host_is_down_after_three_refused_connections_in_a_row(refusals, is_down):
    host = Host(A)
    for _ in range(refusals):
        host.look(view=REFUSED)

    assert host.memory.is_down is is_down
    host.look(view=Unanswered(text="mute"))
    assert not host.memory.is_down


def test_a_restart_forgets_that_two_targets_did_not_fit_together():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("b"))
    host.look(host.resident("a"))
    host.look(view=REFUSED)

    plan = host.look(host.resident("a"))

    assert loads(plan) == ["b"]


def test_a_restart_forgets_that_the_host_was_full():
    host = Host(A, B)
    host.look(host.resident("a"))
    host.look(host.resident("x"))
    host.look(view=REFUSED)

    assert loads(host.look(host.resident("a"))) == ["b"]


def test_a_restart_ends_the_wait_for_an_unseen_load():
    host = Host(A, B, C)
    host.look(host.resident("a"), host.resident("b"), holder=holder("foreign"))
    assert loads(host.look(host.resident("b"))) == []
    host.look(view=REFUSED)

    assert loads(host.look()) == ["a"]
