"""Many rows in one statement: lists go in as one JSON parameter, and the database does the loop."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    Table,
    TableValuedAlias,
    Text,
    bindparam,
    func,
    literal,
    select,
    type_coerce,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningUpdate

from sluiceway.store.rows import to_json


def listed(values: Sequence[Any]) -> TableValuedAlias:
    """The values as a table: `.c.value`, and `.c.key` for the position."""
    return func.json_each(to_json(values)).table_valued("key", "value")


def ids(values: Sequence[int]) -> Select[Any]:
    """The values as a subquery, for `IN`."""
    return select(listed(values).c.value)


def given(name: str = "ids") -> TableValuedAlias:
    """As `listed`, for a statement that is built once: the values are its parameter of that name, see `to_json`.

    To build a statement costs as much as to run it, and SQLAlchemy keeps with a statement what it takes to find its
    compiled text.
    """
    return func.json_each(bindparam(name, type_=Text)).table_valued("key", "value")


def given_ids(name: str = "ids") -> Select[Any]:
    """As `ids`, for a statement that is built once; see `given`."""
    return select(given(name).c.value)


async def guarded_update(
    connection: AsyncConnection,
    table: Table,
    rows: Sequence[Mapping[str, Any]],
    *guards: ColumnElement[bool],
    match: Iterable[str] = ("id", "version"),
) -> set[int]:
    """Change the rows that still match, and tell which did.

    Each row names its `match` columns and the columns to set: rows that set the same ones share a statement. A NULL
    matches a NULL. `version` counts up.
    """
    alike: dict[tuple[str, ...], list[Mapping[str, Any]]] = {}
    for row in rows:
        alike.setdefault(tuple(row), []).append(row)
    changed: set[int] = set()
    for columns, same in alike.items():
        statement = _update(table, tuple(name for name in columns if name not in match), tuple(match))
        result = await connection.execute(statement.where(*guards) if guards else statement, {"rows": to_json(same)})
        changed |= set(result.scalars())
    return changed


@lru_cache(maxsize=256)
def _update(table: Table, names: tuple[str, ...], match: tuple[str, ...]) -> ReturningUpdate[Any]:
    """The statement without its guards. There are few of them, and they are long.

    The same object each time: SQLAlchemy keeps with it what it takes to find the compiled text.
    """
    given = func.json_each(bindparam("rows", type_=Text)).table_valued("key", "value")
    values: dict[str, Any] = {name: field(given, table.c[name]) for name in names}
    if "version" in match:
        values["version"] = table.c.version + 1
    same = [table.c[name].is_not_distinct_from(field(given, table.c[name])) for name in match if name != "id"]
    changed = update(table).where(table.c.id == field(given, table.c.id), *same).values(values)
    return changed.returning(table.c.id)


def field(given: TableValuedAlias, column: ColumnElement[Any]) -> ColumnElement[Any]:
    """What each value, an object, has for a column."""
    return type_coerce(func.json_extract(given.c.value, literal(f"$.{column.key}")), column.type)
