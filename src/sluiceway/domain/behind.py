"""The newer states that a job leaves out when it resumes from a chosen one. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluiceway.domain.way_back import Kind, length

SHOWN = 5  # newer states that are named


@dataclass(frozen=True, slots=True)
class Known:
    """A state that a job has."""

    path: str
    kind: Kind | None
    at: datetime  # when it was complete


@dataclass(frozen=True, slots=True)
class Behind:
    """How far a state is behind the newest known one of a job."""

    newer: tuple[Known, ...] = ()  # the newest first
    by: timedelta = timedelta()  # how much older than the newest it is
    unknown: str = ""  # why it is unknown whether there are more

    @property
    def told(self) -> str:
        """All of it in words; empty where no newer state is known and nothing is unknown."""
        if not self.newer:
            return f"It is unknown whether this is the newest state of the job: {self.unknown}" if self.unknown else ""
        shown = "; ".join(f"{one.path} ({_when(one)})" for one in self.newer[:SHOWN])
        more = f"; and {len(self.newer) - SHOWN} more" if len(self.newer) > SHOWN else ""
        return (
            f"It is {length(self.by)} older than the newest state of the job. Newer: {shown}{more}. The work "
            "since then is repeated."
        )


def behind(path: str, at: datetime, known: Iterable[Known], unknown: str = "") -> Behind:
    """How far the state in `path`, which was complete then, is behind the other known ones."""
    later = {one.path: one for one in known if one.path != path and one.at > at}
    newer = sorted(later.values(), key=lambda one: one.at, reverse=True)
    return Behind(tuple(newer), newer[0].at - at if newer else timedelta(), unknown)


def _when(one: Known) -> str:
    kind = f"{one.kind}, " if one.kind else ""
    return f"{kind}{one.at:%Y-%m-%d %H:%M:%SZ}"
