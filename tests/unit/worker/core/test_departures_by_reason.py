"""Why a resident went, from one change of a host."""

from dataclasses import replace

import pytest

from tests.support.builders import (
    HOST_TIME,
    NOW,
    RULES,
    holder,
    resident,
    stay,
    target,
    view,
)
from worker.core import departures
from worker.core.departures import Change, Departure
from worker.core.domain import LoadRecord
from worker.core.passes import Evictor, Kind, Seen

A, B = target("a", priority=2), target("b", priority=1)
HOST_S = HOST_TIME.timestamp() + NOW
"""The view's instant by the host's clock."""


def was(name, *, expires_s=300.0, seen_s=-10.0, **rest):
    """What was listed ten seconds ago; the seconds are from this view on."""
    return stay(name, expires_s, seen_s=seen_s, **rest)


def change(before, after=(), *, looked_at=NOW - 10, has_strangers=True, **seen):
    shown = view(*(resident(s.name, context=s.context_length) for s in after))
    return Change(
        before={s.digest: s for s in before},
        after={s.digest: s for s in after},
        seen=Seen(view=shown, **seen),
        view=shown,
        targets=[A, B],
        serves={},
        looked_at=looked_at,
        restarted=False,
        has_strangers=has_strangers,
    )


def why(before, after=(), **rest):
    """Why each went, by model."""
    left = departures.of(change(before, after, **rest), rules=RULES)
    return {
        digest[2:].partition(":")[0]: departure for digest, departure in left.items()
    }


def kinds(left):
    return {model: departure.kind.value for model, departure in left.items()}


UNDONE = LoadRecord(task_id="t", attempt=1, ended_at=NOW, error="LoadFailed")


def test_a_model_came_if_it_is_new_or_has_another_context():
    seen = change([was("a"), was("b")], [was("a"), was("b", context=512), was("x")])

    assert [s.name for s in seen.came] == ["b:latest", "x:latest"]


def test_a_model_that_came_is_a_stranger_unless_we_load_it():
    made = was("a", ours=A.key)
    seen = change([], [made, was("b"), was("x")], holder=holder(B.key))

    assert [s.name for s in seen.strangers] == ["x:latest"]


@pytest.mark.parametrize(
    ("record", "looked_at", "is_undone"),
    [
        (UNDONE, NOW, True),
        (UNDONE, NOW + 1, False),
        (UNDONE, 0.0, False),
        (replace(UNDONE, error="Refused"), NOW - 10, False),
    ],
    ids=["as it was looked", "before that", "the first look", "another error"],
)
def test_a_load_is_undone_if_its_model_went_at_once_since_the_last_look(
    record, looked_at, is_undone
):
    seen = change([], looked_at=looked_at, records={A.key: record})

    assert seen.undone == ({A.key} if is_undone else set())


def test_a_model_loaded_again_with_another_context_evicts_no_other():
    left = why([was("a"), was("x")], [was("x", context=512)])

    assert kinds(left) == {"a": "unloaded", "x": "reloaded"}


@pytest.mark.parametrize("came", [(), ("x",)], ids=["nothing-came", "another-came"])
def test_an_unload_of_ours_explains_the_end_of_a_residency(came):
    noted = {"d-a:latest": NOW - 5}

    left = why([was("a"), was("b")], [was(name) for name in came], unloaded=noted)

    assert left["a"] == Departure(kind=Kind.UNLOADED, why="we unloaded it")
    assert left["b"].kind is (Kind.EVICTED if came else Kind.UNLOADED)
    assert left["b"].why != "we unloaded it"


@pytest.mark.parametrize(
    ("stay", "is_ours"),
    [
        ({"used_at": NOW - 5}, True),
        ({"used_at": NOW - 4}, False),
        ({"used_at": NOW - 4, "expires_s": -30.0}, True),
        ({"used_at": NOW - 4, "is_doomed": True}, True),
    ],
    ids=["unused-since", "used-since", "it-was-at-work", "it-goes-after-its-work"],
)
def test_an_unload_of_ours_explains_no_end_of_a_model_that_was_used_since(
    stay, is_ours
):
    left = why(
        [was("a", **stay), was("b")], [was("b")], unloaded={"d-a:latest": NOW - 5}
    )

    assert (left["a"].why == "we unloaded it") is is_ours


def test_two_models_that_came_are_both_named_the_foreign_one_first():
    left = why([was("a")], [was("b", ours=B.key), was("x")])

    assert left["a"] == Departure(
        kind=Kind.EVICTED,
        why="evicted by x:latest or our load of b:latest",
        by="x:latest",
        is_ours=False,
        evictors=(
            Evictor(model="x:latest", is_ours=False),
            Evictor(model="b:latest", is_ours=True),
        ),
        is_sudden=False,
    )


def test_one_foreign_model_that_came_is_named():
    left = why([was("a")], [was("x")])

    assert left["a"].why == "evicted by x:latest"
    assert left["a"].evictors == (Evictor(model="x:latest", is_ours=False),)


def test_two_loads_of_ours_that_ended_between_two_looks_are_both_named():
    left = why([was("a")], [was("b", ours=B.key), was("c", ours="c")])

    assert left["a"].why == "evicted by our load of b:latest or our load of c:latest"


def test_before_our_own_load_is_listed_it_is_the_evictor():
    left = why([was("a")], holder=holder(B.key))

    assert left["a"] == Departure(
        kind=Kind.EVICTED,
        why="our load of b:latest evicted it",
        by="b:latest",
        is_ours=True,
        evictors=(Evictor(model="b:latest", is_ours=True),),
        is_sudden=False,
    )


def test_a_model_that_goes_for_its_own_load_is_loaded_again():
    left = why([was("a")], holder=holder(A.key))

    assert left["a"] == Departure(
        kind=Kind.RELOADED,
        why="it is being loaded again",
        by="",
        is_ours=False,
        is_sudden=False,
    )


def test_models_that_go_at_once_went_by_a_restart():
    assert kinds(why([was("a"), was("b")])) == {"a": "restarted", "b": "restarted"}


def test_models_that_go_at_once_went_by_no_restart_if_one_timer_was_over():
    left = why([was("a", expires_s=-1), was("b")])

    assert kinds(left) == {"a": "lapsed", "b": "unloaded"}


@pytest.mark.parametrize(
    ("after", "has_strangers", "is_sudden"),
    [
        ([was("x")], False, True),
        ([], True, True),
        ([], False, False),
    ],
    ids=["others stay", "others load here", "alone for a day"],
)
def test_a_departure_is_sudden_where_an_application_may_load(
    after, has_strangers, is_sudden
):
    before = [was("a"), *after]

    left = why(before, after, has_strangers=has_strangers)

    assert left["a"].is_sudden is is_sudden


@pytest.mark.parametrize(
    ("before", "is_over"),
    [
        (was("a", expires_s=1.0), True),
        (was("a", expires_s=1.5), False),
        (was("a", expires_s=-9.0, is_doomed=True), False),
        (was("a", expires_s=-30.0, seen_s=-20.0, window_s=20.0), True),
        (was("a", expires_s=-30.0, seen_s=-20.0, window_s=21.0), False),
        (was("a", expires_s=-30.0, seen_s=-20.0), False),
    ],
    ids=[
        *("within a whole second", "not yet", "it goes when its work ends"),
        *("its window after its work", "within that", "its window is not known"),
    ],
)
def test_a_resident_has_lapsed_if_its_time_was_over(before, is_over):
    assert (kinds(why([before]))["a"] == "lapsed") is is_over


@pytest.mark.parametrize(
    ("rest", "text", "by"),
    [
        ({}, "its keep-alive ran out", ""),
        ({"window_s": 300.0}, "its keep-alive of 5m ran out", ""),
        ({"window_s": 20.0}, "its keep-alive of 20s ran out", "its keep-alive"),
        (
            {"is_untouchable": True},
            "its keep-alive ran out; not touched, as a touch had reloaded it",
            "",
        ),
    ],
    ids=["unknown window", "a window", "too short to be held", "left alone"],
)
def test_a_lapse_tells_the_window_and_why_it_was_not_held(rest, text, by):
    left = why([was("a", expires_s=0.0, **rest)])

    assert (left["a"].why, left["a"].by) == (text, by)
