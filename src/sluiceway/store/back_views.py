"""What is read of ways back: each start of one, and what they have come to together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.batch import BatchState, Kind
from sluiceway.domain.coming_back import DONE, BackPhase, BackPolicy, phase_of, signs_of, why
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.run import Run
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database, instant, moment
from sluiceway.store.resumes import to_policy
from sluiceway.store.rows import to_run, to_stop
from sluiceway.store.schema import batches, jobs, runs, stops
from sluiceway.store.stories import signs, to_signs, with_stop


@dataclass(frozen=True, slots=True)
class BackEntry:
    """One job of a way back."""

    job_id: int
    name: str
    status: JobStatus
    cluster: str
    wave: int
    accepted_at: datetime
    released_at: datetime | None
    phase: BackPhase
    why: str
    run: Run
    current: bool  # no later start of the job is known


@dataclass(frozen=True, slots=True)
class Resume:
    """One accepted way back."""

    id: int
    project: str
    source: int | None  # the stop whose jobs it brings back
    who: str
    state: BatchState
    state_why: str
    policy: BackPolicy
    created_at: datetime
    phases: Mapping[BackPhase, int]
    retry_of: int | None
    first: int  # of its story
    plan_id: int | None = None  # the dry run that it carries out
    planned_by: str = ""
    entries: Sequence[BackEntry] = ()

    @property
    def jobs(self) -> int:
        """How many jobs it brings back."""
        return sum(self.phases.values())

    @property
    def settled(self) -> int:
        """How many of them are back, or will not come."""
        return sum(count for phase, count in self.phases.items() if phase in DONE)


async def resume(db: Database, project: str, order: int) -> Resume | None:
    """One way back with every job of it, in the order of the request."""
    async with db.read() as connection:
        mine = (batches.c.project == project, batches.c.id == order, batches.c.kind == Kind.RESUME)
        row = (await connection.execute(select(batches).where(*mine))).one_or_none()
        if row is None:
            return None
        entries = await _entries(connection, order)
    return replace(_to_resume(row, Counter(entry.phase for entry in entries)), entries=entries)


async def _entries(connection: AsyncConnection, order: int) -> list[BackEntry]:
    about = (jobs.c.name, jobs.c.status, (jobs.c.run_id == runs.c.id).label("current"))
    mine = select(runs, *about).join(jobs, jobs.c.id == runs.c.job_id)
    rows = list((await connection.execute(mine.where(runs.c.batch_id == order).order_by(runs.c.id))).mappings())
    latest = select(func.max(stops.c.id)).where(stops.c.run_id.in_(ids([row["id"] for row in rows])))
    wanted = select(stops).where(stops.c.id.in_(latest.group_by(stops.c.run_id)))
    stop_of = {row["run_id"]: to_stop(row) for row in (await connection.execute(wanted)).mappings()}
    return [_entry(row, stop_of.get(row["id"]), order) for row in rows]


def _entry(row: Any, stop: Stop | None, order: int) -> BackEntry:
    run = to_run(row)
    phase = phase_of(signs_of(run, stop, order))
    return BackEntry(
        job_id=run.job_id,
        name=row["name"],
        status=JobStatus(row["status"]),
        cluster=row["cluster"],
        wave=row["wave"],
        accepted_at=instant(row["created_at"]),
        released_at=moment(row["released_at"]),
        phase=phase,
        why=why(phase, run, stop),
        run=run,
        current=bool(row["current"]),
    )


async def is_settled(db: Database, project: str, order: int) -> bool | None:
    """Whether every job of a way back is back, or will not come; None when there is no such order."""
    found = await _resumes(db, project, 1, batches.c.id == order)
    return found[0].settled == found[0].jobs if found else None


async def resume_list(
    db: Database, project: str, limit: int, before: int | None, sources: Sequence[int] = ()
) -> list[Resume]:
    """The latest ways back of a project, or from these stops, newest first, without their jobs; only older ones than
    `before`."""
    older = [] if before is None else [batches.c.id < before]
    return await _resumes(db, project, limit, *older, *([batches.c.source_id.in_(ids(sources))] if sources else []))


async def _resumes(db: Database, project: str, limit: int, *which: ColumnElement[bool]) -> list[Resume]:
    mine = (batches.c.project == project, batches.c.kind == Kind.RESUME, *which)
    async with db.read() as connection:
        wanted = select(batches).where(*mine).order_by(batches.c.id.desc()).limit(limit)
        rows = list(await connection.execute(wanted))
        phases = await _phases(connection, [row.id for row in rows])
    return [_to_resume(row, phases.get(row.id, Counter())) for row in rows]


async def _phases(connection: AsyncConnection, orders: Sequence[int]) -> dict[int, Counter[BackPhase]]:
    alike = (runs.c.batch_id.label("order"), *signs())
    counted = select(*alike, func.count().label("alike")).select_from(with_stop())
    found: dict[int, Counter[BackPhase]] = {}
    for row in await connection.execute(counted.where(runs.c.batch_id.in_(orders)).group_by(*alike)):
        found.setdefault(row.order, Counter())[phase_of(to_signs(row))] += row.alike
    return found


async def queues_of_resume(db: Database, project: str, order: int) -> list[str]:
    """The clusters that jobs of a way back are on."""
    which = (batches.c.id == order, batches.c.project == project, batches.c.kind == Kind.RESUME)
    known = select(batches.c.id).where(*which).exists()
    async with db.read() as connection:
        wanted = select(runs.c.cluster).where(runs.c.batch_id == order, known).distinct()
        return list((await connection.execute(wanted)).scalars())


def _to_resume(row: Any, phases: Mapping[BackPhase, int]) -> Resume:
    return Resume(
        id=row.id,
        project=row.project,
        source=row.source_id,
        who=row.who,
        state=BatchState(row.state),
        state_why=row.state_why,
        policy=to_policy(row),
        created_at=instant(row.created_at),
        phases=dict(phases),
        retry_of=row.retry_of,
        first=row.story or row.id,
        plan_id=row.plan_id,
        planned_by=row.planned_by,
    )
