"""What a tag is, and how the tags of a job, or of a resource, change. The rules are DLI's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 20  # of one job, or of one resource
KEY_LIMIT: Final = 128  # characters
VALUE_LIMIT: Final = 255
RESERVED: Final = "_sys_"  # no key of a user's begins with it

_KEY: Final = re.compile(r"[\w .:+\-@]+")
_VALUE: Final = re.compile(r"[\w .:=+\-@]*")


def is_key(text: str) -> bool:
    """Whether a text is of the letters of a key."""
    return text == text.strip(" ") and _KEY.fullmatch(text) is not None


def is_value(text: str) -> bool:
    """Whether a text is of the letters of a value."""
    return text == text.strip(" ") and _VALUE.fullmatch(text) is not None


def fits(key: str, value: str) -> bool:
    """Whether a job may have this tag."""
    return (
        len(key) <= KEY_LIMIT
        and len(value) <= VALUE_LIMIT
        and is_key(key)
        and is_value(value)
        and not key.startswith(RESERVED)
    )


class TooManyTags(Exception):
    """There would be more than `MOST`."""


@dataclass(frozen=True, slots=True)
class TagChange:
    """What is added, and what is removed: by key, or only where it has a certain value."""

    add: Mapping[str, str] = field(default_factory=dict)
    remove: Sequence[tuple[str, str | None]] = ()

    def of(self, before: Mapping[str, str]) -> dict[str, str]:
        """The tags after it. Raises `TooManyTags`."""
        gone = {key for key, value in self.remove if value is None or before.get(key) == value}
        after = {**{key: value for key, value in before.items() if key not in gone}, **self.add}
        if self.add and len(after) > MOST:
            raise TooManyTags
        return after
