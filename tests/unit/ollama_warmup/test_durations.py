import pytest
from hypothesis import given
from hypothesis import strategies as st

from ollama_warmup import durations
from ollama_warmup.errors import BadRequest


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30m", 1800),
        ("1h30m", 5400),
        ("1.5s", 1.5),
        ("300ms", 0.3),
        (".5h", 1800),
        ("-1m", -60),
        ("+2s", 2),
        ("1m0.5s", 60.5),
        ("250us", 0.00025),
        ("250µs", 0.00025),
        (" 24h ", 86_400),
    ],
)
def test_a_go_duration_reads_as_seconds(text, seconds):
    assert durations.parse(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "m", "1d", "x", "1h 30m", "１s", "1e3s", "h1"])
def test_a_duration_that_go_does_not_read_is_refused_with_an_example(text):
    with pytest.raises(BadRequest, match="such as 90s, 30m or 24h"):
        durations.parse(text)


def test_a_number_without_a_unit_is_refused_with_the_unit_to_write():
    with pytest.raises(BadRequest, match="write 300s"):
        durations.parse_keep_alive("300")


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("0", "leave it out"),
        ("0s", "leave it out"),
        ("-1", "such as 24h"),
        ("-5m", "such as 24h"),
        ("1s", "at least 2s"),
        ("8761h", "8760h or less"),
        ("x", "number and a unit"),
    ],
)
def test_a_keep_alive_that_would_not_keep_warm_is_refused_with_the_way_out(
    text, way_out
):
    with pytest.raises(BadRequest, match=way_out) as caught:
        durations.parse_keep_alive(text)

    assert text in str(caught.value)


def test_huge_text_is_refused_without_being_repeated():
    with pytest.raises(BadRequest) as caught:
        durations.parse_keep_alive("9" * 100_000)

    assert len(str(caught.value)) < 400


@given(st.integers(min_value=2, max_value=365 * 86_400))
def test_a_duration_that_is_written_short_reads_back_the_same(seconds):
    assert durations.parse(durations.format_short(seconds)) == seconds


@given(st.floats(min_value=2, max_value=365 * 86_400))
def test_a_duration_that_is_written_exactly_reads_back_to_the_last_digit(seconds):
    assert durations.parse_keep_alive(durations.format_exact(seconds)) == seconds


@given(
    st.text(max_size=80)
    | st.from_regex(r"([0-9]{1,6}(\.[0-9]{1,3})?(ms|s|m|h)){1,2}", fullmatch=True)
)
def test_any_text_is_a_duration_or_a_clear_refusal(text):
    try:
        seconds = durations.parse_keep_alive(text)
    except BadRequest as exc:
        assert "keep_alive" in str(exc)
    else:
        assert 2 <= seconds <= 365 * 86_400
