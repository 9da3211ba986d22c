"""Which target a listed model is, and what a loss holds, field by field."""

import pytest

from tests.support.builders import NOW, resident, stay, target, view
from worker.core import losses
from worker.core.departures import Departure
from worker.core.losses import Loss, Scene
from worker.core.passes import Kind

MID, LOW = TARGETS = [target("mid", priority=1), target("low")]
HOLD_S = 60.0


def scene(*residents, left=None, serves=None, foreign=(), strangers=()):
    return Scene(
        left=left or {},
        foreign=foreign,
        undone=frozenset(),
        strangers=strangers,
        view=view(*residents),
        serves=serves or {},
        targets=TARGETS,
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [("mid:latest", MID), ("alias:latest", LOW), ("x:latest", None), ("", None)],
    ids=["its name", "an alias that serves it", "foreign", "nobody"],
)
def test_a_listed_model_is_the_target_that_it_names_or_serves(name, found):
    seen = scene(
        resident("x"),
        resident("alias"),
        serves={LOW.key: "d-alias:latest", MID.key: "d-other:latest"},
    )

    assert seen.target_of(name) is found


def test_a_sudden_loss_names_no_evictor_and_no_residents():
    sudden = Departure(kind=Kind.UNLOADED, why="", is_sudden=True)

    lost = losses.after({}, scene(left={MID.key: sudden}), now=NOW, hold_s=HOLD_S)

    assert lost == {
        MID.key: Loss(at=NOW, by="", residents=0, times=0, until=NOW + 60, is_open=True)
    }


def test_a_target_does_not_lose_its_room_to_another_target_by_its_own_load():
    by_itself = Departure(kind=Kind.EVICTED, why="", by="mid:latest", is_ours=True)
    seen = scene(resident("mid"), left={MID.key: by_itself})

    lost = losses.after({}, seen, now=NOW, hold_s=HOLD_S)

    assert lost[MID.key].times == 1
    assert lost[MID.key].until == NOW + 60


def test_a_loss_before_a_sudden_one_keeps_its_taker_and_its_count():
    sudden = Departure(kind=Kind.UNLOADED, why="", is_sudden=True)
    before = {MID.key: Loss(at=NOW - 100, by="x:latest", residents=2, times=3)}

    lost = losses.after(before, scene(left={MID.key: sudden}), now=NOW, hold_s=HOLD_S)

    assert lost == {
        MID.key: Loss(
            at=NOW, by="x:latest", residents=2, times=3, until=NOW + 60, is_open=True
        )
    }


def test_a_target_that_took_a_foreign_models_room_lost_nothing_itself():
    taken = Departure(kind=Kind.EVICTED, why="", by="mid:latest", is_ours=True)
    seen = scene(resident("mid"), foreign=[("x:latest", taken)])

    lost = losses.after({}, seen, now=NOW, hold_s=HOLD_S)

    assert lost == {MID.key: Loss(at=NOW, by="x:latest", residents=1, times=0)}


def test_a_taker_that_is_still_loading_counts_as_a_resident():
    taken = Departure(kind=Kind.EVICTED, why="", by="x:latest")
    seen = scene(resident("y"), left={MID.key: taken})

    lost = losses.after({}, seen, now=NOW, hold_s=HOLD_S)

    assert lost[MID.key].residents == 2


def test_another_target_that_comes_after_a_sudden_loss_has_taken_the_room():
    before = {MID.key: Loss(at=NOW - 9, by="", until=NOW + 51, is_open=True)}
    seen = scene(resident("low"), strangers=[stay("low")])

    lost = losses.after(before, seen, now=NOW, hold_s=HOLD_S)

    assert (lost[MID.key].by, lost[MID.key].is_open) == ("low:latest", False)
