"""The ledger of losses: which target lost its room to which model, by one change."""

import pytest

from tests.support.builders import NOW, resident, stay, target, view
from worker.core import losses
from worker.core.departures import KEEP_ALIVE, Departure
from worker.core.losses import Loss, Scene
from worker.core.passes import Kind

TARGETS = [target("top", priority=3), target("mid", priority=2), target("low")]
TOP, MID, LOW = TARGETS
HOLD_S = 60.0


def gone(by="", *, is_ours=False, is_sudden=False):
    kind = Kind.EVICTED if by else Kind.UNLOADED
    return Departure(kind=kind, why="", by=by, is_ours=is_ours, is_sudden=is_sudden)


def after(before=None, *, here=(), now=NOW, strangers=(), **changes):
    """Losses by model; `here` are the models that are resident now."""
    residents = [resident(name, now=now) for name in here]
    digests = {r.name: r.digest for r in residents}
    found = {t.key: digests.get(t.name.short) for t in TARGETS}
    scene = Scene(
        left={target(model).key: d for model, d in changes.pop("left", {}).items()},
        undone=frozenset(target(model).key for model in changes.pop("undone", ())),
        strangers=[stay(name) for name in strangers],
        view=view(*residents, now=now),
        serves={key: digest for key, digest in found.items() if digest},
        targets=TARGETS,
        **({"foreign": ()} | changes),
    )
    known = {target(model).key: loss for model, loss in (before or {}).items()}
    lost = losses.after(known, scene, now=now, hold_s=HOLD_S)
    models = {t.key: t.model for t in TARGETS}
    return {models.get(key, key): loss for key, loss in lost.items()}


def loss(by="x:latest", **rest):
    return Loss(at=NOW - 100, by=by, **rest)


@pytest.mark.parametrize(
    ("before", "here", "later_s", "is_known"),
    [
        (loss(), (), 0, True),
        (loss(), (), 3_499, True),
        (loss(), (), 3_500, False),
        (loss(), ("mid",), 0, True),
        (loss(), ("mid", "x"), 0, False),
        (loss(""), ("mid",), 0, False),
        (loss(KEEP_ALIVE), ("mid",), 0, True),
    ],
    ids=[
        *("just now", "for an hour", "after it", "back without the other"),
        *("both are here", "back, and none was known", "back for a short while"),
    ],
)
def test_a_loss_is_remembered_for_an_hour_or_until_both_models_are_resident(
    before, here, later_s, is_known
):
    assert bool(after({"mid": before}, here=here, now=NOW + later_s)) is is_known


OPEN = loss("", until=NOW + 30, is_open=True)


@pytest.mark.parametrize(
    ("strangers", "later_s", "by", "is_open"),
    [
        ((), 0, "", True),
        (("x",), 0, "x:latest", False),
        (("mid",), 0, "", True),
        (("mid", "x"), 0, "x:latest", False),
        ((), 30, "", False),
    ],
    ids=["none comes", "x comes", "it is back", "both come", "time is over"],
)
def test_the_next_foreign_model_that_comes_in_time_is_blamed_for_an_open_loss(
    strangers, later_s, by, is_open
):
    lost = after({"mid": OPEN}, strangers=strangers, now=NOW + later_s)["mid"]

    assert (lost.by, lost.is_open) == (by, is_open)
    assert lost.times == (1 if by else 0)


@pytest.mark.parametrize(
    ("departure", "loser"),
    [
        (gone("top:latest", is_ours=True), ("mid", "top:latest")),
        (gone("top:latest"), ("mid", "top:latest")),
        (gone("low:latest", is_ours=True), ("low", "mid:latest")),
    ],
    ids=["to a more wanted one", "that others loaded", "to a less wanted one"],
)
def test_of_two_targets_that_displace_each_other_the_less_wanted_one_does_not_fit(
    departure, loser
):
    lost = after(left={"mid": departure}, here=("x", departure.by.partition(":")[0]))

    [(name, found)] = lost.items()
    assert (name, found.by) == loser
    assert found.times == 0
    assert found.until == 0.0
    assert found.residents == 2


@pytest.mark.parametrize("by", ["x:latest", "low:latest"], ids=["foreign", "a target"])
def test_a_model_that_an_application_loaded_has_the_room_for_six_ticks(by):
    lost = after(left={"mid": gone(by)}, here=(by.partition(":")[0],))["mid"]

    assert (lost.by, lost.times, lost.until) == (by, 1, NOW + HOLD_S)


@pytest.mark.parametrize(
    ("times", "pause_s"), [(0, 60), (1, 120), (4, 960), (5, 1_800), (60, 1_800)]
)
def test_the_pause_of_a_loss_doubles_up_to_half_an_hour(times, pause_s):
    before = {"mid": loss(times=times)}

    lost = after(before, left={"mid": gone("x:latest")})["mid"]

    assert lost.times == times + 1
    assert lost.until - NOW == pause_s


def test_a_target_that_took_a_foreign_models_room_does_not_fit_beside_it():
    before = {"mid": loss(times=3)}

    lost = after(before, foreign=[("x:latest", gone("mid:latest"))], here=("mid",))

    assert lost["mid"].by == "x:latest"
    assert (lost["mid"].times, lost["mid"].until) == (3, 0.0)
    assert lost["mid"].residents == 1


def test_a_target_that_vanished_waits_six_ticks_for_the_model_that_took_its_room():
    lost = after(left={"mid": gone(is_sudden=True)})["mid"]

    assert (lost.by, lost.until, lost.is_open) == ("", NOW + HOLD_S, True)
    assert after(left={"mid": gone()}) == {}


def test_a_target_that_was_unloaded_right_after_its_load_waits_unless_it_is_back():
    assert after(undone=["mid"])["mid"].is_open
    assert after(undone=["mid"], here=["mid"]) == {}


def test_a_model_that_is_not_a_target_loses_nothing():
    assert after(left={"other": gone("x:latest")}) == {}
    assert after(foreign=[("x:latest", gone("y:latest"))]) == {}
