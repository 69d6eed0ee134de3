"""Takes in jobs that nobody made here, in one transaction of the worker that has their cluster."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import exists, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.adoption import Adopted, Adoption, Adopts, Stranger, adoptions, names
from sluiceway.domain.job import JAR_JOB, JarProgram, JobDraft, JobSpec, JobStatus, Standing
from sluiceway.domain.run import LIVE, RunPhase
from sluiceway.store import ledger
from sluiceway.store.bulk import guarded_update, listed
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.leases import Lease, holds
from sluiceway.store.rows import of_draft, of_spec
from sluiceway.store.schema import OPEN_SAVE, UNSETTLED, job_tags, jobs, runs, saves, specs, stops

UNKNOWN_PROGRAM = JobSpec("", program=JarProgram(""))  # it may be anything, and cannot be started without a jar
_IS_OPEN = exists().where(stops.c.job_id == jobs.c.id, text(f"stops.{UNSETTLED}")) | exists().where(
    saves.c.job_id == jobs.c.id, text(f"saves.{OPEN_SAVE}")
)
_OPEN = _IS_OPEN.label("open")


async def adopt(
    db: Database,
    lease: Lease,
    strangers: Sequence[Stranger],
    others: Sequence[Stranger],
    into: Adopts,
    now: datetime,
    labels: Mapping[str, str],
) -> Sequence[Adoption]:
    """Take in those that no run here has ever had the Flink job id of; nothing where the lease was lost.

    One that was taken in under the name of another cluster, which knows it no longer, is of this cluster from now on.
    `others` live beside them and bear the same names. `labels` are those of the cluster: what is taken in anew gets
    tags of them; what comes back keeps those that it has.
    """
    async with db.write() as connection:
        if not await holds(connection, lease):
            return []
        unknown = await _unknown(connection, [*strangers, *others])
        fresh, alike = ([each for each in those if each in unknown] for those in (strangers, others))
        found = await _lost_elsewhere(connection, [each for each in strangers if each not in unknown], lease.cluster)
        taken = adoptions(fresh, await _before(connection, lease.cluster), alike) if fresh else []
        new = [each.stranger for each in taken if each.again is None]
        made = await _make(connection, new, lease.cluster, into, now)
        await _tag(connection, {made[each.flink_job_id]: into.tags(each, labels) for each in new}, into.project)
        of = made | {each.stranger.flink_job_id: each.again.job_id for each in taken if each.again}
        if of:
            await _begin(connection, taken, of, lease.cluster, into, epoch_ms(now))
        if found:
            await _move(connection, found, lease.cluster, into, epoch_ms(now))
    return [*taken, *found]


async def _unknown(connection: AsyncConnection, strangers: Sequence[Stranger]) -> set[Stranger]:
    asked = listed([each.flink_job_id for each in strangers])
    found = select(runs.c.flink_job_id).where(runs.c.flink_job_id.in_(select(asked.c.value)))
    known = set((await connection.execute(found)).scalars())
    return {each for each in strangers if each.flink_job_id not in known}


async def _lost_elsewhere(connection: AsyncConnection, known: Sequence[Stranger], cluster: str) -> list[Adoption]:
    """Those whose own run was lost in another cluster: somebody has given that the address of this one for a while."""
    asked = listed([each.flink_job_id for each in known])
    lost = (runs.c.flink_job_id.in_(select(asked.c.value)), runs.c.phase == RunPhase.LOST, runs.c.cluster != cluster)
    mine = (jobs.c.run_id == runs.c.id, jobs.c.adopted_as.is_not(None), jobs.c.deleted_at.is_(None), ~_IS_OPEN)
    wanted = select(jobs.c.id, jobs.c.run_id, jobs.c.adopted_as, runs.c.flink_job_id)
    found = await connection.execute(wanted.join(runs, runs.c.job_id == jobs.c.id).where(*lost, *mine))
    named = {(row.flink_job_id, row.adopted_as): row for row in found} if known else {}
    rows = [(each, named.get((each.flink_job_id, each.name))) for each in known]
    return [Adoption(each, Adopted(row.id, row.run_id, each.name, True), itself=True) for each, row in rows if row]


async def _before(connection: AsyncConnection, cluster: str) -> list[Adopted]:
    """The jobs of the cluster that were taken in, as they stand now."""
    here = (jobs.c.cluster == cluster, jobs.c.adopted_as.is_not(None), jobs.c.deleted_at.is_(None))
    asked = select(jobs.c.id, jobs.c.run_id, jobs.c.adopted_as, runs.c.phase, _OPEN)
    found = await connection.execute(asked.join(runs, runs.c.id == jobs.c.run_id).where(*here))
    return [
        Adopted(row.id, row.run_id, row.adopted_as, RunPhase(row.phase) not in LIVE and not row.open) for row in found
    ]


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
    back = [{"id": each.again.job_id} | _links(each.stranger, cluster, at) for each in taken if each.again]
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
    known_by = "Flink job id" if each.itself else "name"
    kind, how = ("job_adopted", "found in") if each.again is None else ("job_returned", f"back, by its {known_by}, in")
    detail = f"{each.stranger.name[:200]}: {how} cluster {cluster} as {each.stranger.flink_job_id}."
    return event(kind, at, into.project, job_id=of[each.stranger.flink_job_id], detail=detail)
