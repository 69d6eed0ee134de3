"""Where intent is written: jobs made and changed, starts accepted. Each is one transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.job import Job, JobDraft, JobStatus
from sluiceway.store import ledger
from sluiceway.store.bulk import guarded_update, ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.past_specs import keep_specs
from sluiceway.store.rows import of_draft, of_spec, to_job
from sluiceway.store.schema import jobs, specs, whole_jobs
from sluiceway.store.stop_intents import known
from sluiceway.store.tags import set_tags
from sluiceway.store.trouble import unique_name


class NameInUse(Exception):
    """Another job of the project has the name."""


# Jobs. ---------------------------------------------------------------------------------------------------------------


async def create_job(db: Database, project: str, draft: JobDraft, user: str, now: datetime) -> Job:
    """Store a new job. Raises `NameInUse`."""
    at = epoch_ms(now)
    row = of_draft(draft) | {"project": project, "user": user, "created_at": at, "updated_at": at}
    async with unique_name("jobs", NameInUse), db.write() as connection:
        made = await connection.execute(insert(jobs).values(row | {"status": JobStatus.DRAFT}).returning(jobs.c.id))
        job_id = made.scalar_one()
        await connection.execute(insert(specs).values(of_spec(draft) | {"job_id": job_id}))
        await set_tags(connection, project, job_id, draft.tags)
        await ledger.tell(connection, [event("job_created", at, project, job_id=job_id, who=user)])
        return to_job((await connection.execute(whole_jobs.where(jobs.c.id == job_id))).mappings().one())


async def update_job(db: Database, seen: Job, draft: JobDraft, now: datetime, who: str = "") -> Job | None:
    """Change a job to this, unless it is no longer as it was seen; None where nothing was changed.

    Raises `NameInUse`.
    """
    mine = whole_jobs.where(*known(seen.project), jobs.c.id == seen.id)
    async with unique_name("jobs", NameInUse), db.write() as connection:
        row = (await connection.execute(mine)).mappings().one_or_none()
        if row is None or to_job(row) != seen:
            return None
        columns = of_draft(draft) | {"updated_at": epoch_ms(now)}
        await connection.execute(update(jobs).where(jobs.c.id == seen.id).values(columns))
        if of_spec(draft)["spec"] != row["spec"]:
            await keep_specs(connection, [seen.id])
        await connection.execute(update(specs).where(specs.c.job_id == seen.id).values(of_spec(draft)))
        if draft.tags != seen.draft.tags:
            await set_tags(connection, seen.project, seen.id, draft.tags)
        made = event("job_updated", epoch_ms(now), seen.project, job_id=seen.id, who=who)
        await ledger.tell(connection, [made])
        return to_job((await connection.execute(mine)).mappings().one())


# What a job is to be resumed from. -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """The savepoint that somebody has chosen for the next run of a job."""

    project: str
    job_id: int
    path: str
    size: int | None
    who: str


async def choose_savepoint(db: Database, choice: Choice, runnable: Sequence[JobStatus], now: datetime) -> bool:
    """Let the job's next run be resumed from there, if the job may still be started; tells whether."""
    async with db.write() as connection:
        return await choose(connection, choice, runnable, epoch_ms(now))


async def choose(connection: AsyncConnection, choice: Choice, runnable: Sequence[JobStatus], at: int) -> bool:
    """The same, as a part of a transaction."""
    chosen = {"chosen_savepoint": choice.path, "savepoint_path": choice.path, "savepoint_size": choice.size}
    mine = (*known(choice.project), jobs.c.id == choice.job_id, jobs.c.status.in_(runnable))
    changed = await connection.execute(update(jobs).where(*mine).values(chosen))
    if changed.rowcount:
        told = event("savepoint_imported", at, choice.project, job_id=choice.job_id, who=choice.who, detail=choice.path)
        await ledger.tell(connection, [told])
    return bool(changed.rowcount)


# Starts. -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """One start to accept. `seen_run` is the latest run when it was decided from where the job is to start."""

    job_id: int
    seen_run: int | None
    cluster: str
    flink_job_id: str
    restore: str | None
    project: str = ""
    checkpoints: str | None = None  # the directory (URI) that they go to
    batch_id: int | None = None  # the way back that it is part of
    wave: int = 0  # of the stop that it is brought back from
    held: bool = False  # not to be submitted before its turn has come
    chosen: str | None = None  # what somebody had said the job is to be resumed from when this was decided
    drops_state: bool = False  # state that no operator takes is left behind
    leaves: str = ""  # what that is, for the audit
    zone: str | None = None  # the time zone that SQL is planned under which has none of its own
    queue: str | None = None  # the cluster that is the job's own from now on; None: it keeps the one that it names


async def accept_starts(
    db: Database,
    starts: Sequence[Start],
    runnable: Sequence[JobStatus],
    now: datetime,
    who: str = "",
    note: str = "",
) -> set[int]:
    """Store the starts of those jobs that may still be started; tells which they were. `note` is for the audit."""
    async with db.write() as connection:
        return await begin(connection, starts, runnable, epoch_ms(now), who, note)


async def begin(
    connection: AsyncConnection,
    starts: Sequence[Start],
    runnable: Sequence[JobStatus],
    at: int,
    who: str,
    note: str = "",
) -> set[int]:
    """The same, as a part of a transaction."""
    starts = await _undisputed(connection, starts)
    begun = [_begun(start, at) for start in starts]
    moved = await guarded_update(
        connection, jobs, begun, jobs.c.status.in_(runnable), jobs.c.deleted_at.is_(None), match=("id", "run_id")
    )
    fresh = [_fresh_run(start, at) for start in starts if start.job_id in moved]
    if fresh:
        await ledger.add_runs(connection, fresh)
        given = [{"id": s.job_id, "queue": s.queue} for s in starts if s.queue is not None and s.job_id in moved]
        await guarded_update(connection, jobs, given, match=("id",))
        told = [_told(start, at, who, note) for start in starts if start.job_id in moved]
        await ledger.tell(connection, told)
    return moved


async def _undisputed(connection: AsyncConnection, starts: Sequence[Start]) -> Sequence[Start]:
    """Those of which nobody has said something else since they were decided."""
    wanted = select(jobs.c.id, jobs.c.chosen_savepoint).where(jobs.c.id.in_(ids([start.job_id for start in starts])))
    chosen = {row.id: row.chosen_savepoint for row in await connection.execute(wanted)}
    return [start for start in starts if chosen.get(start.job_id) == start.chosen]


def _told(start: Start, at: int, who: str, note: str) -> dict[str, Any]:
    state = f"It starts from {start.restore}." if start.restore else ""
    place = f"It runs on cluster {start.queue} from now on." if start.queue else ""
    detail = " ".join(filter(None, (state, place, start.leaves, note)))
    told = event("start_accepted", at, start.project, job_id=start.job_id, who=who, detail=detail)
    return told | {"batch_id": start.batch_id}


def _begun(start: Start, at: int) -> dict[str, Any]:
    return {
        "id": start.job_id,
        "run_id": start.seen_run,
        "status": JobStatus.SUBMITTING,
        "why": "",
        "stop_id": None,
        "save_id": None,
        "chosen_savepoint": None,  # whatever the run begins from, what follows is newer
        "cluster": start.cluster,
        "flink_job_id": start.flink_job_id,
        "started_at": at,
        "ended_at": None,
    }


def _fresh_run(start: Start, at: int) -> dict[str, Any]:
    return {
        "job_id": start.job_id,
        "cluster": start.cluster,
        "flink_job_id": start.flink_job_id,
        "phase": "accepted",
        "restore": start.restore,
        "checkpoints": start.checkpoints,
        "batch_id": start.batch_id,
        "wave": start.wave,
        "held": start.held,
        "drops_state": start.drops_state,
        "zone": start.zone,
        "created_at": at,
    }
