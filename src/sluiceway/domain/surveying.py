"""What a job looks like before it is stopped, weighed from what its cluster shows of it. Pure."""

from datetime import timedelta
from typing import TypeVar

from sluiceway.domain.engine import LastCheckpoint, RestorePoint, Survey
from sluiceway.domain.facts import JobState
from sluiceway.domain.failure_words import clip
from sluiceway.domain.observed import (
    BEGUN,
    CHECKPOINTS,
    RESTARTS,
    SETTINGS,
    CheckpointList,
    CheckpointSettings,
    ListedCheckpoint,
    ListedJob,
    Weighing,
)
from sluiceway.domain.proving import Unanswered, ask, is_own, moment_of, retains
from sluiceway.domain.traits import UNKNOWN

T = TypeVar("T")

_IN_MEMORY = "a checkpoint in the JobManager's memory"


def weigh_survey(job: ListedJob, state: JobState, flink_job_id: str) -> Weighing[Survey]:
    """The survey of a job in this state. What the cluster does not answer, it leaves open."""
    found = yield from _or_none(ask(CHECKPOINTS))
    settings, takes_none = None, False
    try:
        settings = yield from ask(SETTINGS)
        takes_none = settings is None
    except Unanswered:
        pass
    restarts = yield from _or_none(ask(RESTARTS))
    own = _own(found, flink_job_id) if found else None
    return Survey(
        state=state,
        tasks=job.tasks,
        running=job.running,
        ready=job.ready,
        batch=_batch(job, takes_none=takes_none),
        operation=_operation(found) if found else None,
        checkpoint=_newest(found.completed, found.savepoint) if found else None,
        savepoint=_newest(found.savepoint) if found else None,
        finished=job.finished,
        traits=settings.traits if settings else UNKNOWN,
        unaligned=settings.unaligned if settings else False,
        timeout=timedelta(milliseconds=settings.timeout) if settings and settings.timeout else None,
        restarts=restarts,
        own=own,
        retained=None if settings is None else _retained(settings, own),
        began=None if found is None or is_own(found.restored, flink_job_id) else _point(found.restored),
        saved=_point(found.savepoint) if found else None,
        last_failure=_last_failure(found) if found else "",
    )


def _or_none(question: Weighing[T]) -> Weighing[T | None]:
    try:
        return (yield from question)
    except Unanswered:
        return None


def _batch(job: ListedJob, *, takes_none: bool) -> bool:
    """Before Flink 2.3 nothing tells a batch job but that it takes no checkpoints, once it has begun."""
    return takes_none and job.state in BEGUN if job.batch is None else job.batch


def _operation(found: CheckpointList) -> str | None:
    """What is under way with the job's state, in Flink's word for it."""
    under_way = next((one for one in found.history if one.under_way and one.is_savepoint), None)
    if under_way is None:
        return None
    return "sync_savepoint" if under_way.of_stop else "savepoint"


def _own(found: CheckpointList, flink_job_id: str) -> RestorePoint | None:
    """The last checkpoint that was complete. A JobManager that has recovered knows only what it restored."""
    return _point(found.completed) or (_point(found.restored) if is_own(found.restored, flink_job_id) else None)


def _point(one: ListedCheckpoint | None) -> RestorePoint | None:
    if one is None:
        return None
    return RestorePoint(
        one.path if "/" in one.path else _IN_MEMORY, moment_of(one.triggered) if one.triggered else None
    )


def _retained(settings: CheckpointSettings, own: RestorePoint | None) -> bool:
    return retains(settings) and (own is None or own.path != _IN_MEMORY)


def _last_failure(found: CheckpointList) -> str:
    failed, done = found.failed, found.completed
    if failed is None or failed.is_savepoint or (done is not None and done.id > failed.id):
        return ""
    return clip(failed.why or "Flink does not say why.", 300)


def _newest(*some: ListedCheckpoint | None) -> LastCheckpoint | None:
    known = [one for one in some if one is not None]
    if not known:
        return None
    one = max(known, key=lambda each: each.triggered)
    return LastCheckpoint(moment_of(one.triggered), timedelta(milliseconds=one.took), one.size, one.written)
