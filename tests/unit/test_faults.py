"""That the matrix is whole, and that its judging can fail."""

import itertools
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults import checks
from tests.faults.bounds import Timing, bound
from tests.faults.checks import Seen
from tests.faults.matrix import ALL, SHIPPED, SHORT, Action, Cell, Situation, Victim
from tests.faults.server import KEPT, Counts, real
from worker.cli.process import Death

PLAIN = (Action.KILL, Action.TERM, Action.STOP, Action.AWAY)
TIMES = (Situation.IDLE, Situation.LOADING, Situation.QUEUED)


KILLED = Cell(
    victim=Victim.WORKER,
    action=Action.KILL,
    situation=Situation.LOADING,
)
TRUTH = {"what": "truth", "told": "loaded", "refused_s": [0.1]}
WELL = Seen(answers=[TRUTH], callers_s=30.0, warm_s=1.0)


def died(name: str, code: int) -> Death:
    return Death(name=name, code=code, pid=1, age_s=1.0, tail="")


def scene(**fields: Any) -> Any:
    """What is seen in the end, where all is well but for this."""
    given = {
        "died": [died("worker", -9)],
        "leases": [],
        "eternal": [],
        "children": [1, 2],
        "resident": {KEPT, "asked"},
        "is_alive": True,
        "counts": Counts(loads=3, cut=1),
    } | fields
    values = {n: v if n == "died" else (lambda v=v: v) for n, v in given.items()}
    return SimpleNamespace(**values)


def broken(cell: Cell = KILLED, seen: Seen = WELL, **fields: Any) -> set[str]:
    """The checks that do not hold."""
    return {c.__name__ for c in checks.ALL if c(scene(**fields), cell, seen)}


def told(what: str, words: str, **more: Any) -> Seen:
    return replace(WELL, answers=[TRUTH | {"what": what, "told": words} | more])


def test_a_cell_in_which_all_is_well_breaks_nothing():
    assert broken() == set()


BREAKS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("the_fault_has_struck", {"died": []}),
    ("the_fault_has_struck", {"died": [*scene().died, died("control", 1)]}),
    ("the_load_in_flight_was_cut", {"counts": Counts(loads=2)}),
    ("none_is_lost", {"seen": replace(WELL, answers=[])}),
    ("none_is_lost", {"seen": told("lost", "nothing")}),
    ("none_is_lost", {"seen": told("undocumented", "KeyError: 1")}),
    ("none_is_lost", {"seen": replace(WELL, callers_s=64.1)}),
    ("errors_are_of_the_server", {"seen": told("error", "LoadFailed: x")}),
    ("nothing_loads_twice", {"counts": Counts(loads=4, cut=1)}),
    ("nothing_loads_twice", {"counts": Counts(loads=4, cut=2)}),
    ("no_lease_is_left", {"leases": ["worker"]}),
    ("no_lease_is_left", {"eternal": ["faults:sent:default"]}),
    ("all_serve", {"is_alive": False}),
    ("all_serve", {"children": [1]}),
    ("warm_set_is_restored", {"seen": replace(WELL, warm_s=None)}),
    ("warm_set_is_restored", {"seen": replace(WELL, warm_s=49.1)}),
    ("warm_set_is_restored", {"resident": {"asked"}}),
    (
        "a_caller_knows_soon_that_redis_is_away",
        {"seen": told("truth", "loaded", refused_s=[2.1])},
    ),
)


@pytest.mark.parametrize(("name", "given"), BREAKS, ids=str)
def test_each_check_alone_sees_the_scene_that_breaks_it(
    name: str, given: dict[str, Any]
):
    assert broken(**given) == {name}


@pytest.mark.parametrize(
    ("victim", "action", "callers"),
    [
        (Victim.CLIENT, Action.KILL, 1),
        (Victim.CLIENT, Action.STOP, 2),
        (Victim.REDIS, Action.FLUSH, 2),
    ],
)
def test_a_caller_that_lives_must_get_an_answer(
    victim: Victim, action: Action, callers: int
):
    cell = replace(KILLED, victim=victim, action=action)
    seen = replace(WELL, callers_s=5.0)
    fewer, enough = ([TRUTH] * number for number in (callers - 1, callers))

    assert checks.none_is_lost(scene(), cell, replace(seen, answers=fewer))
    assert not checks.none_is_lost(scene(), cell, replace(seen, answers=enough))


@pytest.mark.parametrize(("load_s", "cuts"), [(6.9, 0), (7.1, 1)])
def test_a_stopped_child_is_killed_with_a_load_beyond_its_hard_limit(
    load_s: float, cuts: int
):
    ollama = replace(real(Path("ollama"), "a, b, c"), seconds=(1.0, 1.0, load_s))
    cell = replace(KILLED, victim=Victim.CHILD, action=Action.STOP, server=ollama)

    assert cell.cuts == cuts


def test_every_check_can_fail():
    assert {name for name, _ in BREAKS} == {check.__name__ for check in checks.ALL}


def test_every_victim_meets_every_fault_in_every_situation():
    met = {(cell.victim, cell.action, cell.situation) for cell in ALL}

    assert met >= set(itertools.product(Victim, PLAIN, TIMES))


def test_no_cell_is_run_twice():
    names = [str(cell) for cell in [*ALL, *SHIPPED]]

    assert len(set(names)) == len(names)


def test_the_short_form_kills_every_victim_during_a_load():
    kills = [(c.victim, c.action, c.situation) for c in SHORT]

    assert {(victim, Action.KILL, Situation.LOADING) for victim in Victim} <= {*kills}


def test_a_bound_has_the_seconds_of_its_formula():
    timing = Timing(visibility_s=20, loads_s=8, away_s=12)

    told = bound("P V R S 2T")

    assert told.formula(timing) == "12 s + P + V + R + S + 2 T"
    assert told.seconds(timing) == 12 + 15 + 20 + 10 + 8 + 2 * 2


@pytest.mark.parametrize("cell", SHIPPED, ids=str)
def test_with_the_shipped_timeout_the_same_formula_holds_longer(cell: Cell):
    scaled = next(c for c in ALL if str(cell).startswith(str(c)))

    shipped_s = cell.callers.seconds(cell.timing)
    assert shipped_s == scaled.callers.seconds(scaled.timing) + 880


LOG = """\
msg="starting runner" cmd="ollama runner --ollama-engine --port 1"
msg="{begun} --model /blobs/a --port 2"
msg="client connection closed before {it} finished loading, aborting load"
msg="{begun} --model /blobs/a --port 3"
msg="runner terminated and removed from list, blocking for VRAM recovery"
msg="{begun} --model /blobs/a --port 4"
msg="resetting model to expire immediately to make room"
msg="runner terminated and removed from list, blocking for VRAM recovery"
"""
WORDS = {
    "0.24": {"begun": 'starting runner" cmd="ollama runner', "it": "server"},
    "0.33": {"begun": 'starting llama-server" cmd="llama-server', "it": "llama-server"},
}


@pytest.mark.parametrize("words", WORDS.values(), ids=WORDS)
def test_loads_cuts_and_evictions_are_read_from_the_log_of_a_real_server(words):
    ollama = real(Path("ollama"), "small, mid, big")
    process = SimpleNamespace(output=lambda: LOG.format(**words))
    supervisor: Any = SimpleNamespace(processes={"ollama": process})

    assert ollama.counts(supervisor, url="") == Counts(loads=3, cut=1, gone=1)


def test_a_real_server_needs_three_models():
    with pytest.raises(ValueError, match="three different ones, not 'a, b, a'"):
        real(Path("ollama"), "a, b, a")
