"""The catalogue of savepoints: what was kept or registered, what is known of each, and which of them somebody needs.

Those that are registered come in through `store/registered.py`.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    ScalarSelect,
    Select,
    and_,
    case,
    func,
    not_,
    or_,
    select,
)

from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.run import LIVE, RunPhase
from sluiceway.store import ledger
from sluiceway.store.database import Database, epoch_ms, instant, moment
from sluiceway.store.events import event
from sluiceway.store.reserve import Use
from sluiceway.store.schema import jobs, runs, savepoints, stops

# A run that owns what it was restored from, or may: what never came to its cluster owns nothing.
OWNS = (runs.c.claims, or_(runs.c.acknowledged, runs.c.phase.in_(sorted({*LIVE, RunPhase.LOST}))))
_OBJECTS = ("s3", "s3a", "s3p")
_TIMES = ("verified_at", "removed_at", "registered_at", "protected_until")


class Need(StrEnum):
    """What a job still needs a savepoint for."""

    STOPPED_WITH = "stopped_with"  # its latest run ended with it
    RESTORED_FROM = "restored_from"  # a job's latest run began from it, and has not been stopped with another one
    NEWEST = "newest"  # no later one of it is whole, or none that is proven
    CLAIMED = "claimed"  # a run of it was resumed in claim mode: Flink owns the files, and builds on them
    NAMED = "named"  # another job was told to be resumed from it
    PROTECTED = "protected"  # somebody has asked for it to be kept


@dataclass(frozen=True, slots=True)
class Savepoint:
    """A savepoint as the catalogue has it."""

    id: int
    project: str
    job_id: int
    run_id: int | None  # None: no run of ours has made it
    batch_id: int | None
    path: str
    size: int | None
    format: str
    format_why: str
    drained: bool
    flink_version: str
    reason: str
    created_at: datetime
    verified_at: datetime | None
    fault: str
    unproven: str  # why a resume does not take it
    removed_at: datetime | None
    kind: str
    registered_at: datetime | None
    protected: bool
    protected_until: datetime | None  # None where it is protected: for good
    need: Need | None
    needing: int | None  # the job that needs it
    job_name: str | None


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that owns a savepoint or checkpoint; `live` as long as a run of it that does may run."""

    job_id: int
    live: bool


@dataclass(frozen=True, slots=True)
class Which:
    """Which savepoints to list. Whatever is None leaves all in."""

    job_id: int | None = None
    batch_id: int | None = None
    removed: bool = False  # those that were removed, too


@dataclass(frozen=True, slots=True)
class Retention:
    """How long savepoints are kept that nobody needs. Whatever is None keeps all."""

    oldest: datetime | None = None
    most: int | None = None  # of each job


async def listed(
    db: Database, project: str, which: Which, limit: int, before: int | None = None, *, now: datetime
) -> list[Savepoint]:
    """The latest savepoints of a project (before one, if it is given), the newest first."""
    matching = [savepoints.c.project == project]
    wanted = {"job_id": which.job_id, "batch_id": which.batch_id}
    matching += [savepoints.c[name] == value for name, value in wanted.items() if value is not None]
    if not which.removed:
        matching.append(savepoints.c.removed_at.is_(None))
    if before is not None:
        matching.append(savepoints.c.id < before)
    return await _read(db, _whole(now).where(*matching).order_by(savepoints.c.id.desc()).limit(limit))


async def one(db: Database, project: str, savepoint_id: int, *, now: datetime) -> Savepoint | None:
    """One savepoint of a project, also one that was removed."""
    mine = (savepoints.c.project == project) & (savepoints.c.id == savepoint_id)
    return next(iter(await _read(db, _whole(now).where(mine))), None)


async def dispensable(db: Database, keep: Retention, after: int, limit: int, *, now: datetime) -> list[Savepoint]:
    """Savepoints of all projects that follow an id, are beyond what is to be kept, and are needed by nobody.

    One that is registered ages from then on, and one that is protected takes no place among the `most` of its job.
    """
    beyond: list[ColumnElement[bool]] = []
    if keep.oldest is not None:
        since = func.coalesce(savepoints.c.registered_at, savepoints.c.created_at)
        beyond.append(since < epoch_ms(keep.oldest))
    if keep.most is not None:
        place = func.row_number().over(partition_by=savepoints.c.job_id, order_by=savepoints.c.id.desc())
        counted = (savepoints.c.removed_at.is_(None), not_(_protected(now)))
        present = select(savepoints.c.id, place.label("place")).where(*counted).subquery()
        beyond.append(savepoints.c.id.in_(select(present.c.id).where(present.c.place > keep.most)))
    if not beyond:
        return []
    matching = (savepoints.c.removed_at.is_(None), savepoints.c.id > after, or_(*beyond), _need(now).is_(None))
    return await _read(db, _whole(now).where(*matching).order_by(savepoints.c.id).limit(limit))


async def verified(db: Database, savepoint: Savepoint, now: datetime, who: str) -> None:
    """Remember that it was read and found whole."""
    await _change(db, savepoint, {"verified_at": epoch_ms(now), "fault": ""}, "savepoint_verified", now, who)


async def broken(db: Database, savepoint: Savepoint, fault: str, now: datetime, who: str) -> None:
    """Remember what was found wrong with it."""
    about = replace(savepoint, fault=fault)
    await _change(db, about, {"fault": fault}, "savepoint_broken", now, who)


async def removed(db: Database, savepoint: Savepoint, now: datetime, who: str) -> None:
    """Remember that its files are gone. Of two who have removed them at once, the first is told of."""
    await _change(db, savepoint, {"removed_at": epoch_ms(now)}, "savepoint_removed", now, who)


async def _change(
    db: Database, savepoint: Savepoint, values: dict[str, object], kind: str, now: datetime, who: str
) -> None:
    """Change a row that was not removed meanwhile, and tell of it."""
    present = (savepoints.c.id == savepoint.id) & savepoints.c.removed_at.is_(None)
    detail = f"{savepoint.path}: {savepoint.fault}" if kind == "savepoint_broken" else savepoint.path
    told = event(kind, epoch_ms(now), savepoint.project, job_id=savepoint.job_id, who=who, detail=detail)
    async with db.write(Use.MAKES_ROOM) as connection:
        if await ledger.change_savepoint(connection, present, values):
            await ledger.tell(connection, [told])


def _whole(now: datetime) -> Select[tuple[object, ...]]:
    joined = savepoints.outerjoin(jobs, jobs.c.id == savepoints.c.job_id).outerjoin(stops, stops.c.id == jobs.c.stop_id)
    needing = case(*((when, who) for when, _, who in _needs(now)))
    return select(
        *savepoints.c, _need(now).label("need"), needing.label("needing"), jobs.c.name.label("job_name")
    ).select_from(joined)


def _need(now: datetime) -> ColumnElement[str | None]:
    """What a job needs it for. Starts and resumes take nothing else, so one may go that was not needed just now."""
    return case(*((when, need.value) for when, need, _ in _needs(now)))


def _needs(now: datetime) -> list[tuple[ColumnElement[bool], Need, ColumnElement[int | None]]]:
    """When it is needed, what for, and by which job. The first that holds counts."""
    other = savepoints.alias()
    newest = select(func.max(other.c.id)).where(
        other.c.job_id == savepoints.c.job_id, other.c.removed_at.is_(None), other.c.fault == ""
    )
    newest = newest.where(other.c.registered_at.is_(None))  # ids tell what came last only of those that we have made
    proven = newest.where(other.c.unproven == "").scalar_subquery()
    path, own = savepoints.c.path, jobs.c.id
    present = savepoints.c.removed_at.is_(None)
    mine = and_(present, own.is_not(None), jobs.c.deleted_at.is_(None))
    last = or_(jobs.c.savepoint_path == path, savepoints.c.id.in_((newest.scalar_subquery(), proven)))
    return [
        (and_(present, _claimed().is_not(None)), Need.CLAIMED, _claimed()),
        (and_(mine, stops.c.savepoint_path == path), Need.STOPPED_WITH, own),
        (and_(present, _restored().is_not(None)), Need.RESTORED_FROM, _restored()),
        (and_(mine, last), Need.NEWEST, own),
        (and_(present, _named().is_not(None)), Need.NAMED, _named()),
        (and_(present, _protected(now)), Need.PROTECTED, savepoints.c.job_id),
    ]


def _protected(now: datetime) -> ColumnElement[bool]:
    until = savepoints.c.protected_until
    return and_(savepoints.c.protected, or_(until.is_(None), until > epoch_ms(now)))


def _claimed() -> ScalarSelect[int | None]:
    """A job of which a run owns it."""
    here = (runs.c.restore == savepoints.c.path, *OWNS)
    return select(func.min(runs.c.job_id)).where(*here).correlate(savepoints).scalar_subquery()


def spellings(path: str) -> list[str]:
    """A URI as we write it, and as Flink or an admin may: what a stop wrote where nobody looked is kept as it was told.

    Flink writes `file:/x` for `file:///x`, and has three schemes for one object store.
    """
    scheme, _, rest = path.partition(":")
    if scheme == "file":
        return [path, f"file:/{rest.lstrip('/')}"]
    return [f"{one}:{rest}" for one in _OBJECTS] if scheme in _OBJECTS else [path]


async def claim(db: Database, path: str) -> Claim | None:
    """Which job owns what lies there, by a run that was resumed from it in claim mode."""
    live = case((runs.c.phase.in_(sorted(LIVE)), 1), else_=0)
    here = runs.c.restore.in_(spellings(path))
    wanted = select(runs.c.job_id, func.max(live).label("live")).where(here, *OWNS)
    async with db.read() as connection:
        row = (await connection.execute(wanted.group_by(runs.c.job_id))).first()
        return None if row is None else Claim(row.job_id, bool(row.live))


def _restored() -> ScalarSelect[int | None]:
    """A job whose latest run has begun from it and was not stopped with another one."""
    job, stop = jobs.alias(), stops.alias()
    saved = and_(stop.c.phase == StopPhase.STOPPED, stop.c.savepoint_path.is_not(None), stop.c.unproven == "")
    latest = (job.c.id == runs.c.job_id) & (job.c.run_id == runs.c.id)
    began = runs.join(job, latest).outerjoin(stop, stop.c.id == job.c.stop_id)
    here = (runs.c.restore == savepoints.c.path, job.c.deleted_at.is_(None), func.coalesce(saved, False).is_(False))
    return select(func.min(job.c.id)).select_from(began).where(*here).correlate(savepoints).scalar_subquery()


def _named() -> ScalarSelect[int | None]:
    """A job that has it for its newest savepoint, because somebody has said so."""
    job = jobs.alias()
    here = (job.c.savepoint_path == savepoints.c.path, job.c.deleted_at.is_(None))
    return select(func.min(job.c.id)).where(*here).correlate(savepoints).scalar_subquery()


async def _read(db: Database, wanted: Select[tuple[object, ...]]) -> list[Savepoint]:
    async with db.read() as connection:
        return [_savepoint(row) for row in (await connection.execute(wanted)).mappings()]


def _savepoint(row: RowMapping) -> Savepoint:
    times = {name: moment(row[name]) for name in _TIMES}
    need = None if row["need"] is None else Need(row["need"])
    rest = {name: value for name, value in row.items() if name not in {"stop_id", "save_id"}}
    return Savepoint(**{**rest, **times, "created_at": instant(row["created_at"]), "need": need})
