"""What a task's message must look like, so that Celery may be given it.

Celery 5.7 takes a message apart in the process that consumes; what it does not
expect there ends the worker, and the message comes back for the next one.
"""

from collections.abc import Callable, Mapping
from typing import Any

LONGEST_BODY = 262_144
"""Bytes or characters; a call of ours stays below 2,000."""
LONGEST_TEXT = 1_000
"""Characters of a header."""
LARGEST = 1e12
"""Of a number in a header; an instant is far below."""
DEEPEST = 24
"""Lists and mappings within one another; a chain of calls has about 10."""


def _is_text(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_TEXT


def _is_optional_text(value: object) -> bool:
    return value is None or (isinstance(value, str) and len(value) <= LONGEST_BODY)


def _is_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= LARGEST  # type: ignore[operator]


def _is_count(value: object) -> bool:
    return _is_number(value) and isinstance(value, int)


def _is_limits(value: object) -> bool:
    if not isinstance(value, list) or len(value) != 2:  # noqa: PLR2004 - hard, soft
        return value is None
    return all(limit is None or _is_number(limit) for limit in value)


def _is_mapping(value: object) -> bool:
    return value is None or isinstance(value, dict)


def _is_calls(value: object) -> bool:
    return value is None or (
        isinstance(value, list) and all(isinstance(call, dict) for call in value)
    )


_NEEDED: Mapping[str, Callable[[object], bool]] = {"id": _is_text, "task": _is_text}
_HEADERS: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(
        ("argsrepr", "eta", "expires", "group", "kwargsrepr", "parent_id", "root_id"),
        _is_optional_text,
    ),
    "shadow": _is_optional_text,
    "retries": lambda value: value is None or _is_count(value),
    "replaced_task_nesting": _is_count,
    "sent_at": _is_number,
    "stamped_headers": lambda value: (
        value is None or (isinstance(value, list) and all(map(_is_text, value)))
    ),
    "stamps": _is_mapping,
    "timelimit": _is_limits,
    "waiting_since": _is_number,
}
_EMBED: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("callbacks", "chain", "errbacks"), _is_calls),
    "chord": _is_mapping,
}


def fault(headers: Mapping[str, Any]) -> str | None:
    """Why these headers are no task's, or None.

    Args:
        headers: of a message, as they came.
    """
    for name, is_right in _NEEDED.items():
        if not is_right(headers.get(name)):
            return f"header {name} is missing or wrong"
    for name, is_right in _HEADERS.items():
        if name in headers and not is_right(headers[name]):
            return f"header {name} is wrong"
    return None


def fault_of_body(payload: object) -> str | None:
    """Why this is no task's body, decoded, or None."""
    if not isinstance(payload, list) or len(payload) != 3:  # noqa: PLR2004 - see next
        return "its body is not [arguments, named arguments, what follows]"
    args, kwargs, embed = payload
    if not isinstance(args, list) or not isinstance(kwargs, dict):
        return "its arguments are no list or its named ones no mapping"
    if not _is_mapping(embed):
        return "what follows it is no mapping"
    for name, is_right in _EMBED.items():
        if not is_right((embed or {}).get(name)):
            return f"its {name} are wrong"
    if _is_deep(payload, DEEPEST):
        return f"its body is nested deeper than {DEEPEST}"
    return None


def _is_deep(value: object, left: int) -> bool:
    """Whether it goes deeper than so many levels; goes no deeper itself."""
    if isinstance(value, dict):
        within = list(value.values())
    elif isinstance(value, list):
        within = value
    else:
        return False
    return left == 0 or any(_is_deep(each, left - 1) for each in within)
