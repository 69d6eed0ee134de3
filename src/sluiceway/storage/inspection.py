"""What an inspection of a savepoint or checkpoint has found, and how references are held against the files."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sluiceway.storage.metadata import Metadata, Reference

LONGEST: Final = 300  # characters of a path in a text
MOST_TOLD: Final = 20  # faults of one savepoint; the others are counted


@dataclass(frozen=True, slots=True)
class Inspection:
    """A savepoint or checkpoint as it was found. It is whole when nothing is `wrong`."""

    path: str  # of its directory
    metadata: Metadata | None  # None where it cannot be read to its end
    wrong: tuple[str, ...]  # at most 20 files of those that are
    size: int  # bytes of `_metadata` and of all files that it references
    unchecked: int = 0  # how many of those files cannot be looked at from here
    more_wrong: int = 0  # beyond what is told

    @property
    def why(self) -> str:
        """What is wrong, in one line."""
        more = len(self.wrong) - 1 + self.more_wrong
        others = f" (and {more} more)" if more > 0 else ""
        return f"{self.wrong[0]}{others}" if self.wrong else ""


def compare(
    path: str, metadata: Metadata, own_size: int, places: Mapping[Reference, str], sizes: Mapping[str, int | None]
) -> Inspection:
    """Hold what `_metadata` says against what is there.

    `places` has the references that can be looked at from here, `sizes` the size of each of these places, None where
    nothing is.
    """
    found = {place: sizes[place] or 0 for place in places.values()}
    elsewhere = [reference for reference in metadata.references if reference not in places]
    faults = [fault for reference, place in places.items() if (fault := _fault(reference, sizes[place]))]
    size = own_size + sum(found.values()) + sum(reference.size or 0 for reference in elsewhere)
    told, more = faults[:MOST_TOLD], max(0, len(faults) - MOST_TOLD)
    return Inspection(path, metadata, tuple(told), size, len(elsewhere), more)


def _fault(reference: Reference, size: int | None) -> str | None:
    path = reference.path if len(reference.path) <= LONGEST else f"{reference.path[:LONGEST]}…"
    if size is None:
        return f"{path} is missing"
    if reference.size is None or size == reference.size or (size > reference.size and not reference.exact):
        return None
    return f"{path} has {size} bytes, and not {'' if reference.exact else 'at least '}{reference.size}"
