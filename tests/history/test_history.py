"""A day in the life of a host, in seconds: what must hold, by the simulator's word."""

import pytest

from tests.history import checks, signs
from tests.history.scenes import history

DAYS = [("roomy", 0), ("tight", 0), ("single", 0)]
INVARIANTS = (
    checks.lapses,
    checks.reloads,
    checks.evictions_in_use,
    checks.loads_in_a_row,
    checks.loads_at_once,
    checks.explicit_keep_alives,
    checks.touches,
    checks.touches_of_used,
)


@pytest.mark.parametrize(("scene", "seed"), DAYS)
def test_a_day_of_traffic_and_faults_breaks_no_invariant(scene, seed):
    day = history(scene, seed)

    for invariant in INVARIANTS:
        broken = list(invariant(day))
        assert broken == [], "\n".join(broken[:3])
    assert day.worker.bad == []


@pytest.mark.parametrize(("scene", "seed"), DAYS)
def test_evictions_in_use_that_no_view_shows_are_less_than_a_tenth_of_our_loads(
    scene, seed
):
    day = history(scene, seed)

    loads = [load for t in day.scene.targets for load in checks.loads(day, t)]
    assert len(list(signs.evictions_in_use(day))) <= len(loads) / 10


def test_a_simulated_day_has_thousands_of_looks_and_touches_and_every_kind_of_event():
    day = history("roomy", 0)

    assert len(day.worker.looks) > 8_000
    assert len(day.worker.touched) > 1_000
    kinds = {event.kind.value for event in day.worker.passes.events}
    assert kinds >= {"changed", "restarted", "evicted", "crashed", "unloaded"}
