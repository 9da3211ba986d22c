"""JSON as Go's decoder reads it into a struct, down to the words of its errors."""

import json
from collections.abc import Callable, Mapping
from typing import NoReturn, Self

from worker.simulator.gosyntax import syntax_error

Decoded = dict[str, object]
"""Field values by their lower-case JSON name; absent and null fields are missing.

Numbers are floats, as in Go's `any`.
"""


class DecodeError(ValueError):
    """A body that Go refuses; the message is Go's own."""


class NoBodyError(DecodeError):
    """Nothing was sent: Go's io.EOF."""


class Number(float):
    """A number that remembers how it was written."""

    literal: str

    def __new__(cls, literal: str) -> Self:
        """Read a JSON number."""
        number = super().__new__(cls, literal)
        number.literal = literal
        return number


class TypeMismatchError(DecodeError):
    """A value of the wrong type; decoding goes on, and the first one is told."""

    def __init__(self, value: object, go_type: str, *, path: str = "") -> None:
        """Remember what was found, what was wanted, and where below the field."""
        super().__init__(value, go_type, path)
        self.found = _kind(value)
        self.go_type = go_type
        self.path = path
        self.struct = ""
        """The struct inside the request that is blamed; empty is the request."""
        self.is_final = False
        """Whether decoding stops here after all."""

    def below(self, name: str, *, struct: str) -> Self:
        """Say in which field of a nested struct it was found."""
        self.path = ".".join(filter(None, (name, self.path)))
        self.struct = self.struct or struct
        return self


class SavedError(DecodeError):
    """Another error that does not stop the decoder."""


Check = Callable[[object], object]
"""Reads one field's value; raises DecodeError. Null never reaches it."""


class Struct:
    """A Go struct: its name, and how each JSON field is read.

    Source: Go 1.26, encoding/json: names match in any case; the first type error
    is reported after the whole value was read; errors of custom types stop it.
    """

    def __init__(self, name: str, fields: Mapping[str, Check], *, package: str) -> None:
        """Describe a struct, such as GenerateRequest of package api."""
        self.name = name
        self.package = package
        self._fields = fields

    def read(self, value: object) -> Decoded:
        """Read a decoded JSON value into the struct."""
        decoded: Decoded = {}
        if value is None:
            return decoded
        if not isinstance(value, dict):
            raise DecodeError(
                f"json: cannot unmarshal {_kind(value)} into Go value of type "
                f"{self.package}.{self.name}"
            )
        saved: DecodeError | None = None
        for key, item in value.items():
            field = key if key in self._fields else key.lower()
            if field not in self._fields or item is None:
                continue
            error = self._read_field(decoded, field, item)
            saved = saved or error
        if saved:
            raise saved
        return decoded

    def _read_field(
        self, decoded: Decoded, field: str, item: object
    ) -> DecodeError | None:
        """Read one field; an error that does not stop the decoder is handed back."""
        try:
            decoded[field] = merged(decoded.get(field), self._fields[field](item))
        except TypeMismatchError as error:
            if error.is_final:
                raise self._told(field, error) from None
            return self._told(field, error)
        except SavedError as error:
            return error
        return None

    def _told(self, field: str, error: TypeMismatchError) -> DecodeError:
        path = ".".join(filter(None, (field, error.path)))
        return DecodeError(
            f"json: cannot unmarshal {error.found} into Go struct field "
            f"{error.struct or self.name}.{path} of type {error.go_type}"
        )


def decode(body: bytes, struct: Struct) -> Decoded:
    """Decode a request's body; what follows the first JSON value is ignored.

    Raises:
        NoBodyError: when it is empty or blank.
        DecodeError: when it is no JSON or does not fit the struct.
    """
    text = body.decode("utf-8", errors="replace").lstrip(" \t\r\n")
    if not text:
        raise NoBodyError("EOF")
    try:
        value, _ = _DECODER.raw_decode(text)
    except RecursionError:
        raise DecodeError("exceeded max depth") from None
    except ValueError:
        raise DecodeError(syntax_error(body)) from None
    return struct.read(value)


def as_written(value: object) -> str:
    """JSON with its numbers as they came, and without blanks."""
    if isinstance(value, Number):
        return value.literal
    if isinstance(value, list):
        return "[" + ",".join(as_written(item) for item in value) + "]"
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def merged(old: object, new: object) -> object:
    """What a key given twice means: the last one, but maps become one.

    Source: Go's encoding/json, decode.go, object: a map that exists is kept.
    """
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **new}
    return new


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    read: dict[str, object] = {}
    for key, value in pairs:
        read[key] = merged(read.get(key), value)
    return read


def _kind(value: object) -> str:
    match value:
        case bool():
            return "bool"
        case str():
            return "string"
        case float():
            return "number"
        case list():
            return "array"
    return "object"


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


_DECODER = json.JSONDecoder(
    parse_float=Number,
    parse_int=Number,
    parse_constant=_refuse,
    object_pairs_hook=_object,
)
