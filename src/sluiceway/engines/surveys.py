"""What a job looks like before anything is asked of it. Pure."""

from datetime import UTC, datetime, timedelta

from sluiceway.domain.engine import LastCheckpoint, RestorePoint, Survey
from sluiceway.domain.facts import JobState
from sluiceway.domain.traits import UNKNOWN
from sluiceway.engines.flink_failures import clip
from sluiceway.engines.flink_rest import CheckpointConfig, CheckpointInfo, Checkpoints, JobOverview
from sluiceway.engines.traits import traits_of

_NONE = "deactivated"  # in Flink's words for a job that is not restarted
_SOME = ("restart with", "failure rate", "exponential", "fixed delay")
_IN_MEMORY = "a checkpoint in the JobManager's memory"


def survey_of(
    job: JobOverview,
    state: JobState,
    found: Checkpoints | None,
    config: CheckpointConfig | None,
    restarts: str | None,
) -> Survey:
    """The survey, from what Flink has told of the job; None where it told nothing."""
    in_flight = [c for c in found.history if c.status == "IN_PROGRESS" and c.is_savepoint] if found else []
    latest = found.latest if found else None
    return Survey(
        state=state,
        tasks=job.tasks.get("total", 0),
        running=job.tasks.get("running", 0),
        ready=job.ready,
        batch=job.batch,
        operation=(in_flight[0].checkpoint_type or "SAVEPOINT").lower() if in_flight else None,
        checkpoint=_newest(latest.completed, latest.savepoint) if latest else None,
        savepoint=_newest(latest.savepoint) if latest else None,
        finished=job.tasks.get("finished", 0),
        traits=traits_of(config) if config else UNKNOWN,
        unaligned=config.unaligned_checkpoints if config else False,
        timeout=timedelta(milliseconds=config.timeout) if config and config.timeout else None,
        restarts=None if restarts is None else _restarts(restarts),
        restore=_restore_point(found) if found else None,
        last_failure=_last_failure(found) if found else "",
    )


def _restarts(words: str) -> bool | None:
    said = words.lower()
    if _NONE in said:
        return False
    return True if any(some in said for some in _SOME) else None


def _restore_point(found: Checkpoints) -> RestorePoint | None:
    """The last complete checkpoint, else what the job was last restored from. Savepoints of it do not count."""
    latest = found.latest
    if latest.completed is not None:
        path = latest.completed.external_path
        return RestorePoint(path if "/" in path else _IN_MEMORY, _moment(latest.completed.trigger_timestamp))
    if latest.restored is not None:
        return RestorePoint(latest.restored.external_path or _IN_MEMORY, None)
    return None


def _last_failure(found: Checkpoints) -> str:
    failed, done = found.latest.failed, found.latest.completed
    if failed is None or failed.is_savepoint or (done is not None and done.id > failed.id):
        return ""
    return clip(failed.failure_message or "Flink does not say why.", 300)


def _newest(*infos: CheckpointInfo | None) -> LastCheckpoint | None:
    known = [info for info in infos if info is not None]
    if not known:
        return None
    info = max(known, key=lambda c: c.trigger_timestamp)
    duration = timedelta(milliseconds=info.end_to_end_duration)
    return LastCheckpoint(_moment(info.trigger_timestamp), duration, info.state_size, info.checkpointed_size)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
