"""What a job's list of checkpoints tells of a stop: that it hangs, and what a cancel would keep."""

from datetime import UTC, datetime

from sluiceway.domain.facts import Checkpoint
from sluiceway.engines.jobmanager.rest import CheckpointInfo, Checkpoints

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


def has_own(found: Checkpoints, jid: str) -> bool:
    """Whether a run has completed a checkpoint: it is listed, or, after a JobManager was lost, the run goes on from it.

    Flink keeps the checkpoints of a job in a directory of the job's id.
    """
    restored = found.latest.restored
    went_on = restored is not None and not restored.is_savepoint and jid in restored.external_path.split("/")
    return found.latest.completed is not None or went_on


def ended_with(found: Checkpoints, target: str) -> bool:
    """Whether the last complete checkpoint of a job is a savepoint in the directory `target`."""
    complete = [c for c in found.history if c.status == _COMPLETED]
    last = max(complete, key=lambda c: c.id, default=None)
    return last is not None and _tail(target) in last.external_path.split("/")


def tells_of(found: Checkpoints, target: str) -> bool:
    """Whether a savepoint in the directory `target` is listed as complete, and so all that came before it."""
    return any(c.status == _COMPLETED and _tail(target) in c.external_path.split("/") for c in found.history)


def last_kept(found: Checkpoints | None, *, retained: bool) -> Checkpoint | None:
    """The latest complete checkpoint, for a cancel to keep."""
    latest = found.latest.completed if found else None
    if latest is None or ("://" not in latest.external_path and not latest.external_path.startswith("file:")):
        return None  # Flink says "<checkpoint-not-externally-addressable>" of one in its memory
    return Checkpoint(latest.external_path, _moment(latest.trigger_timestamp), retained)


def _moment(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def _tail(path: str) -> str:
    return path.rstrip("/").rsplit("/", 1)[-1]
