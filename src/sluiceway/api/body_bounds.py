"""How much a body may hold, counted before anything is made of it: msgspec makes all of a list and then measures it.

A megabyte of tags would be 8 MB of objects, made only to be refused. The bounds are those that the fields of the body's
type have. What they add up to is the most values that a large body may hold, whatever names it gives them.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import msgspec
from msgspec import inspect

from sluiceway.settings import MAX_BODY, MAX_JOB_IDS

LARGE: Final = 64 * 2**10  # bytes; what fits into fewer is never much
SPARE: Final = 10_000  # values under keys that nobody knows here, which are ignored
IN_ITEM: Final = 8  # the same in each object of a list
PIECE: Final = 16 * 2**10  # bytes that are looked at in one go
MOST: Final = 2 * MAX_JOB_IDS  # values of one field, lists in lists included

_ALL_BUT: Final = bytes(set(range(256)) - set(b'",'))
_STRING: Final = re.compile(rb'",*+"')


class TooManyValues(Exception):
    """A body, or the list that `field` names, holds more than `most` values."""

    def __init__(self, field: str, count: int, most: int, *, ids: bool = False) -> None:
        super().__init__(f"{field} holds more than {most} items")
        self.field = field
        self.count = count
        self.most = most
        self.ids = ids


@dataclass(frozen=True, slots=True)
class Bound:
    """Of one field that is a list or a mapping."""

    path: tuple[str, ...]
    most: int  # items
    values: int  # items, and what stands in them
    ids: bool  # whether the items are ids, or texts that are


def check(body: bytes, wanted: Any) -> None:
    """Raises `TooManyValues`. A body that is no JSON may be refused with it, too."""
    if len(body) <= LARGE or body.count(b",") < SPARE:
        return
    most = most_values(wanted)
    if (found := _values(body, most)) <= SPARE:
        return
    for bound in bounds_of(wanted):
        here = _values(_at(body, bound.path), MAX_BODY if bound.ids else bound.values)
        if here > bound.values:
            raise TooManyValues(".".join(bound.path), here, bound.most, ids=bound.ids)
    if found > most:  # under unknown names, or under one that stands there twice
        raise TooManyValues("body", found, most)


@lru_cache(256)
def bounds_of(wanted: Any) -> tuple[Bound, ...]:
    """Those of all lists and mappings of a type. Raises `TypeError` where one of them has no bound."""
    return tuple(_bounds(inspect.type_info(wanted), (), None))


def most_values(wanted: Any) -> int:
    """How many values a body of this type may hold."""
    return SPARE + sum(bound.values for bound in bounds_of(wanted))


def _bounds(kind: inspect.Type, path: tuple[str, ...], told: int | None) -> Iterator[Bound]:
    """`told`: the bound that the description gives, where it is not msgspec's."""
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            yield from _bounds(inner, path, (extra or {}).get("extra", {}).get("maxItems", told))
        case inspect.UnionType(types=types):
            for each in types:
                yield from _bounds(each, path, told)
        case inspect.StructType(fields=fields):
            for field in fields:
                yield from _bounds(field.type, (*path, field.encode_name), None)
        case inspect.ListType(item_type=item) | inspect.DictType(value_type=item):
            most = told if kind.max_length is None else kind.max_length
            if most is None:
                raise TypeError(f"{'.'.join(path)} has no bound")
            yield Bound(path, most, min(MOST, most * (1 + _within(item))), _is_id(item))
        case _:
            pass


def _within(item: inspect.Type) -> int:
    """Values that stand in one item, at most."""
    inner = sum(bound.values for bound in _bounds(item, (), None))
    return inner + (len(item.fields) + IN_ITEM if isinstance(item, inspect.StructType) else 0)


def _is_id(item: inspect.Type) -> bool:
    types = item.types if isinstance(item, inspect.UnionType) else (item,)
    return any(isinstance(each, inspect.IntType) for each in types)


def _values(document: bytes, enough: int = MAX_BODY) -> int:
    """How many values stand in JSON, by the commas outside of texts; it may stop counting beyond `enough`.

    Linear, and makes next to nothing. Two quotes with no comma between them change nothing for any comma.
    """
    marks = document.replace(b"\\\\", b"").replace(b'\\"', b"").translate(None, _ALL_BUT).replace(b'""', b"")
    count, within = 1, False
    for start in range(0, len(marks), PIECE):
        piece = marks[start : start + PIECE]
        outside, begun, _ = _STRING.sub(b"", b'"' + piece if within else piece).partition(b'"')
        within = bool(begun)  # a text that goes on in the next piece
        count += outside.count(b",")
        if count > enough:
            break
    return count


def _at(body: bytes, path: tuple[str, ...]) -> bytes:
    """What stands at a path; nothing where the body has no such place."""
    found = msgspec.Raw(body)
    for name in path:
        try:
            found = msgspec.json.decode(found, type=_outline(name)).at
        except msgspec.DecodeError:
            return b""
    return bytes(found)


@lru_cache(256)
def _outline(name: str) -> Any:
    """An object of which one value is wanted, and not yet looked into."""
    return msgspec.defstruct("Outline", [("at", msgspec.Raw, msgspec.Raw(b""))], rename={"at": name})
