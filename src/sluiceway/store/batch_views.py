"""What is read of batches of stops: each with its jobs, and what they have come to together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any

import msgspec
from sqlalchemy import Select, func, select

from sluiceway.domain.adoption import Way
from sluiceway.domain.batch import BatchState, Kind, Limits
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.stop import SETTLED, Stop, StopPhase
from sluiceway.domain.policy import PLAIN, StopPolicy
from sluiceway.store.batches import of_batch
from sluiceway.store.database import Database, instant
from sluiceway.store.rows import OF_WAY, to_policy, to_stop, to_way
from sluiceway.store.schema import batches, cluster_health, jobs, program_unknown, rejoined, runs, stops


@dataclass(frozen=True, slots=True)
class BatchEntry:
    """One job of a batch: its stop, and what it is called."""

    job_id: int
    name: str
    status: JobStatus
    cluster: str
    begun_at: datetime
    stop: Stop
    wave: int = 0
    adopted: Way | None = None  # how it was started, where nobody made it here or has said since what it is made of


@dataclass(frozen=True, slots=True)
class Batch:
    """One accepted request to stop jobs."""

    id: int
    project: str
    savepoint: bool
    reason: str
    who: str
    state: BatchState
    state_why: str
    limits: Limits
    created_at: datetime
    phases: Mapping[StopPhase, int]  # how many of the jobs are in each; those in which none is are left out
    entries: Sequence[BatchEntry]
    policy: StopPolicy = PLAIN
    target: str | None = None  # a directory (URI) for its savepoints
    retry_of: int | None = None  # the one of which it takes what failed
    first: int = 0  # the first of its story
    plan_id: int | None = None  # the dry run that it carries out
    planned_by: str = ""

    @property
    def jobs(self) -> int:
        """How many it has."""
        return sum(self.phases.values())

    @property
    def settled(self) -> int:
        """How many of these have settled."""
        return sum(number for phase, number in self.phases.items() if phase in SETTLED)


async def batch(db: Database, project: str, batch_id: int) -> Batch | None:
    """One batch with every job of it, in the order of the request."""
    head = _heads().where(batches.c.project == project, batches.c.id == batch_id, batches.c.kind == Kind.STOP)
    again = select(rejoined).where(rejoined.c.batch_id == batch_id).subquery()
    of_job = (jobs.c.name, jobs.c.status.label("job_status"), program_unknown())
    body = select(stops, *of_job, *OF_WAY, again.c.wave.label("again"))
    body = body.join(jobs, jobs.c.id == stops.c.job_id).outerjoin(again, again.c.stop_id == stops.c.id)
    body = body.outerjoin(runs, runs.c.id == stops.c.run_id)
    body = body.outerjoin(cluster_health, cluster_health.c.cluster == stops.c.cluster)
    async with db.read() as connection:
        row = (await connection.execute(head)).mappings().one_or_none()
        if row is None:
            return None
        mine = (stops.c.batch_id == batch_id) | stops.c.id.in_(select(again.c.stop_id))
        entries = (await connection.execute(body.where(mine).order_by(stops.c.id))).mappings()
        return _to_batch(row, [_entry(entry) for entry in entries])


async def is_settled(db: Database, project: str, batch_id: int) -> bool | None:
    """Whether every stop of a batch has settled; None when there is no such batch. It looks no further than it must."""
    open_ = select(stops.c.id).where(of_batch(batch_id), stops.c.phase.not_in(sorted(SETTLED))).exists()
    async with db.read() as connection:
        which = (batches.c.project == project, batches.c.id == batch_id, batches.c.kind == Kind.STOP)
        wanted = select(~open_).where(*which)
        found: bool | None = (await connection.execute(wanted)).scalar_one_or_none()
        return found


async def batch_list(db: Database, project: str, limit: int, before: int | None) -> list[Batch]:
    """The latest batches of a project, newest first, without their jobs; only older ones than `before`."""
    mine = (batches.c.project == project, batches.c.kind == Kind.STOP)
    wanted = _heads().where(*mine).order_by(batches.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(batches.c.id < before)
    async with db.read() as connection:
        return [_to_batch(row, []) for row in (await connection.execute(wanted)).mappings()]


async def queues_of_batch(db: Database, project: str, batch_id: int) -> list[str]:
    """The clusters that jobs of a batch are on."""
    which = (batches.c.id == batch_id, batches.c.project == project, batches.c.kind == Kind.STOP)
    known = select(batches.c.id).where(*which).exists()
    async with db.read() as connection:
        return list(
            (await connection.execute(select(stops.c.cluster).where(of_batch(batch_id), known).distinct())).scalars()
        )


def _heads() -> Select[Any]:
    """With how many of their jobs are in which phase, counted in one pass over each."""
    each = [(phase.value, func.count().filter(stops.c.phase == phase)) for phase in StopPhase]
    counted = select(func.json_object(*chain.from_iterable(each))).select_from(stops).where(of_batch(batches.c.id))
    return select(batches, counted.scalar_subquery().label("phases"))


def _to_batch(row: Any, entries: Sequence[BatchEntry]) -> Batch:
    phases = {StopPhase(phase): number for phase, number in msgspec.json.decode(row["phases"]).items() if number}
    return Batch(
        id=row["id"],
        project=row["project"],
        savepoint=row["savepoint"],
        reason=row["reason"],
        who=row["who"],
        state=BatchState(row["state"]),
        state_why=row["state_why"],
        limits=Limits(row["max_parallel"], row["abort_failures"], row["abort_share"]),
        created_at=instant(row["created_at"]),
        phases=phases,
        entries=entries,
        policy=PLAIN if row["policy"] is None else to_policy(row["policy"]),
        target=row["target"],
        retry_of=row["retry_of"],
        first=row["story"] or row["id"],
        plan_id=row["plan_id"],
        planned_by=row["planned_by"],
    )


def _entry(row: Any) -> BatchEntry:
    return BatchEntry(
        job_id=row["job_id"],
        name=row["name"],
        status=JobStatus(row["job_status"]),
        cluster=row["cluster"],
        begun_at=instant(row["created_at"]),
        stop=to_stop(row),
        wave=row["wave"] if row["again"] is None else row["again"],
        adopted=to_way(row) if row["program_unknown"] else None,
    )
