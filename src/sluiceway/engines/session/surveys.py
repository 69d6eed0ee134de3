"""Describes a job before anything is asked of it. Pure."""

from datetime import UTC, datetime, timedelta

from sluiceway.domain.engine import LastCheckpoint, RestorePoint, Survey
from sluiceway.domain.facts import JobState
from sluiceway.domain.failure_words import clip
from sluiceway.domain.proving import is_own
from sluiceway.domain.traits import UNKNOWN
from sluiceway.engines.jobmanager.rest import CheckpointConfig, CheckpointInfo, Checkpoints, JobOverview
from sluiceway.engines.jobmanager.shapes import LatestCheckpoints
from sluiceway.engines.session.questions import seen_checkpoint
from sluiceway.engines.session.traits import has_begun, traits_of

_NONE = "deactivated"  # in Flink's words for a job that is not restarted
_SOME = ("restart with", "failure rate", "exponential", "fixed delay")
_IN_MEMORY = "a checkpoint in the JobManager's memory"


def survey_of(
    job: JobOverview,
    state: JobState,
    found: Checkpoints | None,
    config: CheckpointConfig | None,
    restarts: str | None,
    *,
    takes_none: bool = False,
) -> Survey:
    """The survey, from what Flink has told of the job; None where it told nothing.

    `takes_none`: it says that the job takes no checkpoints, as of a batch job; before Flink 2.3 nothing else tells one.
    """
    in_flight = [c for c in found.history if c.status == "IN_PROGRESS" and c.is_savepoint] if found else []
    latest = found.latest if found else None
    own = _own(latest, job.jid) if latest else None
    return Survey(
        state=state,
        tasks=job.tasks.total,
        running=job.tasks.running,
        ready=job.ready,
        batch=job.batch or (job.job_type is None and has_begun(job) and takes_none),
        operation=(in_flight[0].checkpoint_type or "SAVEPOINT").lower() if in_flight else None,
        checkpoint=_newest(latest.completed, latest.savepoint) if latest else None,
        savepoint=_newest(latest.savepoint) if latest else None,
        finished=job.tasks.finished,
        traits=traits_of(config) if config else UNKNOWN,
        unaligned=config.unaligned_checkpoints if config else False,
        timeout=timedelta(milliseconds=config.timeout) if config and config.timeout else None,
        restarts=None if restarts is None else _restarts(restarts),
        own=own,
        retained=None if config is None else _retained(config, own),
        began=None if latest is None or _is_own(latest.restored, job.jid) else _point(latest.restored),
        saved=_point(latest.savepoint) if latest else None,
        last_failure=_last_failure(found) if found else "",
    )


def _restarts(words: str) -> bool | None:
    said = words.lower()
    if _NONE in said:
        return False
    return True if any(some in said for some in _SOME) else None


def _own(latest: LatestCheckpoints, jid: str) -> RestorePoint | None:
    """The last checkpoint that was complete. A JobManager that has recovered knows only what it restored."""
    return _point(latest.completed) or (_point(latest.restored) if _is_own(latest.restored, jid) else None)


def _is_own(restored: CheckpointInfo | None, jid: str) -> bool:
    return is_own(seen_checkpoint(restored), jid)


def _point(info: CheckpointInfo | None) -> RestorePoint | None:
    if info is None:
        return None
    at = _moment(info.trigger_timestamp) if info.trigger_timestamp else None
    return RestorePoint(info.external_path if "/" in info.external_path else _IN_MEMORY, at)


def _retained(config: CheckpointConfig, own: RestorePoint | None) -> bool:
    kept = config.externalization
    return kept.enabled and not kept.delete_on_cancellation and (own is None or own.path != _IN_MEMORY)


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
