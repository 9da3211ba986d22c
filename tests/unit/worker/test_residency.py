from dataclasses import replace
from datetime import timedelta

import pytest

from ollama_warmup import names
from tests.support.builders import INFO, resident, target, view
from worker.core import residency


def info(*capabilities, training=8192):
    """An `INFO` that knows completion and this much besides."""
    known = frozenset({"completion", *capabilities})
    return replace(INFO, capabilities=known, training_context=training)


@pytest.mark.parametrize("text", ["TINY", "library/tiny", "tiny:latest"])
def test_a_resident_is_found_under_every_form_of_its_name(text):
    row = resident("tiny")

    found = residency.by_name(names.parse(text), [resident("other"), row])

    assert found is row


def test_a_resident_whose_name_cannot_be_parsed_is_passed_over():
    rows = [resident("we ird"), resident("tiny")]

    assert residency.by_name(names.parse("tiny"), rows) is rows[1]


def test_an_alias_is_found_by_its_manifest():
    row = resident("first", digest="d7")

    assert residency.by_digest("d7", [resident("tiny"), row]) is row
    assert residency.by_digest(None, [row]) is None


@pytest.mark.parametrize(
    ("num_ctx", "model", "expected"),
    [
        (None, INFO, None),
        (2048, INFO, 2048),
        (999_999, INFO, 8192),
        (999_999, info(training=None), 999_999),
        (512, info("vision"), 2048),
        (512, info("vision", training=1024), 1024),
    ],
    ids=["any", "as wanted", "clipped", "not known", "vision", "vision, clipped"],
)
def test_the_expected_context_follows_the_servers_rules(num_ctx, model, expected):
    assert residency.expected_context(num_ctx, model) == expected


@pytest.mark.parametrize(
    ("context", "expected", "has"),
    [(4096, None, True), (4096, 4096, True), (4096, 2048, False), (None, 2048, True)],
)
def test_a_context_is_compared_where_the_server_shows_it(context, expected, has):
    assert residency.has_context(resident("tiny", context=context), expected) is has


@pytest.mark.parametrize(
    ("left_s", "stays"),
    [(60, True), (1.5, True), (1, False), (0.5, False), (-30, True), (9e9, True)],
    ids=["time left", "a little", "one second", "going", "busy", "for ever"],
)
def test_a_model_stays_while_it_has_time_left_or_work(left_s, stays):
    row = resident("tiny", left_s)

    assert residency.stays(row, view(row)) is stays


def test_a_keep_alive_of_292_years_is_for_ever():
    assert residency.is_forever(timedelta(days=292 * 365))
    assert not residency.is_forever(timedelta(days=365))


def test_ollamas_smallest_context_is_expected_where_less_is_wanted():
    assert residency.expected_context(1, INFO) == 4
    assert residency.expected_context(512, INFO) == 512


def test_a_host_that_tells_no_manifest_or_weights_has_no_alias():
    row = resident("first:latest", digest="")
    unknown = {residency.normal("first"): info()}

    assert residency.by_digest("", [row]) is None
    assert residency.by_blob(None, [row], unknown) is None


def test_an_alias_is_found_by_its_weights():
    rows = [resident("other:latest"), resident("first:latest")]
    infos = {
        residency.normal("other"): replace(INFO, blob="sha256-y"),
        residency.normal("first"): replace(INFO, blob="sha256-x"),
    }

    assert residency.by_blob("sha256-x", rows, infos) is rows[1]
    assert residency.by_blob("sha256-z", rows, infos) is None


def test_a_name_that_we_could_not_parse_equals_itself_alone():
    assert residency.normal("We Ird") == "we ird"


CHILD = replace(INFO, training_context=2048, modelfile_num_ctx=1024)


@pytest.mark.parametrize(
    ("wanted", "listed", "known", "expected"),
    [
        ("tiny?num_ctx=99999", "tiny:latest", INFO, 8192),
        ("tiny?num_ctx=99999", "tiny:latest", None, 99_999),
        ("tiny", "parent:latest", CHILD, 1024),
        ("tiny?num_ctx=512", "parent:latest", CHILD, 512),
        ("tiny?num_ctx=4096", "parent:latest", CHILD, 2048),
        ("tiny", "parent:latest", INFO, None),
    ],
    ids=[
        *("clipped", "nothing is known", "a child's own", "as the child is wanted"),
        *("a child's, clipped", "a child without one"),
    ],
)
def test_the_wanted_context_is_that_of_the_model_that_is_wanted(
    wanted, listed, known, expected
):
    found = residency.wanted_context(target(wanted), resident(listed), lambda: known)

    assert found == expected


@pytest.mark.parametrize(
    ("wanted", "expected"), [("tiny", None), ("tiny?num_ctx=4096", 4096)]
)
def test_a_resident_as_wanted_needs_no_question_to_the_host(wanted, expected):
    def unasked():
        raise AssertionError

    there = resident("tiny")

    assert residency.wanted_context(target(wanted), there, unasked) == expected


def test_twenty_years_are_the_longest_timer():
    assert not residency.is_forever(timedelta(days=7_300))
    assert residency.is_forever(timedelta(days=7_300, seconds=1))
