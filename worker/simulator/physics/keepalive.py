"""Keep-alive values, read exactly as Go and Ollama read them."""

import math

FOREVER_S = (2**63 - 1) / 1e9
"""The largest Go duration, about 292 years: what every negative value means."""

_OVERFLOWN_S = -(2**63) / 1e9
_MAX_NS = 2**63
_UNITS_NS = {
    "ns": 1,
    "us": 10**3,
    "\u00b5s": 10**3,
    "\u03bcs": 10**3,
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


class BadDurationError(ValueError):
    """A duration that Go refuses; the message is Go's own."""


def keep_alive_s(value: object) -> float | None:
    """Read the `keep_alive` of a request.

    (1) null is "not given".
    (2) A number is seconds; below zero is for ever. One that overflows Go's int64
        nanoseconds turns negative, and the model goes as soon as it is idle.
    (3) A string is a Go duration; below zero is for ever.
    (4) Anything else is refused.

    Returns:
        Seconds, possibly negative (overflow); None when not given.

    Raises:
        BadDurationError: with the text of Ollama's 400.

    Source: `api/types.go`, Duration.UnmarshalJSON; measured on 0.33.
    """
    if value is None:  # (1)
        return None
    if isinstance(value, float):  # (2)
        if value < 0:
            return FOREVER_S
        ns = value * 1e9
        return int(ns) / 1e9 if ns < _MAX_NS else _OVERFLOWN_S
    if isinstance(value, str):  # (3)
        ns_given = go_duration_ns(value)
        return FOREVER_S if ns_given < 0 else ns_given / 1e9
    raise BadDurationError(f"Unsupported type: '{_go_type(value)}'")  # (4)


def server_keep_alive_s(text: str) -> float:
    """Read `OLLAMA_KEEP_ALIVE`: a Go duration or whole seconds, negative for ever.

    Raises:
        BadDurationError: when it is neither.

    Source: `envconfig/config.go`, KeepAlive; unlike Ollama, which silently falls
    back to five minutes, a bad value is refused.
    """
    try:
        ns = go_duration_ns(text)
    except BadDurationError:
        if not text.lstrip("+-").isdecimal():
            raise
        ns = int(text) * 10**9
    return FOREVER_S if ns < 0 else ns / 1e9


def go_duration_ns(text: str) -> int:
    """Parse a Go duration such as "1h30m", "300ms" or "-1s" into nanoseconds.

    Raises:
        BadDurationError: with the text of Go's error.

    Source: Go's `time.ParseDuration`.
    """
    invalid = BadDurationError(f"time: invalid duration {_quoted(text)}")
    negative = text[:1] == "-"
    rest = text[1:] if text[:1] in ("-", "+") else text
    if rest == "0":
        return 0
    if not rest:
        raise invalid
    total_ns = 0
    while rest:
        term_ns, rest = _term_ns(rest, text, invalid)
        total_ns += term_ns
        if total_ns > _MAX_NS:
            raise invalid
    if total_ns == _MAX_NS and not negative:
        raise invalid
    return -total_ns if negative else total_ns


def _term_ns(rest: str, text: str, invalid: BadDurationError) -> tuple[int, str]:
    whole, rest = _digits(rest)
    fraction = ""
    if rest[:1] == ".":
        fraction, rest = _digits(rest[1:])
    if not whole and not fraction:
        raise invalid
    length = next((i for i, c in enumerate(rest) if c in ".0123456789"), len(rest))
    if length == 0:
        raise BadDurationError(f"time: missing unit in duration {_quoted(text)}")
    unit, rest = rest[:length], rest[length:]
    if unit not in _UNITS_NS:
        raise BadDurationError(
            f"time: unknown unit {_quoted(unit)} in duration {_quoted(text)}"
        )
    unit_ns = _UNITS_NS[unit]
    term_ns = int(whole or "0") * unit_ns
    if fraction:
        term_ns += math.floor(int(fraction) * (unit_ns / 10 ** len(fraction)))
    if term_ns > _MAX_NS:
        raise invalid
    return term_ns, rest


def _digits(text: str) -> tuple[str, str]:
    end = next((i for i, c in enumerate(text) if c not in "0123456789"), len(text))
    return text[:end], text[end:]


def _quoted(text: str) -> str:
    quoted = ""
    for char in text:
        if char in '"\\':
            quoted += "\\" + char
        elif " " <= char <= "~":
            quoted += char
        else:
            quoted += "".join(f"\\x{byte:02x}" for byte in char.encode())
    return f'"{quoted}"'


def _go_type(value: object) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, list):
        return "[]interface {}"
    return "map[string]interface {}"
