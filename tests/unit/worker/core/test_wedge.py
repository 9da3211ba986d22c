"""When a host counts as wedged, and which resident is let go; view by view."""

from dataclasses import replace

import pytest

from tests.support.builders import NOW, holder, resident, target, view
from worker.core import wedge

LATE_S = 30.0
A, B = target("a", priority=2), target("b")
WAITS = holder("c", began_at=NOW, late_s=LATE_S)


def looked(*views, holder=WAITS):
    """What is known after some views, ten seconds apart; each is pairs of a name and
    what is left of its time."""
    still, now = None, NOW
    for rows in views:
        now += 10
        shown = view(*(resident(n, s, now=now) for n, s in rows), now=now)
        still = wedge.watch(still, shown, holder, now=now)
    doubts = wedge.doubtful(still, shown, holder, now=now)
    return wedge.is_wedged(still, shown, doubts, now=now), doubts


def silent(times, *, left_s=300.0, name="a"):
    """A timer that runs down."""
    return [[(name, left_s - 10 * n)] for n in range(times)]


def rested(times):
    """A timer that a request has restarted in between."""
    return [*silent(times - 1), [("a", 295.0)]]


@pytest.mark.parametrize(
    ("views", "is_wedged"),
    [
        (rested(3), False),
        (rested(4), True),
        (silent(4), False),
        (silent(60, left_s=9_000.0), False),
        (silent(61, left_s=9_000.0), True),
        ([[("a", 300.0)]] * 8, False),
        ([[("a", -10.0 * n)] for n in range(1, 9)], False),
        ([*silent(3), [("a", 270.0), ("b", 60.0)], [("a", 295.0), ("b", 50.0)]], False),
        ([[]] * 8, False),
    ],
    ids=[
        *("not late yet", "late, and idle since", "it may be at work"),
        *("for ten minutes", "no work is so long", "the first work since its load"),
        *("busy for certain", "another one came", "nothing is resident"),
    ],
)
def test_a_host_is_wedged_when_a_late_load_can_wait_for_no_resident(views, is_wedged):
    assert looked(*views)[0] is is_wedged


def test_a_late_load_may_wait_for_a_resident_that_may_be_at_work():
    both = [[("a", 300.0), ("b", 200.0)]] * 1 + [
        [("a", 295.0), ("b", 200.0 - 10 * n)] for n in range(1, 6)
    ]

    assert looked(*both) == (False, {"d-b:latest"})


def test_a_load_becomes_late_anew_after_another_model_has_come():
    """Several loads of others may come before ours."""
    before = [*silent(6)]
    came = [[("a", 240.0 - 10 * n), ("x", 300.0 - 10 * n)] for n in range(3)]
    used = [[("a", 295.0), ("x", 295.0)]]

    assert looked(*before, *came, *used)[1] is None
    assert looked(*before, *came, *came, *used)[0]


@pytest.mark.parametrize("held", [None, replace(WAITS, late_s=None)])
def test_without_a_load_of_ours_that_can_be_late_there_is_no_wedge(held):
    assert looked(*rested(9), holder=held) == (False, None)


def test_at_least_three_views_must_show_a_wedge_however_long_the_tick():
    late = holder("c", began_at=NOW - 500, late_s=LATE_S)

    assert not looked(*rested(2), holder=late)[0]
    assert looked(*rested(3), holder=late)[0]


@pytest.mark.parametrize(
    ("rows", "doubts", "others", "chosen"),
    [
        ([("a", 60), ("b", 60), ("x", 10)], (), False, "b"),
        ([("a", 60), ("b", -5), ("x", 10)], (), False, "a"),
        ([("a", 60), ("b", 60), ("x", 10)], ("b",), False, "a"),
        ([("b", 60), ("x", 10)], ("b", "x"), False, "b"),
        ([("x", 10), ("y", 5)], (), False, None),
        ([("x", 10), ("y", 5)], (), True, "y"),
        ([("x", 10), ("b", -5)], (), True, "x"),
        ([("b", -5)], (), True, None),
    ],
    ids=[
        *("the least wanted", "that is idle", "for certain", "or as it looks"),
        *("no target", "any", "any that is idle", "nothing is idle"),
    ],
)
def test_the_cure_unloads_the_least_wanted_idle_target(rows, doubts, others, chosen):
    shown = view(*(resident(name, left_s) for name, left_s in rows))
    serves = [(t.key, f"d-{t.model}:latest") for t in (A, B)]

    victim = wedge.victim(
        shown,
        order=[A, B],
        serves=serves,
        doubts=[f"d-{name}:latest" for name in doubts],
        others=others,
    )

    assert (victim.name if victim else None) == (chosen and f"{chosen}:latest")
