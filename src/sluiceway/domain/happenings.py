"""The events of a change: what a turn adds to a job's story."""

from collections.abc import Iterator
from dataclasses import dataclass

from sluiceway.domain.health import told
from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.watched import Change


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a job, which a turn has seen."""

    kind: str
    detail: str
    batch_id: int | None = None
    stop_id: int | None = None


def happenings(change: Change) -> Iterator[Happening]:
    """All events of a change, in order."""
    yield from _of_run(change)
    yield from _of_health(change)
    yield from _of_stop(change)
    yield from _of_save(change)


def second_copy(change: Change) -> str:
    """The event of an earlier run, which was lost and runs again."""
    return f"A copy of it that was lost runs again as {change.after.run.flink_job_id}. Cancel one of the two in Flink."


def _of_run(change: Change) -> Iterator[Happening]:
    before, after, batch = change.before.run, change.after.run, change.after.starts_batch
    if after.phase is not before.phase:
        yield Happening(f"run_{after.phase}", after.reason, batch)
    if after.claims and not before.claims:
        why = "the job keeps a changelog of its state, and resumes no other way."
        yield Happening("savepoint_claimed", f"Flink owns {after.restore} from now on: {why}", batch)


def _of_health(change: Change) -> Iterator[Happening]:
    """One event when a job falls ill, one when it is well again, and one of a fault beside its start."""
    before, after, batch = change.before.run, change.after.run, change.after.starts_batch
    if after.live and after.health.ails is not before.health.ails:
        ails = after.health.ails
        yield Happening("job_unwell" if ails else "job_well", told(after.health) if ails else "", batch)
    if after.note and after.note != before.note:
        yield Happening("job_note", after.note, batch)


def _of_stop(change: Change) -> Iterator[Happening]:
    before, after = change.before.stop, change.after.stop
    if after is None or (before is not None and (after.phase, after.attempt) == (before.phase, before.attempt)):
        return
    detail = f"{after.reason} {_format_of(after)}".strip() if after.phase is StopPhase.SENT else after.reason
    yield Happening(f"stop_{after.phase}", detail, after.batch_id, after.id)


def _of_save(change: Change) -> Iterator[Happening]:
    before, after = change.before.save, change.after.save
    if before is not None and after is not None and after.phase is not before.phase:
        yield Happening(f"snapshot_{after.phase}", after.savepoint_path or after.reason or _format_of(after))


def _format_of(attempt: Stop | Save) -> str:
    """The format of the savepoint, and why; empty for a cancel."""
    asked = attempt.format if isinstance(attempt, Save) or attempt.savepoint else None
    return "" if asked is None else f"Format: {asked}. {attempt.format_why}"
