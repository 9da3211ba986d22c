"""How the fields of a request are read: Go's types, and what does not fit them."""

import base64
import binascii
import math
from collections.abc import Mapping

from worker.simulator.gojson import (
    Check,
    Decoded,
    Number,
    SavedError,
    TypeMismatchError,
)


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
    if not isinstance(value, Number) or math.isinf(value):
        raise _too_large(value)
    return float(value)


def raw(value: object) -> object:
    """A Go json.RawMessage."""
    return value


def anything(value: object) -> object:
    """A Go any; a number too large for it does not fit."""
    if isinstance(value, Number) and math.isinf(value):
        raise _too_large(value)
    return value


def mapping(value: object) -> dict[str, object]:
    """A Go map[string]any."""
    if not isinstance(value, dict):
        raise TypeMismatchError(value, "map[string]interface {}")
    return {name: anything(item) for name, item in value.items()}


def strings(value: object) -> dict[str, str]:
    """A Go map[string]string."""
    if not isinstance(value, dict):
        raise TypeMismatchError(value, "map[string]string")
    return {name: string(item) for name, item in value.items() if item is not None}


def nested(go_type: str, fields: Mapping[str, Check], *, struct: str = "") -> Check:
    """A struct inside the request; errors blame `struct`, or else the request.

    Null fields and those that it does not have are missing.
    """

    def read(value: object) -> Decoded:
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise TypeMismatchError(value, go_type)
        decoded: Decoded = {}
        for key, item in value.items():
            name = key.lower()
            if name not in fields or item is None:
                continue
            try:
                decoded[name] = fields[name](item)
            except TypeMismatchError as error:
                raise error.below(name, struct=struct) from None
        return decoded

    return read


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


def _too_large(value: object) -> TypeMismatchError:
    mismatch = TypeMismatchError(value, "float64")
    if isinstance(value, Number):
        mismatch.found = f"number {value.literal}"
    return mismatch
