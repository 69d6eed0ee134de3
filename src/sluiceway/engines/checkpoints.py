"""What a job's list of checkpoints tells of a stop: that it hangs, what a cancel would keep, how long it may take."""

from datetime import UTC, datetime, timedelta

from sluiceway.domain.engine import LastCheckpoint, Survey
from sluiceway.domain.facts import Checkpoint, JobState
from sluiceway.engines.flink_rest import CheckpointInfo, Checkpoints, JobOverview

_COMPLETED = "COMPLETED"


def overtaken_by(found: Checkpoints) -> str | None:
    """The path of the savepoint that keeps a stop from ever ending; None when it does not hang (contract, rule 4).

    A stop hangs when nobody has acknowledged its savepoint although a newer one is complete: the sources have ended.
    """
    stuck = [c for c in found.history if c.checkpoint_type == "SYNC_SAVEPOINT" and c.status == "IN_PROGRESS"]
    if not stuck or stuck[0].num_acknowledged_subtasks > 0:
        return None
    newer = [c for c in found.history if c.id > stuck[0].id and c.status == _COMPLETED and c.external_path]
    return max(newer, key=lambda c: c.id).external_path if newer else None


def moved_on_after(found: Checkpoints | None, path: str) -> bool:
    """Whether the job has completed a checkpoint after the one at `path`, or may have: Flink no longer tells."""
    if found is None:
        return True
    mine = _at(found, path)
    return mine is None or any(c.id > mine.id and c.status == _COMPLETED for c in found.history)


def ran_on_after(found: Checkpoints, path: str, running_since: int) -> bool | None:
    """Whether the job ran anew after the savepoint at `path` was begun; None while Flink does not list that."""
    mine = _at(found, path)
    return None if mine is None else running_since >= mine.trigger_timestamp


def _at(found: Checkpoints, path: str) -> CheckpointInfo | None:
    # Flink names the same directory with and without a scheme; its last part is as good as unique.
    known = [*found.history, *([found.latest.completed] if found.latest.completed else [])]
    return next((c for c in known if c.external_path and _tail(c.external_path) == _tail(path)), None)


def ended_with(found: Checkpoints, target: str) -> bool:
    """Whether the last complete checkpoint of a job is a savepoint in the directory `target`."""
    complete = [c for c in found.history if c.status == _COMPLETED]
    last = max(complete, key=lambda c: c.id, default=None)
    return last is not None and _tail(target) in last.external_path.split("/")


def last_kept(found: Checkpoints | None, *, retained: bool) -> Checkpoint | None:
    """The latest complete checkpoint, for a cancel to keep."""
    latest = found.latest.completed if found else None
    if latest is None or ("://" not in latest.external_path and not latest.external_path.startswith("file:")):
        return None  # Flink says "<checkpoint-not-externally-addressable>" of one in its memory
    return Checkpoint(latest.external_path, _moment(latest.trigger_timestamp), retained)


def survey(job: JobOverview, state: JobState, found: Checkpoints | None) -> Survey:
    """What a job looks like before anything is asked of it."""
    in_flight = [c for c in found.history if c.status == "IN_PROGRESS" and c.is_savepoint] if found else []
    latest = _latest(found) if found else None
    return Survey(
        state=state,
        tasks=job.tasks.get("total", 0),
        running=job.tasks.get("running", 0),
        ready=job.ready,
        batch=job.batch,
        operation=(in_flight[0].checkpoint_type or "SAVEPOINT").lower() if in_flight else None,
        checkpoint=None if latest is None else _last(latest),
    )


def _latest(found: Checkpoints) -> CheckpointInfo | None:
    both = [c for c in (found.latest.completed, found.latest.savepoint) if c is not None]
    return max(both, key=lambda c: c.trigger_timestamp) if both else None


def _last(info: CheckpointInfo) -> LastCheckpoint:
    duration = timedelta(milliseconds=info.end_to_end_duration)
    return LastCheckpoint(_moment(info.trigger_timestamp), duration, info.state_size, info.checkpointed_size)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _tail(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
