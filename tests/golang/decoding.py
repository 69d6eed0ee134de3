"""How Go decodes JSON into a struct: a wrong type fails the whole call; what is unknown is ignored, what is missing or
null leaves the zero value.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

Kind = Callable[[Any], Any]  # what a field becomes; raises `Undecodable`


class Undecodable(Exception):
    """An answer that Go's decoder refuses. Whatever the call has done, its caller is told of an error."""


def string(value: Any) -> str:
    """A `string`."""
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Undecodable(f"{value!r} into a string")
    return value


def integer(bits: int = 64) -> Kind:
    """An `int` of so many bits: digits, without a fraction or an exponent."""

    def decode(value: Any) -> int:
        if value is None:
            return 0
        if type(value) is not int or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise Undecodable(f"{value!r} into an int{bits}")
        return value

    return decode


def floating(value: Any) -> float:
    """A `float64`."""
    if value is None:
        return 0.0
    if type(value) not in {int, float}:
        raise Undecodable(f"{value!r} into a float64")
    return float(value)


def boolean(value: Any) -> bool:
    """A `bool`."""
    if value is None:
        return False
    if not isinstance(value, bool):
        raise Undecodable(f"{value!r} into a bool")
    return value


def quoted_boolean(value: Any) -> bool:
    """A `bool` with the tag `,string`: only a text that is true or false."""
    if value is None:
        return False
    if value not in ("true", "false"):
        raise Undecodable(f"{value!r} into a quoted bool")
    return bool(value == "true")


def listed(kind: Kind) -> Kind:
    """A slice."""

    def decode(value: Any) -> list[Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise Undecodable(f"{value!r} into a slice")
        return [kind(each) for each in value]

    return decode


def struct(fields: Mapping[str, Kind]) -> Kind:
    """A struct, by the tags of its fields. Go takes a key in other letters, too, where there is none in these."""

    def decode(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict | None):
            raise Undecodable(f"{value!r} into a struct")
        given = value or {}
        folded = {key.lower(): each for key, each in given.items()}
        return {name: kind(given.get(name, folded.get(name.lower()))) for name, kind in fields.items()}

    return decode


def loads(body: bytes) -> Any:
    """JSON as it came. Numbers keep what they were: 1.0 is no integer to Go."""
    try:
        return json.loads(body)
    except ValueError as error:
        raise Undecodable(f"{body[:80]!r}: {error}") from error
