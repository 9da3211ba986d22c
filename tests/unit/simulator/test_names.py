"""Sources: `types/model/name.go`, `internal/modelref/modelref.go`, `routes.go`."""

import pytest

from worker.simulator.physics.names import (
    ConflictingSourceError,
    InvalidNameError,
    Name,
    NoModelError,
    Source,
    existing_name,
    parse_name,
    parse_ref,
)


@pytest.mark.parametrize(
    ("text", "full", "short"),
    [
        ("tiny", "registry.ollama.ai/library/tiny:latest", "tiny:latest"),
        ("tiny:8b", "registry.ollama.ai/library/tiny:8b", "tiny:8b"),
        ("library/tiny", "registry.ollama.ai/library/tiny:latest", "tiny:latest"),
        ("me/tiny", "registry.ollama.ai/me/tiny:latest", "me/tiny:latest"),
        ("hf.co/u/r:Q4", "hf.co/u/r:Q4", "hf.co/u/r:Q4"),
        ("https://hf.co/u/r", "hf.co/u/r:latest", "hf.co/u/r:latest"),
        ("host:5000/u/r", "host:5000/u/r:latest", "host:5000/u/r:latest"),
    ],
)
def test_short_forms_are_filled_in_and_shown_short_again(text, full, short):
    name = parse_name(text)

    assert (name.full, name.short, name.is_valid) == (full, short, True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "a b",
        "tiny:",
        ":latest",
        "/tiny",
        "a//b",
        ".a",
        "-a",
        "a.b/c",
        "é",
        "../../etc/passwd",
        "a b/c:d",
        "x" * 81,
        "a/b/c/d",
        "tiny@sha256",
    ],
)
def test_a_malformed_name_is_not_valid(text):
    assert not parse_name(text).is_valid


@pytest.mark.parametrize(
    ("text", "model", "tag", "source"),
    [
        ("tiny", "tiny", "latest", Source.ANY),
        (" tiny ", "tiny", "latest", Source.ANY),
        ("tiny:local", "tiny", "latest", Source.LOCAL),
        ("tiny:LOCAL", "tiny", "latest", Source.LOCAL),
        ("tiny:cloud", "tiny", "latest", Source.CLOUD),
        ("tiny:8b:cloud", "tiny", "8b", Source.CLOUD),
        ("tiny:8b-cloud", "tiny", "8b", Source.CLOUD),
        ("tiny-cloud", "tiny-cloud", "latest", Source.ANY),
    ],
)
def test_a_reference_may_insist_on_its_source(text, model, tag, source):
    ref = parse_ref(text)

    assert (ref.name.model, ref.name.tag, ref.source) == (model, tag, source)


@pytest.mark.parametrize(
    ("text", "short"),
    [("tiny:cloud", "tiny:cloud"), ("tiny:8b:cloud", "tiny:8b-cloud")],
)
def test_a_pull_keeps_the_cloud_in_the_name(text, short):
    assert parse_ref(text, for_pull=True).name.short == short


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", NoModelError),
        ("  ", NoModelError),
        ("a b", InvalidNameError),
        ("tiny:local:cloud", ConflictingSourceError),
        ("tiny:8b-cloud:local", ConflictingSourceError),
    ],
)
def test_a_malformed_reference_is_refused_with_its_own_error(text, error):
    with pytest.raises(error):
        parse_ref(text)


def test_each_part_of_a_name_takes_the_case_of_the_installed_model():
    known = [Name(model="Tiny", tag="latest"), Name(namespace="Me", model="x")]

    assert existing_name(parse_name("me/TINY:LATEST"), known) == Name(
        namespace="Me", model="Tiny"
    )
    assert existing_name(parse_name("other"), known) == parse_name("other")
