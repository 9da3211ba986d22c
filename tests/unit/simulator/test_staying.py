"""Keep-alive, unloading, slots, work. Sources: `server/sched.go`; servers measured."""

import pytest

from tests.unit.simulator.world import World, model
from worker.simulator.physics.keepalive import FOREVER_S

A, B = model("a"), model("b")


def test_a_model_expires_after_the_servers_keep_alive():
    world = World(keep_alive_s=30)
    world.load(A)

    assert world.at(39.9).loaded == ["a"]
    assert world.at(40).loaded == []


def test_an_explicit_keep_alive_replaces_the_runners_shorter_or_longer():
    world = World()
    world.load(A, keep_alive_s=60)

    world.ask(A, keep_alive_s=600)
    assert world.left_s("a") == 600

    world.ask(A, keep_alive_s=5)
    assert world.left_s("a") == 5


def test_without_a_keep_alive_the_timer_restarts_with_the_runners():
    world = World()
    world.load(A, keep_alive_s=60)

    world.at(50).ask(A)

    assert world.left_s("a") == 60


def test_a_reload_falls_back_to_the_servers_keep_alive():
    world = World(keep_alive_s=30)
    world.load(A, keep_alive_s=600)

    world.load(A, num_ctx=1024)

    assert world.left_s("a") == 30


def test_a_reload_with_a_keep_alive_takes_it():
    world = World(keep_alive_s=30)
    world.load(A, keep_alive_s=600)

    world.load(A, num_ctx=1024, keep_alive_s=77)

    assert world.left_s("a") == 77


@pytest.mark.parametrize("keep_alive_s", [0, -1])
def test_without_a_duration_a_model_goes_right_after_its_work(keep_alive_s):
    world = World()

    ticket = world.load(A, keep_alive_s=keep_alive_s, tokens=10)

    assert world.at(20).loaded == ["a"]
    assert world.at(25).loaded == []
    assert world.finished_at(ticket) == 25


def test_for_ever_is_292_years():
    world = World()

    world.load(A, keep_alive_s=FOREVER_S)

    assert world.left_s("a") > 292 * 365 * 24 * 3600


def test_a_busy_model_does_not_expire_and_shows_a_stale_expiry():
    world = World(keep_alive_s=30)
    world.load(A)

    ticket = world.ask(A, tokens=100)

    assert world.at(60).left_s("a") == -20
    world.at(115)
    assert world.finished_at(ticket) == 115
    assert world.left_s("a") == 30


def test_during_its_first_work_the_expiry_is_an_estimate_that_drifts():
    world = World(keep_alive_s=30)
    world.load(A, tokens=100)

    assert [world.at(now).left_s("a") for now in (20, 40)] == [30, 30]


def test_a_touch_of_a_busy_model_is_answered_and_does_not_move_its_expiry():
    world = World(keep_alive_s=30)
    world.load(A)
    world.ask(A, tokens=100)

    touch = world.at(12).ask(A, keep_alive_s=500)

    assert world.finished_at(touch) == 12
    assert world.left_s("a") == 28
    assert world.at(115).left_s("a") == 500


def test_work_waits_for_a_slot_in_order():
    world = World()
    world.load(A, tokens=1)
    tickets = [world.at(16).ask(A, tokens=9) for _ in range(3)]

    world.at(100)

    assert [world.started_at(ticket) for ticket in tickets] == [16, 26, 36]


def test_parallel_slots_work_at_once():
    world = World(num_parallel=2)
    world.load(A, tokens=1)
    tickets = [world.at(16).ask(A, tokens=9) for _ in range(3)]

    world.at(100)

    assert [world.started_at(ticket) for ticket in tickets] == [16, 16, 26]


def test_a_caller_that_hangs_up_frees_its_slot():
    world = World()
    first = world.load(A, tokens=1000)
    second, third = world.ask(A, tokens=9), world.ask(A, tokens=9)

    world.at(20).hang_up(second)
    world.at(30).hang_up(first)
    world.at(100)

    assert world.started_at(second) is None
    assert world.started_at(third) == 30


def test_the_first_prompt_after_a_load_is_slow_and_the_second_is_not():
    world = World()
    world.load(A)
    cold = world.ask(A, tokens=1)
    warm = world.at(20).ask(A, tokens=1)

    world.at(40)

    assert world.finished_at(cold) == 10 + 6
    assert world.finished_at(warm) == 20 + 2


def test_an_idle_model_unloads_at_once():
    world = World()
    world.load(A)

    world.unload(A)

    assert world.loaded == []
    assert world.scheduler.ledger.counts.unloads == 1


def test_a_busy_model_unloads_after_its_work_and_shows_that_it_expires_now():
    world = World()
    world.load(A, tokens=10)

    world.at(12).unload(A)

    assert world.left_s("a") == 0
    assert world.at(24).loaded == ["a"]
    assert world.at(25).loaded == []


def test_an_explicit_keep_alive_revives_a_model_that_was_to_unload():
    world = World()
    world.load(A, tokens=10)
    world.at(12).unload(A)

    world.ask(A, keep_alive_s=60)

    assert world.at(25).left_s("a") == 60


def test_unloading_a_model_that_is_not_loaded_does_nothing():
    world = World()
    world.load(B)

    world.unload(A)

    assert world.loaded == ["b"]
    assert world.scheduler.ledger.counts.unloads == 0


def test_models_that_share_a_blob_share_a_runner_under_the_first_name():
    world = World()
    world.load(A)

    other = world.ask(model("alias", of="a"))

    assert world.granted_at(other) == 10
    assert world.loaded == ["a"]
    world.unload(model("alias", of="a"))
    assert world.loaded == []


def test_a_child_and_its_parent_in_turn_reload_each_time():
    child = model("child", of="a", parameters={"num_ctx": 512.0})
    world = World()

    seen = []
    for each in (A, child, A, child):
        world.load(each)
        seen.append((world.loaded, world.loads))

    assert seen == [(["a"], 1), (["child"], 2), (["a"], 3), (["child"], 4)]
    assert world.context("child") == 512


def test_a_reload_waits_for_the_work_and_blocks_the_requests_behind_it():
    world = World()
    world.load(A, tokens=25)
    reload = world.ask(A, num_ctx=1024)
    behind = world.ask(B)

    world.at(100)

    assert world.granted_at(reload) == 50
    assert world.granted_at(behind) == 60


def test_a_dead_runner_stays_listed_until_the_next_request_reloads():
    world = World()
    world.load(A)
    assert world.scheduler.crash(A, now=11)

    assert world.at(12).loaded == ["a"]
    ticket = world.ask(A)
    world.at(60)

    assert world.granted_at(ticket) == 22
    assert world.scheduler.ledger.counts.crashes == 1


def test_the_work_of_a_runner_that_dies_fails():
    world = World()
    working = world.load(A, tokens=100)
    waiting = world.ask(A, tokens=1)

    world.scheduler.crash(A, now=12)
    world.at(12)

    assert world.failure(working) == world.failure(waiting) == "RUNNER_STOPPED"
    assert world.left_s("a") == 300


def test_a_runner_that_is_not_there_cannot_die():
    assert not World().scheduler.crash(A, now=0)


def test_the_list_has_the_longest_to_stay_first():
    world = World()
    for name, keep_alive_s in (("x", 100), ("y", FOREVER_S), ("z", 200)):
        world.load(model(name), keep_alive_s=keep_alive_s)

    residents = world.scheduler.residents(now=world.now)

    assert [row.model.name.model for row in residents] == ["y", "z", "x"]
