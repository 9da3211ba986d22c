import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.faults.bounds import Timing, bound
from tests.faults.matrix import ALL, SHIPPED, SHORT, Action, Cell, Situation, Victim
from tests.faults.server import Counts, real

PLAIN = (Action.KILL, Action.TERM, Action.STOP, Action.AWAY)
TIMES = (Situation.IDLE, Situation.LOADING, Situation.QUEUED)


def test_every_victim_meets_every_fault_in_every_situation():
    met = {(cell.victim, cell.action, cell.situation) for cell in ALL}

    assert met >= set(itertools.product(Victim, PLAIN, TIMES))


def test_no_cell_is_run_twice():
    names = [str(cell) for cell in [*ALL, *SHIPPED]]

    assert len(set(names)) == len(names)


def test_the_short_form_kills_every_victim_during_a_load():
    assert {cell.victim for cell in SHORT} == set(Victim)


def test_a_bound_is_worth_what_its_formula_says():
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
def test_the_log_of_a_real_server_tells_what_it_did(words):
    ollama = real(Path("ollama"), "small, mid, big")
    process = SimpleNamespace(output=lambda: LOG.format(**words))
    supervisor: Any = SimpleNamespace(processes={"ollama": process})

    assert ollama.counts(supervisor, url="") == Counts(loads=3, cut=1, gone=1)


def test_a_real_server_needs_three_models():
    with pytest.raises(ValueError, match="three different ones, not 'a, b, a'"):
        real(Path("ollama"), "a, b, a")
