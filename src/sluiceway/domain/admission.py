"""Which requests a job's status allows. The table is DLI's (contract, section 4)."""

from dataclasses import dataclass
from enum import StrEnum

from sluiceway.domain.job import JobStatus
from sluiceway.domain.way_back import Back


class Refusal(StrEnum):
    """Why a job is refused. Nothing was changed for it."""

    UNKNOWN = "unknown"  # no such job in this project
    FORBIDDEN = "forbidden"  # the caller has no right to it on the job's queue, which the note names
    WRONG_STATE = "wrong_state"
    NO_SAVEPOINT = "no_savepoint"  # to be resumed, but neither a savepoint nor a checkpoint is known
    NO_QUEUE = "no_queue"  # the queue that it names, or the default one, is not registered
    NO_STARTS = "no_starts"  # the cluster takes none now, or never; the note says why
    NO_PROGRAM = "no_program"  # the jar that it is made of is missing, or none was named
    BAD_SQL = "bad_sql"  # its SQL uses names that are no variables, or sets what no job can set
    OTHER_FLINK = "other_flink"  # nothing here plans SQL for the version of Flink that its cluster runs
    NO_DEPENDENCY = "no_dependency"  # a jar or file that its program depends on is missing
    NOT_STOPPED = "not_stopped"  # to be brought back from a stop that has no savepoint of it
    DEADLY = "deadly_format"  # a savepoint in the format that was asked for would make the job fail
    NOT_WHOLE = "not_whole"  # to be resumed from a state that is damaged, or gone
    UNREADABLE = "unreadable"  # to be resumed, but its newest state is unknown now
    DRAINED = "drained"  # to be resumed from a savepoint that was drained, and that was not asked for by name
    FINISHED = "finished"  # to be resumed although it has finished, and that was not asked for by name
    DOES_NOT_FIT = "does_not_fit"  # to be resumed from a state that does not fit the job as it is now
    SUPERSEDED = "superseded"  # to be brought back from a stop, but it has run on from elsewhere since


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer to one job of a request. Shared between positions: it names no job, its position does."""

    refusal: Refusal | None = None  # None: accepted
    status: JobStatus | None = None  # that stood in the way, or was found
    note: str = ""
    back: Back | None = None  # the way back of a start that resumes

    @property
    def accepted(self) -> bool:
        """Whether the intent was stored."""
        return self.refusal is None


ACCEPTED = Verdict()
UNKNOWN = Verdict(Refusal.UNKNOWN)

RUNNABLE = frozenset(
    {JobStatus.DRAFT, JobStatus.SUBMIT_FAILED, JobStatus.FAILED, JobStatus.STOPPED, JobStatus.FINISHED}
)
EDITABLE = RUNNABLE  # in full; runtime options also while running
RUNS = frozenset({JobStatus.RUNNING, JobStatus.UNWELL})  # well or not
STOPPABLE = RUNS | {JobStatus.SUBMITTING, JobStatus.STOP_FAILED}
ACTIVE = frozenset(JobStatus) - RUNNABLE  # a Flink job may exist


def may_stop(status: JobStatus, *, savepoint: bool) -> bool:
    """Whether a stop can be accepted. What is being submitted has no state to save yet (DLI contract, 9.8)."""
    return status in STOPPABLE and not (savepoint and status is JobStatus.SUBMITTING)


def may_run(status: JobStatus) -> bool:
    """Whether a start can be accepted: only when no Flink job of it can be alive."""
    return status in RUNNABLE
