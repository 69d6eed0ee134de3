"""The verdict on each job of an order, from how the job stands at that moment.

Pure: the store asks here inside the transaction that stores the order, so that nothing can change in between.
"""

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from sluiceway.domain import traits as known
from sluiceway.domain.admission import (
    ACCEPTED,
    ACTIVE,
    RUNNABLE,
    STOPPABLE,
    UNKNOWN,
    Refusal,
    Verdict,
    may_stop,
)
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase
from sluiceway.domain.orders import SaveOrder, StopOrder
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.savepoint_format import choose, untold
from sluiceway.domain.traits import Traits

# Formats. ------------------------------------------------------------------------------------------------------------


def judge_format(traits: Traits | None, wish: SavepointFormat | None) -> Verdict:
    """Refuses a format that would kill the job, and warns of one that might.

    What the cluster has yet to tell is found out before anything is sent, and refused then.
    """
    if wish is not SavepointFormat.CANONICAL:
        return ACCEPTED
    traits = traits or known.UNKNOWN
    if wait := untold(traits, wish):
        return _with_note(f"{wait[0].upper()}{wait[1:]}. Where it would, nothing is sent.")
    choice = choose(traits, wish)
    if choice.format is None:
        return Verdict(Refusal.DEADLY, note=choice.why)
    return _with_note(choice.doubt) if choice.doubt else ACCEPTED


@lru_cache(maxsize=64)
def _with_note(note: str) -> Verdict:
    """One verdict for all jobs with the same note: answers are rendered once for each verdict."""
    return Verdict(note=note)


# Stops. --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reach:
    """The clusters that the author of an order can act on."""

    registered: frozenset[str]
    allowed: frozenset[str] | None = None  # by a right to it; None: all of them

    def allows(self, cluster: str) -> bool:
        """Whether there is a right to act on this cluster, registered or not."""
        return self.allowed is None or cluster in self.allowed

    @property
    def clusters(self) -> frozenset[str]:
        """Those that are registered and allowed."""
        return self.registered if self.allowed is None else self.registered & self.allowed


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A job of a stop order that needs a closer look, as it is inside the transaction."""

    job_id: int
    status: JobStatus | None  # None: no such job in this project
    cluster: str | None  # of its latest run
    stop: Stop | None  # the latest stop of its run
    traits: Traits | None = None  # of its latest run
    flink_job_id: str | None = None  # of its latest run


class Fate(Enum):
    """The effect of a stop order on one of its jobs."""

    STOP = "a stop of it is stored"
    REARM = "its stop that is under way gets a new deadline"
    MARK = "it does not run, and is marked as stopped"
    LEAVE = "nothing"


# What a job that does not run is answered where that is a success; the status is the one that it was found in.
AT_REST = {status: Verdict(status=status) for status in RUNNABLE}
STILL_UNDER_WAY = Verdict(note="An earlier stop of this job is still under way; its deadline starts again.")
TAKES_ITS_PLACE = Verdict(note="It takes the place of a stop with a savepoint that had sent nothing.")

STARTED_ANEW = "It was started anew since the dry run showed it."
IS_CANCELED = "It is already being canceled without a savepoint."


def unquestioned(order: StopOrder) -> list[JobStatus]:
    """The statuses in which a stop is accepted without a closer look."""
    # A format that can kill needs a look at every job.
    if order.shown is not None or (order.savepoint and order.policy.format is SavepointFormat.CANONICAL):
        return []
    return sorted(s for s in STOPPABLE - {JobStatus.STOP_FAILED} if may_stop(s, savepoint=order.savepoint))


def _shown_otherwise(obstacle: Obstacle, order: StopOrder) -> bool:
    """Whether the order's plan has shown another Flink job."""
    return order.shown is not None and order.shown.get(obstacle.job_id) != obstacle.flink_job_id


def judge_stop(obstacle: Obstacle, order: StopOrder, reach: Reach) -> Verdict:
    """Whether a job may be stopped as it is; `STILL_UNDER_WAY` where its overdue stop gets a new deadline.

    `TAKES_ITS_PLACE` where a stop without a savepoint supersedes one that has sent nothing, and so is no obstacle.
    """
    status = obstacle.status
    if _shown_otherwise(obstacle, order):
        return Verdict(Refusal.WRONG_STATE, status, STARTED_ANEW)
    if status is None:
        return UNKNOWN
    if obstacle.cluster is not None and not reach.allows(obstacle.cluster):
        return Verdict(Refusal.FORBIDDEN, status, obstacle.cluster)
    if status in AT_REST and order.at_rest_is_done:
        return AT_REST[status]
    if status is JobStatus.STOPPED and order.stopped_is_done:
        return _stopped_already(obstacle.stop, savepoint=order.savepoint)
    return _judge_stop(obstacle, status, order, reach)


def _judge_stop(obstacle: Obstacle, status: JobStatus, order: StopOrder, reach: Reach) -> Verdict:
    """The verdict on a job that the caller may stop."""
    stop, savepoint = obstacle.stop, order.savepoint
    under_way = stop is not None and stop.phase not in SETTLED
    if order.after_savepoint and status is JobStatus.SAVEPOINTING and not under_way:
        status = JobStatus.RUNNING  # it is, while a savepoint is taken that is not a stop's
    unsent = under_way and stop is not None and stop.savepoint and stop.sent_at is None
    supersedes = unsent and not savepoint and stop is not None and stop.phase is StopPhase.WAITING
    if not supersedes and not may_stop(status, savepoint=savepoint):
        return Verdict(Refusal.WRONG_STATE, status)
    if obstacle.cluster not in reach.registered:
        return Verdict(Refusal.NO_QUEUE, status, obstacle.cluster or "")
    asked = judge_format(obstacle.traits, order.policy.format) if savepoint else ACCEPTED
    if not asked.accepted:
        return asked
    if supersedes:
        return TAKES_ITS_PLACE
    if stop is None or stop.phase is not StopPhase.OVERDUE:
        return asked
    if savepoint and not stop.savepoint:
        return Verdict(Refusal.WRONG_STATE, JobStatus.CANCELING, IS_CANCELED)
    return STILL_UNDER_WAY


def fate(verdict: Verdict) -> Fate:
    """What follows from the verdict on a stop."""
    if verdict in AT_REST.values():
        return Fate.MARK
    if verdict in (STILL_UNDER_WAY, TAKES_ITS_PLACE):
        # One attempt may still be in flight; a second beside it would restart the job.
        return Fate.REARM
    return Fate.STOP if verdict.accepted and verdict.status is None else Fate.LEAVE


def _stopped_already(stop: Stop | None, *, savepoint: bool) -> Verdict:
    kept = stop.savepoint_path if stop else None
    if savepoint and kept is None:
        return Verdict(Refusal.WRONG_STATE, JobStatus.STOPPED, "It is stopped already, without a savepoint.")
    return Verdict(status=JobStatus.STOPPED, note="It is stopped already" + (f", with {kept}." if kept else "."))


# Savepoints of jobs that run on, and deletions. ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Savable:
    """A job of an order for savepoints, as it is inside the transaction."""

    job_id: int
    status: JobStatus  # one that is shown as running while a savepoint of it is overdue counts as being saved
    cluster: str | None  # of its latest run
    traits: Traits | None  # of its latest run


def judge_save(job: Savable, order: SaveOrder, reach: Reach) -> Verdict:
    """Whether the job, as it is, may have a savepoint taken."""
    if job.status is not JobStatus.RUNNING:
        return Verdict(Refusal.WRONG_STATE, job.status)
    if job.cluster not in reach.registered:
        return Verdict(Refusal.NO_QUEUE, job.status, job.cluster or "")
    return judge_format(job.traits, order.format)


def judge_deletion(status: JobStatus, cluster: str | None, reach: Reach) -> Verdict:
    """Whether a job may be deleted: not while it may run where the caller may not stop jobs."""
    if status in ACTIVE and cluster is not None and not reach.allows(cluster):
        return Verdict(Refusal.FORBIDDEN, status, cluster)
    return ACCEPTED
