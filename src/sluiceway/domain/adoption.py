"""Jobs that nobody made here: which of them are taken in, under which name, and which of them have come back."""

import shlex
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Final

from sluiceway.domain import tags
from sluiceway.domain.flink_version import minor

MOST_AT_ONCE: Final = 100  # jobs that one turn takes in; the next one takes further ones
MOST: Final = 2000  # that live in one cluster and were taken in; a JobManager may list any number
MOST_LOOKED_AT: Final = 5000  # jobs of one list, the ended ones among them
MOST_LISTED: Final = 20_000  # jobs in a list of which any are looked at
LONGEST_NAME: Final = 128  # characters of a job's name that are kept

_RUN_DOES_BOTH: Final = (1, 20)  # FLINK-35625: `flink run` starts application clusters, too


@dataclass(frozen=True, slots=True)
class Stranger:
    """A job that lives in a cluster and was not asked about: most likely nobody made it here."""

    flink_job_id: str
    name: str  # as Flink has it
    started_at: datetime | None = None
    batch: bool = False  # a batch job, which takes no savepoints; never told before Flink 2.3


@dataclass(frozen=True, slots=True)
class TagRule:
    """A tag for each job whose name in Flink fits a pattern."""

    pattern: str
    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Adopts:
    """Which of a cluster's jobs are taken in, into which project, and with which tags."""

    project: str
    pattern: str = "*"  # of their names in Flink, as in a shell
    rules: tuple[TagRule, ...] = ()  # the first one for a key counts

    def wants(self, stranger: Stranger) -> bool:
        """Whether it is one of them."""
        return not stranger.batch and fnmatchcase(stranger.name, self.pattern)

    def tags(self, stranger: Stranger, labels: Mapping[str, str]) -> dict[str, str]:
        """Its first tags: those of rules that fit its name, then the labels of its cluster, as many as a job may have.

        Labels that no tag can be are left out.
        """
        fitting = [(rule.key, rule.value) for rule in self.rules if fnmatchcase(stranger.name, rule.pattern)]
        found: dict[str, str] = {}
        for key, value in (*fitting, *sorted(labels.items())):
            if key not in found and len(found) < tags.MOST and tags.fits(key, value):
                found[key] = value
        return found


@dataclass(frozen=True, slots=True)
class Adopted:
    """A job of the cluster that was taken in before."""

    job_id: int
    run_id: int
    flink_name: str
    rests: bool  # its latest run is over, and nothing is under way with it
    flink_job_id: str = ""  # of its latest run


NOBODY: Final[Mapping[str, Adopted]] = {}


@dataclass(frozen=True, slots=True)
class Adoption:
    """A job to take in: as a new one, as the next run of one that rests, or as a run that was lost elsewhere."""

    stranger: Stranger
    again: Adopted | None = None
    by_id: bool = False  # that job is known by its Flink job id, which this run bears again
    itself: bool = False  # the same, and it is no other run


def adoptions(
    strangers: Sequence[Stranger],
    before: Sequence[Adopted],
    others: Sequence[Stranger] = (),
    by_id: Mapping[str, Adopted] = NOBODY,
) -> list[Adoption]:
    """What each of them is. `others` live beside them, and are not to be taken in now: most likely they just came.

    `by_id` are the jobs that strangers are by their Flink job ids. A job that has come back under another one is known
    by its cluster and its name, where only one such job rests and only one of all these bears the name. Otherwise
    nobody can tell, and it is a job of its own. Where as many live as may be, the rest are left alone.
    """
    known = Counter(each.flink_name for each in before)
    seen = Counter(each.name for each in (*strangers, *others))
    room = MOST - sum(not each.rests for each in before)
    strangers = strangers[: max(room, 0)]
    back = {each.job_id for each in by_id.values()}
    resting = {each.flink_name: each for each in before if each.rests and known[each.flink_name] == 1}
    named = {name: each for name, each in resting.items() if each.job_id not in back and seen[name] == 1}
    return [
        Adoption(each, by_id[each.flink_job_id], by_id=True)
        if each.flink_job_id in by_id
        else Adoption(each, named.get(each.name))
        for each in strangers
    ]


def names(stranger: Stranger, cluster: str) -> Iterator[str]:
    """What it may be called here, the best first. The last one nobody else can have."""
    plain = "".join(each if each.isprintable() else " " for each in stranger.name).strip() or "unnamed"
    own = f"@{cluster}-{stranger.flink_job_id}"
    began = f"-{stranger.started_at.timestamp():.0f}" if stranger.started_at else ""
    for end in ("", f"@{cluster}", own, f"{own}{began}"):  # the last one as its id may come again
        yield plain[: LONGEST_NAME - len(end)] + end


@dataclass(frozen=True, slots=True)
class Way:
    """How an adopted job was started, as far as its cluster tells."""

    application: bool = False  # with a cluster of its own, which has gone with it
    flink_version: str = ""  # of the cluster; empty where nobody knows


PLAIN: Final = Way()


def start_again(savepoint: str, way: Way = PLAIN) -> str:
    """The command that starts an adopted job from a savepoint, but for what only its owner knows."""
    from_there = f"--fromSavepoint {shlex.quote(savepoint)} --class MAIN_CLASS PROGRAM.jar"
    if not way.application:
        return f"flink run --detached {from_there}"
    known = minor(way.flink_version)
    action = "run" if known is None or known >= _RUN_DOES_BOTH else "run-application"
    return f"flink {action} --target TARGET-application {from_there}"
