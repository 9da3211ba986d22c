"""The serial queue of loads. Sources: `server/sched.go`; servers measured."""

import pytest

from tests.unit.simulator.world import World, model

A, B, C, D = (model(name) for name in "abcd")


def test_a_load_takes_its_time_and_is_listed_only_when_it_has_ended():
    world = World()
    ticket = world.ask(A)

    assert world.at(9.9).loaded == []
    assert world.at(10).loaded == ["a"]
    assert world.finished_at(ticket) == 10


def test_loads_are_serial_and_first_come_first_served():
    world = World()
    tickets = [world.ask(each) for each in (A, B, C)]

    world.at(60)

    assert [world.granted_at(ticket) for ticket in tickets] == [10, 20, 30]


def test_callers_of_one_model_share_one_load():
    world = World()
    tickets = [world.ask(A) for _ in range(5)]

    world.at(10)

    assert [world.granted_at(ticket) for ticket in tickets] == [10] * 5
    assert world.loads == 1


def test_a_caller_of_the_loading_model_waits_behind_other_models_in_the_queue():
    world = World()
    world.ask(A)
    world.ask(B)
    again = world.ask(A)

    world.at(60)

    assert world.granted_at(again) == 20


def test_a_loaded_model_answers_while_another_loads():
    world = World()
    world.load(A)
    world.ask(B)

    touch = world.ask(A)

    assert world.granted_at(touch) == 10


def test_a_load_dies_with_its_caller():
    world = World()
    ticket = world.ask(A)

    world.at(5).hang_up(ticket)

    assert world.at(60).loaded == []
    assert world.scheduler.ledger.counts.cancelled_loads == 1


def test_a_second_caller_of_a_cancelled_load_starts_a_fresh_one():
    world = World()
    first, second = world.ask(A), world.ask(A)

    world.at(9).hang_up(first)
    world.at(60)

    assert world.granted_at(second) == 19
    assert world.loads == 2


def test_a_disconnected_request_is_passed_over_in_its_turn():
    world = World()
    world.ask(A)
    gone, last = world.ask(B), world.ask(C)

    world.at(1).hang_up(gone)
    world.at(60)

    assert world.loaded == ["a", "c"]
    assert world.granted_at(last) == 20
    assert world.loads == 2


def test_a_load_that_has_ended_stays_when_its_caller_goes():
    world = World()
    ticket = world.load(A, tokens=100)

    world.at(20).hang_up(ticket)

    assert world.loaded == ["a"]
    assert world.left_s("a") == 300


def test_a_full_queue_refuses():
    world = World(max_queue=2)
    tickets = [world.ask(each) for each in (A, B, C, D)]

    failures = [world.failure(ticket) for ticket in tickets]

    assert failures == [None, None, None, "QUEUE_FULL"]


def test_an_abandoned_request_counts_against_the_queue_until_its_turn():
    world = World(max_queue=1)
    world.ask(A)
    world.hang_up(world.ask(B))

    assert world.failure(world.ask(C)) == "QUEUE_FULL"
    world.at(10)
    assert world.failure(world.ask(C)) is None


def test_a_loaded_model_never_meets_the_queue():
    world = World(max_queue=1)
    world.load(A)
    world.ask(B)
    world.ask(C)

    assert world.failure(world.ask(D)) == "QUEUE_FULL"
    assert world.granted_at(world.ask(A)) == 10


def test_a_queue_of_length_0_takes_a_request_that_does_not_have_to_wait():
    world = World(max_queue=0)

    assert world.failure(world.ask(A)) is None
    assert world.failure(world.ask(B)) == "QUEUE_FULL"


def test_unload_does_not_touch_a_model_that_is_still_loading():
    world = World()
    world.ask(A)

    world.at(5).unload(A)

    assert world.at(10).loaded == ["a"]


def test_a_caller_that_left_while_it_waited_for_room_starts_a_load_that_ends_at_once():
    world = World(max_loaded_models=1)
    world.load(A, tokens=20)
    waiting = world.ask(B)
    world.at(12).hang_up(waiting)

    world.at(60)

    assert world.loaded == []
    assert (world.loads, world.scheduler.ledger.counts.cancelled_loads) == (2, 1)


def test_the_next_load_waits_until_the_memory_of_the_last_model_is_free():
    world = World(max_loaded_models=1)
    world.load(model("slow", unload_s=2.0))

    ticket = world.ask(B)
    world.at(60)

    assert world.granted_at(ticket) == 22


class Starved:
    """Loads run out of memory so many times."""

    def __init__(self, times: int) -> None:
        self.times = times

    def out_of_memory(self, _model):
        self.times -= 1
        return self.times >= 0

    def slowness(self, _model):
        return 1.0


def test_out_of_memory_lowers_an_automatic_context_once():
    wide = model("wide", train_context=131072)
    world = World(Starved(1), auto_context=131072)

    world.ask(wide)

    assert world.at(20).context("wide") == 32768


def test_out_of_memory_evicts_all_others_and_loads_once_more():
    starved = Starved(0)
    world = World(starved)
    world.load(A)
    world.load(B)
    starved.times = 1

    ticket = world.ask(C)
    world.at(60)

    assert world.granted_at(ticket) == 40
    assert world.loaded == ["c"]
    assert world.scheduler.ledger.counts.evictions == 2


def test_out_of_memory_waits_for_the_work_of_the_others():
    starved = Starved(0)
    world = World(starved)
    world.load(A, tokens=25)
    starved.times = 1

    ticket = world.ask(B)
    world.at(100)

    assert world.granted_at(ticket) == 50


@pytest.mark.parametrize("times", [1, 2])
def test_out_of_memory_fails_a_load_that_has_nothing_to_gain(times):
    world = World(Starved(times))

    ticket = world.ask(A, num_ctx=2048)
    world.at(60)

    assert world.failure(ticket) == "OUT_OF_MEMORY"


def test_a_second_lack_of_memory_fails():
    starved = Starved(0)
    world = World(starved)
    world.load(A)
    starved.times = 2

    ticket = world.ask(B)
    world.at(60)

    assert world.failure(ticket) == "OUT_OF_MEMORY"
    assert world.loaded == []
    assert world.scheduler.ledger.counts.failed_loads == 2


def test_slowness_stretches_loads_and_tokens():
    class Slow(Starved):
        def slowness(self, _model):
            return 3.0

    world = World(Slow(0))
    ticket = world.ask(A, tokens=10)

    world.at(200)

    assert world.granted_at(ticket) == 30
    assert world.finished_at(ticket) == 30 + 3 * (5 + 10)


def test_a_legacy_server_lists_a_model_while_it_loads():
    world = World(legacy=True)

    world.ask(A)

    assert world.loaded == ["a"]
    assert world.left_s("a") == 300
