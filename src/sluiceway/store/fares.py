"""How jobs fare, read for people: each with its latest run, and those that were deleted but have yet to go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import RowMapping, Select, func, select, text

from sluiceway.domain.adoption import PLAIN, Way
from sluiceway.domain.health import Health
from sluiceway.domain.job import JobStatus
from sluiceway.domain.run import LIVE, RunPhase
from sluiceway.domain.selection import EVERYTHING, Selection
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database, instant, moment
from sluiceway.store.rows import OF_WAY, to_health, to_way
from sluiceway.store.schema import AILING_RUN, cluster_health, jobs, program_unknown, runs, tags_of_job
from sluiceway.store.selecting import conditions


@dataclass(frozen=True, slots=True)
class Silence:
    """A cluster does not answer: what is known of its jobs is as old."""

    since: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Fare:
    """A job, and how it fares."""

    job_id: int
    name: str
    queue: str | None  # the cluster of its latest run
    status: JobStatus
    why: str
    flink_job_id: str | None
    savepoint: str | None
    restored_from: str | None
    note: str
    started_at: datetime | None
    ended_at: datetime | None
    deleted_at: datetime | None
    health: Health | None  # None: it does not live
    adopted_as: str | None = None  # its name in Flink, where nobody made it here
    program_unknown: bool = False  # the same, and nobody has said since what it is made of
    silent: Silence | None = None  # of the cluster where it lives
    way: Way = PLAIN  # how an adopted one was started
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Which:
    """Which jobs to list. What is left out leaves all in."""

    job_ids: Sequence[int] = ()
    ailing: bool = False  # only those that restart, or lack slots
    leaving: bool = False  # only those that were deleted, and that Flink has yet to end
    selection: Selection = EVERYTHING
    clusters: Sequence[str] | None = None  # that the selection means; None: all


async def fares(db: Database, project: str, which: Which, limit: int, before: int | None = None) -> list[Fare]:
    """The jobs that match, the highest ids first; only lower ones than `before`."""
    columns = select(
        jobs.c.id.label("job_id"),
        jobs.c.name,
        jobs.c.cluster,
        jobs.c.status,
        jobs.c.why,
        jobs.c.flink_job_id,
        jobs.c.savepoint_path,
        jobs.c.deleted_at,
        jobs.c.adopted_as,
        program_unknown(),
        jobs.c.started_at.label("begun_at"),
        jobs.c.ended_at,
        tags_of_job.label("tags"),
        *(runs.c[name] for name in _OF_RUN),
        *OF_WAY,
        cluster_health.c.answers,
        cluster_health.c.since.label("silent_since"),
        cluster_health.c.reason.label("silent_reason"),
    )
    wanted = _matching(columns, project, which)
    if before is not None:
        wanted = wanted.where(jobs.c.id < before)
    async with db.read() as connection:
        found = (await connection.execute(wanted.order_by(jobs.c.id.desc()).limit(limit))).mappings()
        return [_fare(row) for row in found]


async def count(db: Database, project: str, which: Which) -> int:
    """How many jobs match."""
    async with db.read() as connection:
        wanted = _matching(select(func.count()), project, which)
        return int((await connection.execute(wanted)).scalar_one())


def _matching(wanted: Select[Any], project: str, which: Which) -> Select[Any]:
    with_runs = jobs.outerjoin(runs, runs.c.id == jobs.c.run_id)
    there = with_runs.outerjoin(cluster_health, cluster_health.c.cluster == jobs.c.cluster)
    wanted = wanted.select_from(there).where(jobs.c.project == project)
    if which.job_ids:
        wanted = wanted.where(jobs.c.id.in_(ids(which.job_ids)))
    if which.ailing:
        wanted = wanted.where(text(f"runs.{AILING_RUN}"), runs.c.phase.in_(sorted(LIVE)))
    if which.leaving:
        wanted = wanted.where(jobs.c.deleted_at.is_not(None), runs.c.phase.in_(sorted(LIVE)))
    else:
        wanted = wanted.where(jobs.c.deleted_at.is_(None))
    return wanted.where(*conditions(project, which.selection, which.clusters))


_OF_RUN = ("phase", "restore", "note", "condition", "condition_since", "unwell", "proof", "up_at", "ailment")


def _silence(row: RowMapping) -> Silence | None:
    silent = row["answers"] is not None and not row["answers"]
    return Silence(instant(row["silent_since"]), row["silent_reason"]) if silent else None


def _fare(row: RowMapping) -> Fare:
    lives = row["phase"] is not None and RunPhase(row["phase"]) in LIVE
    return Fare(
        job_id=row["job_id"],
        name=row["name"],
        queue=row["cluster"],
        status=JobStatus(row["status"]),
        why=row["why"],
        flink_job_id=row["flink_job_id"],
        savepoint=row["savepoint_path"],
        restored_from=row["restore"],
        note=row["note"] or "",
        started_at=moment(row["begun_at"]),
        ended_at=moment(row["ended_at"]),
        deleted_at=moment(row["deleted_at"]),
        health=to_health(row) if lives else None,
        adopted_as=row["adopted_as"],
        program_unknown=bool(row["program_unknown"]),
        silent=_silence(row) if lives else None,
        way=to_way(row),
        tags=msgspec.json.decode(row["tags"], type=dict[str, str]),
    )
