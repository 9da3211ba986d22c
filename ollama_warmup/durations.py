"""Ollama's durations: Go's syntax in text, seconds inside.

The rules of `time.ParseDuration` (Go), which Ollama applies to `keep_alive`
(api/types.go, `Duration.UnmarshalJSON`).
"""

import math
import re

from ollama_warmup.errors import BadRequest

DAY_S = 86_400.0
KEEP_ALIVE_MIN_S = 2.0
"""A model that stays for less cannot be seen warm after its load (seconds)."""
KEEP_ALIVE_MAX_S = 365 * DAY_S
LONGEST = 64
"""Characters of a duration; more are refused."""

_UNIT_S = {
    "ns": 1e-9,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ms": 1e-3,
    "s": 1.0,
    "m": 60.0,
    "h": 3600.0,
}
PART = re.compile(r"(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
"""A number and its unit, of which a duration has one or more."""
_WHOLE = re.compile(rf"[+-]?(?:{PART.pattern})+", re.ASCII)


def parse(text: str) -> float:
    """Read a Go duration such as `30m`, `1h30m` or `1.5s`.

    Returns:
        Seconds; negative if the text is.

    Raises:
        BadRequest: not a duration, or no unit.
    """
    text = text.strip()
    if len(text) <= LONGEST and _WHOLE.fullmatch(text):
        total_s = sum(float(n) * _UNIT_S[unit] for n, unit in PART.findall(text))
        return -total_s if text.startswith("-") else total_s
    if len(text) <= LONGEST and re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        raise BadRequest(f"duration {text!r} has no unit: write {text}s")
    raise BadRequest(
        f"{text[:LONGEST]!r} is no duration: write a number and a unit, "
        "such as 90s, 30m or 24h"
    )


def parse_keep_alive(text: str, *, forever: bool = False) -> float:
    """Read how long a model shall stay loaded after its last request.

    Args:
        text: a duration; with `forever` only `-1`.
        forever: whether a model without a timer is what is meant.

    Returns:
        Seconds, from `KEEP_ALIVE_MIN_S` to `KEEP_ALIVE_MAX_S`; `math.inf` = for ever.

    Raises:
        BadRequest: no duration, no unit, or outside that range.
    """
    text = text.strip()
    if forever:
        if text == "-1":
            return math.inf
        raise BadRequest(
            f"keep_alive_forever goes with keep_alive -1, not with {text[:LONGEST]!r}: "
            "write -1, or leave keep_alive_forever out"
        )
    try:  # Ollama takes these two as numbers; as words they deserve their answer
        seconds = float(text) if text in {"0", "-1"} else parse(text)
    except BadRequest as exc:
        raise BadRequest(f"keep_alive: {exc}") from exc
    if KEEP_ALIVE_MIN_S <= seconds <= KEEP_ALIVE_MAX_S:
        return seconds
    raise BadRequest(f"keep_alive {text} {_way_out(seconds)}")


def _way_out(seconds: float) -> str:
    if seconds < 0:
        return (
            "keeps a model for ever, which pins nothing and makes a wedged server "
            "permanent: write a long time instead, such as 24h; -1 is taken where "
            "keep_alive_forever says true"
        )
    if seconds == 0:
        return (
            "would unload the model at once: write how long it shall stay, such as "
            "30m, or leave it out for the server's own"
        )
    if seconds < KEEP_ALIVE_MIN_S:
        return "is too short to see the model warm: write at least 2s"
    return "is above 365 days: write 8760h or less, or leave it out"


def format_short(seconds: float) -> str:
    """Write seconds as people do: `45s`, `30m`, `1h30m`, `0.5s`.

    Args:
        seconds: >= 0; rounded to whole seconds from 10 s on.
    """
    if seconds < 10:  # noqa: PLR2004 - below, tenths tell something
        return f"{seconds:.1f}".removesuffix(".0") + "s"
    hours, rest = divmod(round(seconds), 3600)
    minutes, secs = divmod(rest, 60)
    parts = ((hours, "h"), (minutes, "m"), (secs, "s"))
    return "".join(f"{n}{unit}" for n, unit in parts if n)


def format_exact(seconds: float) -> str:
    """Write seconds so that `parse` reads the very same: `30m`, or `90.5s`.

    Args:
        seconds: from `KEEP_ALIVE_MIN_S` to `KEEP_ALIVE_MAX_S`.
    """
    short = format_short(seconds)
    return short if parse(short) == seconds else f"{seconds!r}s"
