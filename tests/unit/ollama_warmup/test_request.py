import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_warmup import request
from ollama_warmup.errors import BadRequest
from ollama_warmup.request import RunnerOptions


def test_a_bare_name_asks_for_no_options_and_the_servers_own_keep_alive():
    wanted = request.parse("llama3:8b")

    assert wanted.model == "llama3:8b"
    assert wanted.options.given() == {}
    assert wanted.keep_alive_s is None
    assert wanted.host is None


def test_options_and_keep_alive_are_read_with_their_types():
    wanted = request.parse(
        "llama3:8b?num_ctx=8192&use_mmap=false&num_gpu=-1&shift=true&keep_alive=30m",
        host="gpu-1",
    )

    assert wanted.options == RunnerOptions(
        num_ctx=8192, use_mmap=False, num_gpu=-1, shift=True
    )
    assert wanted.keep_alive_s == 1800
    assert wanted.host == "gpu-1"


def test_keep_alive_minus_1_with_keep_alive_forever_means_for_ever():
    wanted = request.parse("m?keep_alive=-1&keep_alive_forever=true")

    assert wanted.keep_alive_s == math.inf
    assert not wanted.is_bare


def test_spaces_around_a_model_are_left_out():
    assert request.parse(" m ?num_ctx=512").model == "m"


def test_sampling_options_are_dropped_and_named():
    wanted = request.parse("m?temperature=0.1&num_ctx=512&seed=3")

    assert wanted.options.given() == {"num_ctx": 512}
    assert wanted.dropped == ("seed", "temperature")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("m?nun_ctx=1", "did you mean num_ctx"),
        ("m?keepalive=5m", "did you mean keep_alive"),
        ("m?zzz=1", "known are draft_num_predict"),
        ("m?num_ctx=x", "write a whole number from 4 to 2147483647"),
        ("m?num_ctx=8192.0", "write a whole number"),
        ("m?num_ctx=3", "from 4"),
        ("m?num_ctx=-1", "from 4"),
        ("m?num_ctx=99999999999", "write a whole number"),
        ("m?num_ctx=", "write a whole number"),
        ("m?use_mmap=1", "write use_mmap=true or use_mmap=false"),
        ("m?num_ctx=1024&num_ctx=2048", "given twice"),
        ("m?num_ctx", "write MODEL\\?OPTION=VALUE"),
        ("m?", "write MODEL\\?OPTION=VALUE"),
        ("m?keep_alive=300", "write 300s"),
        ("m?keep_alive=-1", "such as 24h"),
        ("m?keep_alive=-1&keep_alive_forever=false", "such as 24h"),
        ("m?keep_alive=-1&keep_alive_forever=yes", "keep_alive_forever=true or"),
        ("m?keep_alive=5m&keep_alive_forever=true", "with keep_alive -1, not with"),
        ("m?keep_alive_forever=true", "says nothing alone"),
        ("gpt-oss:120b-cloud", "nothing to warm"),
        ("a b", "is no model name"),
        ("../../etc/passwd", "is no model name"),
        ("x" * 5_000, "5000 characters, 1000 are allowed"),
    ],
)
def test_a_wrong_request_is_refused_with_the_value_and_the_way_out(text, sentence):
    with pytest.raises(BadRequest, match=sentence):
        request.parse(text)


@pytest.mark.parametrize("value", [None, 8, ["llama3"], {"model": "llama3"}])
def test_a_model_that_is_not_a_text_is_refused(value):
    with pytest.raises(BadRequest, match="must be text such as"):
        request.parse(value)


@pytest.mark.parametrize("host", ["", "GPU", "a b", "x" * 41, "../x", 5])
def test_a_malformed_host_name_is_refused(host):
    with pytest.raises(BadRequest, match="1 to 40 of a-z, 0-9 and -"):
        request.parse("m", host=host)


ITEMS = st.tuples(
    st.sampled_from([*request.MINIMUM, *request.BOOLEANS, "keep_alive", "seed"]),
    st.sampled_from(["512", "-1", "true", "5m"]) | st.text(max_size=9),
)
CALLS = st.builds(
    lambda model, items: f"{model}?" + "&".join(f"{k}={v}" for k, v in items),
    st.sampled_from(["phi3", "llama3:8b", "gpt-oss:120b-cloud"]),
    st.lists(ITEMS, min_size=1, max_size=3),
)


@given(st.text(max_size=120) | CALLS)
def test_any_text_is_a_request_or_a_clear_refusal(text):
    try:
        wanted = request.parse(text)
    except BadRequest as exc:
        assert str(exc)
    else:
        assert not wanted.name.is_cloud
