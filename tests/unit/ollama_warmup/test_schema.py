import re
from pathlib import Path

import pytest

from ollama_warmup import request, schema, settings, warmkeys, warmlist

DOCS = Path(__file__).parents[3] / "docs"
EXAMPLE = DOCS / "warmlist.example.yaml"
KEYS = {
    *(
        name
        for keys in (
            *(warmkeys.WarmFile, warmkeys.HostEntry),
            *(warmkeys.Entry, warmkeys.Message),
        )
        for name in keys.model_fields
    ),
    *(request.MINIMUM.keys() | request.BOOLEANS),
}


def test_the_published_schema_is_that_of_the_code_that_reads_the_file():
    published = (DOCS / "warmlist.schema.json").read_text()

    assert published == schema.text(), "make schema"


def test_the_schema_has_every_option_with_its_rule():
    options = schema.schema()["$defs"]["Options"]["properties"]

    assert (
        options.keys() == request.MINIMUM.keys() | request.BOOLEANS | request.SAMPLING
    )
    assert options["num_ctx"]["minimum"] == 4
    assert options["use_mmap"]["type"] == "boolean"
    assert all(option["description"] for option in options.values())


def test_the_schema_describes_every_key():
    made = schema.schema()
    keys = [
        (name, key)
        for part in (made, *made["$defs"].values())
        for name, key in part["properties"].items()
    ]

    assert {name for name, _ in keys} >= KEYS
    assert [n for n, key in keys if not {"description", "$ref"} & key.keys()] == []


def test_the_example_names_its_schema_for_editors():
    first = EXAMPLE.read_text().splitlines()[0]

    assert first == "# yaml-language-server: $schema=./warmlist.schema.json"


def test_the_example_is_a_warm_list(monkeypatch):
    monkeypatch.setenv("OLLAMA_WARMUP_CONFIG", str(EXAMPLE))

    listed = warmlist.read(settings.read())

    assert [t.wanted for t in listed.of("gpu-2")] == [
        "llama3:8b?keep_alive=1h&num_ctx=8192",
        "nomic-embed-text?keep_alive=-1&keep_alive_forever=true",
    ]
    assert len(listed.of("gpu-1")) == 3
    assert listed.notes == ()


@pytest.mark.parametrize("key", sorted(KEYS))
def test_the_example_has_every_key(key):
    assert re.search(rf"^[ -]*{key}:", EXAMPLE.read_text(), re.MULTILINE)
