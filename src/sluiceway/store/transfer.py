"""Many jobs out of the store and into it. What comes in comes in whole: one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, case, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.job import JobDraft, JobStatus
from sluiceway.store import ledger
from sluiceway.store.bulk import ids, listed
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.pages import Sized, size_of
from sluiceway.store.past_specs import keep_specs
from sluiceway.store.rows import of_draft, of_spec
from sluiceway.store.schema import job_tags, jobs, savepoints, specs
from sluiceway.store.stop_intents import known

# A job that has never run. It can still be resumed from the newest savepoint that it has left.
_AS_NEW: dict[str, Any] = {
    "status": JobStatus.DRAFT,
    "why": "",
    "run_id": None,
    "stop_id": None,
    "save_id": None,
    "chosen_savepoint": None,
    "cluster": None,
    "flink_job_id": None,
    "started_at": None,
    "ended_at": None,
}


@dataclass(frozen=True, slots=True)
class Namesake:
    """A job of the project that has the name of one that is to come in."""

    id: int
    status: JobStatus


@dataclass(frozen=True, slots=True)
class Taken:
    """What has come of the jobs, by name: the ids of those that are made or replaced, and who stood in the way."""

    made: Mapping[str, int]
    replaced: Mapping[str, int]
    kept: Mapping[str, Namesake]


async def sizes_after(
    db: Database, project: str, after: int, limit: int, only: Sequence[int] | None = None
) -> list[Sized]:
    """The jobs of a project that follow an id, in order, with their sizes; of some only, if they are named."""
    wanted = select(jobs.c.id, size_of(specs.c.spec, specs.c.config)).join(specs, specs.c.job_id == jobs.c.id)
    wanted = wanted.where(*known(project), jobs.c.id > after).order_by(jobs.c.id).limit(limit)
    if only is not None:
        wanted = wanted.where(jobs.c.id.in_(ids(only)))
    async with db.read() as connection:
        return [Sized(**row) for row in (await connection.execute(wanted)).mappings()]


async def present(db: Database, project: str, wanted: Sequence[int]) -> set[int]:
    """Those of the ids that are jobs of the project."""
    async with db.read() as connection:
        found = await connection.execute(select(jobs.c.id).where(*known(project), jobs.c.id.in_(ids(wanted))))
        return set(found.scalars())


async def take_in(
    db: Database,
    project: str,
    drafts: Sequence[JobDraft],
    replaceable: Sequence[JobStatus],
    user: str,
    now: datetime,
) -> Taken:
    """Store jobs, each under a name of its own. One whose name is there replaces that job, if its status is among
    `replaceable`, and the job is then as if it had never run."""
    at = epoch_ms(now)
    async with db.write() as connection:
        there = await _namesakes(connection, project, [draft.name for draft in drafts])
        fresh = [draft for draft in drafts if draft.name not in there]
        over = [draft for draft in drafts if draft.name in there and there[draft.name].status in replaceable]
        if fresh:
            row = {"project": project, "user": user, "status": JobStatus.DRAFT, "created_at": at, "updated_at": at}
            await connection.execute(insert(jobs), [of_draft(draft) | row for draft in fresh])
        all_ids = {name: job.id for name, job in (await _namesakes(connection, project, _names(drafts))).items()}
        if over:
            await _replace(connection, over, all_ids, at)
        await _fill(connection, project, [*fresh, *over], all_ids)
        told = [_told("job_created", at, project, all_ids[draft.name], user) for draft in fresh]
        told += [_told("job_updated", at, project, all_ids[draft.name], user) for draft in over]
        if told:
            await ledger.tell(connection, told)
    done = {draft.name for draft in (*fresh, *over)}
    return Taken(
        {draft.name: all_ids[draft.name] for draft in fresh},
        {draft.name: all_ids[draft.name] for draft in over},
        {name: job for name, job in there.items() if name not in done},
    )


async def _namesakes(connection: AsyncConnection, project: str, names: Sequence[str]) -> dict[str, Namesake]:
    asked = select(listed(names).c.value)
    found = select(jobs.c.id, jobs.c.name, jobs.c.status).where(*known(project), jobs.c.name.in_(asked))
    return {row.name: Namesake(row.id, JobStatus(row.status)) for row in await connection.execute(found)}


async def _replace(
    connection: AsyncConnection, drafts: Sequence[JobDraft], all_ids: Mapping[str, int], at: int
) -> None:
    changed: dict[str, Any] = {name: bindparam(f"new_{name}") for name in of_draft(drafts[0])}
    statement = update(jobs).where(jobs.c.id == bindparam("of_id"))
    statement = statement.values(**changed, **_AS_NEW, **_own_savepoint(), updated_at=at)
    rows = [
        {"of_id": all_ids[draft.name], **{f"new_{name}": value for name, value in of_draft(draft).items()}}
        for draft in drafts
    ]
    await connection.execute(statement, rows)
    await keep_specs(connection, [all_ids[draft.name] for draft in drafts])
    old = ids([all_ids[draft.name] for draft in drafts])
    await connection.execute(delete(specs).where(specs.c.job_id.in_(old)))
    await connection.execute(delete(job_tags).where(job_tags.c.job_id.in_(old)))


def _own_savepoint() -> dict[str, Any]:
    """The newest savepoint that a job has left, in the place of one that somebody had chosen instead."""
    left = select(savepoints).where(
        savepoints.c.job_id == jobs.c.id, savepoints.c.removed_at.is_(None), savepoints.c.fault == ""
    )
    newest = left.order_by(savepoints.c.id.desc()).limit(1)
    instead = jobs.c.chosen_savepoint.is_not(None) & exists(left)
    return {
        f"savepoint_{name}": case(
            (instead, newest.with_only_columns(savepoints.c[name]).scalar_subquery()), else_=jobs.c[f"savepoint_{name}"]
        )
        for name in ("path", "size")
    }


async def _fill(
    connection: AsyncConnection, project: str, drafts: Sequence[JobDraft], all_ids: Mapping[str, int]
) -> None:
    """What is kept beside the jobs themselves."""
    if drafts:
        rows = [of_spec(draft) | {"job_id": all_ids[draft.name]} for draft in drafts]
        await connection.execute(insert(specs), rows)
    tags = [
        {"job_id": all_ids[draft.name], "key": key, "value": value, "project": project}
        for draft in drafts
        for key, value in draft.tags.items()
    ]
    if tags:
        await connection.execute(insert(job_tags), tags)


def _names(drafts: Sequence[JobDraft]) -> list[str]:
    return [draft.name for draft in drafts]


def _told(kind: str, at: int, project: str, job_id: int, user: str) -> dict[str, Any]:
    return event(kind, at, project, job_id=job_id, who=user, detail="It was imported.")
