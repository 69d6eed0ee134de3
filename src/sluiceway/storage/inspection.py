"""What an inspection of a savepoint or checkpoint has found, and how references are held against the files."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

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
    written: float | None = None  # when `_metadata` was, in seconds since 1970; None where there is none

    @property
    def at(self) -> datetime | None:
        """When it was complete; None where there is no `_metadata`."""
        return None if self.written is None else datetime.fromtimestamp(self.written, UTC)

    @property
    def why(self) -> str:
        """What is wrong, in one line."""
        more = len(self.wrong) - 1 + self.more_wrong
        others = f" (and {more} more)" if more > 0 else ""
        return f"{self.wrong[0]}{others}" if self.wrong else ""


class Passed(NamedTuple):
    """A state that is newer than the one that was taken, and not whole."""

    path: str
    why: str


class Newest(NamedTuple):
    """The newest whole state that a run has left; None when there is none."""

    state: Inspection | None
    passed: tuple[Passed, ...] = ()  # the newest first

    @property
    def path(self) -> str | None:
        """Where it lies."""
        return self.state.path if self.state else None


def compare(
    path: str, metadata: Metadata, own_size: int, places: Sequence[str | None], sizes: Mapping[str, int | None]
) -> Inspection:
    """Hold what `_metadata` says against what is there.

    `places` tells where each reference lies, None for one that cannot be looked at from here; `sizes` how large what
    lies there is, None where nothing is. A place without a size cannot be looked at either: a link leads there.
    """
    found: dict[str, int] = {}
    wrong: list[str] = []
    size, elsewhere, more = own_size, 0, 0
    for reference, place in zip(metadata.references, places, strict=True):
        if place is None or place not in sizes:
            elsewhere += 1
            size += reference.size or 0
            continue
        found[place] = sizes[place] or 0
        if fault := _fault(reference, sizes[place]):
            more += len(wrong) == MOST_TOLD
            wrong += [fault] if len(wrong) < MOST_TOLD else []
    return Inspection(path, metadata, tuple(wrong), size + sum(found.values()), elsewhere, more)


def _fault(reference: Reference, size: int | None) -> str | None:
    if size is not None and (reference.size is None or size == reference.size):
        return None
    path = reference.path if len(reference.path) <= LONGEST else f"{reference.path[:LONGEST]}…"
    if size is None or reference.size is None:
        return f"{path} is missing"
    if size > reference.size and not reference.exact:
        return None
    return f"{path} has {size} bytes, and not {'' if reference.exact else 'at least '}{reference.size}"
