"""Eviction, and the wedge. Sources: `server/sched.go`; servers measured."""

import pytest

from tests.unit.simulator.world import World, model
from worker.simulator.physics.keepalive import FOREVER_S

A, B, C, D = (model(name, digest=name * 64) for name in "abcd")


def three_loaded(*keep_alives_s):
    world = World()
    for each, keep_alive_s in zip((A, B, C), keep_alives_s, strict=True):
        world.load(each, keep_alive_s=keep_alive_s)
    return world


@pytest.mark.parametrize(
    ("keep_alives_s", "stayed"),
    [
        pytest.param((600, 300, FOREVER_S), ["a", "c", "d"], id="not by age"),
        pytest.param((FOREVER_S, 601, 600), ["a", "b", "d"], id="the shortest"),
        pytest.param((600, 600, 600), ["b", "c", "d"], id="ties by blob"),
        pytest.param((FOREVER_S,) * 3, ["b", "c", "d"], id="for ever is no pin"),
    ],
)
def test_the_victim_has_the_shortest_keep_alive(keep_alives_s, stayed):
    world = three_loaded(*keep_alives_s)

    world.load(D)

    assert world.loaded == stayed
    assert world.loads == 4


def test_an_overflown_keep_alive_is_evicted_last():
    world = three_loaded(600, 600, FOREVER_S)
    world.ask(A, keep_alive_s=-9.2e9, tokens=1000)
    world.ask(B, tokens=50)
    world.ask(C, tokens=50)

    world.ask(D)

    assert world.at(200).loaded == ["a", "c", "d"]


def test_an_idle_model_goes_before_a_busy_one_with_a_shorter_keep_alive():
    world = three_loaded(60, 600, 700)
    world.ask(A, tokens=1000)

    world.load(D)

    assert world.loaded == ["a", "c", "d"]


def test_when_all_are_busy_the_shortest_finishes_its_work_first():
    world = three_loaded(600, 300, 700)
    for each, tokens in ((A, 10), (B, 35), (C, 10)):
        world.ask(each, tokens=tokens)

    ticket = world.ask(D)
    world.at(200)

    assert world.granted_at(ticket) == 30 + 40 + 10
    assert "b" not in world.loaded


def test_two_in_the_queue_evict_one_after_the_other():
    world = World(max_loaded_models=1)
    world.load(A)

    second, third = world.ask(B), world.ask(C)
    world.at(60)

    assert [world.granted_at(t) for t in (second, third)] == [20, 30]
    assert world.loaded == ["c"]


def wedged(keep_alive_s: float | None = 60) -> tuple[World, int]:
    """A works, B waits for it to go, and A is touched at 12; A's work ends at 25."""
    world = World(max_loaded_models=1)
    world.load(A, tokens=10)
    waiting = world.ask(B)
    world.at(12).ask(A, keep_alive_s=keep_alive_s)
    return world, waiting


def test_touching_a_doomed_model_without_keep_alive_is_harmless():
    world, waiting = wedged(keep_alive_s=None)

    world.at(100)

    assert world.granted_at(waiting) == 35


def test_touching_a_doomed_model_with_keep_alive_wedges_the_server():
    world, waiting = wedged()

    world.at(84)

    assert world.granted_at(waiting) is None
    assert world.scheduler.is_waiting
    assert world.loaded == ["a"]


def test_a_wedged_server_still_answers_touches_of_the_model():
    world, _ = wedged()

    touch = world.at(50).ask(A)

    assert world.finished_at(touch) == 50


def test_the_wedge_ends_when_that_keep_alive_ends():
    world, waiting = wedged(keep_alive_s=40)

    world.at(100)

    assert world.granted_at(waiting) == 25 + 40 + 10


def test_a_touch_prolongs_the_wedge():
    world, waiting = wedged(keep_alive_s=40)
    world.at(50).ask(A)

    world.at(200)

    assert world.granted_at(waiting) == 50 + 40 + 10


def test_a_wedge_for_ever_never_ends():
    world, waiting = wedged(keep_alive_s=FOREVER_S)

    world.at(1e6)

    assert world.granted_at(waiting) is None


@pytest.mark.parametrize(
    ("cure", "freed_at"),
    [
        (lambda world: world.unload(A), 30),
        (lambda world: world.ask(A, keep_alive_s=1), 31),
        (lambda world: world.ask(A, keep_alive_s=0, tokens=4), 35),
    ],
    ids=["unload", "a keep-alive of a second", "work with a keep-alive of 0"],
)
def test_the_wedge_is_cured_over_the_api(cure, freed_at):
    world, waiting = wedged()

    cure(world.at(30))
    world.at(100)

    assert world.granted_at(waiting) == freed_at + 10


def test_the_wedge_is_cured_by_the_end_of_any_other_model():
    world = World(max_loaded_models=2)
    world.load(A, tokens=30)
    world.load(B, tokens=30, keep_alive_s=600)
    waiting = world.ask(C)
    world.ask(A, keep_alive_s=FOREVER_S)

    assert world.at(80).granted_at(waiting) is None
    world.unload(B)

    assert world.at(90).granted_at(waiting) == 90
    assert world.loaded == ["a", "c"]


def test_hanging_up_does_not_cure_the_wedge():
    world, waiting = wedged()

    world.at(30).hang_up(waiting)
    behind = world.ask(C)

    assert world.at(80).granted_at(behind) is None
    assert world.at(200).granted_at(behind) == 95


def test_a_reload_that_waits_can_be_wedged_as_well():
    world = World()
    world.load(A, tokens=10)
    waiting = world.ask(A, num_ctx=1024)
    world.at(12).ask(A, keep_alive_s=40)

    world.at(200)

    assert world.granted_at(waiting) == 25 + 40 + 10


def test_the_history_has_each_departure_with_its_reason():
    world = World(max_loaded_models=1)
    world.load(A)
    world.load(B)
    world.load(B, num_ctx=1024, keep_alive_s=5)
    world.at(100)
    world.load(C)
    world.unload(C)

    stays = world.scheduler.ledger.stays

    assert [(s.name, s.why, s.evicted_for) for s in stays] == [
        ("a:latest", "evicted", "b:latest"),
        ("b:latest", "reloaded", None),
        ("b:latest", "expired", None),
        ("c:latest", "unloaded", None),
    ]
    assert [(s.loaded_at, s.ended_at) for s in stays][:2] == [(10, 10), (20, 20)]
