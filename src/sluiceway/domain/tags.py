"""How the tags of a job, or of a resource, change."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

MOST: Final = 20  # of one job, or of one resource


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
