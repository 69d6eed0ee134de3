"""What jobs were when they ran: kept when a job is changed, so that its state can be held against what has made it."""

from collections.abc import Sequence

from sqlalchemy import exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.job import JobSpec
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database
from sluiceway.store.rows import to_spec
from sluiceway.store.schema import past_specs, runs, specs


async def keep_specs(connection: AsyncConnection, job_ids: Sequence[int]) -> None:
    """Keep the specs of these jobs, which are about to be changed, for the last runs that were started with them."""
    latest = select(func.max(runs.c.id).label("run_id"), runs.c.job_id).where(runs.c.job_id.in_(ids(job_ids)))
    last = latest.group_by(runs.c.job_id).subquery()
    kept = exists().where(past_specs.c.run_id == last.c.run_id)
    now = select(last.c.run_id, last.c.job_id, specs.c.spec).join(specs, specs.c.job_id == last.c.job_id)
    await connection.execute(insert(past_specs).from_select(["run_id", "job_id", "spec"], now.where(~kept)))


async def specs_of(db: Database, run_ids: Sequence[int]) -> dict[int, JobSpec]:
    """What the job of each run was when it ran; runs of which nobody knows are left out."""
    first = (
        select(func.min(past_specs.c.run_id))
        .where(past_specs.c.job_id == runs.c.job_id, past_specs.c.run_id >= runs.c.id)
        .correlate(runs)
        .scalar_subquery()
    )
    wanted = (
        select(runs.c.id, past_specs.c.run_id.label("changed"), past_specs.c.spec.label("past"), specs.c.spec)
        .join(specs, specs.c.job_id == runs.c.job_id)
        .outerjoin(past_specs, past_specs.c.run_id == first)
        .where(runs.c.id.in_(ids(run_ids)))
    )
    async with db.read() as connection:
        rows = await connection.execute(wanted)
        told = {row.id: row.spec if row.changed is None else row.past for row in rows}
    return {run_id: to_spec(spec) for run_id, spec in told.items() if spec is not None}
