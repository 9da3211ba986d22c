"""That growth of memory is told, and what is none is not."""

from dataclasses import replace

import pytest

from tests.soak import memory
from tests.support.soak_examples import fault


def grown(*mib):
    """A process that was read every ten seconds."""
    samples = [(10.0 * n, used) for n, used in enumerate(mib)]
    return memory.Grown(name="worker", pid=1, samples=samples)


def test_a_process_that_grows_after_its_first_minute_is_reported():
    one = grown(*[50] * 7, 51, 52, 53, *[54] * 6)

    assert [one.share, one.steady_share(())] == pytest.approx([0.08, 0.08])
    told = list(memory.Sampler({1: one}).too_much(()))
    assert len(told) == 1
    assert told[0].startswith("worker (1) has grown by 8.0%, MiB: ")


def test_growth_of_the_first_minute_counts_for_nothing():
    one = grown(30, 35, 40, 45, 48, 49, *[50] * 8)

    assert one.share == one.steady_share(()) == 0


def test_memory_that_a_process_takes_once_is_not_steady_growth():
    began_to_work = grown(*[40] * 8, 44, 50, *[51] * 6, *[52] * 6)
    fault_at_75 = grown(*[40] * 8, 41, 42, 43, *[44] * 8)

    assert began_to_work.steady_share(()) == pytest.approx(1 / 51)
    assert fault_at_75.steady_share([fault(at=75.0, healed=95.0)]) == 0
    assert fault_at_75.steady_share(()) == pytest.approx(4 / 40)


def test_memory_that_the_second_fault_of_a_kind_costs_is_growth():
    one = grown(*[40] * 8, *[41] * 6, *[42] * 8)
    first, again = fault(at=75.0, healed=80.0), fault(at=135.0, healed=136.0)

    assert one.steady_share([first, replace(again, host="a")]) == 0
    assert one.steady_share([first, replace(again, victim="worker child")]) == 0
    assert one.steady_share([first, replace(again, victim="beat")]) > 0
    assert one.steady_share([first, again]) == pytest.approx(1 / 41)


def test_memory_that_comes_and_goes_with_children_is_not_growth():
    one = grown(*[26, 32, 33] * 8)

    assert one.steady_share(()) < 0
