"""Jobs that do not run and are asked to stop: they are marked as stopped, and say what they were before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import case, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.job import JobStatus
from sluiceway.store import ledger
from sluiceway.store.bulk import ids
from sluiceway.store.database import epoch_ms
from sluiceway.store.events import event
from sluiceway.store.schema import jobs

_BEFORE: Final[Mapping[JobStatus, str]] = {
    JobStatus.SUBMIT_FAILED: "It could not be started, and was then asked to stop",
    JobStatus.FAILED: "It had failed, and was then asked to stop",
    JobStatus.FINISHED: "It had finished, and was then asked to stop",
}


async def mark_stopped(
    connection: AsyncConnection, job_ids: Sequence[int], project: str, who: str, now: datetime
) -> None:
    """Let those of the jobs that have ended by themselves count as stopped. Drafts and stopped ones stay as they are.

    Nothing else of them changes: what they are resumed from is asked of their runs and stops.
    """
    ended = jobs.c.id.in_(ids(job_ids)), jobs.c.status.in_(_BEFORE)
    told = case(_BEFORE, value=jobs.c.status)
    why = case((jobs.c.why == "", told.concat(".")), else_=told.concat(": ").concat(jobs.c.why))
    found = (await connection.execute(select(jobs.c.id, why.label("why")).where(*ended).order_by(jobs.c.id))).all()
    await ledger.show_many(connection, ended, JobStatus.STOPPED, why)
    rows = [
        event("job_marked_stopped", epoch_ms(now), project, job_id=row.id, who=who, detail=row.why) for row in found
    ]
    await ledger.tell(connection, rows)
