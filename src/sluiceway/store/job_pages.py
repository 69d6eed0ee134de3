"""Pages of jobs: as lines, as sizes, and then the whole jobs, as many at a time as fit into memory."""

from collections.abc import Sequence
from dataclasses import fields
from operator import itemgetter
from typing import Any

from sqlalchemy import RowMapping, Select, select

from sluiceway.domain.job import Job, JobLine
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database
from sluiceway.store.pages import Sized, size_of
from sluiceway.store.rows import to_job, to_line
from sluiceway.store.schema import jobs, specs, whole_jobs
from sluiceway.store.views import JobFilter, listing


async def job_list(
    db: Database, project: str, where: JobFilter, *, offset: int, limit: int, descending: bool
) -> tuple[int, list[JobLine]]:
    """How many jobs match, and one page of them, by time of creation. Both are of the same moment."""
    wanted = select(*(jobs.c[field.name] for field in fields(JobLine)))
    total, rows = await _page(db, project, where, wanted, offset=offset, limit=limit, descending=descending)
    return total, [to_line(row) for row in rows]


async def job_sizes(
    db: Database, project: str, where: JobFilter, *, offset: int, limit: int, descending: bool
) -> tuple[int, list[Sized]]:
    """The same, with the size of each job in the place of the job."""
    wanted = select(jobs.c.id, size_of(specs.c.spec, specs.c.config)).join(specs, specs.c.job_id == jobs.c.id)
    total, rows = await _page(db, project, where, wanted, offset=offset, limit=limit, descending=descending)
    return total, [Sized(**row) for row in rows]


async def jobs_of(db: Database, project: str, wanted: Sequence[int]) -> list[Job]:
    """The jobs with these ids, in their order; those that are unknown are left out."""
    known = whole_jobs.where(jobs.c.project == project, jobs.c.id.in_(ids(wanted)), jobs.c.deleted_at.is_(None))
    async with db.read() as connection:
        found = {row["id"]: to_job(row) for row in (await connection.execute(known)).mappings()}
    return [found[job_id] for job_id in wanted if job_id in found]


async def _page(
    db: Database,
    project: str,
    where: JobFilter,
    wanted: Select[Any],
    *,
    offset: int,
    limit: int,
    descending: bool,
) -> tuple[int, list[RowMapping]]:
    count, page = listing(project, where, offset=offset, limit=limit, descending=descending)
    # Jobs are read only once the page is found: what is skipped costs no more than its line of an index.
    wanted = wanted.where(jobs.c.id.in_(page.correlate(None)))
    async with db.read() as connection:
        found = list((await connection.execute(wanted)).mappings())
        last = len(found) < limit and (bool(found) or offset == 0)
        # What ends on this page is counted already; counting again can mean to look at every job once more.
        total = offset + len(found) if last else int((await connection.execute(count)).scalar_one())
    return total, sorted(found, key=itemgetter("id"), reverse=descending)
