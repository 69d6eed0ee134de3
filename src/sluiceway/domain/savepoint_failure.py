"""What a savepoint that fails would do to a job: found out before one is asked for. The sources are in the contract."""

from datetime import datetime, timedelta
from enum import StrEnum

from sluiceway.domain.engine import Survey
from sluiceway.domain.savepoint_risk import AFTER_FINISH

MEMORY_LIMIT = 5 * 1024 * 1024  # bytes of state in one task that a JobManager keeps in its memory


class Outcome(StrEnum):
    """The fate of a job whose savepoint fails after it has begun; one that Flink refuses to begin changes nothing."""

    RUNS_ON = "runs_on"  # Flink would refuse to begin
    RESTARTS_FROM_CHECKPOINT = "restarts_from_checkpoint"
    RESTARTS_FROM_NOTHING = "restarts_from_nothing"
    ENDS = "ends"
    UNKNOWN = "unknown"


def outcome(survey: Survey, now: datetime) -> tuple[Outcome, str]:
    """What a stop's savepoint that fails would do to this job, and that in words.

    A stop ends the sources before its savepoint is complete, so a failure in between fails the job whatever number of
    failed checkpoints it tolerates. Then its restart strategy decides.
    """
    if survey.batch or not survey.ready or never_again(survey):
        return Outcome.RUNS_ON, "Flink refuses to begin; the job runs on."
    if survey.restarts is None:
        return Outcome.UNKNOWN, "Flink does not say how it restarts the job."
    if not survey.restarts:
        return Outcome.ENDS, "The job fails, and is not restarted. Its last checkpoint, if any, is kept."
    if survey.restore is None:
        return (
            Outcome.RESTARTS_FROM_NOTHING,
            "The job restarts from nothing: it has no checkpoint. Its state is lost.",
        )
    at = survey.restore.at
    age = f", {max((now - at).total_seconds(), 0):.0f} s old" if at else ""
    return Outcome.RESTARTS_FROM_CHECKPOINT, f"The job restarts from {survey.restore.path}{age}."


def never_again(survey: Survey) -> str:
    """Why Flink takes no savepoint of the job any more; empty when it does."""
    finished = bool(survey.finished) and survey.traits.after_finish is False
    return AFTER_FINISH.format(finished=survey.finished) if finished else ""


def hazards(survey: Survey) -> list[str]:
    """What makes a savepoint of the job likely to fail after it has begun."""
    found = []
    size = survey.checkpoint.size if survey.checkpoint else None
    if survey.traits.in_memory and (size is None or size > MEMORY_LIMIT):
        found.append(
            "It has no directory for checkpoints, so a savepoint fails once one of its tasks has more than 5 MB of "
            "state, and the job with it. Start it anew: every job that is started from here has one."
        )
    expected = estimate(survey)
    if expected is not None and survey.timeout is not None and expected > survey.timeout:
        found.append(
            f"Its savepoint may take {expected.total_seconds():.1f} s, and expires after "
            f"{survey.timeout.total_seconds():.1f} s. Raise execution.checkpointing.timeout."
        )
    if survey.last_failure:
        found.append(f"Its last checkpoint failed, and a savepoint may do so, too: {survey.last_failure}")
    return found


def estimate(survey: Survey) -> timedelta | None:
    """How long a savepoint may take: it writes the whole state, at the pace at which the last checkpoint wrote a part.

    An unaligned checkpoint overtakes the records under way, and a savepoint does not: it tells nothing.
    """
    last = survey.savepoint if survey.unaligned else survey.checkpoint
    if last is None:
        return None
    return last.duration * (max(1.0, last.size / last.written) if last.written else 1.0)
