"""Savepoints of running jobs: where they are accepted, and what is kept of those that were saved."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import case, exists, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.snapshot import Snapshot, SnapshotPhase
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.traits import Traits
from sluiceway.store.bulk import ids, listed
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.rows import to_traits
from sluiceway.store.schema import OPEN_SNAPSHOT, events, jobs, runs, savepoints, snapshots
from sluiceway.store.stop_intents import known


@dataclass(frozen=True, slots=True)
class SnapshotIntent:
    """One request for savepoints of running jobs."""

    project: str
    home: Callable[[str | None], str]  # what the jobs of a bucket have their `jobs` directory in
    triggers: Mapping[int, str]  # of jobs by id, chosen before anything is stored
    timeout: timedelta
    now: datetime
    target: str | None = None  # a directory (URI) for these savepoints, whatever the jobs' own
    who: str = ""
    wish: SavepointFormat | None = None  # of the savepoints; None: whichever does its job no harm


@dataclass(frozen=True, slots=True)
class Savable:
    """A job of a request for savepoints, as it stands."""

    job_id: int
    status: JobStatus
    cluster: str | None  # of its latest run
    traits: Traits | None  # of its latest run


async def accept(db: Database, intent: SnapshotIntent, may: Callable[[Savable], bool]) -> set[str]:
    """Accept the savepoint of each job that `may` have one, in one transaction; the clusters to wake.

    `may` is asked of every job that the project has. A job that is shown as running
    while a savepoint of it is overdue counts as one that is being saved.
    """
    at = epoch_ms(intent.now)
    open_ = exists().where(snapshots.c.flink_job_id == jobs.c.flink_job_id, text(f"snapshots.{OPEN_SNAPSHOT}"))
    status = case((open_ & (jobs.c.status == JobStatus.RUNNING), JobStatus.SAVEPOINTING), else_=jobs.c.status)
    wanted = select(
        jobs.c.id,
        status.label("status"),
        jobs.c.cluster,
        jobs.c.run_id,
        jobs.c.flink_job_id,
        jobs.c.bucket,
        runs.c.traits,
    ).select_from(jobs.outerjoin(runs, runs.c.id == jobs.c.run_id))
    async with db.write() as connection:
        asked = wanted.where(*known(intent.project), jobs.c.id.in_(ids(sorted(intent.triggers))))
        found = list(await connection.execute(asked))
        taken = [
            row for row in found if may(Savable(row.id, JobStatus(row.status), row.cluster, to_traits(row.traits)))
        ]
        if taken:
            await connection.execute(insert(snapshots), [_fresh(row, intent) for row in taken])
            mine = jobs.c.id.in_(ids([row.id for row in taken]))
            latest = select(func.max(snapshots.c.id)).where(snapshots.c.job_id == jobs.c.id).scalar_subquery()
            shown = {"status": JobStatus.SAVEPOINTING, "why": "", "snapshot_id": latest}
            await connection.execute(update(jobs).where(mine).values(shown))
            # A turn that is about to end one of these runs has not seen this; it must look again.
            moved = update(runs).where(runs.c.id.in_(ids([row.run_id for row in taken])))
            await connection.execute(moved.values(version=runs.c.version + 1))
            told = [event("snapshot_accepted", at, intent.project, job_id=row.id, who=intent.who) for row in taken]
            await connection.execute(insert(events), told)
    return {row.cluster for row in taken}


def _fresh(job: Any, intent: SnapshotIntent) -> dict[str, Any]:
    directory = intent.target or f"{intent.home(job.bucket)}/jobs/savepoint"
    trigger, stamp = intent.triggers[job.id], intent.now.strftime("%Y%m%dT%H%M%S.%f")[:-3]
    return {
        "job_id": job.id,
        "run_id": job.run_id,
        "cluster": job.cluster,
        "flink_job_id": job.flink_job_id,
        "trigger": trigger,
        "wish": intent.wish,
        "target": f"{directory}/{job.id}/{stamp}/{trigger}",
        "phase": SnapshotPhase.WAITING,
        "deadline": epoch_ms(intent.now + intent.timeout),
        "created_at": epoch_ms(intent.now),
    }


async def catalogue(connection: AsyncConnection, saved: Sequence[tuple[Snapshot, str]], now: datetime) -> None:
    """Remember those that were just saved, each with the version of its cluster."""
    if not saved:
        return
    given = listed([{"id": snapshot.id, "version": version} for snapshot, version in saved])
    field = partial(func.json_extract, given.c.value)
    columns = {
        "project": jobs.c.project,
        "job_id": snapshots.c.job_id,
        "run_id": snapshots.c.run_id,
        "snapshot_id": snapshots.c.id,
        "path": snapshots.c.savepoint_path,
        "size": snapshots.c.savepoint_size,
        "format": func.coalesce(snapshots.c.format, "canonical"),
        "format_why": snapshots.c.format_why,
        "drained": literal(False),
        "flink_version": field("$.version"),
        "reason": literal(""),
        "created_at": literal(epoch_ms(now)),
        "verified_at": case((snapshots.c.verified, epoch_ms(now))),
        "unproven": snapshots.c.unproven,
    }
    joined = given.join(snapshots, snapshots.c.id == field("$.id")).join(jobs, jobs.c.id == snapshots.c.job_id)
    chosen = select(*columns.values()).select_from(joined)
    await connection.execute(insert(savepoints).from_select(list(columns), chosen))
