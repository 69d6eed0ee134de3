"""What a place is asked about open stops and savepoints: plain requests, made of what is stored of them.

Which of them are worth a question at this look the place may choose; what an answer proves is judged in `weighing`.
"""

from dataclasses import dataclass
from datetime import datetime

from sluiceway.domain.health import UNSEEN
from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.run import Run


@dataclass(frozen=True, slots=True)
class Resting:
    """A stop or savepoint of which nothing is under way at its job."""

    id: int
    flink_job_id: str
    soon: bool  # it may be sent next


@dataclass(frozen=True, slots=True)
class Canceling:
    """A cancel, sent or not."""

    id: int
    flink_job_id: str
    trigger: str
    weighs: bool = False  # the job's last checkpoint decides whether it is sent
    keeps: str | None = None  # where the state lies that the job is canceled for
    foreign: bool = False  # that is a savepoint of somebody else's, which overtook ours
    gave_up: str | None = None  # the directory of a savepoint that was given up while it was in flight


@dataclass(frozen=True, slots=True)
class Attempted:
    """A stop with a savepoint, or a savepoint, that was sent or may have been."""

    id: int
    flink_job_id: str
    trigger: str
    target: str  # its directory (URI)
    stable_since: datetime | None = None  # since when no task had changed when it was sent, by the cluster's clock
    acknowledged: bool = False  # Flink has had it
    in_doubt: bool = False  # what answers did not show the job, or a result, the last time
    forgotten: bool = False  # Flink did not know it any more the last time
    unproven: bool = False  # nobody has seen its run complete a checkpoint, and it was not begun from nothing


StopInquiry = Resting | Canceling | Attempted
SaveInquiry = Resting | Attempted


def about_stop(stop: Stop, run: Run) -> StopInquiry:
    """What to ask about an open stop of a run."""
    if stop.savepoint and stop.sent_at is None:
        return Resting(stop.id, stop.flink_job_id, soon=not stop.held)
    if stop.savepoint:
        return _attempted(stop, run)
    return Canceling(
        stop.id,
        stop.flink_job_id,
        stop.trigger,
        stop.weighs,
        stop.foreign_savepoint or stop.checkpoint_path,
        stop.foreign_savepoint is not None,
        stop.target if stop.abandoned else None,
    )


def about_save(save: Save, run: Run) -> SaveInquiry:
    """What to ask about an open savepoint of a run."""
    if not save.in_flight:
        return Resting(save.id, save.flink_job_id, soon=save.sent_at is None)
    return _attempted(save, run)


def _attempted(attempt: Stop | Save, run: Run) -> Attempted:
    return Attempted(
        attempt.id,
        attempt.flink_job_id,
        attempt.trigger,
        attempt.target,
        attempt.stable_since,
        attempt.acknowledged,
        attempt.doubt_since is not None,
        attempt.forgotten_since is not None,
        run.restore is not None and run.health.proof in UNSEEN,
    )
