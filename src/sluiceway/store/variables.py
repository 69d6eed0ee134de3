"""The variables of projects. Sensitive values arrive here sealed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.store import ledger
from sluiceway.store.database import Database, epoch_ms, moment
from sluiceway.store.events import event
from sluiceway.store.reserve import Use
from sluiceway.store.schema import jobs, runs, variables
from sluiceway.store.trouble import unique_name


class VariableNameInUse(Exception):
    """The project has a variable of this name."""


class VariablesFull(Exception):
    """The project has as many variables as it may have."""


@dataclass(frozen=True, slots=True)
class StoredVariable:
    """A variable as it is stored."""

    id: int
    name: str
    value: str  # of a sensitive one sealed
    sensitive: bool
    user: str  # who made it
    created_at: datetime
    updated_at: datetime


async def create_variable(
    db: Database, project: str, name: str, value: str, most: int, now: datetime, who: str, *, sensitive: bool
) -> None:
    """Store a new variable. Raises `VariableNameInUse`, and `VariablesFull` when there are `most` already."""
    at = epoch_ms(now)
    row: dict[str, Any] = {"project": project, "name": name, "value": value, "sensitive": sensitive, "user": who}
    count = select(func.count()).select_from(variables).where(variables.c.project == project)
    async with unique_name("variables", VariableNameInUse), db.write() as connection:
        if (await connection.execute(count)).scalar_one() >= most:
            raise VariablesFull
        row |= {"created_at": at, "updated_at": at, "after_run": await _newest_run(connection)}
        await connection.execute(insert(variables), [row])
        await ledger.tell(connection, [event("variable_created", at, project, who=who, detail=name)])


async def variable(db: Database, project: str, name: str) -> StoredVariable | None:
    """One variable of a project."""
    async with db.read() as connection:
        row = (await connection.execute(select(variables).where(*_one(project, name)))).mappings().one_or_none()
    return None if row is None else _variable(row)


async def update_variable(db: Database, project: str, name: str, value: str, now: datetime, who: str) -> bool:
    """Give a variable another value; whether there is one."""
    at = epoch_ms(now)
    async with db.write() as connection:
        now_on = {"value": value, "updated_at": at, "after_run": await _newest_run(connection)}
        changed = update(variables).where(*_one(project, name)).values(**now_on)
        found = (await connection.execute(changed)).rowcount == 1
        if found:
            await ledger.tell(connection, [event("variable_updated", at, project, who=who, detail=name)])
        return found


async def delete_variable(db: Database, project: str, name: str, now: datetime, who: str) -> bool:
    """Delete a variable; whether there was one."""
    at = epoch_ms(now)
    async with db.write(Use.MAKES_ROOM) as connection:
        found = (await connection.execute(delete(variables).where(*_one(project, name)))).rowcount == 1
        if found:
            await ledger.tell(connection, [event("variable_deleted", at, project, who=who, detail=name)])
        return found


async def variables_page(db: Database, project: str, *, offset: int, limit: int) -> tuple[int, list[StoredVariable]]:
    """How many there are, and one page of them by name."""
    mine = variables.c.project == project
    page = select(variables).where(mine).order_by(variables.c.name).limit(limit).offset(offset)
    async with db.read() as connection:
        total = (await connection.execute(select(func.count()).select_from(variables).where(mine))).scalar_one()
        return int(total), [_variable(row) for row in (await connection.execute(page)).mappings()]


async def variables_named(db: Database, project: str, names: Sequence[str]) -> list[StoredVariable]:
    """Those of the project that have one of these names."""
    wanted = select(variables).where(variables.c.project == project, variables.c.name.in_(names))
    async with db.read() as connection:
        return [_variable(row) for row in (await connection.execute(wanted)).mappings()]


async def variable_names(db: Database, project: str) -> set[str]:
    """The names of all of the project's."""
    async with db.read() as connection:
        return set((await connection.execute(select(variables.c.name).where(variables.c.project == project))).scalars())


async def settled_at(db: Database, project: str) -> dict[str, int]:
    """For each name the newest run at the time of the variable's value.

    Later runs had that value, and earlier ones may have had another. No clock is asked, as clocks are set.
    """
    wanted = select(variables.c.name, variables.c.after_run).where(variables.c.project == project)
    async with db.read() as connection:
        return {row.name: row.after_run for row in await connection.execute(wanted)}


async def project_of(db: Database, job_id: int) -> str | None:
    """The project of a job's variables; None: the job is gone."""
    async with db.read() as connection:
        found = await connection.execute(select(jobs.c.project).where(jobs.c.id == job_id))
        project: str | None = found.scalar_one_or_none()
        return project


async def _newest_run(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(func.coalesce(func.max(runs.c.id), 0)))).scalar_one())


def _one(project: str, name: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return variables.c.project == project, variables.c.name == name


def _variable(row: RowMapping) -> StoredVariable:
    created, updated = moment(row["created_at"]), moment(row["updated_at"])
    assert created is not None, "the column is NOT NULL"
    assert updated is not None, "the column is NOT NULL"
    return StoredVariable(row["id"], row["name"], row["value"], bool(row["sensitive"]), row["user"], created, updated)
