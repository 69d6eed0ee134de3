"""Where stops are accepted, and jobs deleted. Each is one transaction: what was answered is what is stored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.batch import Limits
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.policy import PLAIN, StopPolicy
from sluiceway.domain.traits import Traits
from sluiceway.store import answers, batches, rests, stories
from sluiceway.store.answers import Key
from sluiceway.store.bulk import given, given_ids, guarded_update, ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.reserve import Use
from sluiceway.store.rows import moves, of_policy, to_json, to_stop, to_traits
from sluiceway.store.schema import UNSETTLED, events, job_tags, jobs, rejoined, runs, stops
from sluiceway.store.schema import batches as batch_rows


@dataclass(frozen=True, slots=True)
class Obstacle:
    """A job of a stop request that cannot simply be accepted, as it stands inside the transaction."""

    job_id: int
    status: JobStatus | None  # None: no such job in this project
    cluster: str | None  # of its latest run
    stop: Stop | None  # the latest stop of its run
    traits: Traits | None = None  # of its latest run
    flink_job_id: str | None = None  # of its latest run


class Rest(Enum):
    """What becomes of a job that does not run, where its stop is not refused."""

    MARK = "it is marked as stopped"


Judge = Callable[[Obstacle], "Stop | bool | Rest"]


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
    home: str  # the directory (URI) that the jobs without a bucket have their state in, and that buckets lie in
    timeout: timedelta
    reason: str
    now: datetime
    target: str | None = None  # a directory (URI) for these savepoints, whatever the job's own
    policy: StopPolicy = PLAIN
    limits: Limits = field(default_factory=Limits)
    waves: Mapping[int, int] = field(default_factory=dict)  # of jobs by id; who is not named is in the first
    who: str = ""
    plan: tuple[int, str] | None = None  # the dry run that it carries out, and who made that
    key: Key | None = None
    retry_of: int | None = None  # the order of which it takes what failed

    @property
    def gated(self) -> bool:
        """Whether its stops wait to be let begin, instead of beginning at once."""
        return len(set(self.waves.values())) > 1 or self.limits != Limits()


async def accept_stops(
    db: Database,
    job_ids: Sequence[int],
    intent: StopIntent,
    plain: Plain,
    judge: Judge,
    answer: Callable[[int | None], str] = str,
) -> tuple[int | None, set[str]]:
    """Accept a batch of stops in one transaction: its id (None when no job was accepted), and the clusters to wake.

    Jobs that are `plain` are accepted as they are. Every other one is put before `judge`, which answers whether to
    accept it, gives back the stop under way, rearmed, or has it marked as stopped. With a key, what `answer` makes of
    the batch's id is kept for whoever sends the request again. Raises `AnsweredBefore`, and then nothing was changed.
    """
    async with db.write() as connection:
        if intent.key is not None:
            await answers.refuse_known(connection, intent.project, intent.key, intent.now)
        accepted, rearmed, resting = await _admit(connection, job_ids, intent.project, plain, judge)
        if resting:
            await rests.mark_stopped(connection, resting, intent.project, intent.who, intent.now)
        batch, woken = None, set[str]()
        if accepted or rearmed:
            batch = await _new_batch(connection, intent)
            woken = await _begin(connection, accepted, rearmed, intent, batch)
        if intent.key is not None:
            await answers.keep(connection, intent.project, intent.key, answer(batch), intent.now)
        return batch, woken


async def _begin(
    connection: AsyncConnection, accepted: Sequence[int], rearmed: Sequence[Stop], intent: StopIntent, batch: int
) -> set[str]:
    at = epoch_ms(intent.now)
    await insert_stops(connection, accepted, intent, batch)
    await _set_waves(connection, intent.waves, batch)
    await _rejoin(connection, rearmed, intent, batch)
    status = JobStatus.SAVEPOINTING if intent.savepoint else JobStatus.CANCELING
    mine = stops.c.batch_id == batch
    if rearmed:
        mine |= stops.c.id.in_(ids([stop.id for stop in rearmed]))
    flipped = update(jobs).where(jobs.c.id == stops.c.job_id, mine)
    await connection.execute(flipped.values(status=status, why="", stop_id=stops.c.id))
    why = f"{intent.reason} (plan {intent.plan[0]} of {intent.plan[1]})".strip() if intent.plan else intent.reason
    told = event("stop_accepted", at, intent.project, who=intent.who, detail=why)
    await connection.execute(insert(events), [told | {"batch_id": batch}])
    await stories.tell(connection, intent.retry_of, batch, intent.project, at, intent.who)
    if intent.gated:
        await batches.let_begin(connection, [batch], intent.now)
    woken = await connection.execute(select(stops.c.cluster).where(mine).distinct())
    return set(woken.scalars())


async def _rejoin(connection: AsyncConnection, rearmed: Sequence[Stop], intent: StopIntent, batch: int) -> None:
    if rearmed:
        await guarded_update(connection, stops, [moves(stop) for stop in rearmed])
        rows = [{"batch_id": batch, "stop_id": stop.id, "wave": intent.waves.get(stop.job_id, 0)} for stop in rearmed]
        await connection.execute(insert(rejoined), rows)
        told = [
            event(f"stop_{stop.phase}", epoch_ms(intent.now), intent.project, job_id=stop.job_id, who=intent.who)
            | {"stop_id": stop.id, "batch_id": stop.batch_id}
            for stop in rearmed
        ]
        await connection.execute(insert(events), told)


async def _admit(
    connection: AsyncConnection,
    job_ids: Sequence[int],
    project: str,
    plain: Plain,
    judge: Judge,
) -> tuple[Sequence[int], list[Stop], list[int]]:
    usual = {"statuses": to_json(sorted(plain.statuses)), "clusters": to_json(sorted(plain.clusters))}
    rows = await connection.execute(_odd(), {"ids": to_json(job_ids), "in_project": project} | usual)
    refused, rearmed, resting = set(), [], []
    for row in rows.mappings():
        stop = to_stop(row) if row["id"] is not None else None
        status = None if row["status"] is None else JobStatus(row["status"])
        traits = to_traits(row["traits"])
        answer = judge(Obstacle(row["value"], status, row["runs_on"], stop, traits, row["jid"]))
        if answer is not True:
            refused.add(row["value"])
        if isinstance(answer, Stop):
            rearmed.append(answer)
        elif answer is Rest.MARK:
            resting.append(row["value"])
    return [job for job in job_ids if job not in refused] if refused else job_ids, rearmed, resting


@cache
def _odd() -> Select[Any]:
    """Those of the jobs asked for that need a second look."""
    asked = given()
    found = asked.outerjoin(jobs, and_(jobs.c.id == asked.c.value, *known(bindparam("in_project"))))
    found = found.outerjoin(stops, stops.c.id == jobs.c.stop_id).outerjoin(runs, runs.c.id == jobs.c.run_id)
    own = (jobs.c.status, jobs.c.cluster.label("runs_on"), jobs.c.flink_job_id.label("jid"), runs.c.traits)
    other = jobs.c.status.not_in(given_ids("statuses")) | jobs.c.cluster.not_in(given_ids("clusters"))
    return select(asked.c.value, *own, *stops.c).select_from(found).where(jobs.c.id.is_(None) | other)


async def _new_batch(connection: AsyncConnection, intent: StopIntent) -> int:
    row = {
        "project": intent.project,
        "savepoint": intent.savepoint,
        "reason": intent.reason,
        "who": intent.who,
        "max_parallel": intent.limits.max_parallel,
        "abort_failures": intent.limits.abort_failures,
        "abort_share": intent.limits.abort_share,
        "policy": of_policy(intent.policy),
        "target": intent.target,
        "retry_of": intent.retry_of,
        "story": await stories.begin(connection, intent.retry_of),
        "plan_id": intent.plan[0] if intent.plan else None,
        "planned_by": intent.plan[1] if intent.plan else "",
        "created_at": epoch_ms(intent.now),
    }
    made = await connection.execute(insert(batch_rows).values(row).returning(batch_rows.c.id))
    return int(made.scalar_one())


async def insert_stops(
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
        "root": _savepoints(intent).concat(jobs.c.id).concat(literal(f"/{stamp}")),
        "token": func.lower(func.hex(func.randomblob(16))),
        "policy": literal(of_policy(intent.policy)),
        "held": literal(intent.gated),
        "phase": literal(StopPhase.WAITING.value),
        "deadline": literal(at + round(intent.timeout.total_seconds() * 1000)),
        "created_at": literal(at),
    }
    chosen = select(*columns.values()).where(jobs.c.id.in_(ids(job_ids))).order_by(jobs.c.id)
    await connection.execute(insert(stops).from_select(list(columns), chosen))


def _savepoints(intent: StopIntent) -> ColumnElement[str]:
    """The directory that a job's savepoints go to, each stop's into one of its own. See `Storage.home`."""
    if intent.target is not None:
        return literal(f"{intent.target}/")
    bucket = func.coalesce(literal("/").concat(jobs.c.bucket), "")
    return literal(intent.home).concat(bucket).concat(literal("/jobs/savepoint/"))


async def _set_waves(connection: AsyncConnection, waves: Mapping[int, int], batch: int) -> None:
    """Who is not named is in the first, where everybody was put."""
    for wave in sorted(set(waves.values()) - {0}):
        members = ids([job for job, its in waves.items() if its == wave])
        moved = update(stops).where(stops.c.batch_id == batch, stops.c.job_id.in_(members))
        await connection.execute(moved.values(wave=wave))


def _always(_job: int, _status: JobStatus, _cluster: str | None) -> bool:
    return True


async def delete_jobs(
    db: Database,
    job_ids: Sequence[int],
    intent: StopIntent,
    active: Sequence[JobStatus],
    may_go: Callable[[int, JobStatus, str | None], bool] = _always,
) -> tuple[set[int], set[str]]:
    """Take the jobs out of sight and cancel what still runs; tells which went, and the clusters to wake.

    A savepoint that is under way is let finish; should it fail, the job is canceled all the same.
    """
    at = epoch_ms(intent.now)
    async with db.write(Use.MAKES_ROOM) as connection:
        mine = select(jobs.c.id, jobs.c.status, jobs.c.cluster).where(*known(intent.project))
        rows = await connection.execute(mine.where(jobs.c.id.in_(ids(job_ids))))
        found = {row.id: row.status for row in rows if may_go(row.id, JobStatus(row.status), row.cluster)}
        doomed = sorted(job for job, status in found.items() if status in active)
        under_way = stops.c.job_id.in_(ids(doomed)) & text(f"stops.{UNSETTLED}")
        # Nor does it wait any longer for its wave.
        kept = update(stops).where(under_way).values(cancel_on_failure=True, held=False, version=stops.c.version + 1)
        stopping = set((await connection.execute(kept.returning(stops.c.job_id))).scalars())
        await insert_stops(connection, [job for job in doomed if job not in stopping], intent, None)
        linked = update(jobs).where(jobs.c.id == stops.c.job_id, jobs.c.id.in_(ids(doomed)), text(f"stops.{UNSETTLED}"))
        await connection.execute(linked.values(stop_id=stops.c.id))
        await connection.execute(delete(job_tags).where(job_tags.c.job_id.in_(ids(sorted(found)))))
        gone = update(jobs).where(jobs.c.id.in_(ids(sorted(found)))).values(deleted_at=at)
        clusters = (await connection.execute(gone.returning(jobs.c.cluster))).scalars()
        woken = {cluster for cluster in clusters if cluster is not None}
        if found:
            told = [event("job_deleted", at, intent.project, job_id=job, who=intent.who) for job in found]
            await connection.execute(insert(events), told)
    return set(found), woken


def known(project: str | ColumnElement[str]) -> tuple[Any, Any]:
    """The condition for the jobs that a project has."""
    return jobs.c.project == project, jobs.c.deleted_at.is_(None)
