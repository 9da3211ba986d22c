"""The pages of figures are what the committed raw results say."""

import pytest

from bench import performance
from bench.digest import Bound

TOLD = performance.results()


def test_the_page_of_performance_is_generated_from_the_raw_results():
    assert performance.PAGE.read_text() == performance.document(TOLD), (
        "docs/performance.md is not that of bench/results: make performance"
    )


def test_the_readme_shows_the_figures_of_the_raw_results():
    page = performance.README.read_text()

    assert page == performance.readme(page, TOLD), "make performance"
    assert "<!-- measured: by make performance -->" in page


def test_every_raw_result_is_on_the_page():
    shown = [stem for s in performance.SECTIONS for stem in performance.of(s, TOLD)]

    assert sorted(shown) == sorted(TOLD)


@pytest.mark.parametrize("stem", TOLD)
def test_a_raw_result_says_when_and_on_what_machine_it_was_measured(stem):
    assert {"at", "machine"} <= set(TOLD[stem]["about"])


def test_a_bound_is_met_by_a_figure_that_equals_it():
    assert Bound(what="x", measured=1.2, at_most=1.2).is_met
    assert not Bound(what="x", measured=1.21, at_most=1.2).is_met
    assert not Bound(what="x", measured=999, at_least=1000, at_most=1000).is_met


def test_a_missed_bound_stands_at_the_top_of_the_page():
    rounds = [{"noop_ms": [1.0, 1.0], "warmup_ms": [2.0, 2.0]}]
    told = {"dispatch": {"about": {"at": "now"}, "rounds": rounds}}

    page = performance.document(told)

    assert "Of 2 bounds below, 0 are met." in page.partition("## ")[0]
    assert "- Dispatch: warm-up ÷ no-op, p50 2, to be at most 1.3\n" in page
