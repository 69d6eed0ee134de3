"""The tags of a resource: looking at them, and changing them in one transaction."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.tags import TagChange
from sluiceway.store import ledger
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.schema import resource_tags, resources


async def tags(db: Database, project: str, group: str, name: str) -> dict[str, str] | None:
    """The tags of a resource by key; None when there is no such resource."""
    async with db.read() as connection:
        return await _tags(connection, project, group, name)


async def change_tags(
    db: Database,
    project: str,
    group: str,
    name: str,
    change: TagChange,
    now: datetime,
    who: str,
) -> bool:
    """Change the tags of a resource; whether there is such a resource. Raises `TooManyTags`."""
    async with db.write() as connection:
        before = await _tags(connection, project, group, name)
        if before is None:
            return False
        after = change.of(before)
        if after != before:
            await set_tags(connection, project, group, name, after)
            full_name = f"{group}/{name}" if group else name
            told = event("resource_tagged", epoch_ms(now), project, who=who, detail=full_name)
            await ledger.tell(connection, [told])
        return True


async def set_tags(connection: AsyncConnection, project: str, group: str, name: str, wanted: Mapping[str, str]) -> None:
    """Let a resource have these tags and no others."""
    await connection.execute(delete(resource_tags).where(*_of(project, group, name)))
    if wanted:
        whose = {"project": project, "group_name": group, "name": name}
        rows = [{**whose, "key": key, "value": value} for key, value in wanted.items()]
        await connection.execute(insert(resource_tags), rows)


def tagged(wanted: Mapping[str, str]) -> ColumnElement[bool]:
    """The condition for the resources that have all of these tags."""
    mine = [resource_tags.c[column] == resources.c[column] for column in ("project", "group_name", "name")]
    pairs = [(resource_tags.c.key == key) & (resource_tags.c.value == value) for key, value in wanted.items()]
    matching = pairs[0]
    for pair in pairs[1:]:
        matching |= pair
    return select(func.count()).where(*mine, matching).scalar_subquery() == len(pairs)


async def _tags(connection: AsyncConnection, project: str, group: str, name: str) -> dict[str, str] | None:
    named = (resources.c.project == project, resources.c.group_name == group, resources.c.name == name)
    if (await connection.execute(select(resources.c.id).where(*named))).first() is None:
        return None
    wanted = select(resource_tags.c.key, resource_tags.c.value).where(*_of(project, group, name))
    return {row.key: row.value for row in await connection.execute(wanted.order_by(resource_tags.c.key))}


def _of(project: str, group: str, name: str) -> tuple[ColumnElement[bool], ...]:
    where = resource_tags.c
    return where.project == project, where.group_name == group, where.name == name
