"""The warm list's file: read whole, or refused with the place and the way out."""

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ollama_warmup import request
from ollama_warmup.warmkeys import (
    ELSE,
    TEXT,
    Defaults,
    Entry,
    HostEntry,
    Keys,
    Message,
    WarmFile,
)
from ollama_warmup.yamlfile import Loc, YamlFile

Stamp = tuple[int, ...] | None
"""What of a file changes when it does; None = it cannot be seen."""


def stamp(path: Path | None) -> Stamp:
    """The stamp of a file, cheaply; without one it is always the same.

    Links are followed, so that a folder that is swapped below them is noticed.
    """
    if path is None:
        return ()
    try:
        at = path.stat()
    except OSError:
        return None
    return (at.st_mtime_ns, at.st_ctime_ns, at.st_size, at.st_ino, at.st_dev)


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """A file, and what it says."""

    says: WarmFile
    file: YamlFile


def read(path: Path) -> Read:
    """Read the file.

    Raises:
        BadSettings: it cannot be read, or its shape is wrong; where, and how to
            mend it.
    """
    file = YamlFile.read(path)
    data = file.data()
    if data is None:
        raise file.error((), "it is empty: write `models: []` if nothing is wanted")
    try:
        return Read(says=WarmFile.model_validate(data), file=file)
    except ValidationError as exc:
        found = exc.errors(include_input=False, include_url=False)
        # A key that is written wrong explains one that is missing.
        first = min(found, key=lambda error: error["type"] != "extra_forbidden")
        loc = [part for part in first["loc"] if part not in {TEXT, ELSE}]
        raise file.error(loc, _sentence(first, loc)) from exc


_TYPES = {
    "string_type": "write text",
    "int_type": "write a whole number",
    "bool_type": "write true or false",
    "list_type": "write a list",
    "dict_type": "write a mapping, KEY: VALUE",
    "model_type": "write a mapping, KEY: VALUE",
    "missing": "is missing: write it",
    "too_short": "is empty: write at least one, or leave it out",
    "string_too_short": "is empty: write it, or leave it out",
}
"""What to do, by the kind of an error that pydantic finds."""


def _sentence(error: ErrorDetails, loc: Loc) -> str:
    if error["type"] == "extra_forbidden":
        return _unknown(str(loc[-1]), _keys_at(loc[:-1]))
    told = error["msg"].removeprefix("Value error, ")
    todo = _TYPES.get(error["type"], told.replace("Input should be", "write"))
    is_choice = error["loc"][-1:] == (ELSE,) and todo.startswith("write ")
    return todo.replace("write ", "write text, or ", 1) if is_choice else todo


def _keys_at(loc: Loc) -> type[Keys]:
    """Whose keys stand there."""
    match loc:
        case ():
            return WarmFile
        case ("hosts", _):
            return HostEntry
        case ("defaults",):
            return Defaults
        case ("models", _):
            return Entry
    return Message


def _unknown(key: str, keys: type[Keys]) -> str:
    if key in {*request.MINIMUM, *request.BOOLEANS, *request.SAMPLING}:
        return "this is an option: write it below `options`"
    known = sorted(keys.model_fields)
    near = get_close_matches(key.lower(), known, n=1)
    hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
    return f"unknown key: {hint}"
