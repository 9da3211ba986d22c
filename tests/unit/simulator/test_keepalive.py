"""Sources: `api/types.go`, Duration; Go's time.ParseDuration; servers measured."""

import pytest

from worker.simulator.physics.keepalive import (
    FOREVER_S,
    BadDurationError,
    go_duration_ns,
    keep_alive_s,
    server_keep_alive_s,
)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        pytest.param(None, None, id="null is not given"),
        pytest.param(300.0, 300, id="number"),
        pytest.param(300.5, 300.5, id="fraction"),
        pytest.param(0.0, 0, id="zero"),
        pytest.param(-0.0, 0, id="minus zero"),
        pytest.param(1e-10, 0, id="less than a nanosecond"),
        pytest.param(-1.0, FOREVER_S, id="negative number"),
        pytest.param(-0.001, FOREVER_S, id="slightly negative"),
        pytest.param("5m", 300, id="minutes"),
        pytest.param("1h30m", 5400, id="compound"),
        pytest.param("300ms", 0.3, id="milliseconds"),
        pytest.param("1.5s", 1.5, id="fractional string"),
        pytest.param("0", 0, id="zero string"),
        pytest.param("-0", 0, id="minus zero string"),
        pytest.param("-1m", FOREVER_S, id="negative string"),
    ],
)
def test_a_keep_alive_is_read_as_ollama_reads_it(value, seconds):
    assert keep_alive_s(value) == seconds


@pytest.mark.parametrize("value", [9.3e9, 1e10, 1e300, float("inf")])
def test_a_number_that_overflows_turns_negative_and_so_unloads(value):
    seconds = keep_alive_s(value)

    assert seconds is not None
    assert seconds < 0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("-1", 'time: missing unit in duration "-1"'),
        ("300", 'time: missing unit in duration "300"'),
        ("1.", 'time: missing unit in duration "1."'),
        ("x", 'time: invalid duration "x"'),
        ("", 'time: invalid duration ""'),
        ("-", 'time: invalid duration "-"'),
        (".s", 'time: invalid duration ".s"'),
        ("5 m", 'time: unknown unit " m" in duration "5 m"'),
        ("3d", 'time: unknown unit "d" in duration "3d"'),
        ("5M", 'time: unknown unit "M" in duration "5M"'),
        ('5"', 'time: unknown unit "\\"" in duration "5\\""'),
        ("5é", 'time: unknown unit "\\xc3\\xa9" in duration "5\\xc3\\xa9"'),
        ("9999999h", 'time: invalid duration "9999999h"'),
        (True, "Unsupported type: 'bool'"),
        ([], "Unsupported type: '[]interface {}'"),
        ({}, "Unsupported type: 'map[string]interface {}'"),
    ],
)
def test_a_malformed_keep_alive_is_refused_in_ollamas_words(value, text):
    with pytest.raises(BadDurationError) as refused:
        keep_alive_s(value)

    assert str(refused.value) == text


def test_every_unit_of_go_is_known():
    units = {unit: go_duration_ns(f"1{unit}") for unit in ("ns", "us", "µs", "μs")}

    assert units == {"ns": 1, "us": 1000, "µs": 1000, "μs": 1000}
    assert go_duration_ns("2562047h47m16.854775807s") == 2**63 - 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("5m", 300), ("300", 300), ("-1", FOREVER_S), ("0", 0), ("-5m", FOREVER_S)],
)
def test_the_servers_own_keep_alive_may_be_bare_seconds(text, seconds):
    assert server_keep_alive_s(text) == seconds


def test_a_bad_keep_alive_of_the_server_is_refused():
    with pytest.raises(BadDurationError):
        server_keep_alive_s("soon")
