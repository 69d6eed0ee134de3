"""Shapes of JSON as a typed client reads it: a number is no text, a whole number has no fraction, nothing is missing.

Each shape is a function that fails with the place where a value is not like it.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

Shape = Callable[[Any, str], None]


def decoded(raw: bytes) -> Any:
    """JSON as the standard has it: UTF-8, no field twice, no NaN. A number with a fraction or exponent is a float."""
    return json.loads(raw.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    assert len(found) == len(pairs), f"a field is there twice: {[name for name, _ in pairs]}"
    return found


def _no_constant(name: str) -> Any:
    raise AssertionError(f"{name} is no JSON")


def text(value: Any, at: str) -> None:
    """Any text."""
    assert type(value) is str, f"{at}: a text is expected, not {value!r}"


def words(value: Any, at: str) -> None:
    """A text that says something."""
    text(value, at)
    assert value.strip(), f"{at}: it is empty"


def integer(value: Any, at: str) -> None:
    """A whole number of 64 bits, as Go decodes it into an int64."""
    assert type(value) is int, f"{at}: an integer is expected, not {value!r}"
    assert -(2**63) <= value < 2**63, f"{at}: {value} has more than 64 bits"


def moment(value: Any, at: str) -> None:
    """A time in epoch milliseconds, of these decades."""
    integer(value, at)
    assert 1_500_000_000_000 < value < 3_000_000_000_000, f"{at}: {value} is not in milliseconds"


def number(value: Any, at: str) -> None:
    """Any number."""
    assert type(value) in {int, float}, f"{at}: a number is expected, not {value!r}"


def boolean(value: Any, at: str) -> None:
    """True or false, not as a text."""
    assert type(value) is bool, f"{at}: a boolean is expected, not {value!r}"


def exactly(wanted: Any) -> Shape:
    """This value, of this type."""

    def check(value: Any, at: str) -> None:
        assert type(value) is type(wanted), f"{at}: {wanted!r} is expected, not {value!r}"
        assert value == wanted, f"{at}: {wanted!r} is expected, not {value!r}"

    return check


def one_of(*wanted: str) -> Shape:
    """One of these texts."""

    def check(value: Any, at: str) -> None:
        assert value in wanted, f"{at}: {value!r} is none of {wanted}"

    return check


def nullable(shape: Shape) -> Shape:
    """That, or null."""
    return lambda value, at: None if value is None else shape(value, at)


def listed(shape: Shape, least: int = 1) -> Shape:
    """A list, with something in it unless it may be empty."""

    def check(value: Any, at: str) -> None:
        assert type(value) is list, f"{at}: a list is expected, not {value!r}"
        assert len(value) >= least, f"{at}: there is nothing in it to look at"
        for place, each in enumerate(value):
            shape(each, f"{at}[{place}]")

    return check


def mapped(shape: Shape) -> Shape:
    """An object with any fields of one shape."""

    def check(value: Any, at: str) -> None:
        assert type(value) is dict, f"{at}: an object is expected, not {value!r}"
        for name, each in value.items():
            shape(each, f"{at}.{name}")

    return check


def fields(wanted: Mapping[str, Shape], *, more: bool = False) -> Shape:
    """An object with exactly these fields, or with `more` that are not looked at."""

    def check(value: Any, at: str) -> None:
        assert type(value) is dict, f"{at}: an object is expected, not {value!r}"
        assert set(wanted) - set(value) == set(), f"{at}: these are missing"
        assert more or set(value) - set(wanted) == set(), f"{at}: these should not be there"
        for name, shape in wanted.items():
            shape(value[name], f"{at}.{name}")

    return check


def json_text(shape: Shape) -> Shape:
    """A text that is JSON in itself."""

    def check(value: Any, at: str) -> None:
        text(value, at)
        shape(decoded(value.encode()), f"{at}, as JSON")

    return check


def anything(_value: Any, _at: str) -> None:
    """Whatever is there."""
