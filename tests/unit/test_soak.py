"""That the soak's judging can fail: each check is shown a history that breaks it."""

import itertools
from dataclasses import replace

import pytest

from tests.faults.matrix import Victim
from tests.soak import pace, report, schedule
from tests.soak.past import Call, Life, Violation
from tests.support.soak_examples import (
    GOOD,
    GUEST,
    KEPT,
    LOADED,
    STAY,
    TOUCH,
    USE,
    fault,
)


def stays(*, why, back=80.0, end=50.0):
    gone = replace(STAY, end=end, why=why)
    return (gone, replace(STAY, begin=back))


def loaded(**fields):
    return replace(LOADED, **({"at": 78.0, "granted": 80.0, "end": 80.1} | fields))


def guests(*others):
    """A full host: the second guest has made the wanted one go, long ago."""
    return (
        replace(STAY, end=30.0, why="evicted", evicted_for="guest-2"),
        replace(STAY, model="guest-2", begin=31.0, end=190.0, why="expired"),
        *others,
    )


TAKEN = replace(
    STAY, model=GUEST, begin=20.0, end=79.0, why="evicted", evicted_for=KEPT
)
BROKEN = {
    "what is wanted is back by its bound": replace(
        GOOD, stays=stays(why="evicted", back=120.0)
    ),
    "each warm-up is told the truth by its bound": replace(
        GOOD, calls=(Call(model=KEPT, host="b", sent=20.0),)
    ),
    "after each fault all serve, and no lease is left": replace(
        GOOD, troubles=(fault(wrong=["a lane is held"]),)
    ),
    "a bounded number of looks": replace(
        GOOD, lives=(Life(host="b", begin=0.0, end=200.0, views=400),)
    ),
    "never two loads of ours at once on a host": replace(
        GOOD, asked=(loaded(), loaded(at=79.0, granted=80.5))
    ),
    "no load of ours is cut off but by a fault": replace(
        GOOD, asked=(loaded(granted=None),)
    ),
    "nothing is reloaded or let go by us": replace(
        GOOD, stays=stays(why="unloaded"), asked=(loaded(),)
    ),
    "nothing in use loses its room to us": replace(
        GOOD,
        stays=guests(TAKEN, replace(STAY, begin=80.0)),
        asked=(loaded(), replace(USE, at=75.0, granted=75.0, end=76.0)),
    ),
    "nothing runs out but in a fault": replace(GOOD, stays=stays(why="expired")),
    "no touch with keep_alive": replace(
        GOOD, asked=(LOADED, replace(TOUCH, keep_alive_s=12.0))
    ),
    "no touch loads": replace(
        GOOD,
        stays=stays(why="evicted", back=60.0),
        asked=(replace(TOUCH, at=58.0, granted=60.0, end=60.0),),
    ),
    "no more touches than windows need": replace(
        GOOD, asked=(LOADED, *(replace(TOUCH, at=9.0 + n) for n in range(60)))
    ),
}
ALSO = {
    "an error of a server that no fault has hurt": replace(
        GOOD, calls=(replace(GOOD.calls[0], what="error", told="HostUnreachable"),)
    ),
    "an answer that came late": replace(
        GOOD, calls=(replace(GOOD.calls[0], answered=120.0),)
    ),
    "a reload by us": replace(
        GOOD, stays=stays(why="reloaded", end=79.0), asked=(loaded(),)
    ),
    "never back": replace(GOOD, stays=(replace(STAY, end=50.0, why="evicted"),)),
}
EXCUSED = {
    "a server that was killed": replace(
        GOOD, stays=stays(why="died"), troubles=(fault(host="b", healed=82.0),)
    ),
    "a load that died with its worker": replace(
        GOOD, asked=(loaded(granted=None, at=44.0, end=45.1),), troubles=(fault(),)
    ),
    "a window that ran out while no pass looked": replace(
        GOOD, stays=stays(why="expired", back=66.0), troubles=(fault(),)
    ),
    "a window that ran out behind the lock of a pass that was cut off": replace(
        GOOD,
        stays=stays(why="expired", end=80.0, back=83.0),
        troubles=(fault(host="b", healed=60.0, locks_until=85.0),),
    ),
    "a warm-up that an application sent": replace(
        BROKEN["nothing in use loses its room to us"],
        calls=(Call(model=KEPT, host="b", sent=77.0, answered=81.0, what="truth"),),
    ),
    "a reload of a residency that no view showed when we asked": replace(
        GOOD,
        stays=(
            replace(STAY, end=40.0, why="reloaded"),
            replace(STAY, begin=42.0, end=43.0, why="reloaded", context=1024),
            replace(STAY, begin=46.0),
        ),
        asked=(
            replace(USE, model=KEPT, at=40.0, granted=42.0, end=43.0),
            loaded(at=41.0, granted=46.0, end=46.1),
        ),
    ),
    "a warm-up that was in a Redis that was emptied": replace(
        BROKEN["each warm-up is told the truth by its bound"],
        troubles=(fault(at=20.5, forgets=True),),
    ),
    "what an application has loaded with another context": replace(
        GOOD,
        stays=(
            replace(STAY, end=40.0, why="reloaded"),
            replace(STAY, begin=42.0, end=60.0, why="expired", context=1024),
            replace(STAY, begin=63.0),
        ),
        asked=(replace(USE, model=KEPT, at=40.0, granted=42.0, end=43.0),),
    ),
    "an error of a server that was hurt": replace(
        ALSO["an error of a server that no fault has hurt"],
        troubles=(fault(at=20.5, host="b"),),
    ),
    "a guest that no application used any more": replace(
        GOOD, stays=guests(TAKEN, replace(STAY, begin=80.0)), asked=(loaded(),)
    ),
}


def broken(past):
    return {name for name, found in report.judged(past).items() if found}


def test_a_good_history_breaks_nothing():
    assert broken(GOOD) == set()


@pytest.mark.parametrize("name", report.INVARIANTS)
def test_each_check_alone_sees_the_history_that_breaks_its_invariant(name):
    assert broken(BROKEN[name]) == {name}


@pytest.mark.parametrize("name", ALSO)
def test_a_second_way_to_break_an_invariant_is_seen_by_one_check(name):
    assert len(broken(ALSO[name])) == 1


@pytest.mark.parametrize("name", EXCUSED)
def test_a_fault_excuses_the_violations_that_it_explains(name):
    assert broken(EXCUSED[name]) == set()


def test_a_fault_of_one_server_excuses_nothing_on_another():
    other = replace(EXCUSED["a load that died with its worker"], troubles=())

    assert broken(replace(other, troubles=(fault(host="a"),))) != set()


def test_a_violation_is_reported_with_the_history_around_it():
    past = replace(GOOD, stays=stays(why="expired"), troubles=(fault(at=40.0),))

    told = report.around(past, Violation(50.0, "b", "ran out"))

    assert [line.split(maxsplit=1) for line in told] == [
        ["20.00", "warm-up of kept-3 is sent"],
        ["21.00", "warm-up of kept-3 is told nothing"],
        ["40.00", "FAULT 1. kill -9"],
        ["50.00", "kept-3 is gone: expired"],
    ]


def test_the_same_seed_makes_the_same_schedule_and_another_one_another():
    first, again, other = (
        [str(one) for one in itertools.islice(schedule.rounds(seed), 20)]
        for seed in (1, 1, 2)
    )

    assert first == again
    assert first != other


def test_every_process_is_hurt_before_one_is_hurt_again():
    struck = [one.strike.victim for one in itertools.islice(schedule.rounds(3), 16)]

    assert set(struck[:8]) == set(struck[8:]) > {*Victim} - {Victim.CLIENT}
    assert len(set(struck[:8])) == 8


def test_a_piece_of_work_that_comes_late_shows_a_slow_machine():
    one = pace.Pace()
    for begin, end in ((0.0, 0.3), (0.3, 0.9), (0.9, 4.0), (4.0, 4.3), (4.3, 6.0)):
        one.note(begin, end)

    assert one.spans == [(0.9, 6.0)]
