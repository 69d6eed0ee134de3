"""Jobs that nobody made here: which of them are taken in, under which name, and which of them have come back."""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

MOST_AT_ONCE: Final = 100  # jobs that one turn takes in; the next one takes further ones
MOST: Final = 2000  # that live in one cluster and were taken in; a JobManager may list any number
LONGEST_NAME: Final = 128  # characters of a job's name that are kept


@dataclass(frozen=True, slots=True)
class Stranger:
    """A job that lives in a cluster and was not asked about: most likely nobody made it here."""

    flink_job_id: str
    name: str  # as Flink has it
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Adopts:
    """Which of a cluster's jobs are taken in, and into which project."""

    project: str
    pattern: str = "*"  # of their names in Flink, as in a shell

    def wants(self, stranger: Stranger) -> bool:
        """Whether it is one of them."""
        return fnmatchcase(stranger.name, self.pattern)


@dataclass(frozen=True, slots=True)
class Adopted:
    """A job of the cluster that was taken in before."""

    job_id: int
    run_id: int
    flink_name: str
    rests: bool  # its latest run is over, and nothing is under way with it


@dataclass(frozen=True, slots=True)
class Adoption:
    """A job to take in: as a new one, as the next run of one that rests, or as a run that was lost elsewhere."""

    stranger: Stranger
    again: Adopted | None = None
    itself: bool = False  # it is the latest run of that job, by its Flink job id


def adoptions(
    strangers: Sequence[Stranger], before: Sequence[Adopted], others: Sequence[Stranger] = ()
) -> list[Adoption]:
    """What each of them is. `others` live beside them, and are not to be taken in now: most likely they just came.

    A job that has come back under another Flink job id is known by its cluster and its name, where only one such job
    rests and only one of all these bears the name. Otherwise nobody can tell, and it is a job of its own. Where as many
    live as may be, the rest are left alone.
    """
    known = Counter(each.flink_name for each in before)
    seen = Counter(each.name for each in (*strangers, *others))
    room = MOST - sum(not each.rests for each in before)
    strangers = strangers[: max(room, 0)]
    resting = {each.flink_name: each for each in before if each.rests and known[each.flink_name] == 1}
    return [Adoption(each, resting.get(each.name) if seen[each.name] == 1 else None) for each in strangers]


def names(stranger: Stranger, cluster: str) -> Iterator[str]:
    """What it may be called here, the best first. The last one nobody else can have."""
    plain = "".join(each if each.isprintable() else " " for each in stranger.name).strip() or "unnamed"
    for end in ("", f"@{cluster}", f"@{cluster}-{stranger.flink_job_id}"):
        yield plain[: LONGEST_NAME - len(end)] + end


def start_again(savepoint: str) -> str:
    """The command that starts an adopted job from a savepoint, but for what only its owner knows."""
    return f"flink run --detached --fromSavepoint {shlex.quote(savepoint)} --class MAIN_CLASS PROGRAM.jar"
