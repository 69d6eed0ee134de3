"""Reads the events of a project, and writes those that change nothing else, such as denied calls."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, FromClause, Select, func, select, text, union_all

from sluiceway.domain.access import EVERY_PROJECT
from sluiceway.domain.batch import Kind
from sluiceway.store import ledger
from sluiceway.store.database import Database, epoch_ms, instant
from sluiceway.store.events import event
from sluiceway.store.schema import batches, events, jobs

DENIED = "access_denied"
# What is done to users and to what they sign in with. It is about no project.
OF_USERS = (
    "user_added",
    "user_disabled",
    "user_enabled",
    "password_set",
    "password_changed",
    "password_change_allowed",
    "password_change_denied",
    "access_key_added",
    "access_key_revoked",
    "tokens_revoked",
)


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the audit."""

    id: int
    at: datetime
    kind: str
    job_id: int | None
    batch_id: int | None
    who: str
    detail: str
    resumes: bool = False  # the batch is a way back
    job_name: str | None = None


async def record(db: Database, kind: str, project: str, details: Sequence[str], now: datetime, who: str) -> None:
    """Write events that are stored nowhere else, one for each detail."""
    told = [event(kind, epoch_ms(now), project, who=who, detail=detail) for detail in details]
    async with db.write() as connection:
        await ledger.tell(connection, told)


@dataclass(frozen=True, slots=True)
class Denial:
    """A kind of call that was refused. It holds no secret, and nothing that a caller could make ever new ones of."""

    project: str
    who: str
    detail: str

    def again(self, times: int) -> "Denial":
        """That it happened so many times more."""
        return Denial(self.project, self.who, f"{self.detail} ({times} more times since)")


async def add_denials(db: Database, denials: Sequence[Denial], now: datetime) -> None:
    """Store them."""
    if denials:
        told = [event(DENIED, epoch_ms(now), d.project, who=d.who, detail=d.detail) for d in denials]
        async with db.write() as connection:
            await ledger.tell(connection, told)


@dataclass(frozen=True, slots=True)
class Sought:
    """Which events of a project are wanted. What is left out leaves all in."""

    job_id: int | None = None
    who: str | None = None  # exactly this name
    since: datetime | None = None
    newest: bool = False  # the last ones that match, and not the first ones; still the oldest first


ALL: Final = Sought()


async def of_project(
    db: Database,
    project: str,
    after: int,
    limit: int,
    sought: Sought = ALL,
    *,
    denials: bool = True,
    users: bool = True,
) -> list[Event]:
    """The events of a project that follow an id, the oldest first, and of what concerns every project among them;
    without `denials` none of denied calls, without `users` none of what is done to users."""
    if sought.since is not None:
        after = max(after, await _last_before(db, epoch_ms(sought.since)))
    hidden = (() if denials else (DENIED,)) + (() if users else OF_USERS)
    more: list[ColumnElement[bool]] = [events.c.id > after, *([events.c.kind.not_in(hidden)] if hidden else [])]
    of: ColumnElement[Any] = events.c.project
    if sought.job_id is not None:
        more.append(events.c.job_id == sought.job_id)
        of = func.ifnull(of, "")  # so that the walk is along the job's events, and not all of the project
    if sought.who is not None:
        more += [events.c.who == sought.who, events.c.who != text("''")]  # the second as the index has it
    # Each part by its own walk along an index: a sort would read all that follows for every page.
    first = events.c.id.desc() if sought.newest else events.c.id.asc()
    parts = [
        select(events).where(of == which, *more).order_by(first).limit(limit).subquery()
        for which in (project, EVERY_PROJECT)
    ]
    both = union_all(*(select(part) for part in parts)).subquery()
    first = both.c.id.desc() if sought.newest else both.c.id.asc()
    async with db.read() as connection:
        found = list(map(to_event, await connection.execute(with_names(both).order_by(first).limit(limit))))
    return found[::-1] if sought.newest else found


async def _last_before(db: Database, moment_ms: int) -> int:
    """The id of the last event before a moment, by halves: ids are given in the order of time."""
    async with db.read() as connection:
        low, high = 0, (await connection.execute(select(func.max(events.c.id)))).scalar_one() or 0
        while low < high:
            middle = (low + high + 1) // 2
            older = select(events.c.at).where(events.c.id <= middle).order_by(events.c.id.desc()).limit(1)
            at = (await connection.execute(older)).scalar_one_or_none()
            low, high = (middle, high) if at is None or at < moment_ms else (low, middle - 1)
    return low


async def last_id(db: Database) -> int:
    """The id of the newest event of all; 0 without any."""
    async with db.read() as connection:
        return (await connection.execute(select(func.max(events.c.id)))).scalar_one() or 0


def with_names(which: FromClause) -> Select[Any]:
    """Events with the kinds of their orders and the names of their jobs."""
    wanted = select(which, batches.c.kind.label("ordered"), jobs.c.name.label("job_name"))
    there = which.outerjoin(batches, batches.c.id == which.c.batch_id).outerjoin(jobs, jobs.c.id == which.c.job_id)
    return wanted.select_from(there)


def to_event(row: Any) -> Event:
    """An event of a row of `with_names`."""
    at, resumes = instant(row.at), row.ordered == Kind.RESUME
    return Event(row.id, at, row.kind, row.job_id, row.batch_id, row.who, row.detail, resumes, row.job_name)
