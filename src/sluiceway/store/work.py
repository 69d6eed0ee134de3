"""What a worker's turn reads and writes: the unsettled runs, stops and savepoints of one cluster."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import (
    RowMapping,
    Select,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.admission import RUNNABLE
from sluiceway.domain.health import told
from sluiceway.domain.job import JobSpec, standing
from sluiceway.domain.run import Run, RunPhase
from sluiceway.domain.snapshot import SETTLED as SETTLED_SNAPSHOTS
from sluiceway.domain.snapshot import Snapshot
from sluiceway.domain.stop import SETTLED, Stop, StopPhase
from sluiceway.store import schema
from sluiceway.store import snapshots as snapshot_rows
from sluiceway.store.bulk import given_ids, guarded_update, ids, listed
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.leases import Lease, holds
from sluiceway.store.reserve import Use
from sluiceway.store.rows import moves, to_json, to_run, to_snapshot, to_spec, to_stop
from sluiceway.store.schema import (
    LIVE_OR_LOST,
    OPEN_SNAPSHOT,
    UNSETTLED,
    batches,
    events,
    jobs,
    runs,
    savepoints,
    snapshots,
    stops,
)


@dataclass(frozen=True, slots=True)
class Work:
    """One run that wants watching, with the latest stop and the latest savepoint of it."""

    run: Run
    stop: Stop | None = None
    current: bool = True  # the job's latest run: its moves show in the job's status
    project: str = ""
    starts_batch: int | None = None  # the batch that the run is brought back from
    snapshot: Snapshot | None = None  # the latest that was asked for while it ran

    @property
    def open_snapshot(self) -> Snapshot | None:
        """The savepoint, as long as it has not settled."""
        return None if self.snapshot is None or self.snapshot.phase in SETTLED_SNAPSHOTS else self.snapshot

    @property
    def newest_savepoint(self) -> tuple[str, int | None] | None:
        """Where the last savepoint of the run lies that was kept, and its size: a stop's own is the newest.

        One of a run that never proved its state does not count.
        """
        for kept in (self.stop, self.snapshot):
            if kept is not None and kept.savepoint_path is not None and not kept.unproven:
                return kept.savepoint_path, kept.savepoint_size
        return None

    @property
    def undoubted(self) -> "Work":
        """The same, with every grace period yet to begin."""
        stop, snapshot = self.stop, self.snapshot
        return replace(
            self,
            run=replace(self.run, doubt_since=None, falters_since=None),
            stop=replace(stop, doubt_since=None) if stop else None,
            snapshot=replace(snapshot, doubt_since=None) if snapshot else None,
        )

    @property
    def open_stop(self) -> Stop | None:
        """The stop, as long as it has not settled."""
        return None if self.stop is None or self.stop.phase in SETTLED else self.stop


@dataclass(frozen=True, slots=True)
class Change:
    """What a turn makes of one piece of work."""

    before: Work
    after: Work
    flink_version: str = ""  # of the cluster, where it is known

    @property
    def moved(self) -> bool:
        """Whether there is anything to store."""
        return self.before != self.after


# Built once: a worker asks these at every turn.
_RUNS = select(
    runs, (jobs.c.run_id == runs.c.id).label("current"), jobs.c.stop_id, jobs.c.snapshot_id, jobs.c.project
).join(jobs, jobs.c.id == runs.c.job_id)
# A run that was lost stays watched: its cluster may yet show it again, beside one that was started since.
_WATCHED = _RUNS.where(
    runs.c.cluster == bindparam("cluster"),
    text(f"runs.{LIVE_OR_LOST}"),
    (runs.c.phase != RunPhase.LOST) | runs.c.life.is_(None),
)
_OPEN_STOPS = select(stops).where(stops.c.cluster == bindparam("cluster"), text(f"stops.{UNSETTLED}"))
_OPEN_SNAPSHOTS = select(snapshots).where(
    snapshots.c.cluster == bindparam("cluster"), text(f"snapshots.{OPEN_SNAPSHOT}")
)
_ENDED_RUNS = _RUNS.where(runs.c.id.in_(given_ids()))
_STOPS, _SNAPSHOTS = (select(table).where(table.c.id.in_(given_ids())) for table in (stops, snapshots))


async def unsettled(db: Database, cluster: str) -> list[Work]:
    """Everything of a cluster that is not done for good, oldest run first."""
    here = {"cluster": cluster}
    async with db.read() as connection:
        rows = list((await connection.execute(_WATCHED, here)).mappings())
        stop_rows = list((await connection.execute(_OPEN_STOPS, here)).mappings())
        snapshot_rows = list((await connection.execute(_OPEN_SNAPSHOTS, here)).mappings())
        ended = {row["run_id"] for row in (*stop_rows, *snapshot_rows)} - {row["id"] for row in rows}
        if ended:
            rows += (await connection.execute(_ENDED_RUNS, {"ids": to_json(sorted(ended))})).mappings()
        stop_rows += await _settled(connection, _STOPS, rows, "stop_id", stop_rows)
        snapshot_rows += await _settled(connection, _SNAPSHOTS, rows, "snapshot_id", snapshot_rows)
    stop_of = {row["run_id"]: to_stop(row) for row in stop_rows}
    snapshot_of = {row["run_id"]: to_snapshot(row) for row in snapshot_rows}
    rows.sort(key=lambda row: row["id"])
    return [_work(row, stop_of.get(row["id"]), snapshot_of.get(row["id"])) for row in rows]


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


def _work(row: RowMapping, stop: Stop | None, snapshot: Snapshot | None) -> Work:
    return Work(to_run(row), stop, bool(row["current"]), row["project"], row["batch_id"], snapshot)


async def save(db: Database, lease: Lease, changes: Sequence[Change], now: datetime) -> dict[int, Work]:
    """Store the changes that nobody forestalled; gives them back as they are now stored, by run id.

    A lease that was lost stores nothing.
    """
    moved = [change for change in changes if change.moved]
    if not moved:
        return {change.after.run.id: change.after for change in changes}
    async with db.write(Use.UPKEEP) as connection:
        forestalled = await _forestalled(connection, lease, moved)
        kept = [change for change in changes if change.after.run.id not in forestalled]
        whole = [change for change in kept if change.moved]
        run_moves = [c.after.run for c in whole if c.after.run != c.before.run]
        stop_moves = [c.after.stop for c in whole if c.after.stop is not None and c.after.stop != c.before.stop]
        await guarded_update(connection, runs, [moves(run) for run in run_moves])
        snapshot_moves = [c.after.snapshot for c in whole if c.after.snapshot and c.after.snapshot != c.before.snapshot]
        await guarded_update(connection, stops, [moves(stop) for stop in stop_moves])
        await guarded_update(connection, snapshots, [moves(snapshot) for snapshot in snapshot_moves])
        await _show(connection, whole)
        happened = [event for change in kept for event in _told(change, now)]
        if happened:
            await connection.execute(insert(events), happened)
        await snapshot_rows.catalogue(
            connection, [(c.after.snapshot, c.flink_version) for c in whole if c.after.snapshot and _saved_one(c)], now
        )
        await _catalogue(connection, kept, now)
    return {change.after.run.id: _as_stored(change) for change in kept}


async def _show(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Let the jobs show what became of their latest run, stop and savepoint.

    A job that was given another of these meanwhile is left alone: it has its status from there.
    """
    match = ("id", "run_id", "stop_id", "snapshot_id")
    current = [change for change in changes if change.after.current]
    rows = [_job_row(change.after) for change in current if _job_row(change.after) != _job_row(change.before)]
    await guarded_update(connection, jobs, rows, match=match)
    # What somebody chose while the job seemed to be over is older than what it does now.
    outlived = [_identity(c.after) | {"chosen_savepoint": None} for c in current if _alive_again(c)]
    await guarded_update(connection, jobs, outlived, match=match)
    for copy in (c.after.run for c in changes if not c.after.current and _revived(c)):
        await connection.execute(update(jobs).where(jobs.c.id == copy.job_id).values(why=_second_copy(copy)))
    saved = [_savepoint_row(c.after) for c in current if c.after.newest_savepoint]
    await guarded_update(connection, jobs, saved, match=match)


async def _catalogue(connection: AsyncConnection, changes: Sequence[Change], now: datetime) -> None:
    """Remember the savepoints that stops have just kept."""
    kept = [change for change in changes if change.moved and _kept_one(change)]
    if not kept:
        return
    rows = [{"id": c.after.stop.id, "version": c.flink_version} for c in kept if c.after.stop]
    given = listed(rows)
    field = partial(func.json_extract, given.c.value)
    policy = partial(func.json_extract, stops.c.policy)
    columns = {
        "project": jobs.c.project,
        "job_id": stops.c.job_id,
        "run_id": stops.c.run_id,
        "stop_id": stops.c.id,
        "batch_id": stops.c.batch_id,
        "path": stops.c.savepoint_path,
        "size": stops.c.savepoint_size,
        "format": func.coalesce(stops.c.format, policy("$.format"), "canonical"),
        "format_why": stops.c.format_why,
        "drained": func.coalesce(policy("$.drain"), False),
        "flink_version": field("$.version"),
        "reason": func.coalesce(batches.c.reason, ""),
        "created_at": literal(epoch_ms(now)),
        "verified_at": case((stops.c.verified, epoch_ms(now))),
        "unproven": stops.c.unproven,
    }
    joined = given.join(stops, stops.c.id == field("$.id")).join(jobs, jobs.c.id == stops.c.job_id)
    chosen = select(*columns.values()).select_from(joined.outerjoin(batches, batches.c.id == stops.c.batch_id))
    await connection.execute(insert(savepoints).from_select(list(columns), chosen))


def _saved_one(change: Change) -> bool:
    before, after = change.before.snapshot, change.after.snapshot
    return after is not None and after.savepoint_path is not None and (before is None or before.savepoint_path is None)


def _kept_one(change: Change) -> bool:
    before, after = change.before.stop, change.after.stop
    return after is not None and after.savepoint_path is not None and (before is None or before.savepoint_path is None)


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


def _as_stored(change: Change) -> Work:
    run, stop, before = change.after.run, change.after.stop, change.before
    if run != before.run:
        run = replace(run, version=run.version + 1)
    if stop is not None and stop != before.stop:
        stop = replace(stop, version=stop.version + 1)
    snapshot = change.after.snapshot
    if snapshot is not None and snapshot != before.snapshot:
        snapshot = replace(snapshot, version=snapshot.version + 1)
    return replace(change.after, run=run, stop=stop, snapshot=snapshot)


async def _forestalled(connection: AsyncConnection, lease: Lease, moved: Sequence[Change]) -> set[int]:
    """The runs whose changes somebody has forestalled; all of them when the lease was lost.

    A change is stored whole or not at all: a run that moved without its stop would never be told of.
    """
    if not await holds(connection, lease):
        return {change.after.run.id for change in moved}
    given = {"versions": to_json([_versions(change.before) for change in moved])}
    return {row.id for row in await connection.execute(_OTHER_VERSION, given)}


def _other_version() -> Select[tuple[int]]:
    given = func.json_each(bindparam("versions", type_=Text)).table_valued("key", "value")
    field = partial(func.json_extract, given.c.value)
    known = given.join(runs, runs.c.id == field("$.run")).outerjoin(stops, stops.c.id == field("$.stop"))
    known = known.outerjoin(snapshots, snapshots.c.id == field("$.snapshot"))
    other = (runs.c.version != field("$.run_version")) | (stops.c.version != field("$.stop_version"))
    other |= snapshots.c.version != field("$.snapshot_version")
    return select(runs.c.id).select_from(known).where(other)


_OTHER_VERSION = _other_version()  # built once, as those above


def _versions(work: Work) -> dict[str, int | None]:
    stop, snapshot = work.stop, work.snapshot
    return {
        "run": work.run.id,
        "run_version": work.run.version,
        "stop": stop.id if stop else None,
        "stop_version": stop.version if stop else None,
        "snapshot": snapshot.id if snapshot else None,
        "snapshot_version": snapshot.version if snapshot else None,
    }


def _identity(work: Work) -> dict[str, Any]:
    return {
        "id": work.run.job_id,
        "run_id": work.run.id,
        "stop_id": work.stop.id if work.stop else None,
        "snapshot_id": work.snapshot.id if work.snapshot else None,
    }


def _job_row(work: Work) -> dict[str, Any]:
    stands = standing(work.run, work.stop, work.snapshot)
    ended = work.run.ended_at if stands.status in RUNNABLE else None
    return _identity(work) | {
        "status": stands.status,
        "why": stands.why,
        "ended_at": epoch_ms(ended) if ended else None,
    }


def _alive_again(change: Change) -> bool:
    before, after = (standing(work.run, work.stop, work.snapshot) for work in (change.before, change.after))
    return before.status in RUNNABLE and after.status not in RUNNABLE


def _revived(change: Change) -> bool:
    return change.before.run.phase is RunPhase.LOST and change.after.run.phase is RunPhase.RUNNING


def _second_copy(run: Run) -> str:
    return f"A copy of it that was lost runs again as {run.flink_job_id}. Cancel one of the two in Flink."


def _savepoint_row(work: Work) -> dict[str, Any]:
    assert work.newest_savepoint is not None, "only asked for where one was kept"
    path, size = work.newest_savepoint
    return _identity(work) | {"savepoint_path": path, "savepoint_size": size}


def _told(change: Change, now: datetime) -> Iterable[dict[str, Any]]:
    run, stop, at = change.after.run, change.after.stop, epoch_ms(now)
    if run.phase is not change.before.run.phase:
        moved = event(f"run_{run.phase}", at, change.after.project, job_id=run.job_id, detail=run.reason)
        yield moved | {"batch_id": change.after.starts_batch, "stop_id": None}
    yield from _told_of_claims(change, at)
    yield from _told_of_health(change, at)
    before = change.before.stop
    if stop is not None and (before is None or (stop.phase, stop.attempt) != (before.phase, before.attempt)):
        detail = f"{stop.reason} {_format_of(stop)}".strip() if stop.phase is StopPhase.SENT else stop.reason
        moved = event(f"stop_{stop.phase}", at, change.after.project, job_id=stop.job_id, detail=detail)
        yield moved | {"batch_id": stop.batch_id, "stop_id": stop.id}
    snapshot, earlier = change.after.snapshot, change.before.snapshot
    if snapshot is not None and earlier is not None and snapshot.phase is not earlier.phase:
        detail = snapshot.savepoint_path or snapshot.reason or _format_of(snapshot)
        moved = event(f"snapshot_{snapshot.phase}", at, change.after.project, job_id=snapshot.job_id, detail=detail)
        yield moved | {"batch_id": None, "stop_id": None}


def _told_of_claims(change: Change, at: int) -> Iterable[dict[str, Any]]:
    run = change.after.run
    if run.claims and not change.before.run.claims:
        owned = (
            f"Flink owns {run.restore} from now on: the job keeps a changelog of its state, and resumes no other way."
        )
        claimed = event("savepoint_claimed", at, change.after.project, job_id=run.job_id, detail=owned)
        yield claimed | {"batch_id": change.after.starts_batch, "stop_id": None}


def _told_of_health(change: Change, at: int) -> Iterable[dict[str, Any]]:
    """One event when a job falls ill, one when it is well again, and one of what went wrong beside its start."""
    before, after = change.before.run, change.after.run
    about = {"batch_id": change.after.starts_batch, "stop_id": None}
    if after.live and after.health.ails is not before.health.ails:
        kind, detail = ("job_unwell", told(after.health)) if after.health.ails else ("job_well", "")
        yield event(kind, at, change.after.project, job_id=after.job_id, detail=detail) | about
    if after.note and after.note != before.note:
        yield event("job_note", at, change.after.project, job_id=after.job_id, detail=after.note) | about


def _format_of(attempt: Stop | Snapshot) -> str:
    """In which format a savepoint is asked for, and why; empty for a cancel."""
    asked = attempt.format if isinstance(attempt, Snapshot) or attempt.savepoint else None
    return "" if asked is None else f"Format: {asked}. {attempt.format_why}"
