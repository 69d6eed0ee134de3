"""What was seen of the world, before anybody decides what it means.

"No", "not yet", "gone" and "no answer" are different values here, and stay different all the way to the user.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sluiceway.domain.traits import UNKNOWN, Traits


class JobState(StrEnum):
    """Flink's own job states, as `GET /jobs/overview` spells them."""

    INITIALIZING = "INITIALIZING"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    FAILING = "FAILING"
    FAILED = "FAILED"
    CANCELLING = "CANCELLING"
    CANCELED = "CANCELED"
    FINISHED = "FINISHED"
    RESTARTING = "RESTARTING"
    SUSPENDED = "SUSPENDED"
    RECONCILING = "RECONCILING"

    @property
    def terminal(self) -> bool:
        """Whether Flink itself is done with the job for good (SUSPENDED is not: another JobManager may take it up)."""
        return self in TERMINAL


TERMINAL = frozenset({JobState.FINISHED, JobState.FAILED, JobState.CANCELED})


class Refusal(StrEnum):
    """Why an attempt to stop with a savepoint is known to be over (Flink contract, rules 5 to 8)."""

    NOT_READY = "not_ready"  # not all tasks were running; the job was not touched
    ABORTED = "aborted"  # failed in flight (expired, task lost, coordinator suspended); Flink restarts the job
    STORAGE = "storage"  # the target directory cannot be written
    UNSUPPORTED = "unsupported"  # a batch job, or one that can never take a savepoint
    OTHER = "other"  # anything unclassified: not retried, told as it is

    @property
    def retryable(self) -> bool:
        """Whether a new attempt, with a new trigger id, may well succeed."""
        return self in {Refusal.NOT_READY, Refusal.ABORTED}


# What storage shows under the directories that a stop was given. -----------------------------------------------------


@dataclass(frozen=True, slots=True)
class Complete:
    """A savepoint whose `_metadata` was read to its end, and whose files are all there with their sizes."""

    path: str
    size: int  # bytes of `_metadata` and of all files that it references
    unchecked: int = 0  # how many of those files cannot be looked at from here
    of_stop: bool = False  # its `_metadata` says that it was taken to end the job


@dataclass(frozen=True, slots=True)
class Broken:
    """A savepoint directory that holds no whole savepoint: `_metadata` or a file that it names is missing or broken."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Storage was read, and there is nothing."""

    path: str


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Storage could not be read from here, so it proves nothing either way."""

    path: str
    why: str


Evidence = Complete | Broken | Absent | Unreadable


# What a cluster shows of one stop. -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Restart:
    """Flink has restarted the job since an attempt was sent. Times are by the cluster's clock."""

    at: datetime
    restored: str | None  # the checkpoint or savepoint that it was restored from; None: it began from nothing
    as_of: datetime | None = None  # when that was triggered, where Flink tells


@dataclass(frozen=True, slots=True)
class Running:
    """The job lives, and Flink knows of no attempt of ours: none was sent, or it was forgotten."""

    ready: bool = True  # all tasks run; else a savepoint would be refused (Flink contract, rule 6)
    traits: Traits = UNKNOWN  # how it keeps its state
    finished: int = 0  # of its tasks
    changed_at: datetime | None = None  # when the state of any task last changed, by the cluster's clock
    restart: Restart | None = None  # since the attempt that it knows nothing of was sent
    ailment: str = ""  # what keeps them from it, where that is known; without it they may be about to run
    proven: bool = True  # the run may have completed a checkpoint


@dataclass(frozen=True, slots=True)
class Alive:
    """The job lives; the attempt was not asked about this time."""


@dataclass(frozen=True, slots=True)
class Queued:
    """The job lives, but its turn has not come: its wave, its batch or its cluster has others before it."""


@dataclass(frozen=True, slots=True)
class Blocked:
    """The job lives, and a savepoint of ours is in flight: a stop beside it could hang for ever (contract, rule 4)."""

    why: str


@dataclass(frozen=True, slots=True)
class Stopping:
    """Flink has our attempt and is at it; `saved` when the savepoint is complete and only the job's end is awaited."""

    saved: bool = False
    path: str | None = None  # where Flink says that the savepoint lies


@dataclass(frozen=True, slots=True)
class Hung:
    """Flink has our attempt and will never finish it: somebody else's savepoint overtook it (contract, rule 4).

    The sources have ended, so that newer savepoint, at `path`, is the job's last state.
    """

    path: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The latest complete checkpoint of a job."""

    path: str
    at: datetime  # when it was triggered, by the cluster's clock
    retained: bool  # it outlives a cancel


@dataclass(frozen=True, slots=True)
class Weighed:
    """The job lives, and this is its latest complete checkpoint, if it has one."""

    checkpoint: Checkpoint | None
    fresh: bool = False  # the cluster says that it has completed none since it began


@dataclass(frozen=True, slots=True)
class Recovering:
    """The attempt is over, or was never there, and what becomes of the job is still to be seen."""

    why: str
    failed: bool = True  # the cluster has said so of the attempt; else it does not know it


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """The cluster said yes to the command. It has not done it yet."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The attempt is over without success, and the job still lives."""

    refusal: Refusal
    text: str
    restart: Restart | None = None  # that the failure brought about


@dataclass(frozen=True, slots=True)
class Saved:
    """Flink names the savepoint of our attempt. For a stop it is said only of a job that is terminal."""

    path: str
    state: JobState
    note: str = ""
    proven: bool = False  # the cluster shows a checkpoint that its run has completed


@dataclass(frozen=True, slots=True)
class Ended:
    """The job is terminal, and Flink shows no savepoint of ours.

    `refusal` is Flink's own word that the attempt failed; None when Flink has no word on it. `moved_on`: it is known to
    have a checkpoint that is newer than what this stop counts on.
    """

    state: JobState
    refusal: str | None = None
    moved_on: bool = False
    cause: str = ""  # of a job that failed
    proven: bool = False  # the cluster shows a checkpoint that its run has completed


@dataclass(frozen=True, slots=True)
class Lingering:
    """The job is terminal, and Flink shows our attempt as under way.

    A moment later it has a result, or never: whoever was to give it ended with the job (seen on Flink 2.3.0 when a
    JobManager under load gave its jobs up). `ended` is what is known without that result.
    """

    ended: Ended


@dataclass(frozen=True, slots=True)
class Missing:
    """The cluster answers and does not know the job. Not yet a proof: a JobManager that recovers answers the same."""


@dataclass(frozen=True, slots=True)
class Departed:
    """Nothing listens any more where the application cluster of the job was: it goes with its job.

    Not yet a proof, and never one alone: one that is being restarted refuses connections for a while, too.
    """

    why: str


@dataclass(frozen=True, slots=True)
class Gone:
    """The cluster that ran the job is certainly gone, and its jobs with it."""

    why: str


@dataclass(frozen=True, slots=True)
class NeverRan:
    """The start that this stop is about ended before Flink had the job."""

    why: str


@dataclass(frozen=True, slots=True)
class Silent:
    """No answer, or none that could be understood. It is not a no."""

    why: str


StopFact = (
    Running
    | Alive
    | Queued
    | Blocked
    | Stopping
    | Hung
    | Weighed
    | Recovering
    | Acknowledged
    | Refused
    | Saved
    | Ended
    | Lingering
    | Missing
    | Departed
    | Gone
    | NeverRan
    | Silent
)


# What a cluster shows of one savepoint of a running job: the same words, as far as they fit. -------------------------


@dataclass(frozen=True, slots=True)
class Preempted:
    """A stop of the job was accepted before the savepoint was begun; it goes first."""


SaveFact = (
    Running
    | Alive
    | Queued
    | Preempted
    | Stopping
    | Recovering
    | Acknowledged
    | Refused
    | Saved
    | Ended
    | Lingering
    | Missing
    | Departed
    | Gone
    | Silent
)


# What a cluster shows of one run. ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Seen:
    """The cluster lists the job in this state."""

    state: JobState
    why: str = ""  # the root cause, for a job that failed
    note: str = ""  # what went wrong beside our submission of it, which has just been answered


@dataclass(frozen=True, slots=True)
class Submitting:
    """Our submission is under way; there is nothing to see yet."""


@dataclass(frozen=True, slots=True)
class Submitted:
    """The cluster took the submission, now or earlier."""

    note: str = ""  # what went wrong beside it: a program that failed after it had started its job
    zone: str = ""  # the time zone that its SQL was planned under; empty for a program


@dataclass(frozen=True, slots=True)
class MustClaim:
    """Nothing was submitted: the job can only be resumed if Flink owns what it is restored from (claim mode)."""


@dataclass(frozen=True, slots=True)
class SubmitRefused:
    """The job cannot be started as it is: SQL that does not compile, a cluster of another version, …"""

    text: str
    certain: bool = True  # nothing of it was submitted before, so that nothing of it can have arrived


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A stop was accepted, and the cluster does not show the run. It is not to be submitted any more."""

    certain: bool = True  # it cannot arrive later either


RunFact = Seen | Submitting | Submitted | MustClaim | SubmitRefused | Withdrawn | Missing | Departed | Gone | Silent
