"""`dataclasses.replace` for values that are moved at every turn, at a quarter of its price.

It copies what is there and sets what changes, and does not ask the initializer, which for a frozen class takes longer
than all the rest. So it is for frozen classes with slots, of which every field is stored as it was given.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

T = TypeVar("T")

if TYPE_CHECKING:
    from dataclasses import replace as replace  # noqa: PLC0414 - so that names and types of the changes are checked
else:

    def replace(value: T, /, **changes: Any) -> T:
        """The same value but for these changes. Raises `KeyError` where it has no such field."""
        copied, setters = _copier(type(value))
        copy = copied(value)
        for name, change in changes.items():
            setters[name](copy, change)
        return copy


@cache
def _copier(of: type[T]) -> tuple[Callable[[T], T], Mapping[str, Callable[[T, Any], None]]]:
    """A function that copies each field of a class, and what sets one.

    It is written out line by line, as `dataclasses` writes initializers: a loop over all fields takes twice as long.
    """
    setters = {field.name: getattr(of, field.name).__set__ for field in fields(of)}  # type: ignore[arg-type]
    known = {f"set_{name}": set_ for name, set_ in setters.items()} | {"new": object.__new__, "of": of}
    body = [f"    set_{name}(copy, value.{name})" for name in setters]
    text = "\n".join(["def copied(value):", "    copy = new(of)", *body, "    return copy"])
    exec(text, known)  # noqa: S102 - names of fields are all that is in it
    return known["copied"], setters
