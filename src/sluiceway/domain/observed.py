"""What a place shows of its jobs when it is asked, before anybody judges what that proves.

Times are milliseconds since the epoch, by the cluster's clock.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from sluiceway.domain.facts import JobState, Refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ListedJob:
    """One job in the list of all jobs. That list is never old, but it can leave out jobs that live."""

    state: JobState | None  # None: one that is not known
    named: str  # the state, as the cluster spells it
    ready: bool = False  # a savepoint can be taken now (Flink contract, rule 6)
    finished: int = 0  # of its tasks
    changed: int = -1  # when the state of any task last changed; -1 where that is not told


# What became of an attempt. -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AttemptUnknown:
    """Flink has no such attempt: it was never sent, or the JobManager forgot it. That says nothing of its fate."""


@dataclass(frozen=True, slots=True)
class AttemptInProgress:
    """Flink is at it."""


@dataclass(frozen=True, slots=True)
class AttemptCompleted:
    """There is a savepoint. Success only together with a terminal job (contract, rule 3)."""

    location: str


@dataclass(frozen=True, slots=True)
class AttemptFailed:
    """The attempt is over without success. What became of the job is another question."""

    refusal: Refusal
    text: str
    location: str | None = None  # of a savepoint that is complete although the job failed while it finished (rule 8)


@dataclass(frozen=True, slots=True)
class NoSuchJob:
    """Flink answered that it runs no such job: it never existed, has ended, or is not recovered yet."""

    text: str


Attempt = AttemptUnknown | AttemptInProgress | AttemptCompleted | AttemptFailed | NoSuchJob


# What else is told of a job, from a cache that is some 3 s old. -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ListedCheckpoint:
    """One checkpoint or savepoint, finished or not."""

    id: int
    path: str = ""
    is_savepoint: bool = False
    of_stop: bool = False  # it is a stop's own savepoint
    complete: bool = False
    under_way: bool = False
    acknowledged: int = 0  # by so many of its tasks
    triggered: int = 0
    restored: int = 0  # when the job was restored from it; 0 for one that it was not restored from


@dataclass(frozen=True, slots=True)
class CheckpointList:
    """What a job's list of checkpoints shows."""

    history: Sequence[ListedCheckpoint] = ()
    completed: ListedCheckpoint | None = None  # the latest, savepoints not counted
    savepoint: ListedCheckpoint | None = None  # the latest that is complete
    restored: ListedCheckpoint | None = None  # what the job was last restored from

    @property
    def known(self) -> Sequence[ListedCheckpoint]:
        """All of which more is told than that the job was restored from it."""
        return [*self.history, *([self.completed] if self.completed else [])]

    def at(self, path: str) -> ListedCheckpoint | None:
        """The one at a path. Flink names the same directory with and without a scheme; its last part is unique."""
        return next((c for c in self.known if c.path and tail(c.path) == tail(path)), None)


def tail(path: str) -> str:
    """The last part of a path."""
    return path.rstrip("/").rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class Timeline:
    """When a job was in which state. It may be older than what the list shows."""

    state: str
    running: int | None  # when it last began to run, 0 for never; None where that is left out


@dataclass(frozen=True, slots=True)
class LastFailure:
    """The last failure of a job."""

    at: int
    why: str  # in plain words


# Questions and answers. -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """Something to ask about one job. `T` is what the answer holds."""

    about: str


ATTEMPT: Final[Question[Attempt]] = Question("what became of the attempt")
CAUSE: Final[Question[str]] = Question("why the job failed, in plain words; empty where nobody tells")
CHECKPOINTS: Final[Question[CheckpointList | None]] = Question("its checkpoints; None where Flink knows no such job")
FAILURE: Final[Question[LastFailure | None]] = Question("its last failure")
PERIODIC: Final[Question[bool]] = Question("whether it takes checkpoints by itself")
RETAINS: Final[Question[bool]] = Question("whether its checkpoints outlive a cancel")
STATE: Final[Question[JobState | None]] = Question("its state, which is never old; None where Flink knows no such job")
TIMELINE: Final[Question[Timeline | None]] = Question("when it was in which state; None where Flink knows no such job")


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The cluster gave none that could be used."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question."""

    told: object  # what its question says, or `NoAnswer`
    at: float  # when it came, in seconds on a clock that never jumps
