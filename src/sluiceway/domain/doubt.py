"""How long what a cluster or storage does not show must be missing before it counts as gone.

A JobManager that recovers does not know its jobs for a moment, and storage may show a new file late.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeVar

from sluiceway.domain.copies import replace


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubtful:
    """What the cluster or storage may fail to show."""

    doubt_since: datetime | None = None  # since when what answers has not shown what it should


D = TypeVar("D", bound=Doubtful)

GAP: Final = timedelta(seconds=2)  # two looks that are less apart have nothing between them that lasts


def shown(what: D) -> D:
    """The same without its doubt: what answers shows it. Mostly there was none, and it is the very same object."""
    return what if what.doubt_since is None else replace(what, doubt_since=None)


def in_doubt(what: D, now: datetime, lasting: timedelta) -> D | None:
    """The same with its doubt, as long as that is younger than `lasting`; None once it has lasted."""
    if what.doubt_since is None:
        return replace(what, doubt_since=now)
    return what if now - what.doubt_since < lasting else None


def outdated(gap: timedelta | None, lasting: timedelta) -> bool:
    """Whether all doubts have to begin anew after a gap between two looks; None: there was no look before.

    What was missing before a long one may have been back in between, and gone again.
    """
    return gap is not None and gap > max(GAP, lasting / 3)
