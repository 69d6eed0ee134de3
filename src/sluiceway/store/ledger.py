"""What happened: the writes of runs, stops, savepoints that are taken, events, the catalogue, and what jobs show.

What people ask for and what turns find out is written here, and a test holds every other module to that; deadlines are
moved where that is decided. What follows from what is decided in `domain`: where rows are at hand, as values of it.
Orders of ten thousand jobs are accepted, released and marked by one statement each, which says the same in SQL.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, literal, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from sluiceway.domain.catalogue import Entry
from sluiceway.domain.job import JobStatus, Standing
from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.orders import StopOrder
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.watched import Part
from sluiceway.store.bulk import field, given, guarded_update, ids
from sluiceway.store.database import epoch_ms
from sluiceway.store.rows import ENTRY, moves, of_entry, of_policy, to_json
from sluiceway.store.schema import UNSETTLED, batches, events, jobs, runs, savepoints, saves, stops


async def tell(connection: AsyncConnection, told: Sequence[Mapping[str, Any]]) -> None:
    """Add events; see `event`. All of them have the same columns."""
    if told:
        await connection.execute(insert(events), [dict(each) for each in told])


# What jobs show. -----------------------------------------------------------------------------------------------------


async def show(
    connection: AsyncConnection, rows: Sequence[tuple[Mapping[str, Any], Standing]], **columns: Any
) -> set[int]:
    """Let jobs show how they stand, each only if it is still as given by its id and links; tells which do.

    `columns` are set in all of them.
    """
    shown = [{**same, "status": stands.status, "why": stands.why, **columns} for same, stands in rows]
    match = tuple(rows[0][0]) if rows else ("id",)
    return await guarded_update(connection, jobs, shown, match=match)


async def show_many(
    connection: AsyncConnection,
    which: Sequence[ColumnElement[bool]],
    status: JobStatus,
    why: str | ColumnElement[str] = "",
    **links: ColumnElement[Any],
) -> None:
    """Let all of these jobs show one status, in one statement.

    For orders, which may be of ten thousand jobs: what `standing` says of each is the same for all of them, and the
    rows that it says it of need not be read. What ails a job beside its stop is added by the next turn.
    """
    await connection.execute(update(jobs).where(*which).values(status=status, why=why, **links))


# Stops. --------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Means:
    """What a stop needs besides what its order says."""

    timeout: timedelta  # where the order names none
    home: str  # the directory (URI) that the jobs without a bucket have their state in, and that buckets lie in
    now: datetime

    def deadline(self, order: StopOrder) -> datetime:
        """Until when the stops of an order have time."""
        return self.now + (order.policy.timeout or self.timeout)


async def add_stops(
    connection: AsyncConnection, job_ids: Sequence[int], order: StopOrder, means: Means, batch: int | None
) -> None:
    """One stop for each job, with the token that all its trigger ids follow from, and a directory of its own."""
    stamp = means.now.strftime("%Y%m%dT%H%M%S.%f")[:-3]
    columns = {
        "batch_id": literal(batch),
        "job_id": jobs.c.id,
        "run_id": jobs.c.run_id,
        "cluster": jobs.c.cluster,
        "flink_job_id": jobs.c.flink_job_id,
        "savepoint": literal(order.savepoint),
        "root": _savepoints(order, means.home).concat(jobs.c.id).concat(literal(f"/{stamp}")),
        "token": func.lower(func.hex(func.randomblob(16))),
        "policy": literal(of_policy(order.policy)),
        "held": literal(order.gated),
        "phase": literal(StopPhase.WAITING.value),
        "deadline": literal(epoch_ms(means.deadline(order))),
        "created_at": literal(epoch_ms(means.now)),
    }
    chosen = select(*columns.values()).where(jobs.c.id.in_(ids(job_ids))).order_by(jobs.c.id)
    await connection.execute(insert(stops).from_select(list(columns), chosen))
    for wave in sorted(set(order.waves.values()) - {0}):  # a job without a wave is in the first, where all were put
        members = ids([job for job, its in order.waves.items() if its == wave])
        moved = update(stops).where(stops.c.batch_id == batch, stops.c.job_id.in_(members))
        await connection.execute(moved.values(wave=wave))


def _savepoints(order: StopOrder, home: str) -> ColumnElement[str]:
    """The directory that a job's savepoints go to, each stop's into one of its own. See `Storage.home`."""
    if order.target is not None:
        return literal(f"{order.target}/")
    bucket = func.coalesce(literal("/").concat(jobs.c.bucket), "")
    return literal(home).concat(bucket).concat(literal("/jobs/savepoint/"))


async def add_parked(
    connection: AsyncConnection, why_of: Mapping[int, str], order: StopOrder, means: Means, batch: int
) -> None:
    """One cancel for each run of a job that is parked, and why: begun where a savepoint has been given up."""
    await add_stops(connection, order.jobs, order, means, batch)
    for run, why in why_of.items():
        own = update(stops).where(stops.c.batch_id == batch, stops.c.run_id == run)
        await connection.execute(own.values(attempt=2, reason=why))
    linked = update(jobs).where(jobs.c.run_id == stops.c.run_id, stops.c.batch_id == batch)
    await connection.execute(linked.where(stops.c.run_id.in_(ids(list(why_of)))).values(stop_id=stops.c.id))


async def cancel(connection: AsyncConnection, doomed: Sequence[int], order: StopOrder, means: Means) -> None:
    """Let each of these jobs be canceled, at the latest once the stop that is under way has failed."""
    under_way = stops.c.job_id.in_(ids(doomed)) & text(f"stops.{UNSETTLED}")
    # Nor does it wait any longer for its wave.
    kept = update(stops).where(under_way).values(cancel_on_failure=True, held=False, version=stops.c.version + 1)
    stopping = set((await connection.execute(kept.returning(stops.c.job_id))).scalars())
    await add_stops(connection, [job for job in doomed if job not in stopping], order, means, None)
    linked = update(jobs).where(jobs.c.id == stops.c.job_id, jobs.c.id.in_(ids(doomed)), text(f"stops.{UNSETTLED}"))
    await connection.execute(linked.values(stop_id=stops.c.id))


async def take_back(connection: AsyncConnection, gone: Sequence[Stop]) -> None:
    """Store stops that were withdrawn. There may be ten thousand: no column is written that cannot have moved."""
    columns = ("phase", "held", "reason")
    rows = [
        {"id": stop.id, "version": stop.version, "settled_at": stop.settled_at and epoch_ms(stop.settled_at)}
        | {name: getattr(stop, name) for name in columns}
        | {"retry_at": None, "doubt_since": None}
        for stop in gone
    ]
    await guarded_update(connection, stops, rows)


async def release_stops(connection: AsyncConnection, which: Select[Any], now: datetime) -> None:
    """Let held stops begin. Their time begins now, too."""
    waited = epoch_ms(now) - stops.c.created_at
    freed = update(stops).where(stops.c.id.in_(which))
    await connection.execute(freed.values(held=False, deadline=stops.c.deadline + waited, version=stops.c.version + 1))


# Runs, and savepoints of those that run on. --------------------------------------------------------------------------


async def store(connection: AsyncConnection, moved: Sequence[tuple[Part, Part]]) -> set[int]:
    """Store how these have moved, each as it was and as it is, unless somebody else has moved it; tells which were.

    Only what differs is written: a turn moves few columns of many rows, and to write all takes several times as long.
    """
    if not moved:
        return set()
    table = {Run: runs, Stop: stops, Save: saves}[type(moved[0][1])]
    return await guarded_update(connection, table, [moves(before, after) for before, after in moved])


async def add_runs(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add the runs of jobs that are to start, and link each job to its own."""
    await connection.execute(insert(runs), [dict(row) for row in rows])
    link = select(func.max(runs.c.id)).where(runs.c.job_id == jobs.c.id).scalar_subquery()
    mine = jobs.c.id.in_(ids(sorted(row["job_id"] for row in rows)))
    await connection.execute(update(jobs).where(mine).values(run_id=link))


async def move_runs(connection: AsyncConnection, lost: Sequence[int], cluster: str) -> None:
    """Let runs that were lost be of another cluster. Those who watch either cluster are told of it."""
    mine = update(runs).where(runs.c.id.in_(ids(lost)))
    await connection.execute(mine.values(version=runs.c.version + 1))
    await connection.execute(mine.values(cluster=cluster))


async def end_lost(connection: AsyncConnection, followed: Sequence[int]) -> None:
    """Let runs that were lost be over: their next ones, under the same Flink job ids, have begun."""
    over = update(runs).where(runs.c.id.in_(ids(followed)), runs.c.phase == RunPhase.LOST)
    await connection.execute(over.values(phase=RunPhase.FINISHED, version=runs.c.version + 1))


async def release_starts(connection: AsyncConnection, which: Select[Any], now: datetime) -> None:
    """Let held starts begin."""
    freed = update(runs).where(runs.c.id.in_(which))
    values = {"held": False, "released_at": epoch_ms(now), "version": runs.c.version + 1}
    await connection.execute(freed.values(values))


async def unmoved(connection: AsyncConnection, seen: Iterable[Run]) -> set[int]:
    """Those of these runs that nobody has moved since. Whoever has seen them before must look again."""
    return await guarded_update(connection, runs, [{"id": run.id, "version": run.version} for run in seen])


async def look_again(connection: AsyncConnection, run_ids: Sequence[int]) -> None:
    """Let a turn that began before this order store nothing about these runs: it has seen neither it nor its end."""
    moved = update(runs).where(runs.c.id.in_(ids(run_ids)))
    await connection.execute(moved.values(version=runs.c.version + 1))


async def add_saves(connection: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add savepoints to be taken, let their jobs show them, and let turns look again."""
    await connection.execute(insert(saves), [dict(row) for row in rows])
    mine = jobs.c.id.in_(ids([row["job_id"] for row in rows]))
    latest = select(func.max(saves.c.id)).where(saves.c.job_id == jobs.c.id).scalar_subquery()
    await show_many(connection, [mine], JobStatus.SAVEPOINTING, save_id=latest)
    await look_again(connection, [row["run_id"] for row in rows])


# The catalogue. ------------------------------------------------------------------------------------------------------


async def catalogue(connection: AsyncConnection, new: Sequence[Entry]) -> list[int]:
    """Put these into the catalogue, each with the reason that its order gives; their ids there."""
    if not new:
        return []
    added = await connection.execute(_CATALOGUE, {"entries": to_json([of_entry(each) for each in new])})
    return list(added.scalars())


def _catalogue() -> ReturningInsert[Any]:
    entry = given("entries")
    columns = {name: field(entry, savepoints.c[name]) for name in ENTRY}
    columns["reason"] = func.coalesce(batches.c.reason, "")
    ordered = entry.outerjoin(batches, batches.c.id == columns["batch_id"])
    chosen = select(*columns.values()).select_from(ordered)
    return insert(savepoints).from_select(list(columns), chosen).returning(savepoints.c.id)


_CATALOGUE = _catalogue()  # built once: turns put in what they keep


async def change_savepoint(connection: AsyncConnection, which: ColumnElement[bool], values: Mapping[str, Any]) -> bool:
    """Change what the catalogue says of a savepoint; whether there is such a one."""
    changed = await connection.execute(update(savepoints).where(which).values(dict(values)))
    return bool(changed.rowcount)
