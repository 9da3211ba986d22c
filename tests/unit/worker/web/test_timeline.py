import pytest

from ollama_warmup.report import Condition
from tests.support.builders import NOW
from tests.support.host_reports import event
from worker.core.passes import Kind
from worker.web import timeline
from worker.web.timeline import Window

COLD, WARM, LOADING = Condition.COLD, Condition.WARM, Condition.LOADING
LATELY = Window(start=NOW - 600, end=NOW)


def ago(*events, now=WARM, since_s=0.0, window=LATELY):
    """The steps, each with its age."""
    steps = timeline.steps(events, now, NOW - since_s, window=window)
    return [(NOW - at, condition) for at, condition in steps]


def test_each_event_begins_a_step():
    steps = ago(event(500, LOADING, COLD), event(400, WARM, LOADING))

    assert steps == [(600, COLD), (500, LOADING), (400, WARM)]


def test_without_events_the_present_condition_is_shown_since_it_began():
    assert ago(since_s=100) == [(600, None), (100, WARM)]
    assert ago(since_s=9_000) == [(600, WARM)]


def test_the_condition_before_the_first_event_of_a_new_target_is_not_known():
    assert ago(event(300, WARM)) == [(600, None), (300, WARM)]


def test_the_first_step_is_the_last_event_before_the_window():
    steps = ago(event(900, LOADING, COLD), event(700, WARM, LOADING))

    assert steps == [(600, WARM)]


def test_a_present_condition_without_an_event_is_a_step():
    steps = ago(event(500, COLD, WARM), now=LOADING, since_s=3)

    assert steps == [(600, WARM), (500, COLD), (3, LOADING)]


def test_events_that_change_no_condition_make_no_step():
    crashed = event(300, None, kind=Kind.CRASHED)
    again = event(200, WARM, WARM, kind=Kind.RELOADED)

    assert ago(event(500, WARM, COLD), crashed, again) == [(600, COLD), (500, WARM)]


def test_a_condition_that_began_before_the_last_event_is_shown_from_that_event_on():
    steps = ago(event(100, COLD, WARM), now=LOADING, since_s=200)

    assert steps == [(600, WARM), (100, COLD), (100, LOADING)]


def test_of_a_target_that_changes_all_the_time_the_last_steps_are_shown():
    flips = [event(599 - n / 2, WARM if n % 2 else COLD) for n in range(1_000)]

    steps = ago(*flips)

    assert len(steps) == timeline.MOST
    assert steps[0] == (600, None)
    assert steps[-1][1] is WARM


@pytest.mark.parametrize(
    ("known_s", "length_s"),
    [(None, 300), (5, 300), (300, 300), (301, 900), (20_000, 21_600), (1e6, 21_600)],
)
def test_the_window_is_the_shortest_that_reaches_back_to_the_oldest_event(
    known_s, length_s
):
    oldest = None if known_s is None else NOW - known_s

    window = timeline.window(oldest, now=NOW)

    assert (window.end - window.start, window.end) == (length_s, NOW)
