"""States that people name by their path: whose they are known to be, and how they come into the catalogue."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import null, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.behind import Known
from sluiceway.domain.catalogue import Entry
from sluiceway.domain.job import JobStatus
from sluiceway.domain.way_back import Kind
from sluiceway.store import ledger
from sluiceway.store.catalogue import spellings
from sluiceway.store.database import Database, epoch_ms, instant
from sluiceway.store.events import event
from sluiceway.store.intents import Choice, choose
from sluiceway.store.rows import of_entry
from sluiceway.store.schema import jobs, runs, savepoints
from sluiceway.store.stop_intents import known

_ANEW = ("protected", "protected_until", "verified_at", "size")  # what changes of a state that is there already


@dataclass(frozen=True, slots=True)
class Holder:
    """A job that a state is known to be of."""

    project: str
    job_id: int
    deleted: bool
    savepoint_id: int | None  # in the catalogue; None where the state lies in the directory of a run's checkpoints
    run_id: int | None  # that has made it


@dataclass(frozen=True, slots=True)
class Seen:
    """A job as it was when somebody decided what its next resume begins from."""

    run_id: int | None
    chosen: str | None


@dataclass(frozen=True, slots=True)
class Registration:
    """A state that is to be in the catalogue as one of a job."""

    entry: Entry
    who: str
    choose: bool  # the job's next resume begins from it,
    seen: Seen | None  # if the job is still like that; None: however it is


@dataclass(frozen=True, slots=True)
class Registered:
    """What became of it."""

    id: int
    fresh: bool  # the catalogue did not have it as one of this job
    chosen: bool


class Taken(Exception):
    """Another job has it in the catalogue."""

    def __init__(self, holder: Holder) -> None:
        """`holder` is the one that has it."""
        super().__init__("taken")
        self.holder = holder


async def holders(db: Database, path: str) -> list[Holder]:
    """The jobs that a state is known to be of: by the catalogue, or by the run in whose directory it lies."""
    async with db.read() as connection:
        return await _holders(connection, path)


async def _holders(connection: AsyncConnection, path: str) -> list[Holder]:
    parts = path.split("/")
    whose = (jobs.c.project, jobs.c.id.label("job_id"), jobs.c.deleted_at)
    kept = select(*whose, savepoints.c.id.label("savepoint_id"), savepoints.c.run_id)
    kept = kept.join(jobs, jobs.c.id == savepoints.c.job_id)
    kept = kept.where(savepoints.c.path.in_(spellings(path)), savepoints.c.removed_at.is_(None))
    made = select(*whose, null().label("savepoint_id"), runs.c.id.label("run_id"))
    made = made.join(jobs, jobs.c.id == runs.c.job_id).where(runs.c.flink_job_id == parts[-2])
    found = await connection.execute(union_all(kept, made) if len(parts) > 2 else kept)
    return [Holder(r.project, r.job_id, r.deleted_at is not None, r.savepoint_id, r.run_id) for r in found]


async def newer(db: Database, job_id: int, at: datetime, limit: int) -> list[Known]:
    """The states of a job in the catalogue that were complete after a moment, the newest first."""
    later = (savepoints.c.job_id == job_id, savepoints.c.removed_at.is_(None), savepoints.c.created_at > epoch_ms(at))
    wanted = select(savepoints.c.path, savepoints.c.kind, savepoints.c.created_at).where(*later)
    async with db.read() as connection:
        rows = await connection.execute(wanted.order_by(savepoints.c.created_at.desc()).limit(limit))
        return [Known(row.path, Kind(row.kind), instant(row.created_at)) for row in rows]


async def register(
    db: Database, wanted: Registration, runnable: Sequence[JobStatus], now: datetime
) -> Registered | None:
    """Put a state into the catalogue, and let the job's next resume begin from it where that is asked for and may be.

    One that the job has there already only changes how it is protected; one of a job that was deleted becomes this
    one's. None for a job that is gone. Raises `Taken`.
    """
    entry, at = wanted.entry, epoch_ms(now)
    async with db.write() as connection:
        mine = select(jobs.c.run_id, jobs.c.chosen_savepoint).where(*known(entry.project), jobs.c.id == entry.job_id)
        job = (await connection.execute(mine)).one_or_none()
        if job is None:
            return None
        there = [one for one in await _holders(connection, entry.path) if one.savepoint_id is not None]
        if other := next((one for one in there if one.job_id != entry.job_id and not one.deleted), None):
            raise Taken(other)
        had = next((one for one in there if one.job_id == entry.job_id), None)
        row_id = await _stored(connection, entry, had or next(iter(there), None))
        if had is None:
            told = event("savepoint_registered", at, entry.project, job_id=entry.job_id, who=wanted.who)
            await ledger.tell(connection, [told | {"detail": entry.path}])
        choice = Choice(entry.project, entry.job_id, entry.path, entry.size, wanted.who)
        may = wanted.choose and wanted.seen in {None, Seen(job.run_id, job.chosen_savepoint)}
        chosen = may and await choose(connection, choice, runnable, at)
        return Registered(row_id, had is None, chosen)


async def _stored(connection: AsyncConnection, entry: Entry, there: Holder | None) -> int:
    if there is None or there.savepoint_id is None:
        [row_id] = await ledger.catalogue(connection, [entry])
        return row_id
    names = _ANEW if there.job_id == entry.job_id else (*_ANEW, "job_id", "registered_at")
    row = of_entry(entry)
    changed = {name: row[name] for name in names} | {"fault": ""}
    await ledger.change_savepoint(connection, savepoints.c.id == there.savepoint_id, changed)
    return there.savepoint_id
