from datetime import UTC, datetime, timedelta

import pytest

from ollama_warmup import names
from worker.core import residency
from worker.core.domain import HostView, ModelInfo, Resident

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


def resident(name="tiny:latest", *, digest="d1", context=4096, left_s=60.0):
    return Resident(
        name=name,
        digest=digest,
        context_length=context,
        size_bytes=100,
        size_vram_bytes=100,
        expires_at=NOW + timedelta(seconds=left_s),
    )


def info(*capabilities, training=8192):
    return ModelInfo(
        capabilities=frozenset(capabilities or ("completion",)),
        training_context=training,
        modelfile_num_ctx=None,
        blob=None,
        is_remote=False,
    )


def view(*residents):
    return HostView(residents=residents, observed_at=NOW)


@pytest.mark.parametrize("text", ["TINY", "library/tiny", "tiny:latest"])
def test_a_resident_is_found_under_every_form_of_its_name(text):
    row = resident()

    found = residency.by_name(names.parse(text), [resident("other:latest"), row])

    assert found is row


def test_a_listed_name_that_we_could_not_parse_is_passed_over():
    rows = [resident("we ird"), resident()]

    assert residency.by_name(names.parse("tiny"), rows) is rows[1]


def test_an_alias_is_found_by_its_manifest():
    row: Resident = resident("first:latest", digest="d7")

    assert residency.by_digest("d7", [resident(), row]) is row
    assert residency.by_digest(None, [row]) is None


@pytest.mark.parametrize(
    ("num_ctx", "model", "expected"),
    [
        (None, info(), None),
        (2048, info(), 2048),
        (999_999, info(), 8192),
        (999_999, info(training=None), 999_999),
        (512, info("completion", "vision"), 2048),
        (512, info("completion", "vision", training=1024), 1024),
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
    assert residency.has_context(resident(context=context), expected) is has


@pytest.mark.parametrize(
    ("left_s", "stays"),
    [(60, True), (1.5, True), (1, False), (0.5, False), (-30, True), (9e9, True)],
    ids=["time left", "a little", "one second", "going", "busy", "for ever"],
)
def test_a_model_stays_while_it_has_time_left_or_work(left_s, stays):
    row = resident(left_s=left_s)

    assert residency.stays(row, view(row)) is stays


def test_an_infinite_keep_alive_is_no_timer():
    assert residency.is_forever(timedelta(days=292 * 365))
    assert not residency.is_forever(timedelta(days=365))
