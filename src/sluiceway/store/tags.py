"""The tags of a job: looking at them, and changing them in one transaction."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.tags import TagChange
from sluiceway.store import ledger
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.schema import job_tags, jobs
from sluiceway.store.stop_intents import known


async def tags(db: Database, project: str, job_id: int) -> dict[str, str] | None:
    """The tags of a job by key; None when there is no such job."""
    async with db.read() as connection:
        return await _tags(connection, project, job_id)


async def change_tags(
    db: Database,
    project: str,
    job_id: int,
    change: TagChange,
    now: datetime,
    who: str,
) -> bool:
    """Change the tags of a job; whether there is such a job. Raises `TooManyTags`."""
    async with db.write() as connection:
        before = await _tags(connection, project, job_id)
        if before is None:
            return False
        after = change.of(before)
        if after != before:
            await set_tags(connection, project, job_id, after)
            told = event("job_updated", epoch_ms(now), project, job_id=job_id, who=who, detail="Its tags were changed.")
            await ledger.tell(connection, [told])
        return True


async def set_tags(connection: AsyncConnection, project: str, job_id: int, wanted: Mapping[str, str]) -> None:
    """Give a job these tags and no others."""
    await connection.execute(delete(job_tags).where(job_tags.c.job_id == job_id))
    if wanted:
        rows = [{"job_id": job_id, "key": key, "value": value, "project": project} for key, value in wanted.items()]
        await connection.execute(insert(job_tags), rows)


async def _tags(connection: AsyncConnection, project: str, job_id: int) -> dict[str, str] | None:
    mine = jobs.outerjoin(job_tags, job_tags.c.job_id == jobs.c.id)
    wanted = select(job_tags.c.key, job_tags.c.value).select_from(mine).where(*known(project), jobs.c.id == job_id)
    rows = (await connection.execute(wanted.order_by(job_tags.c.key))).all()
    return {row.key: row.value for row in rows if row.key is not None} if rows else None
