"""Reads events for those who follow orders: what is new of all that are followed at once, and what is older by pages.

Whoever has read up to an id has missed nothing before it: SQLite has one writer at a time, and an event gets its id
while its transaction holds the write lock, so that ids become visible in their order (decision 66).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import ColumnElement, Select, bindparam, case, func, or_, select, union_all

from sluiceway.domain.batch import Kind
from sluiceway.store.audit import Event, last_id, to_event, with_names
from sluiceway.store.bulk import given_ids
from sluiceway.store.database import Database
from sluiceway.store.rows import to_json
from sluiceway.store.schema import batches, events, moves, rejoined


@dataclass(frozen=True, slots=True)
class News:
    """An event, and the followed orders that it is of."""

    event: Event
    orders: Sequence[int]  # stops and resumes
    move: int | None


async def newest(db: Database) -> int:
    """The id of the newest event of all; 0 without any. Raises `DatabaseUnavailable`."""
    found = db.glance("SELECT max(id) FROM events")
    return await last_id(db) if found is None else found[0][0] or 0


async def news(
    db: Database, after: int, upto: int, orders: Sequence[int], moved: Sequence[int], most: int
) -> list[News]:
    """The first so many events between two ids, the second one included, of these stops and resumes, and moves."""
    about = {"after": after, "upto": upto, "orders": to_json(orders), "moves": to_json(moved), "most": most}
    async with db.read() as connection:
        rows = list(await connection.execute(_NEWS, about))
    followed = frozenset(orders)
    return [_to_news(row, followed) for row in rows]


async def history(db: Database, kind: Kind, order: int, after: int, upto: int, most: int) -> list[Event]:
    """The first so many events of one order between two ids, the second one included."""
    about = {"order": order, "after": after, "upto": upto, "most": most}
    async with db.read() as connection:
        return [to_event(row) for row in await connection.execute(_HISTORY[kind], about)]


async def is_known(db: Database, project: str, kind: Kind, order: int) -> bool:
    """Whether a project has such an order."""
    if kind is Kind.MOVE:
        wanted = select(moves.c.id).where(moves.c.project == project, moves.c.id == order)
    else:
        which = (batches.c.project == project, batches.c.id == order, batches.c.kind == kind)
        wanted = select(batches.c.id).where(*which)
    async with db.read() as connection:
        return (await connection.execute(wanted)).scalar_one_or_none() is not None


def _to_news(row: Any, followed: frozenset[int]) -> News:
    own = {row.batch_id} & followed
    again = msgspec.json.decode(row.again) if row.again else ()
    return News(to_event(row), [*own.union(again)], row.move_id)


def _between(which: Any) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return which.c.id > bindparam("after"), which.c.id <= bindparam("upto")


def _news() -> Select[Any]:
    """A walk over the newest events: those of other orders are passed over."""
    again = select(rejoined.c.stop_id).where(rejoined.c.batch_id.in_(given_ids("orders")))
    in_which = (
        select(func.json_group_array(rejoined.c.batch_id))
        .where(rejoined.c.batch_id.in_(given_ids("orders")), rejoined.c.stop_id == events.c.stop_id)
        .correlate(events)
        .scalar_subquery()
    )
    counts_again = events.c.stop_id.in_(again)
    told = with_names(events).add_columns(batches.c.move_id, case((counts_again, in_which)).label("again"))
    own = or_(
        func.ifnull(events.c.batch_id, 0).in_(given_ids("orders")),  # along the ids, and not all of an order
        batches.c.move_id.in_(given_ids("moves")),
        counts_again,
    )
    return told.where(*_between(events), own).order_by(events.c.id).limit(bindparam("most"))


def _of_batch() -> Select[Any]:
    """The events of a batch, and of the stops of others that count in it, too: by a walk along an index for each."""
    again = select(rejoined.c.stop_id).where(rejoined.c.batch_id == bindparam("order"))
    elsewhere = func.ifnull(events.c.batch_id, 0) != bindparam("order")
    parts = [
        select(events).where(*which, *_between(events)).order_by(events.c.id).limit(bindparam("most")).subquery()
        for which in ([events.c.batch_id == bindparam("order")], [events.c.stop_id.in_(again), elsewhere])
    ]
    both = union_all(*(select(part) for part in parts)).subquery()
    return with_names(both).order_by(both.c.id).limit(bindparam("most"))


def _of_move() -> Select[Any]:
    """The events of both halves of a move."""
    halves = select(batches.c.id).where(batches.c.move_id == bindparam("order"))
    mine = with_names(events).where(events.c.batch_id.in_(halves), *_between(events))
    return mine.order_by(events.c.id).limit(bindparam("most"))


_NEWS: Final = _news()  # built once: it is asked several times a second
_HISTORY: Final = {Kind.STOP: _of_batch(), Kind.RESUME: _of_batch(), Kind.MOVE: _of_move()}
