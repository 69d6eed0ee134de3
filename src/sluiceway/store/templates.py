"""Templates of jobs: a name, some SQL, and what is said about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select, update

from sluiceway.store import ledger
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database, epoch_ms, moment
from sluiceway.store.events import event
from sluiceway.store.pages import Sized, size_of
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import templates
from sluiceway.store.trouble import unique_name


class TemplateNameInUse(Exception):
    """Another template of the project has the name."""


class TemplatesFull(Exception):
    """The project has as many templates as it may have."""


@dataclass(frozen=True, slots=True)
class TemplateDraft:
    """A template as somebody asks for it, already checked."""

    name: str
    desc: str = ""
    kind: str = "flink_sql_job"
    sql: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Template:
    """A template as it is stored."""

    id: int
    draft: TemplateDraft
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TemplateFilter:
    """Which templates to list. Whatever is empty leaves all in."""

    name: str = ""  # a part of the name
    tags: Mapping[str, str] = field(default_factory=dict)  # all of them


async def create_template(
    db: Database, project: str, draft: TemplateDraft, most: int, now: datetime, who: str
) -> Template:
    """Store a new template. Raises `TemplateNameInUse`, and `TemplatesFull` when there are `most` already."""
    at = epoch_ms(now)
    row = _columns(draft) | {"project": project, "created_at": at, "updated_at": at}
    count = select(func.count()).select_from(templates).where(templates.c.project == project)
    async with unique_name("templates", TemplateNameInUse), db.write() as connection:
        if (await connection.execute(count)).scalar_one() >= most:
            raise TemplatesFull
        made = await connection.execute(insert(templates).values(row).returning(templates))
        told = event("template_created", at, project, who=who, detail=draft.name)
        await ledger.tell(connection, [told])
        return _template(made.mappings().one())


async def template(db: Database, project: str, template_id: int) -> Template | None:
    """One template of a project."""
    async with db.read() as connection:
        row = (await connection.execute(select(templates).where(*_one(project, template_id)))).mappings().one_or_none()
    return None if row is None else _template(row)


async def update_template(
    db: Database, project: str, template_id: int, changes: Mapping[str, str], now: datetime, who: str
) -> bool:
    """Change some of a template's `name`, `desc` and `sql`; whether there is one. Raises `TemplateNameInUse`."""
    values = {**changes, "updated_at": epoch_ms(now)}
    async with unique_name("templates", TemplateNameInUse), db.write() as connection:
        changed = update(templates).where(*_one(project, template_id)).values(values).returning(templates.c.name)
        name = (await connection.execute(changed)).scalar_one_or_none()
        if name is not None:
            told = event("template_updated", epoch_ms(now), project, who=who, detail=name)
            await ledger.tell(connection, [told])
        return name is not None


async def delete_template(db: Database, project: str, template_id: int, now: datetime, who: str) -> bool:
    """Delete a template; whether there was one. Jobs that were made from it keep their SQL."""
    async with db.write(Use.MAKES_ROOM) as connection:
        gone = delete(templates).where(*_one(project, template_id)).returning(templates.c.name)
        name = (await connection.execute(gone)).scalar_one_or_none()
        if name is not None:
            told = event("template_deleted", epoch_ms(now), project, who=who, detail=name)
            await ledger.tell(connection, [told])
        return name is not None


async def template_sizes(
    db: Database, project: str, where: TemplateFilter, *, offset: int, limit: int, descending: bool
) -> tuple[int, list[Sized]]:
    """How many templates match, and one page of them as ids and sizes, by time of creation."""
    matching = [templates.c.project == project, *_matching(where)]
    by_time = templates.c.id.desc() if descending else templates.c.id
    page = select(templates.c.id, size_of(templates.c.sql)).where(*matching)
    page = page.order_by(by_time).limit(limit).offset(offset)
    async with db.read() as connection:
        total = await connection.execute(select(func.count()).select_from(templates).where(*matching))
        rows = (await connection.execute(page)).mappings()
        return int(total.scalar_one()), [Sized(**row) for row in rows]


async def templates_of(db: Database, project: str, wanted: Sequence[int]) -> list[Template]:
    """The templates with these ids, in their order; those that are unknown are left out."""
    known = select(templates).where(templates.c.project == project, templates.c.id.in_(ids(wanted)))
    async with db.read() as connection:
        found = {row["id"]: _template(row) for row in (await connection.execute(known)).mappings()}
    return [found[template_id] for template_id in wanted if template_id in found]


def _matching(where: TemplateFilter) -> list[ColumnElement[bool]]:
    matching: list[ColumnElement[bool]] = [func.instr(templates.c.name, where.name) > 0] if where.name else []
    for key, value in where.tags.items():
        tag = func.json_each(templates.c.tags).table_valued("key", "value")
        matching.append(select(tag.c.key).where(tag.c.key == key, tag.c.value == value).exists())
    return matching


def _one(project: str, template_id: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return templates.c.project == project, templates.c.id == template_id


def _columns(draft: TemplateDraft) -> dict[str, Any]:
    columns = {"name": draft.name, "desc": draft.desc, "kind": draft.kind, "sql": draft.sql}
    return columns | {"tags": to_json(draft.tags)}


def _template(row: RowMapping) -> Template:
    created, updated = moment(row["created_at"]), moment(row["updated_at"])
    assert created is not None, "the column is NOT NULL"
    assert updated is not None, "the column is NOT NULL"
    tags = msgspec.json.decode(row["tags"], type=dict[str, str])
    draft = TemplateDraft(row["name"], row["desc"], row["kind"], row["sql"], tags)
    return Template(row["id"], draft, created, updated)
