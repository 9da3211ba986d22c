"""A YAML file, and where in it each thing stands; its values are shown nowhere."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Self

from ruamel.yaml import YAML, MappingNode, Node, SequenceNode
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from ollama_warmup.errors import BadRequest, BadSettings

Loc = Sequence[str | int]
"""The keys and indices that lead to a thing, from the top."""


Complain = Callable[[Loc, str], BadSettings]
"""Makes the error of a place and a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where something is written."""

    loc: Loc
    complain: Complain

    @contextmanager
    def at(self, *parts: str | int) -> Iterator[None]:
        """Let what is wrong below it leave as `BadSettings` that says where."""
        try:
            yield
        except BadRequest as exc:
            raise self.complain((*self.loc, *parts), str(exc)) from exc


@dataclass(frozen=True, slots=True)
class YamlFile:
    """The content of one file."""

    path: Path
    content: bytes = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read it, whatever is in it.

        Raises:
            BadSettings: it cannot be read; the cause is an `OSError`.
        """
        try:
            return cls(path, path.read_bytes())
        except OSError as exc:
            raise BadSettings(
                f"{path} cannot be read ({exc.strerror}): OLLAMA_WARMUP_CONFIG names "
                "it; is it there, and may this process read it?"
            ) from exc

    def data(self) -> object:
        """What it says: mappings, lists, texts, numbers, booleans; None = nothing.

        Raises:
            BadSettings: no YAML, or a key twice.
        """
        try:
            return _yaml().load(BytesIO(self.content))
        except YAMLError as exc:  # without its cause: that may quote a token
            raise BadSettings(f"{self.path}{_complaint(exc)}") from None
        except (RecursionError, ValueError) as exc:
            raise BadSettings(
                f"{self.path}: this is no YAML ({exc}): put such a value in quotes"
            ) from exc

    def error(self, loc: Loc, sentence: str) -> BadSettings:
        """A complaint that says where: `FILE:12: models[2].keep_alive: …`."""
        path = "".join(map(_step, loc)).removeprefix(".")
        where = f"{path}: " if path else ""
        return BadSettings(f"{self.path}:{self._line(loc)}: {where}{sentence}")

    def place(self, *loc: str | int) -> Place:
        """A place in it."""
        return Place(loc=loc, complain=self.error)

    def _line(self, loc: Loc) -> int:
        """The line of a thing, or of the nearest one around it; from 1."""
        node = _yaml().compose(BytesIO(self.content))
        line = 0
        for part in loc:
            line, node = next(_children(node, part), (line, None))
        return line + 1


def _yaml() -> YAML:
    # From a stream, so that an error does not quote the line; pure: nothing compiled
    # that some machines have and others have not.
    return YAML(typ="safe", pure=True)


def _children(node: Node | None, part: str | int) -> Iterator[tuple[int, Node]]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                yield key.start_mark.line, value
    elif isinstance(node, SequenceNode) and isinstance(part, int):
        yield node.value[part].start_mark.line, node.value[part]


def _step(part: str | int) -> str:
    if isinstance(part, int):
        return f"[{part}]"
    return f".{part}" if re.fullmatch(r"[\w-]{1,60}", part) else f".{part[:60]!r}"


def _complaint(exc: YAMLError) -> str:
    if not isinstance(exc, MarkedYAMLError):
        return ": this is no YAML: write UTF-8 text, without control characters"
    mark = exc.problem_mark or exc.context_mark
    line = f":{mark.line + 1}" if mark else ""
    if isinstance(exc, DuplicateKeyError):
        key = re.match(r'found duplicate key "([^"]{1,60})"', exc.problem or "")
        return f"{line}: the key {key[1] if key else ''} stands here twice: keep one"
    return f"{line}: this is no YAML ({exc.problem}): mend this line, or the one before"
