import io
from dataclasses import replace

import pytest
from rich.console import Console

from ollama_warmup.report import Condition, OtherReport
from tests.support.builders import NOW
from tests.support.host_reports import host_report, target_report
from worker.cli import frames
from worker.cli.frames import Screen
from worker.cli.reports import Reports


def drawn(*hosts, problem="", width=80, height=24):
    console = Console(width=width, height=height, file=io.StringIO(), color_system=None)
    screen = Screen(seen=Reports(hosts=hosts, now=NOW), problem=problem)
    with console.capture() as captured:
        console.print(frames.frame(screen, height=height))
    return [line.rstrip() for line in captured.get().splitlines()]


def loading(**more):
    return target_report("mid", Condition.LOADING, is_ready=False, elapsed_s=3, **more)


def test_a_frame_counts_down_the_time_left_and_shows_loads_in_flight():
    warm = target_report(left_s=260, context_length=8192)
    other = OtherReport(model="big", context_length=4096, left_s=None)

    assert drawn(host_report(warm, loading(expected_s=8), others=(other,))) == [
        "1 of 2 targets are ready, seen 2s ago",
        "HOST   MODEL      CONDITION  UNTIL COLD  CONTEXT  WHY",
        "gpu-1  llama3:8b  warm             4:18  8192",
        "gpu-1  mid        loading      5s of 8s  -",
        "gpu-1  big        -               never  4096     not wanted",
        "q ends",
    ]


def test_targets_that_do_not_fit_are_counted_and_long_reasons_are_cut():
    many = [target_report(f"m{n}", why="because of " + "x" * 80) for n in range(9)]

    lines = drawn(host_report(*many), height=9, width=60)

    assert len(lines) == 8
    assert lines[-2:] == ["5 more do not fit", "q ends"]
    assert all(len(line) <= 60 for line in lines)
    assert lines[2].endswith("…")


@pytest.mark.parametrize(
    ("left_s", "shown"),
    [(-4.0, "in use"), (1.5, "about now"), (31.5, "0:29"), (3_700, "1:01:38")],
)
def test_a_countdown_starts_from_the_time_left_at_the_last_pass(left_s, shown):
    assert frames.countdown(left_s, 2.0).plain == shown


def test_days_are_counted_without_seconds():
    assert frames.clock(2 * 86_400 + 3 * 3_600 + 5) == "2d 3h"


@pytest.mark.parametrize(
    ("age_s", "problem", "title"),
    [
        (31, "", "nothing was observed since "),
        (2, "Redis does not answer", "Redis does not answer"),
    ],
)
def test_a_frame_begins_with_the_reason_why_it_may_be_wrong(age_s, problem, title):
    [first, *_] = drawn(host_report(target_report(), age_s=age_s), problem=problem)

    assert first.startswith(title)


def test_a_host_without_models_says_why():
    empty = replace(host_report(), problem="gpu-1 is away", at=NOW)

    assert drawn(empty)[2].split(maxsplit=5) == ["gpu-1", *"----", "gpu-1 is away"]
