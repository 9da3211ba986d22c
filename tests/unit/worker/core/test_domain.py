"""What the values say of themselves, and what they hold when nothing else is told."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.support.builders import INFO, NOW, resident
from worker.core.domain import (
    FOREVER,
    Holder,
    LoadRecord,
    ModelInfo,
    Progress,
    TouchRecord,
    Warmth,
)


def test_more_than_twenty_years_are_no_timer():
    assert FOREVER.days == 7_300


@pytest.mark.parametrize(
    ("size", "in_vram", "fraction"),
    [(0, 0, 0.0), (1, 1, 1.0), (100, 0, 0.0), (3, 1, 0.333), (100, 50, 0.5)],
    ids=["no size", "one byte", "on the CPU", "rounded", "half"],
)
def test_the_part_of_a_resident_in_video_memory(size, in_vram, fraction):
    there = replace(resident("a"), size_bytes=size, size_vram_bytes=in_vram)

    assert there.vram_fraction == fraction


@pytest.mark.parametrize(
    ("capabilities", "is_only"),
    [
        ({"embedding"}, True),
        ({"embedding", "completion"}, False),
        ({"completion"}, False),
        (set(), False),
    ],
    ids=["embedding", "both", "completion", "not told"],
)
def test_a_model_that_embeds_and_does_not_complete(capabilities, is_only):
    info = replace(INFO, capabilities=frozenset(capabilities))

    assert info.is_embedding_only is is_only


@pytest.mark.parametrize(
    ("status", "is_finishing"),
    [("", False), ("pulling manifest", False), ("verifying sha256 digest", True)],
)
def test_a_download_is_finishing_when_it_says_something_else_than_pulling(
    status, is_finishing
):
    assert Progress(status=status).is_finishing is is_finishing


def test_a_download_has_nothing_before_it_says_so():
    assert Progress() == Progress(status="", completed_bytes=0, total_bytes=0)


def test_a_model_that_was_seen_warm_was_not_loaded_unless_told():
    warm: Any = {"resident": resident("a"), "left": timedelta(minutes=5)}

    assert Warmth(**warm) == Warmth(**warm, load_s=0.0, reloaded_from=None)


def test_a_load_is_never_late_unless_told():
    holder: Any = {"nonce": "n", "key": "k", "task_id": "t", "process": "w:1"}
    known = holder | {"began_at": NOW, "expected_s": None}

    assert Holder(**known) == Holder(**known, late_s=None)


def test_a_record_of_a_load_tells_no_error_and_no_resident_unless_told():
    load: Any = {"task_id": "t", "attempt": 1, "ended_at": NOW}

    assert LoadRecord(**load) == LoadRecord(
        **load,
        load_s=0.0,
        reloaded_from=None,
        digest="",
        context_length=None,
        left_s=None,
        error=None,
        text="",
        is_final=False,
        strikes=0,
        blocked_until=0.0,
    )


def test_a_record_of_a_touch_tells_neither_load_nor_window_unless_told():
    touch: Any = {"at": NOW, "digest": "d"}

    assert TouchRecord(**touch) == TouchRecord(
        **touch,
        context_length=None,
        left_s=None,
        was_load=False,
        was_ours=False,
        error=None,
    )


def test_facts_that_a_host_does_not_tell_of_a_model_are_left_open():
    told = ModelInfo(
        capabilities=frozenset(),
        training_context=None,
        modelfile_num_ctx=None,
        blob=None,
        is_remote=False,
    )

    assert (told.path, told.quantization) == (None, "")
