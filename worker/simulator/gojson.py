"""JSON as Go's decoder reads it into a struct, down to the words of its errors."""

import base64
import binascii
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
            try:
                decoded[field] = self._fields[field](item)
            except TypeMismatchError as error:
                saved = saved or self._told(field, error)
            except SavedError as error:
                saved = saved or error
        if saved:
            raise saved
        return decoded

    def _told(self, field: str, error: TypeMismatchError) -> DecodeError:
        path = ".".join(filter(None, (field, error.path)))
        return DecodeError(
            f"json: cannot unmarshal {error.found} into Go struct field "
            f"{self.name}.{path} of type {error.go_type}"
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


def string(value: object) -> str:
    """A Go string."""
    if not isinstance(value, str):
        raise TypeMismatchError(value, "string")
    return value.encode("utf-8", errors="replace").decode()


def boolean(value: object) -> bool:
    """A Go bool."""
    if not isinstance(value, bool):
        raise TypeMismatchError(value, "bool")
    return value


def integer(value: object) -> int:
    """A Go int."""
    if not isinstance(value, Number):
        raise TypeMismatchError(value, "int")
    if not value.literal.lstrip("-").isdecimal() or not -(2**63) <= value < 2**63:
        mismatch = TypeMismatchError(value, "int")
        mismatch.found = f"number {value.literal}"
        raise mismatch
    return int(value.literal)


def floating(value: object) -> float:
    """A Go float64."""
    if not isinstance(value, Number):
        raise TypeMismatchError(value, "float64")
    return float(value)


def anything(value: object) -> object:
    """A Go any."""
    return value


def mapping(value: object) -> dict[str, object]:
    """A Go map[string]any."""
    if not isinstance(value, dict):
        raise TypeMismatchError(value, "map[string]interface {}")
    return value


def listing(go_type: str, item: Check = anything) -> Check:
    """A Go slice."""

    def read(value: object) -> list[object]:
        if not isinstance(value, list):
            raise TypeMismatchError(value, go_type)
        return [item(each) for each in value]

    return read


def octets(go_type: str) -> Check:
    """A Go []byte: base64 in a JSON string."""

    def read(value: object) -> bytes:
        if not isinstance(value, str):
            raise TypeMismatchError(value, go_type)
        try:
            return base64.b64decode(value, validate=True)
        except binascii.Error:
            raise SavedError(
                f"illegal base64 data at input byte {_first_not_base64(value)}"
            ) from None

    return read


def _first_not_base64(text: str) -> int:
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\r\n"
    return next((i for i, c in enumerate(text) if c not in alphabet), len(text))


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
    parse_float=Number, parse_int=Number, parse_constant=_refuse
)
