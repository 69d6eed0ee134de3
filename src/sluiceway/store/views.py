"""Queries for people: jobs, and their states to resume from."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    func,
    select,
    union_all,
)

from sluiceway.domain.job import JAR_JOB, JarProgram, Job, JobStatus
from sluiceway.domain.judging import Obstacle
from sluiceway.store.bulk import given, given_ids, listed
from sluiceway.store.database import Database
from sluiceway.store.rows import to_job, to_json, to_program
from sluiceway.store.schema import (
    job_tags,
    jobs,
    queue_of_job,
    runs,
    saves,
    specs,
    stops,
    whole_jobs,
)
from sluiceway.store.stop_intents import to_obstacle


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs to list. Whatever is None leaves all in."""

    kind: str | None = None
    statuses: Sequence[JobStatus] = ()
    queue: str | None = None
    user: str | None = None
    name: str | None = None  # a part of the name, as it is written
    tags: Mapping[str, str] = field(default_factory=dict)  # all of them


@dataclass(frozen=True, slots=True)
class Origin:
    """The inputs of a start: the job, its queue, and what its latest run and stop left behind."""

    job_id: int
    project: str
    status: JobStatus
    queue: str | None
    run_id: int | None
    flink_job_id: str | None
    stopped_with: str | None  # the savepoint that the latest run was stopped with
    restored_from: str | None  # what the latest run itself had started from
    savepoint_path: str | None  # the newest savepoint of the job that is known
    bucket: str | None  # that its state goes to from its next run on
    checkpoints: str | None  # where those of the latest run are
    chosen: str | None = None  # what somebody has said since the latest run that the job is to be resumed from
    saved: bool = False  # `stopped_with` is a savepoint, and not a checkpoint that a cancel kept
    zone: str | None = None  # that its latest run was planned under
    resume_checkpoint: bool = False  # a start after a failure that does not say begins from its newest state
    cluster: str | None = None  # of its latest run


async def job(db: Database, project: str, job_id: int) -> Job | None:
    """One job of a project."""
    wanted = whole_jobs.where(jobs.c.project == project, jobs.c.id == job_id, jobs.c.deleted_at.is_(None))
    async with db.read() as connection:
        row = (await connection.execute(wanted)).mappings().one_or_none()
    return None if row is None else to_job(row)


def listing(
    project: str, where: JobFilter, *, offset: int, limit: int, descending: bool
) -> tuple[Select[int], Select[int]]:
    """The query that counts the jobs that match, and the one for the ids of a page of them."""
    source, order = _tagged(project, where.tags)
    matching = _matching(project, where)
    count = select(func.count()).select_from(source).where(*matching)
    if where.tags and where == JobFilter(tags=where.tags):
        count = _count_of_tags(project, where.tags)
    page = select(jobs.c.id).select_from(source).where(*matching)
    return count, page.order_by(order.desc() if descending else order).limit(limit).offset(offset)


def _count_of_tags(project: str, tags: Mapping[str, str]) -> Select[int]:
    """How many jobs have all of these tags. A deleted one has none."""
    aliases = [job_tags.alias() for _ in tags]
    source: FromClause = aliases[0]
    for other in aliases[1:]:
        source = source.join(other, other.c.job_id == aliases[0].c.job_id)
    has = (_is(tag, project, *pair) for tag, pair in zip(aliases, tags.items(), strict=True))
    return select(func.count()).select_from(source).where(*has)


def _tagged(project: str, tags: Mapping[str, str]) -> tuple[FromClause, ColumnElement[int]]:
    """The jobs with all of these tags, and the column to sort them by: that of the index that they are found with."""
    source: FromClause = jobs
    order: ColumnElement[int] = jobs.c.id
    for key, value in tags.items():
        tag = job_tags.alias()
        source = source.join(tag, and_(tag.c.job_id == jobs.c.id, _is(tag, project, key, value)))
        order = tag.c.job_id
    return source, order


def _is(tag: FromClause, project: str, key: str, value: str) -> ColumnElement[bool]:
    return and_(tag.c.project == project, tag.c.key == key, tag.c.value == value)


def _matching(project: str, where: JobFilter) -> list[ColumnElement[bool]]:
    wanted = {"kind": where.kind, "user": where.user}
    matching = [jobs.c[name] == value for name, value in wanted.items() if value is not None]
    if where.statuses:
        one = len(where.statuses) == 1
        matching.append(jobs.c.status == where.statuses[0] if one else jobs.c.status.in_(where.statuses))
    if where.name:
        # The range says nothing, but leads the database to the index by time, which has the names.
        matching += [func.instr(jobs.c.name, where.name) > 0, jobs.c.id > 0]
    if where.queue is not None:
        matching.append(queue_of_job == where.queue)
    return [jobs.c.project == project, jobs.c.deleted_at.is_(None), *matching]


async def projects(db: Database) -> list[str]:
    """The projects that have jobs."""
    async with db.read() as connection:
        wanted = select(jobs.c.project).where(jobs.c.deleted_at.is_(None)).distinct()
        return list((await connection.execute(wanted)).scalars())


async def obstacles(db: Database, project: str, wanted: Sequence[int]) -> dict[int, Obstacle]:
    """Each job as it is now; unknown ids are left out."""
    asked = listed(wanted)
    known = (jobs.c.id == asked.c.value) & (jobs.c.project == project) & jobs.c.deleted_at.is_(None)
    joined = asked.join(jobs, known).outerjoin(stops, stops.c.id == jobs.c.stop_id)
    joined = joined.outerjoin(runs, runs.c.id == jobs.c.run_id)
    columns = (
        runs.c.traits,
        jobs.c.id.label("asked"),
        jobs.c.status,
        jobs.c.cluster.label("runs_on"),
        jobs.c.flink_job_id.label("jid"),
    )
    async with db.read() as connection:
        rows = (await connection.execute(select(*columns, *stops.c).select_from(joined))).mappings()
        return {row["asked"]: to_obstacle(row, row["asked"]) for row in rows}


async def origins(db: Database, project: str, wanted: Sequence[int]) -> dict[int, Origin]:
    """The inputs of each job's start; unknown ids are left out."""
    async with db.read() as connection:
        rows = await connection.execute(_origins(), {"ids": to_json(wanted), "in_project": project})
        return {row["job_id"]: _origin(row) for row in rows.mappings()}


@cache
def _origins() -> Select[Any]:
    asked = given()
    known = (jobs.c.id == asked.c.value) & (jobs.c.project == bindparam("in_project")) & jobs.c.deleted_at.is_(None)
    joined = asked.join(jobs, known).outerjoin(runs, runs.c.id == jobs.c.run_id)
    joined = joined.outerjoin(stops, stops.c.id == jobs.c.stop_id).outerjoin(specs, specs.c.job_id == jobs.c.id)
    proven = stops.c.unproven == ""
    columns = (
        jobs.c.id.label("job_id"),
        jobs.c.project,
        jobs.c.status,
        jobs.c.queue,
        jobs.c.cluster,
        jobs.c.run_id,
        jobs.c.flink_job_id,
        case((proven, func.coalesce(stops.c.savepoint_path, stops.c.checkpoint_path))).label("stopped_with"),
        runs.c.restore.label("restored_from"),
        jobs.c.savepoint_path,
        jobs.c.bucket,
        runs.c.checkpoints,
        jobs.c.chosen_savepoint.label("chosen"),
        (proven & stops.c.savepoint_path.is_not(None)).label("saved"),
        runs.c.zone,
        func.json_extract(specs.c.spec, "$.resume_checkpoint").label("resume_checkpoint"),
    )
    return select(*columns).select_from(joined)


async def project_of(db: Database, job_id: int) -> str | None:
    """The project of a job; None for an unknown one."""
    async with db.read() as connection:
        found: str | None = (await connection.execute(select(jobs.c.project).where(jobs.c.id == job_id))).scalar()
        return found


async def programs(db: Database, wanted: Sequence[int]) -> dict[int, JarProgram]:
    """The programs of the Jar jobs among these."""
    async with db.read() as connection:
        rows = await connection.execute(_programs(), {"ids": to_json(wanted)})
        return {row.id: to_program(row.program) for row in rows if row.program is not None}


@cache
def _programs() -> Select[Any]:
    asked = given()
    joined = asked.join(jobs, (jobs.c.id == asked.c.value) & (jobs.c.kind == JAR_JOB))
    joined = joined.join(specs, specs.c.job_id == jobs.c.id)
    # Not all of each spec: there may be ten thousand, each with texts of hundreds of kilobytes beside the program.
    program = func.json_extract(specs.c.spec, "$.program").label("program")
    return select(jobs.c.id, program).select_from(joined)


async def roots(db: Database, run_ids: Sequence[int]) -> dict[int, list[str]]:
    """The directories of each run's savepoints, with and without a stop.

    Savepoints that prove nothing are left out: a resume must not take them.
    """
    found: dict[int, list[str]] = defaultdict(list)
    async with db.read() as connection:
        for run_id, root in await connection.execute(_roots(), {"ids": to_json(run_ids)}):
            found[run_id].append(root)
    return found


@cache
def _roots() -> CompoundSelect[Any]:
    of_stops = select(stops.c.run_id, stops.c.root).where(stops.c.run_id.in_(given_ids()), stops.c.unproven == "")
    of_saves = select(saves.c.run_id, saves.c.target)
    return union_all(of_stops, of_saves.where(saves.c.run_id.in_(given_ids()), saves.c.unproven == ""))


def _origin(row: Any) -> Origin:
    flags = {name: bool(row[name]) for name in ("saved", "resume_checkpoint")}
    return Origin(**{**row, "status": JobStatus(row["status"]), **flags})


async def owns(db: Database, project: str, job_id: int) -> bool:
    """Whether a job is, or was, one of the project's."""
    wanted = select(jobs.c.id).where(jobs.c.project == project, jobs.c.id == job_id)
    async with db.read() as connection:
        return (await connection.execute(wanted)).one_or_none() is not None


async def locate(db: Database, project: str, job_id: int) -> tuple[str | None, str | None] | None:
    """The cluster and the Flink job id of a job's latest run; None for an unknown job."""
    wanted = select(jobs.c.cluster, jobs.c.flink_job_id).where(
        jobs.c.project == project, jobs.c.id == job_id, jobs.c.deleted_at.is_(None)
    )
    async with db.read() as connection:
        row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else (row.cluster, row.flink_job_id)


async def served_others(db: Database, cluster: str, project: str) -> bool:
    """Whether a cluster has, or had, a run of a job of another project; deleted jobs count."""
    theirs = select(runs.c.id).join(jobs, jobs.c.id == runs.c.job_id)
    wanted = theirs.where(runs.c.cluster == cluster, jobs.c.project != project).limit(1)
    async with db.read() as connection:
        return (await connection.execute(wanted)).first() is not None


@dataclass(frozen=True, slots=True)
class InQueue:
    """Where a job is to run."""

    queue: str | None  # None: in the default one


async def queue_of(db: Database, project: str, job_id: int) -> InQueue | None:
    """The queue of a job; None for an unknown job."""
    wanted = select(queue_of_job.label("queue")).where(
        jobs.c.project == project, jobs.c.id == job_id, jobs.c.deleted_at.is_(None)
    )
    async with db.read() as connection:
        row = (await connection.execute(wanted)).one_or_none()
    return None if row is None else InQueue(row.queue)
