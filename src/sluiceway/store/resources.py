"""The table of resources: jars and files that jobs are made of, by name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, RowMapping, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.store import ledger
from sluiceway.store.database import Database, epoch_ms, instant
from sluiceway.store.events import event
from sluiceway.store.reserve import Use
from sluiceway.store.resource_tags import set_tags, tagged
from sluiceway.store.schema import resources


@dataclass(frozen=True, slots=True)
class Resource:
    """A jar or file that jobs can name."""

    group: str  # empty: in none
    name: str
    kind: str  # jar, pyFile, file or modelFile
    path: str  # obs://…
    owner: str
    created_at: datetime
    updated_at: datetime
    sha256: str | None = None  # of an uploaded one
    size: int | None = None  # of an uploaded one

    @property
    def full_name(self) -> str:
        """What jobs call it."""
        return f"{self.group}/{self.name}" if self.group else self.name


async def put(
    db: Database, project: str, given: Sequence[Resource], who: str, tags: Mapping[str, str] | None = None
) -> tuple[list[Resource], list[Resource]]:
    """Store resources, each in place of one of its name, if there is one; as they are now, and as those were.

    A path that leads to uploaded content is known as such under every name that it has. `tags` take the place of those
    that a name has; None leaves them.
    """
    now: list[Resource] = []
    before: list[Resource] = []
    async with db.write() as connection:
        for resource in given:
            known = await _as_uploaded(connection, resource)
            old = await _replace(connection, project, known)
            before += [] if old is None else [old]
            now.append(known if old is None else replace(known, created_at=old.created_at))
            if tags is not None:
                await set_tags(connection, project, resource.group, resource.name, tags)
        told = [event("resource_stored", epoch_ms(r.updated_at), project, who=who, detail=_told(r)) for r in now]
        await ledger.tell(connection, told)
    return now, before


async def _as_uploaded(connection: AsyncConnection, resource: Resource) -> Resource:
    """A resource with what an upload has told of its path."""
    uploaded = select(resources.c.sha256, resources.c.size).where(
        resources.c.path == resource.path, resources.c.sha256.is_not(None)
    )
    row = (await connection.execute(uploaded)).first()
    return resource if row is None else replace(resource, sha256=row.sha256, size=row.size)


async def _replace(connection: AsyncConnection, project: str, resource: Resource) -> Resource | None:
    """Store one; what had its name, whose time of creation it takes over."""
    mine = _named(project, resource.group, resource.name)
    row = (await connection.execute(select(resources).where(*mine))).mappings().first()
    if row is None:
        await connection.execute(insert(resources).values(_row(project, resource)))
        return None
    old = _resource(row)
    kept = _row(project, replace(resource, created_at=old.created_at))
    await connection.execute(update(resources).where(*mine).values(kept))
    return old


async def one(db: Database, project: str, group: str, name: str) -> Resource | None:
    """One resource."""
    async with db.read() as connection:
        row = (await connection.execute(select(resources).where(*_named(project, group, name)))).mappings().first()
        return None if row is None else _resource(row)


async def of_project(
    db: Database, project: str, kind: str | None = None, tags: Mapping[str, str] | None = None
) -> Sequence[Resource]:
    """All resources of a project, perhaps of one kind or with certain tags, by group and name."""
    wanted = select(resources).where(resources.c.project == project)
    if kind is not None:
        wanted = wanted.where(resources.c.kind == kind)
    if tags:
        wanted = wanted.where(tagged(tags))
    async with db.read() as connection:
        rows = await connection.execute(wanted.order_by(resources.c.group_name, resources.c.name))
        return [_resource(row) for row in rows.mappings()]


async def remove(db: Database, project: str, group: str, name: str, now: datetime, who: str) -> Resource | None:
    """Forget a resource; what it was, None when there is none."""
    gone = delete(resources).where(*_named(project, group, name)).returning(resources)
    async with db.write(Use.MAKES_ROOM) as connection:
        row = (await connection.execute(gone)).mappings().first()
        if row is None:
            return None
        found = _resource(row)
        await set_tags(connection, project, group, name, {})
        told = event("resource_removed", epoch_ms(now), project, who=who, detail=_told(found))
        await ledger.tell(connection, [told])
        return found


async def unnamed(db: Database, gone: Sequence[Resource]) -> Sequence[Resource]:
    """Those of them whose path no resource of any project has any more."""
    named = select(resources.c.path).where(resources.c.path.in_([resource.path for resource in gone]))
    async with db.read() as connection:
        still = set((await connection.execute(named)).scalars())
    return [resource for resource in gone if resource.path not in still]


async def give(db: Database, project: str, group: str, name: str | None, owner: str, now: datetime, who: str) -> int:
    """Give a resource, or without a name all of a group, to another owner; how many they were."""
    chosen = _named(project, group, name)[: None if name else 2]
    async with db.write() as connection:
        given = update(resources).where(*chosen).values(owner=owner, updated_at=epoch_ms(now))
        rows = (await connection.execute(given.returning(resources))).mappings().all()
        told = [
            event("resource_given", epoch_ms(now), project, who=who, detail=f"{_resource(row).full_name} to {owner}")
            for row in rows
        ]
        if told:
            await ledger.tell(connection, told)
        return len(rows)


def _named(project: str, group: str, name: str | None) -> tuple[ColumnElement[bool], ...]:
    return (resources.c.project == project, resources.c.group_name == group, resources.c.name == name)


def _told(resource: Resource) -> str:
    return f"{resource.full_name} from {resource.path}"


def _row(project: str, resource: Resource) -> dict[str, object]:
    return {
        "project": project,
        "group_name": resource.group,
        "name": resource.name,
        "kind": resource.kind,
        "path": resource.path,
        "sha256": resource.sha256,
        "size": resource.size,
        "owner": resource.owner,
        "created_at": epoch_ms(resource.created_at),
        "updated_at": epoch_ms(resource.updated_at),
    }


def _resource(row: RowMapping) -> Resource:
    return Resource(
        group=row["group_name"],
        name=row["name"],
        kind=row["kind"],
        path=row["path"],
        owner=row["owner"],
        created_at=instant(row["created_at"]),
        updated_at=instant(row["updated_at"]),
        sha256=row["sha256"],
        size=row["size"],
    )
