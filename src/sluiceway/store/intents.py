"""Where intent is written: jobs made and changed, starts and stops accepted. Each is one transaction."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, func, insert, literal, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.job import Job, JobDraft, JobStatus
from sluiceway.domain.stop import Stop, StopPhase
from sluiceway.store.bulk import guarded_update, ids, listed
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.rows import moves, of_draft, of_spec, to_job, to_stop
from sluiceway.store.schema import UNSETTLED, batches, events, jobs, rejoined, runs, specs, stops, whole_jobs


class NameInUse(Exception):  # noqa: N818 - a finding, translated by the use case
    """Another job of the project has the name."""


# Jobs. ---------------------------------------------------------------------------------------------------------------


async def create_job(db: Database, project: str, draft: JobDraft, user: str, now: datetime) -> Job:
    """Store a new job. Raises `NameInUse`."""
    at = epoch_ms(now)
    row = of_draft(draft) | {"project": project, "user": user, "created_at": at, "updated_at": at}
    async with _named(), db.write() as connection:
        made = await connection.execute(insert(jobs).values(row | {"status": JobStatus.DRAFT}).returning(jobs.c.id))
        job_id = made.scalar_one()
        await connection.execute(insert(specs).values(of_spec(draft) | {"job_id": job_id}))
        return to_job((await connection.execute(whole_jobs.where(jobs.c.id == job_id))).mappings().one())


async def update_job(
    db: Database, project: str, job_id: int, change: Callable[[Job], JobDraft], now: datetime
) -> Job | None:
    """Change a job by what `change` makes of it; None when there is no such job. Raises `NameInUse`.

    Whatever `change` raises leaves the job as it was.
    """
    async with _named(), db.write() as connection:
        found = await connection.execute(whole_jobs.where(*_known(project), jobs.c.id == job_id))
        row = found.mappings().one_or_none()
        if row is None:
            return None
        draft = change(to_job(row))
        columns = of_draft(draft) | {"updated_at": epoch_ms(now)}
        await connection.execute(update(jobs).where(jobs.c.id == job_id).values(columns))
        await connection.execute(update(specs).where(specs.c.job_id == job_id).values(of_spec(draft)))
        return to_job((await connection.execute(whole_jobs.where(jobs.c.id == job_id))).mappings().one())


@asynccontextmanager
async def _named() -> AsyncIterator[None]:
    """Tell a name that is taken from every other trouble."""
    try:
        yield
    except IntegrityError as error:
        if "jobs.name" not in str(error.orig):
            raise
        raise NameInUse from error


# Starts. -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """One start to accept. `seen_run` is the latest run when it was decided from where the job is to start."""

    job_id: int
    seen_run: int | None
    cluster: str
    flink_job_id: str
    restore: str | None


async def accept_starts(
    db: Database, starts: Sequence[Start], runnable: Sequence[JobStatus], now: datetime
) -> set[int]:
    """Store the starts of those jobs that may still be started; tells which they were."""
    at = epoch_ms(now)
    async with db.write() as connection:
        begun = [_begun(start, at) for start in starts]
        moved = await guarded_update(
            connection, jobs, begun, jobs.c.status.in_(runnable), jobs.c.deleted_at.is_(None), match=("id", "run_id")
        )
        fresh = [_fresh_run(start, at) for start in starts if start.job_id in moved]
        if fresh:
            await connection.execute(insert(runs), fresh)
            link = select(func.max(runs.c.id)).where(runs.c.job_id == jobs.c.id).scalar_subquery()
            await connection.execute(update(jobs).where(jobs.c.id.in_(ids(sorted(moved)))).values(run_id=link))
            await connection.execute(
                insert(events), [_event("start_accepted", at, s.job_id) for s in starts if s.job_id in moved]
            )
    return moved


def _begun(start: Start, at: int) -> dict[str, Any]:
    return {
        "id": start.job_id,
        "run_id": start.seen_run,
        "status": JobStatus.SUBMITTING,
        "why": "",
        "stop_id": None,
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
        "created_at": at,
    }


# Stops. --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A job of a stop request that cannot simply be accepted, as it stands inside the transaction."""

    job_id: int
    status: JobStatus | None  # None: no such job in this project
    cluster: str | None  # of its latest run
    stop: Stop | None  # the latest stop of its run


@dataclass(frozen=True, slots=True)
class Plain:
    """Jobs that are accepted without a closer look: in one of these statuses, on one of these clusters."""

    statuses: Sequence[JobStatus]
    clusters: Sequence[str]


@dataclass(frozen=True, slots=True)
class StopIntent:
    """What all stops of one request have in common."""

    project: str
    savepoint: bool
    savepoints: str  # the directory (URI) that holds the savepoints of all jobs
    timeout: timedelta
    reason: str
    now: datetime


async def accept_stops(
    db: Database,
    job_ids: Sequence[int],
    intent: StopIntent,
    plain: Plain,
    judge: Callable[[Obstacle], Stop | bool],
) -> tuple[int | None, set[str]]:
    """Accept a batch of stops in one transaction: its id (None when no job was accepted), and the clusters to wake.

    Jobs that are `plain` are accepted as they are. Every other one is put before `judge`, which answers
    whether to accept it, or gives back the stop under way, rearmed.
    """
    async with db.write() as connection:
        accepted, rearmed = await _admit(connection, job_ids, intent.project, plain, judge)
        if not accepted and not rearmed:
            return None, set()
        batch = await _new_batch(connection, intent)
        at = epoch_ms(intent.now)
        await _insert_stops(connection, accepted, intent, batch)
        await _rejoin(connection, rearmed, batch)
        status = JobStatus.SAVEPOINTING if intent.savepoint else JobStatus.CANCELING
        mine = stops.c.batch_id == batch
        if rearmed:
            mine |= stops.c.id.in_(ids([stop.id for stop in rearmed]))
        flipped = update(jobs).where(jobs.c.id == stops.c.job_id, mine)
        await connection.execute(flipped.values(status=status, why="", stop_id=stops.c.id))
        event = _event("stop_accepted", at) | {"project": intent.project, "batch_id": batch, "detail": intent.reason}
        await connection.execute(insert(events), [event])
        woken = await connection.execute(select(stops.c.cluster).where(mine).distinct())
        return batch, set(woken.scalars())


async def _rejoin(connection: AsyncConnection, rearmed: Sequence[Stop], batch: int) -> None:
    if rearmed:
        await guarded_update(connection, stops, [moves(stop) for stop in rearmed])
        await connection.execute(insert(rejoined), [{"batch_id": batch, "stop_id": stop.id} for stop in rearmed])


async def _admit(
    connection: AsyncConnection,
    job_ids: Sequence[int],
    project: str,
    plain: Plain,
    judge: Callable[[Obstacle], Stop | bool],
) -> tuple[Sequence[int], list[Stop]]:
    asked = listed(job_ids)
    known = jobs.c.id == asked.c.value
    found = asked.outerjoin(jobs, and_(known, *_known(project)))
    odd = select(asked.c.value, jobs.c.status, jobs.c.cluster.label("runs_on"), *stops.c).select_from(
        found.outerjoin(stops, stops.c.id == jobs.c.stop_id)
    )
    other = jobs.c.status.not_in(plain.statuses) | jobs.c.cluster.not_in(plain.clusters)
    rows = await connection.execute(odd.where(jobs.c.id.is_(None) | other))
    refused, rearmed = set(), []
    for row in rows.mappings():
        stop = to_stop(row) if row["id"] is not None else None
        status = None if row["status"] is None else JobStatus(row["status"])
        answer = judge(Obstacle(row["value"], status, row["runs_on"], stop))
        if answer is not True:
            refused.add(row["value"])
        if isinstance(answer, Stop):
            rearmed.append(answer)
    return [job for job in job_ids if job not in refused] if refused else job_ids, rearmed


async def _new_batch(connection: AsyncConnection, intent: StopIntent) -> int:
    row = {
        "project": intent.project,
        "savepoint": intent.savepoint,
        "reason": intent.reason,
        "created_at": epoch_ms(intent.now),
    }
    made = await connection.execute(insert(batches).values(row).returning(batches.c.id))
    return int(made.scalar_one())


async def _insert_stops(
    connection: AsyncConnection, job_ids: Sequence[int], intent: StopIntent, batch: int | None
) -> None:
    """One stop for each job, with the token that all its trigger ids follow from, and a directory of its own."""
    at, stamp = epoch_ms(intent.now), intent.now.strftime("%Y%m%dT%H%M%S.%f")[:-3]
    columns = {
        "batch_id": literal(batch),
        "job_id": jobs.c.id,
        "run_id": jobs.c.run_id,
        "cluster": jobs.c.cluster,
        "flink_job_id": jobs.c.flink_job_id,
        "savepoint": literal(intent.savepoint),
        "root": literal(f"{intent.savepoints}/").concat(jobs.c.id).concat(literal(f"/{stamp}")),
        "token": func.lower(func.hex(func.randomblob(16))),
        "phase": literal(StopPhase.WAITING.value),
        "deadline": literal(at + round(intent.timeout.total_seconds() * 1000)),
        "created_at": literal(at),
    }
    chosen = select(*columns.values()).where(jobs.c.id.in_(ids(job_ids))).order_by(jobs.c.id)
    await connection.execute(insert(stops).from_select(list(columns), chosen))


# Deletions. ----------------------------------------------------------------------------------------------------------


async def delete_jobs(
    db: Database, job_ids: Sequence[int], intent: StopIntent, active: Sequence[JobStatus]
) -> tuple[set[int], set[str]]:
    """Take the jobs out of sight and cancel what still runs; tells which were known, and the clusters to wake.

    A savepoint that is under way is let finish; should it fail, the job is canceled all the same.
    """
    at = epoch_ms(intent.now)
    async with db.write() as connection:
        mine = select(jobs.c.id, jobs.c.status).where(*_known(intent.project), jobs.c.id.in_(ids(job_ids)))
        found = {row.id: row.status for row in await connection.execute(mine)}
        doomed = sorted(job for job, status in found.items() if status in active)
        under_way = stops.c.job_id.in_(ids(doomed)) & text(f"stops.{UNSETTLED}")
        kept = update(stops).where(under_way).values(cancel_on_failure=True, version=stops.c.version + 1)
        stopping = set((await connection.execute(kept.returning(stops.c.job_id))).scalars())
        await _insert_stops(connection, [job for job in doomed if job not in stopping], intent, None)
        linked = update(jobs).where(jobs.c.id == stops.c.job_id, jobs.c.id.in_(ids(doomed)), text(f"stops.{UNSETTLED}"))
        await connection.execute(linked.values(stop_id=stops.c.id))
        gone = update(jobs).where(jobs.c.id.in_(ids(sorted(found)))).values(deleted_at=at)
        clusters = (await connection.execute(gone.returning(jobs.c.cluster))).scalars()
        woken = {cluster for cluster in clusters if cluster is not None}
        if found:
            await connection.execute(insert(events), [_event("deleted", at, job) for job in found])
    return set(found), woken


def _known(project: str) -> tuple[Any, Any]:
    return jobs.c.project == project, jobs.c.deleted_at.is_(None)


def _event(kind: str, at: int, job_id: int | None = None) -> dict[str, Any]:
    return {"kind": kind, "at": at, "job_id": job_id}
