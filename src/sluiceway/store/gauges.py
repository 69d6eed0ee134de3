"""Counts for whoever watches the service: how all jobs stand now, and what has happened since the last count.

What stands is counted anew each time, along indices: 100,000 jobs take some 0.2 s, in a thread. What has happened is
never counted twice: each count goes on where the last one ended.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.run import LIVE
from sluiceway.store.database import Database
from sluiceway.store.schema import (
    LIVE_OR_LOST,
    OPEN_SAVE,
    UNSETTLED,
    events,
    jobs,
    runs,
    savepoints,
    saves,
    stops,
)


@dataclass(frozen=True, slots=True)
class Standing:
    """How all jobs stand now."""

    jobs: Mapping[tuple[str, str], int]  # by project and status
    live: Mapping[tuple[str, str, str, bool], int]  # by project, cluster, condition, and whether unwell
    stops: Mapping[tuple[str, str], int]  # that have not settled, by cluster and phase
    saves: Mapping[tuple[str, str], int]  # savepoints of running jobs that are under way, by cluster and phase


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to where what has happened was counted: ids of an event and of a savepoint."""

    event: int = 0
    savepoint: int = 0


@dataclass(frozen=True, slots=True)
class Happened:
    """What has happened between two marks."""

    until: Mark
    events: Mapping[str, int] = field(default_factory=dict)  # by kind
    savepoints: int = 0  # that were kept
    savepoint_bytes: int = 0
    savepoint_seconds: float = 0.0  # from sending the attempt that kept it until it was kept


async def standing(db: Database) -> Standing:
    """Count them. Raises `DatabaseUnavailable`."""
    async with db.read() as connection:
        return Standing(
            {(p, s): n for p, s, n in await connection.execute(_JOBS)},
            {(p, c, h, bool(u)): n for p, c, h, u, n in await connection.execute(_LIVE)},
            {(c, p): n for c, p, n in await connection.execute(_STOPS)},
            {(c, p): n for c, p, n in await connection.execute(_SAVES)},
        )


async def now(db: Database) -> Mark:
    """A mark behind everything that has happened so far. Raises `DatabaseUnavailable`."""
    async with db.read() as connection:
        return await _mark(connection)


async def happened(db: Database, since: Mark) -> Happened:
    """What has happened since. Raises `DatabaseUnavailable`."""
    async with db.read() as connection:
        until = await _mark(connection)
        kinds = {row.kind: row.number for row in await connection.execute(_kinds(since.event))}
        kept = (await connection.execute(_kept(since.savepoint))).one()
    return Happened(until, kinds, kept.number, kept.size or 0, (kept.took or 0) / 1000)


async def _mark(connection: AsyncConnection) -> Mark:
    event = (await connection.execute(select(func.max(events.c.id)))).scalar_one()
    savepoint = (await connection.execute(select(func.max(savepoints.c.id)))).scalar_one()
    return Mark(event or 0, savepoint or 0)


def _kinds(after: int) -> Select[tuple[str, int]]:
    return select(events.c.kind, func.count().label("number")).where(events.c.id > after).group_by(events.c.kind)


def _kept(after: int) -> Select[Any]:
    sent = func.coalesce(stops.c.sent_at, saves.c.sent_at, savepoints.c.created_at)
    took = func.max(savepoints.c.created_at - sent, 0)
    source = savepoints.outerjoin(stops, stops.c.id == savepoints.c.stop_id)
    source = source.outerjoin(saves, saves.c.id == savepoints.c.save_id)
    size = func.sum(savepoints.c.size).label("size")
    wanted = select(func.count().label("number"), size, func.sum(took).label("took")).select_from(source)
    return wanted.where(savepoints.c.id > after)


_JOBS = (
    select(jobs.c.project, jobs.c.status, func.count())
    .where(jobs.c.deleted_at.is_(None))
    .group_by(jobs.c.project, jobs.c.status)
)
# A job's latest run is the only one that may live.
_LIVE = (
    select(jobs.c.project, runs.c.cluster, runs.c.condition, runs.c.unwell, func.count())
    .select_from(runs.join(jobs, jobs.c.id == runs.c.job_id))
    .where(text(f"runs.{LIVE_OR_LOST}"), runs.c.phase.in_(sorted(LIVE)))
    .group_by(jobs.c.project, runs.c.cluster, runs.c.condition, runs.c.unwell)
)
_STOPS = (
    select(stops.c.cluster, stops.c.phase, func.count())
    .where(text(f"stops.{UNSETTLED}"))
    .group_by(stops.c.cluster, stops.c.phase)
)
_SAVES = (
    select(saves.c.cluster, saves.c.phase, func.count())
    .where(text(f"saves.{OPEN_SAVE}"))
    .group_by(saves.c.cluster, saves.c.phase)
)
