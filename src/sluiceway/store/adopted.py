"""Takes in jobs that nobody made here, in one transaction of the worker that has their cluster."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.adoption import Adopted, Adoption, Adopts, Stranger, adoptions, names
from sluiceway.domain.identity import Answers, Fresh, Moved, Recognised, Spot, Unsure, recognise, returning, vouched
from sluiceway.domain.job import JAR_JOB, JarProgram, JobDraft, JobSpec, JobStatus, Standing
from sluiceway.domain.run import LIVE, RunPhase
from sluiceway.store import ledger
from sluiceway.store.bulk import guarded_update, listed
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.leases import Lease, holds
from sluiceway.store.namesakes import IS_OPEN, namesakes
from sluiceway.store.rows import of_draft, of_spec
from sluiceway.store.schema import job_tags, jobs, runs, specs

UNKNOWN_PROGRAM = JobSpec("", program=JarProgram(""))  # it may be anything, and cannot be started without a jar
_OPEN = IS_OPEN.label("open")


@dataclass(frozen=True, slots=True)
class Intake:
    """What nobody here has made and lives in a cluster, as far as it is to be looked at now.

    `others` live beside the strangers, and bear the same names. `labels` are those of the cluster: what is taken in
    anew gets tags of them; what comes back keeps those that it has. `answers` are those to what was unsure before, by
    the strangers it was asked for. `followed` are runs that were lost and are over, as a stranger follows them.
    """

    strangers: Sequence[Stranger]
    others: Sequence[Stranger] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[Stranger, Answers] = field(default_factory=dict)
    followed: Collection[int] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What has become of strangers."""

    adoptions: Sequence[Adoption] = ()
    unsure: Mapping[Stranger, Collection[Spot]] = field(default_factory=dict)  # and what is to be asked first


async def adopt(db: Database, lease: Lease, intake: Intake, into: Adopts, now: datetime) -> Taken:
    """Take in those that are no run that is known here; nothing where the lease was lost.

    One that was taken in under the name of another cluster, which knows it no longer, is of this cluster from now on.
    """
    async with db.write() as connection:
        if not await holds(connection, lease):
            return Taken()
        told = await _recognised(connection, intake, lease.cluster)
        fresh, alike = ([each for each in those if _is_new(told[each])] for those in (intake.strangers, intake.others))
        back = returning({each.flink_job_id: told[each] for each in fresh})
        wanted = adoptions(fresh, await _before(connection, lease.cluster), alike, back) if fresh else []
        known = vouched(wanted, lease.cluster, intake.answers)
        taken = known.sure
        found = [_moved(each, its) for each in intake.strangers if isinstance(its := told[each], Moved)]
        new = [each.stranger for each in taken if each.again is None]
        made = await _make(connection, new, lease.cluster, into, now)
        await _tag(connection, {made[each.flink_job_id]: into.tags(each, intake.labels) for each in new}, into.project)
        of = made | {each.stranger.flink_job_id: each.again.job_id for each in taken if each.again}
        if of:
            await _end(connection, [each for each in taken if _follows(each, intake.followed)], into, epoch_ms(now))
            await _begin(connection, taken, of, lease.cluster, into, epoch_ms(now))
        if found:
            await _move(connection, found, lease.cluster, into, epoch_ms(now))
    unsure = {each: its for each in intake.strangers if isinstance(its := told[each], Unsure)} | known.unsure
    return Taken([*taken, *found], {each: its.spots for each, its in unsure.items()})


async def _recognised(connection: AsyncConnection, intake: Intake, cluster: str) -> dict[Stranger, Recognised]:
    """What each of them is by its Flink job id."""
    every = [*intake.strangers, *intake.others]
    known = await namesakes(connection, every, intake.followed)
    return {each: recognise(each, cluster, known[each.flink_job_id], intake.answers.get(each, {})) for each in every}


def _follows(each: Adoption, followed: Collection[int]) -> bool:
    return each.again is not None and each.again.run_id in followed


async def _end(connection: AsyncConnection, followed: Sequence[Adoption], into: Adopts, at: int) -> None:
    """The runs that were lost, and are over: what follows them has begun from their savepoints."""
    before = [each.again for each in followed if each.again]
    await ledger.end_lost(connection, [each.run_id for each in before])
    detail = "It was started anew, under its Flink job id, from the savepoint that it was stopped with."
    await ledger.tell(
        connection, [event("run_finished", at, into.project, job_id=each.job_id, detail=detail) for each in before]
    )


def _is_new(told: Recognised) -> bool:
    return isinstance(told, Fresh)


def _moved(stranger: Stranger, told: Moved) -> Adoption:
    return Adoption(stranger, told.job, itself=True)


async def _before(connection: AsyncConnection, cluster: str) -> list[Adopted]:
    """The jobs of the cluster that were taken in, as they stand now."""
    here = (jobs.c.cluster == cluster, jobs.c.adopted_as.is_not(None), jobs.c.deleted_at.is_(None))
    asked = select(jobs.c.id, jobs.c.run_id, jobs.c.adopted_as, runs.c.phase, runs.c.flink_job_id, _OPEN)
    found = await connection.execute(asked.join(runs, runs.c.id == jobs.c.run_id).where(*here))
    return [
        Adopted(row.id, row.run_id, row.adopted_as, _is_over(row.phase) and not row.open, row.flink_job_id)
        for row in found
    ]


def _is_over(phase: str) -> bool:
    return RunPhase(phase) not in LIVE


async def _make(
    connection: AsyncConnection, new: Sequence[Stranger], cluster: str, into: Adopts, now: datetime
) -> dict[str, int]:
    """Make their jobs; the ids of these, by the Flink job ids."""
    called = await _free_names(connection, into.project, new, cluster)
    at = epoch_ms(now)
    rows = []
    for each in new:
        draft = JobDraft(called[each.flink_job_id], UNKNOWN_PROGRAM, kind=JAR_JOB, queue=cluster)
        row = of_draft(draft) | {"project": into.project, "user": "", "created_at": at, "updated_at": at}
        rows.append(row | {"status": JobStatus.DRAFT, "adopted_as": each.name} | _links(each, cluster, at))
    if not rows:
        return {}
    await connection.execute(insert(jobs), rows)
    mine = jobs.c.flink_job_id.in_(select(listed(list(called)).c.value))
    found = await connection.execute(select(jobs.c.flink_job_id, jobs.c.id).where(mine, jobs.c.run_id.is_(None)))
    made = {row.flink_job_id: row.id for row in found}
    spec = of_spec(JobDraft("", UNKNOWN_PROGRAM))
    await connection.execute(insert(specs), [spec | {"job_id": job} for job in made.values()])
    return made


async def _tag(connection: AsyncConnection, wanted: Mapping[int, Mapping[str, str]], project: str) -> None:
    rows = [
        {"job_id": job, "project": project, "key": key, "value": value}
        for job, tags in wanted.items()
        for key, value in tags.items()
    ]
    if rows:
        await connection.execute(insert(job_tags), rows)


async def _free_names(
    connection: AsyncConnection, project: str, new: Sequence[Stranger], cluster: str
) -> dict[str, str]:
    """A name for each that no other job of the project has, by Flink job id."""
    wanted = {each.flink_job_id: list(names(each, cluster)) for each in new}
    asked = select(listed([name for each in wanted.values() for name in each]).c.value)
    here = (jobs.c.project == project, jobs.c.deleted_at.is_(None), jobs.c.name.in_(asked))
    taken = set((await connection.execute(select(jobs.c.name).where(*here))).scalars())
    called: dict[str, str] = {}
    for jid, its in wanted.items():
        called[jid] = next(name for name in its if name not in taken)
        taken.add(called[jid])
    return called


async def _begin(
    connection: AsyncConnection, taken: Sequence[Adoption], of: Mapping[str, int], cluster: str, into: Adopts, at: int
) -> None:
    """Their runs, which go on already."""
    back = [
        {"id": each.again.job_id, "adopted_as": each.stranger.name} | _links(each.stranger, cluster, at)
        for each in taken
        if each.again
    ]
    if back:
        await guarded_update(connection, jobs, back, match=("id",))
    await ledger.add_runs(connection, [_run(each.stranger, of, cluster, at) for each in taken])
    rows: list[tuple[Mapping[str, Any], Standing]] = [({"id": job}, Standing(JobStatus.RUNNING)) for job in of.values()]
    await ledger.show(connection, rows, stop_id=None, save_id=None, ended_at=None, chosen_savepoint=None)
    await ledger.tell(connection, [_told(each, of, cluster, into, at) for each in taken])


async def _move(connection: AsyncConnection, found: Sequence[Adoption], cluster: str, into: Adopts, at: int) -> None:
    """Their runs are of this cluster now. The next turn sees them there, and they go on."""
    known = {each.stranger.flink_job_id: each.again for each in found if each.again}
    await ledger.move_runs(connection, [each.run_id for each in known.values()], cluster)
    rows = [{"id": each.job_id, "run_id": each.run_id, "cluster": cluster, "queue": cluster} for each in known.values()]
    await guarded_update(connection, jobs, rows, match=("id", "run_id"))
    of = {jid: each.job_id for jid, each in known.items()}
    await ledger.tell(connection, [_told(each, of, cluster, into, at) for each in found])


def _links(stranger: Stranger, cluster: str, at: int) -> dict[str, Any]:
    began = epoch_ms(stranger.started_at) if stranger.started_at else at
    return {"cluster": cluster, "flink_job_id": stranger.flink_job_id, "started_at": began}


def _run(stranger: Stranger, of: Mapping[str, int], cluster: str, at: int) -> dict[str, Any]:
    fresh = {"job_id": of[stranger.flink_job_id], "phase": RunPhase.RUNNING, "acknowledged": True, "created_at": at}
    return fresh | _links(stranger, cluster, at)


def _told(each: Adoption, of: Mapping[str, int], cluster: str, into: Adopts, at: int) -> dict[str, Any]:
    known_by = "Flink job id" if each.itself or each.by_id else "name"
    kind, how = ("job_adopted", "found in") if each.again is None else ("job_returned", f"back, by its {known_by}, in")
    anew = ", started anew" if each.by_id else ""
    detail = f"{each.stranger.name[:200]}: {how} cluster {cluster} as {each.stranger.flink_job_id}{anew}."
    return event(kind, at, into.project, job_id=of[each.stranger.flink_job_id], detail=detail)
