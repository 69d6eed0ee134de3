"""What a worker's turn reads and writes: the unsettled runs, stops and savepoints of one cluster."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import itemgetter
from sys import intern
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    Select,
    and_,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.admission import RUNNABLE
from sluiceway.domain.catalogue import entries
from sluiceway.domain.copies import replace
from sluiceway.domain.happenings import happenings, second_copy
from sluiceway.domain.job import JobSpec
from sluiceway.domain.operations.save import Save
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.watched import Change, Part, Watched
from sluiceway.store import ledger, schema
from sluiceway.store.bulk import given, given_ids, guarded_update, ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.joint import Joint
from sluiceway.store.leases import Lease
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json, to_run, to_save, to_spec, to_stop
from sluiceway.store.schema import (
    LIVE_OR_LOST,
    OPEN_SAVE,
    UNSETTLED,
    jobs,
    runs,
    saves,
    stops,
)

MOST_ROWS: Final = 2000  # that are read or written together: each takes some kilobytes while it is on its way

# Built once: a worker asks these at every turn.
_RUNS = select(
    runs, (jobs.c.run_id == runs.c.id).label("current"), jobs.c.stop_id, jobs.c.save_id, jobs.c.project
).join(jobs, jobs.c.id == runs.c.job_id)
# A run that was lost stays watched: its cluster may yet show it again, beside one that was started since.
_WATCHED = _RUNS.where(
    runs.c.cluster.in_(given_ids()),
    text(f"runs.{LIVE_OR_LOST}"),
    (runs.c.phase != RunPhase.LOST) | runs.c.life.is_(None),
)
_OPEN_STOPS = select(stops).where(stops.c.cluster.in_(given_ids()), text(f"stops.{UNSETTLED}"))
_OPEN_SAVES = select(saves).where(saves.c.cluster.in_(given_ids()), text(f"saves.{OPEN_SAVE}"))
_NUMBERS = select(schema.changes).where(schema.changes.c.cluster.in_(given_ids()))
_ENDED_RUNS = _RUNS.where(runs.c.id.in_(given_ids()))
_STOPS, _SAVES = (select(table).where(table.c.id.in_(given_ids())) for table in (stops, saves))


@dataclass(frozen=True, slots=True)
class Read:
    """Everything of a cluster that is not done for good, oldest run first."""

    watched: Sequence[Watched]
    number: int  # of the changes until then; see `Database.changes`


@dataclass(frozen=True, slots=True)
class Recorded:
    """What was stored, as it now is, by run id; without what somebody had forestalled."""

    by_run: Mapping[int, Watched]
    before: int | None  # the number of the changes until then; None where it could not be read
    number: int  # and with these


async def read_all(db: Database, clusters: Sequence[str]) -> list[Read]:
    """Read all that is to be watched of these clusters, as it was at one moment; in their order."""
    here = {"ids": to_json(clusters)}
    async with db.read() as connection:
        numbers = await _numbers(connection, clusters)
        rows = list((await connection.execute(_WATCHED, here)).mappings())
        stop_rows = list((await connection.execute(_OPEN_STOPS, here)).mappings())
        save_rows = list((await connection.execute(_OPEN_SAVES, here)).mappings())
        place = {row["run_id"]: row["cluster"] for row in (*stop_rows, *save_rows)}
        place |= {row["id"]: row["cluster"] for row in rows}
        if ended := place.keys() - {row["id"] for row in rows}:
            rows += (await connection.execute(_ENDED_RUNS, {"ids": to_json(sorted(ended))})).mappings()
        stop_rows += await _settled(connection, _STOPS, rows, "stop_id", stop_rows)
        save_rows += await _settled(connection, _SAVES, rows, "save_id", save_rows)
    stop_of = {row["run_id"]: to_stop(row) for row in stop_rows}
    save_of = {row["run_id"]: to_save(row) for row in save_rows}
    watched: dict[str, list[Watched]] = {cluster: [] for cluster in clusters}
    for row in sorted(rows, key=lambda row: row["id"]):
        watched[place[row["id"]]].append(_watched(row, stop_of.get(row["id"]), save_of.get(row["id"])))
    return [Read(watched[cluster], numbers.get(cluster, 0)) for cluster in clusters]


async def _numbers(connection: AsyncConnection, clusters: Collection[str]) -> dict[str, int]:
    found = await connection.execute(_NUMBERS, {"ids": to_json(sorted(clusters))})
    return {row.cluster: row.number for row in found}


async def _settled(
    connection: AsyncConnection,
    known: Select[Any],
    run_rows: Sequence[RowMapping],
    link: str,
    found: Sequence[RowMapping],
) -> Sequence[RowMapping]:
    """Those that the jobs of these runs show, and that were not found among the open ones."""
    missing = {row[link] for row in run_rows if row[link]} - {row["id"] for row in found}
    if not missing:
        return []
    return list((await connection.execute(known, {"ids": to_json(sorted(missing))})).mappings())


def _watched(row: RowMapping, stop: Stop | None, save: Save | None) -> Watched:
    return Watched(to_run(row), stop, bool(row["current"]), intern(row["project"]), row["batch_id"], save)


@dataclass(frozen=True, slots=True)
class Found:
    """What one turn has made of a cluster."""

    lease: Lease
    changes: Sequence[Change]
    now: datetime


def _moved(found: Found) -> int:
    return sum(change.before is not change.after for change in found.changes) or 1


class Records:
    """Reads for turns and records them; what comes at one moment, together."""

    def __init__(self, db: Database) -> None:
        """Nothing was recorded yet."""
        self.db = db
        self._reads: Joint[tuple[str, int], Read] = Joint(self._read, itemgetter(0), itemgetter(1), MOST_ROWS)
        self._joint: Joint[Found, Recorded] = Joint(
            partial(record_all, db), lambda found: found.lease.cluster, _moved, MOST_ROWS
        )

    async def read(self, cluster: str, about: int) -> Read:
        """Read all that is to be watched of a cluster; `about` is how many runs that may be."""
        return await self._reads((cluster, about))

    async def _read(self, parts: Sequence[tuple[str, int]]) -> list[Read]:
        return await read_all(self.db, [cluster for cluster, _ in parts])

    async def __call__(self, lease: Lease, changes: Sequence[Change], now: datetime) -> Recorded:
        """Store the changes that nobody has forestalled, each whole. A lease that was lost stores nothing."""
        return await self._joint(Found(lease, changes, now))


async def record_all(db: Database, found: Sequence[Found]) -> list[Recorded]:
    """Record turns at several clusters, of each of them one, in one transaction. Each answers for itself."""
    clusters = [each.lease.cluster for each in found]
    moved = [(each.lease, change, each.now) for each in found for change in each.changes if change.moved]
    async with db.write(Use.UPKEEP) as connection:
        before = [db.changes(cluster) for cluster in clusters]  # nobody else can write before this has ended
        forestalled = await _forestalled(connection, [(lease, change) for lease, change, _ in moved])
        whole = [(change, now) for _, change, now in moved if change.after.run.id not in forestalled]
        parts = [(change.moved_run, change.moved_stop, change.moved_save) for change, _ in whole]
        await ledger.store(connection, [run for run, _, _ in parts if run])
        await ledger.store(connection, [stop for _, stop, _ in parts if stop])
        await ledger.store(connection, [save for _, _, save in parts if save])
        await _show(connection, [change for change, _ in whole])
        await ledger.tell(connection, [event for change, now in whole for event in _told(change, now)])
        await ledger.catalogue(connection, [entry for change, now in whole for entry in entries(change, now)])
        numbers = await _numbers(connection, clusters)
    stored = {c.after.run.id: _as_stored(c.after, *own) for (c, _), own in zip(whole, parts, strict=True)}
    answers = []
    for each, number in zip(found, before, strict=True):
        by_run = {change.after.run.id: change.after for change in each.changes}
        kept = {run_id: stored.get(run_id, after) for run_id, after in by_run.items() if run_id not in forestalled}
        answers.append(Recorded(kept, number, numbers.get(each.lease.cluster, 0)))
    return answers


async def _show(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Let the jobs show what became of their latest run, stop and savepoint.

    A job that was given another of these meanwhile is left alone: it has its status from there.
    """
    current = [change for change in changes if change.after.current]
    rows = [_identity(change.after) | columns for change in current if (columns := _shown(change))]
    await guarded_update(connection, jobs, rows, match=("id", "run_id", "stop_id", "save_id"))
    for copy in (c for c in changes if not c.after.current and c.revived):
        shown = update(jobs).where(jobs.c.id == copy.after.run.job_id)
        await connection.execute(shown.values(why=second_copy(copy)))


async def specs(db: Database, job_ids: Sequence[int]) -> dict[int, tuple[str, JobSpec]]:
    """The name and the spec of each job."""
    spec = schema.specs.c
    wanted = select(jobs.c.id, jobs.c.name, spec.spec).join(schema.specs, spec.job_id == jobs.c.id)
    async with db.read() as connection:
        rows = await connection.execute(wanted.where(jobs.c.id.in_(ids(job_ids))))
        return {row.id: (row.name, to_spec(row.spec)) for row in rows}


async def specs_of_runs(db: Database, run_ids: Sequence[int]) -> dict[int, tuple[JobSpec, bool]]:
    """The spec of the job of each run, and whether it may have been changed since the run began."""
    changed = (jobs.c.updated_at >= runs.c.created_at).label("changed")
    wanted = select(runs.c.id, schema.specs.c.spec, changed).join(jobs, jobs.c.id == runs.c.job_id)
    wanted = wanted.join(schema.specs, schema.specs.c.job_id == jobs.c.id)
    async with db.read() as connection:
        rows = await connection.execute(wanted.where(runs.c.id.in_(ids(run_ids))))
        return {row.id: (to_spec(row.spec), bool(row.changed)) for row in rows}


def _as_stored(
    after: Watched, run: tuple[Run, Run] | None, stop: tuple[Stop, Stop] | None, save: tuple[Save, Save] | None
) -> Watched:
    """What was just written, which a turn may move again: the versions of what has moved have moved, too."""
    return replace(
        after,
        run=_next(run) if run else after.run,
        stop=_next(stop) if stop else after.stop,
        save=_next(save) if save else after.save,
    )


def _next(moved: tuple[Part, Part]) -> Part:
    before, after = moved
    return replace(after, version=before.version + 1)


async def _forestalled(connection: AsyncConnection, moved: Sequence[tuple[Lease, Change]]) -> set[int]:
    """The runs whose changes somebody has forestalled; all those of a cluster whose lease was lost.

    A change is stored whole or not at all: a run that moved without its stop would never be told of.
    """
    versions = [_versions(lease, change.before) for lease, change in moved]
    return set((await connection.execute(_FORESTALLED, {"versions": to_json(versions)})).scalars())


def _of_forestalled(lost: ColumnElement[bool]) -> Select[Any]:
    each = given("versions")
    field = partial(func.json_extract, each.c.value)
    known = each.outerjoin(runs, runs.c.id == field("$.run")).outerjoin(stops, stops.c.id == field("$.stop"))
    known = known.outerjoin(saves, saves.c.id == field("$.save"))
    held = (schema.leases.c[name] == field(f"$.{name}") for name in ("cluster", "owner", "fence"))
    known = known.outerjoin(schema.leases, and_(*held))
    other = (runs.c.version != field("$.run_version")) | (stops.c.version != field("$.stop_version"))
    other |= saves.c.version != field("$.save_version")
    return select(field("$.run")).select_from(known).where(other | lost)


_FORESTALLED = _of_forestalled(schema.leases.c.cluster.is_(None))  # built once, as those above


def _versions(lease: Lease, watched: Watched) -> dict[str, int | str | None]:
    stop, save = watched.stop, watched.save
    return {
        "cluster": lease.cluster,
        "owner": lease.owner,
        "fence": lease.fence,
        "run": watched.run.id,
        "run_version": watched.run.version,
        "stop": stop.id if stop else None,
        "stop_version": stop.version if stop else None,
        "save": save.id if save else None,
        "save_version": save.version if save else None,
    }


def _identity(watched: Watched) -> dict[str, Any]:
    return {
        "id": watched.run.job_id,
        "run_id": watched.run.id,
        "stop_id": watched.stop.id if watched.stop else None,
        "save_id": watched.save.id if watched.save else None,
    }


def _shown(change: Change) -> dict[str, Any]:
    """The columns of its job that a change moves."""
    before, after = _status(change.before), _status(change.after)
    columns = {} if before == after else after
    if columns and change.alive_again:
        # What somebody chose while the job seemed to be over is older than what it does now.
        columns["chosen_savepoint"] = None
    if newest := change.after.newest_savepoint:
        columns["savepoint_path"], columns["savepoint_size"] = newest
    return columns


def _status(watched: Watched) -> dict[str, Any]:
    stands = watched.standing
    ended = watched.run.ended_at if stands.status in RUNNABLE else None
    return {"status": stands.status, "why": stands.why, "ended_at": epoch_ms(ended) if ended else None}


def _told(change: Change, now: datetime) -> Iterable[dict[str, Any]]:
    job, project = change.after.run.job_id, change.after.project
    for each in happenings(change):
        row = event(each.kind, epoch_ms(now), project, job_id=job, detail=each.detail)
        yield row | {"batch_id": each.batch_id, "stop_id": each.stop_id}
