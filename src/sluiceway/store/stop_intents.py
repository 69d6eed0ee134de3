"""Where stops are accepted, and jobs deleted. Each is one transaction: what was answered is what is stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    bindparam,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain import judging
from sluiceway.domain.admission import ACCEPTED, ACTIVE, Verdict
from sluiceway.domain.job import JobStatus
from sluiceway.domain.judging import Fate, Obstacle, Reach
from sluiceway.domain.operations.stop import Stop, rearm
from sluiceway.domain.orders import Placed, StopOrder
from sluiceway.store import answers, batches, ledger, moves, rests, stories
from sluiceway.store.bulk import given, given_ids, ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.ledger import Means
from sluiceway.store.reserve import Use
from sluiceway.store.rows import of_policy, to_json, to_stop, to_traits
from sluiceway.store.schema import batches as batch_rows
from sluiceway.store.schema import job_tags, jobs, rejoined, runs, stops


async def accept_stops(db: Database, order: StopOrder, reach: Reach, means: Means) -> tuple[Placed, set[str]]:
    """Place an order of stops in one transaction: what became of it, and the clusters to wake.

    Jobs in a status that asks no question are accepted as they are. Every other one is judged as it stands. With a key,
    what became of the order is kept for whoever sends it again. Raises `AnsweredBefore`, and then nothing was changed.
    """
    async with db.write() as connection:
        if order.key is not None:
            await answers.refuse_known(connection, order.project, order.key, means.now)
        judged = await _judged(connection, order, reach, means)
        if judged.resting:
            await rests.mark_stopped(connection, judged.resting, order.project, order.who, means.now)
        batch, woken = None, set[str]()
        if judged.accepted or judged.rearmed:
            batch = await _new_batch(connection, order, means.now)
            woken = await _begin(connection, judged, order, means, batch)
        odd = {**order.decided, **judged.odd} if order.decided else judged.odd
        if batch is not None and order.to is not None:
            batch = await moves.begin(connection, order.to, batch, order.project, means.now)
        placed = Placed(batch, order.jobs, odd, order.waves)
        if order.key is not None:
            await answers.keep(connection, order.project, order.key, placed, means.now)
        return placed, woken


@dataclass(frozen=True, slots=True)
class _Judged:
    """What is to be done to each job of an order."""

    accepted: Sequence[int]
    rearmed: list[tuple[Stop, Stop]]  # each as it was and as it is
    resting: list[int]
    odd: dict[int, Verdict]


async def _begin(connection: AsyncConnection, judged: _Judged, order: StopOrder, means: Means, batch: int) -> set[str]:
    at, rearmed = epoch_ms(means.now), [stop for _, stop in judged.rearmed]
    await ledger.add_stops(connection, judged.accepted, order, means, batch)
    await ledger.store(connection, judged.rearmed)
    await _rejoin(connection, rearmed, order, at, batch)
    status = JobStatus.SAVEPOINTING if order.savepoint else JobStatus.CANCELING
    mine = stops.c.batch_id == batch
    if rearmed:
        mine |= stops.c.id.in_(ids([stop.id for stop in rearmed]))
    await ledger.show_many(connection, [jobs.c.id == stops.c.job_id, mine], status, stop_id=stops.c.id)
    why = f"{order.reason} (plan {order.plan.id} of {order.plan.who})".strip() if order.plan else order.reason
    told = event("stop_accepted", at, order.project, who=order.who, detail=why)
    await ledger.tell(connection, [told | {"batch_id": batch}])
    await stories.tell(connection, order.retry_of, batch, order.project, at, order.who)
    if order.gated:
        await batches.let_begin(connection, [batch], means.now)
    woken = await connection.execute(select(stops.c.cluster).where(mine).distinct())
    return set(woken.scalars())


async def _rejoin(connection: AsyncConnection, rearmed: Sequence[Stop], order: StopOrder, at: int, batch: int) -> None:
    if rearmed:
        rows = [{"batch_id": batch, "stop_id": stop.id, "wave": order.waves.get(stop.job_id, 0)} for stop in rearmed]
        await connection.execute(insert(rejoined), rows)
        told = [
            event(f"stop_{stop.phase}", at, order.project, job_id=stop.job_id, who=order.who)
            | {"stop_id": stop.id, "batch_id": stop.batch_id}
            for stop in rearmed
        ]
        await ledger.tell(connection, told)


async def _judged(connection: AsyncConnection, order: StopOrder, reach: Reach, means: Means) -> _Judged:
    usual = {"statuses": to_json(judging.unquestioned(order)), "clusters": to_json(sorted(reach.clusters))}
    once = order.jobs if len(set(order.jobs)) == len(order.jobs) else list(dict.fromkeys(order.jobs))
    decided = {job for job, verdict in order.decided.items() if judging.fate(verdict) is not Fate.STOP}
    once = [job for job in once if job not in decided] if decided else once
    rows = await connection.execute(_odd(), {"ids": to_json(once), "in_project": order.project} | usual)
    odd, refused, rearmed, resting = dict[int, Verdict](), set[int](), list[tuple[Stop, Stop]](), list[int]()
    for row in rows.mappings():
        job = to_obstacle(row, row["value"])
        verdict = judging.judge_stop(job, order, reach)
        fate = judging.fate(verdict)
        if verdict is not ACCEPTED:
            odd[job.job_id] = verdict
        if fate is not Fate.STOP:
            refused.add(job.job_id)
        if fate is Fate.MARK:
            resting.append(job.job_id)
        elif fate is Fate.REARM and job.stop is not None:
            again = rearm(job.stop, savepoint=order.savepoint, deadline=means.deadline(order))
            rearmed.append((job.stop, again))
    return _Judged([job for job in once if job not in refused] if refused else once, rearmed, resting, odd)


def to_obstacle(row: RowMapping, job_id: int) -> Obstacle:
    """A job with its latest stop, from the columns of both."""
    stop = to_stop(row) if row["id"] is not None else None
    status = None if row["status"] is None else JobStatus(row["status"])
    return Obstacle(job_id, status, row["runs_on"], stop, to_traits(row["traits"]), row["jid"])


@cache
def _odd() -> Select[Any]:
    """Those of the jobs asked for that need a second look."""
    asked = given()
    found = asked.outerjoin(jobs, and_(jobs.c.id == asked.c.value, *known(bindparam("in_project"))))
    found = found.outerjoin(stops, stops.c.id == jobs.c.stop_id).outerjoin(runs, runs.c.id == jobs.c.run_id)
    own = (jobs.c.status, jobs.c.cluster.label("runs_on"), jobs.c.flink_job_id.label("jid"), runs.c.traits)
    other = jobs.c.status.not_in(given_ids("statuses")) | jobs.c.cluster.not_in(given_ids("clusters"))
    return select(asked.c.value, *own, *stops.c).select_from(found).where(jobs.c.id.is_(None) | other)


async def _new_batch(connection: AsyncConnection, order: StopOrder, now: datetime) -> int:
    row = {
        "project": order.project,
        "savepoint": order.savepoint,
        "reason": order.reason,
        "who": order.who,
        "max_parallel": order.limits.max_parallel,
        "abort_failures": order.limits.abort_failures,
        "abort_share": order.limits.abort_share,
        "policy": of_policy(order.policy),
        "target": order.target,
        "retry_of": order.retry_of,
        "story": await stories.begin(connection, order.retry_of),
        "move_id": await moves.joined_by(connection, order.retry_of),
        "plan_id": order.plan.id if order.plan else None,
        "planned_by": order.plan.who if order.plan else "",
        "created_at": epoch_ms(now),
    }
    made = await connection.execute(insert(batch_rows).values(row).returning(batch_rows.c.id))
    return int(made.scalar_one())


async def delete_jobs(
    db: Database, order: StopOrder, reach: Reach, means: Means
) -> tuple[set[int], dict[int, Verdict], set[str]]:
    """Take the jobs of an order out of sight and cancel what still runs of them.

    Gives back which went, the verdicts on those that may not go, and the clusters to wake. A savepoint that is under
    way is let finish; should it fail, the job is canceled all the same.
    """
    at = epoch_ms(means.now)
    async with db.write(Use.MAKES_ROOM) as connection:
        mine = select(jobs.c.id, jobs.c.status, jobs.c.cluster).where(*known(order.project))
        rows = list(await connection.execute(mine.where(jobs.c.id.in_(ids(order.jobs)))))
        verdicts = {row.id: judging.judge_deletion(JobStatus(row.status), row.cluster, reach) for row in rows}
        barred = {job: verdict for job, verdict in verdicts.items() if not verdict.accepted}
        found = {row.id: row.status for row in rows if row.id not in barred}
        doomed = sorted(job for job, status in found.items() if status in ACTIVE)
        await ledger.cancel(connection, doomed, order, means)
        await connection.execute(delete(job_tags).where(job_tags.c.job_id.in_(ids(sorted(found)))))
        gone = update(jobs).where(jobs.c.id.in_(ids(sorted(found)))).values(deleted_at=at)
        clusters = (await connection.execute(gone.returning(jobs.c.cluster))).scalars()
        woken = {cluster for cluster in clusters if cluster is not None}
        told = [event("job_deleted", at, order.project, job_id=job, who=order.who) for job in found]
        await ledger.tell(connection, told)
    return set(found), barred, woken


def known(project: str | ColumnElement[str]) -> tuple[Any, Any]:
    """The condition for the jobs that a project has."""
    return jobs.c.project == project, jobs.c.deleted_at.is_(None)
