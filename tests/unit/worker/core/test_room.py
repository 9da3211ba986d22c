"""What one more view tells of a host's room, field by field."""

import pytest

from tests.support.builders import NOW, holder, resident, stay, target, view
from worker.core import room
from worker.core.departures import Change, Departure
from worker.core.domain import LoadRecord
from worker.core.passes import Kind, Seen
from worker.core.room import Room

A, B = target("a", priority=2), target("b", priority=1)
EVICTED = Departure(kind=Kind.EVICTED, why="", by="x:latest")
SUDDEN = Departure(kind=Kind.UNLOADED, why="", is_sudden=True)
LAPSED = Departure(kind=Kind.LAPSED, why="")


def look(before, *, was=(), now=(), left=None, doomed=(), **seen):
    """The room after a view; `was` and `now` are the models of the two views."""
    shown = view(*(resident(name) for name in now))
    stays = [stay(name, is_doomed=name in doomed) for name in now]
    change = Change(
        before={f"d-{name}:latest": stay(name) for name in was},
        after={s.digest: s for s in stays},
        seen=Seen(view=shown, **seen),
        view=shown,
        targets=[A, B],
        serves={},
        looked_at=NOW - 10,
        restarted=False,
        has_strangers=True,
    )
    gone = {f"d-{name}:latest": d for name, d in (left or {}).items()}
    return room.after(before, change, gone, now=NOW, hold_s=60.0)


def test_nothing_is_known_of_the_room_of_a_new_host():
    assert Room() == Room(most=0, full_at=0.0, hold_until=0.0, gone=frozenset())


@pytest.mark.parametrize(
    ("before", "left", "full_at"),
    [
        (Room(most=1), {"a": EVICTED}, NOW),
        (Room(most=2, full_at=NOW - 9), {"a": EVICTED}, NOW - 9),
        (Room(most=1, gone=frozenset({"d-a:latest"})), {}, NOW),
        (Room(most=2, gone=frozenset({"d-a:latest"})), {}, 0.0),
        (Room(most=1, gone=frozenset({"d-x:latest"})), {}, 0.0),
        (Room(most=1, full_at=NOW - 9), {}, NOW - 9),
    ],
    ids=[
        *("one made room", "one did, and there is more room"),
        *("it comes after another went", "and there is more room"),
        *("it comes back itself", "it just comes"),
    ],
)
def test_a_host_is_full_when_one_came_instead_of_another_with_as_many(
    before, left, full_at
):
    assert look(before, was=list(left), now=["x"], left=left).full_at == full_at


def test_a_host_that_holds_more_than_ever_was_not_full():
    before = Room(most=1, full_at=NOW - 100)

    after = look(before, was=["a"], now=["a", "x"])

    assert (after.most, after.full_at) == (2, 0.0)


@pytest.mark.parametrize(
    ("most", "was", "now", "hold_until"),
    [
        (1, [], ["x"], 0.0),
        (2, [], ["x"], NOW + 50),
        (1, ["a"], ["a"], NOW + 50),
    ],
    ids=["it came, as many as ever", "it came, and fewer", "nothing came"],
)
def test_a_hold_ends_when_a_stranger_came_and_there_are_as_many_as_ever(
    most, was, now, hold_until
):
    before = Room(most=most, hold_until=NOW + 50)

    assert look(before, was=was, now=now).hold_until == hold_until


UNDONE = LoadRecord(task_id="t", attempt=1, ended_at=NOW - 1, error="LoadFailed")


@pytest.mark.parametrize(
    ("rest", "hold_until"),
    [
        ({"was": ["a"], "left": {"a": SUDDEN}}, NOW + 60),
        ({"was": ["a"], "left": {"a": LAPSED}}, 0.0),
        ({"records": {A.key: UNDONE}}, NOW + 60),
        ({"was": ["a"], "now": ["a"], "doomed": ["a"]}, NOW + 60),
        (
            {"was": ["a"], "now": ["a"], "doomed": ["a"], "holder": holder(B.key)},
            0.0,
        ),
    ],
    ids=[
        *("one went suddenly", "one lapsed", "our own load was undone"),
        *("one is about to go", "one is about to go for our load"),
    ],
)
def test_a_hold_begins_when_an_application_may_be_loading_unseen(rest, hold_until):
    assert look(Room(most=2), **rest).hold_until == hold_until


@pytest.mark.parametrize(
    ("now", "gone"),
    [([], {"d-a:latest", "d-old:latest"}), (["x"], {"d-a:latest"})],
    ids=["nobody came", "a stranger came"],
)
def test_models_that_went_suddenly_are_remembered_until_a_stranger_comes(now, gone):
    before = Room(most=3, gone=frozenset({"d-old:latest"}))

    after = look(before, was=["a", "b"], now=now, left={"a": SUDDEN, "b": LAPSED})

    assert after.gone == gone
