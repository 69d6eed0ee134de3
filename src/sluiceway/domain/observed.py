"""What a place shows of its jobs when it is asked, before anybody judges what that proves.

Times are milliseconds since the epoch, by the cluster's clock.
"""

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from sluiceway.domain.facts import JobState, Refusal
from sluiceway.domain.traits import UNKNOWN, Traits

T = TypeVar("T")
FRESH: Final = 4.0  # seconds after which no answer of Flink's is from before (`web.refresh-interval` is 3 s)

BEGUN = frozenset({JobState.RUNNING, JobState.RESTARTING})  # before, Flink answers as of a job without checkpoints


@dataclass(frozen=True, slots=True)
class ListedJob:
    """One job in the list of all jobs. That list is never old, but it can leave out jobs that live."""

    state: JobState | None  # None: one that is not known
    named: str  # the state, as the cluster spells it
    tasks: int = 0
    running: int = 0  # of the tasks
    finished: int = 0  # of the tasks
    changed: int = -1  # when the state of any task last changed; -1 where that is not told
    batch: bool | None = None  # a batch job; None where that is not told (before Flink 2.3)

    @property
    def ready(self) -> bool:
        """Whether a savepoint can be taken now (contract, rule 6). Finished tasks are no obstacle since Flink 1.15."""
        return self.state is JobState.RUNNING and self.running > 0 and self.running + self.finished == self.tasks


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
    took: int = 0  # ms, from its trigger to the last acknowledgement
    size: int = 0  # bytes of the whole state
    written: int = 0  # bytes that had to be written for it
    why: str = ""  # it failed


@dataclass(frozen=True, slots=True)
class CheckpointList:
    """What a job's list of checkpoints shows."""

    history: Sequence[ListedCheckpoint] = ()
    completed: ListedCheckpoint | None = None  # the latest, savepoints not counted
    savepoint: ListedCheckpoint | None = None  # the latest that is complete
    restored: ListedCheckpoint | None = None  # what the job was last restored from
    failed: ListedCheckpoint | None = None  # the latest that failed

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
class CheckpointSettings:
    """How a job takes checkpoints."""

    interval: int | None = None  # ms between two of them; None: it takes none by itself
    externalized: bool = False  # they are kept as long as the job lives
    deleted_on_cancel: bool = True
    timeout: int = 0  # ms after which one expires; 0 where that is not told
    unaligned: bool = False
    traits: Traits = UNKNOWN  # how the job keeps its state, as far as these settings say


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


@dataclass(frozen=True, slots=True)
class Failures:
    """The failures of a job that are remembered: some 16."""

    at: Sequence[int]
    why: str  # of the last one, in plain words; empty where there is none


# Questions and answers. -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question(Generic[T]):
    """Something to ask about one job, or about its cluster. `T` is what the answer holds."""

    about: str


ATTEMPT: Final[Question[Attempt]] = Question("what became of the attempt")
CAUSE: Final[Question[str]] = Question("why the job failed, in plain words; empty where nobody tells")
CHECKPOINTS: Final[Question[CheckpointList | None]] = Question("its checkpoints; None where Flink knows no such job")
CLUSTER_OPTIONS: Final[Question[Mapping[str, str]]] = Question("the options of its cluster")
FAILURE: Final[Question[LastFailure | None]] = Question("its last failure")
FAILURES: Final[Question[Failures]] = Question("when it has failed, and why the last time")
FREE_SLOTS: Final[Question[int]] = Question("how many slots of its cluster nobody uses")
OWN_OPTIONS: Final[Question[Mapping[str, str]]] = Question("the options that its SQL and what is beside it set")
RESTARTS: Final[Question[bool | None]] = Question("whether it is restarted when it fails; None where nobody can tell")
SETTINGS: Final[Question[CheckpointSettings | None]] = Question("how it takes checkpoints; None where it takes none")
STATE: Final[Question[JobState | None]] = Question("its state, which is never old; None where Flink knows no such job")
TIMELINE: Final[Question[Timeline | None]] = Question("when it was in which state; None where Flink knows no such job")
WIDTHS: Final[Question[Sequence[int] | None]] = Question("how many tasks each of its vertices has; None where untold")


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """The cluster gave none that could be used."""

    why: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question."""

    told: object  # what its question says, or `NoAnswer`
    at: float  # when it came, in seconds on a clock that never jumps


Weighing = Generator[Question[Any], Answer, T]  # asks one question after another, and comes to what they prove
