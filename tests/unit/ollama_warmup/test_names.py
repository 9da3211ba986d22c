import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_warmup import names
from ollama_warmup.errors import BadRequest


@pytest.mark.parametrize(
    "text",
    [
        "tiny",
        "TINY",
        "tiny:latest",
        "library/tiny",
        "registry.ollama.ai/library/tiny:latest",
        "https://registry.ollama.ai/library/tiny",
        "tiny:local",
    ],
)
def test_every_form_of_one_name_is_normally_the_same(text):
    assert names.parse(text).normal == "registry.ollama.ai/library/tiny:latest"


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("llama3", "llama3:latest"),
        ("library/llama3:8b", "llama3:8b"),
        ("me/llama3", "me/llama3:latest"),
        ("hf.co/u/r:Q4_K_M", "hf.co/u/r:Q4_K_M"),
        ("localhost:5000/a/b:c", "localhost:5000/a/b:c"),
    ],
)
def test_the_short_form_of_a_name_is_the_one_that_ollama_lists(text, short):
    assert names.parse(text).short == short


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a b",
        "../../etc/passwd",
        "/etc/passwd",
        "a//b",
        "a:",
        "a:b:c",
        "-a",
        ".a",
        "a/b/c/d/e",
        "na.me/x",
        "ünicode",
        "a" * 81,
        "a\nb",
        "a?b",
        "x" * 100_000,
    ],
)
def test_a_malformed_name_is_refused_with_the_syntax(text):
    with pytest.raises(BadRequest, match="llama3:8b") as caught:
        names.parse(text)

    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("text", "is_cloud"),
    [
        ("gpt-oss:120b-cloud", True),
        ("x:cloud", True),
        ("X:CLOUD", True),
        ("cloud", False),
        ("x-cloud", False),
        ("x:cloudy", False),
    ],
)
def test_a_name_is_a_cloud_name_by_its_tag(text, is_cloud):
    assert names.parse(text).is_cloud is is_cloud


PART = "[a-zA-Z0-9_][a-zA-Z0-9_.-]{1,8}"
NAME = st.from_regex(f"([a-z0-9_]{{1,9}}/)?{PART}(:{PART})?", fullmatch=True)


@given(NAME)
def test_the_short_form_of_a_name_is_parsed_as_the_same_name(text):
    name = names.parse(text)

    assert names.parse(name.short).normal == name.normal


@given(st.text(max_size=60) | NAME | st.lists(NAME | st.just("..")).map("/".join))
def test_any_text_is_a_name_or_a_clear_refusal(text):
    try:
        name = names.parse(text)
    except BadRequest as exc:
        assert "model" in str(exc)
    else:
        assert ".." not in name.normal.split("/")
