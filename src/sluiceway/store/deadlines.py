"""What moves deadlines and grace periods without any news of a cluster. Whoever has lost its lease moves none."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Final

from sqlalchemy import BindParameter, Select, Update, bindparam, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.store import schema
from sluiceway.store.bulk import given_ids
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease, held
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import LIVE_OR_LOST, OPEN_SAVE, UNSETTLED, runs, saves, stops

_OF_THESE = schema.leases.c.cluster.in_(given_ids())
_CLOCKS = select(schema.leases.c.cluster, schema.leases.c.clock_offset, schema.leases.c.boot).where(_OF_THESE)
_NOTE_CLOCKS = (
    update(schema.leases).where(_OF_THESE).values(clock_offset=bindparam("offset"), boot=bindparam("boot_id"))
)
JUMP: Final = 2000  # milliseconds; from here on a difference between the clocks is a jump of the wall clock


@dataclass(frozen=True, slots=True)
class Clocks:
    """Two clocks of a host, side by side."""

    offset: int  # milliseconds by which the wall clock is ahead of the steady one
    boot: str  # since which the steady one has run; those of two boots cannot be compared

    def jumped(self, offset: int) -> bool:
        """Whether the wall clock was set since it was ahead by `offset`."""
        return abs(self.offset - offset) > JUMP


async def take_over(db: Database, of: Collection[Lease], clocks: Clocks) -> None:
    """Begin every grace period of these clusters anew, as nobody has looked at them for a while, and keep the time."""
    async with db.write(Use.UPKEEP) as connection:
        here = await held(connection, of)
        await _forget_doubts(connection, here)
        await _keep_time(connection, here, clocks)


async def keep_time(db: Database, lease: Lease, clocks: Clocks) -> bool:
    """Let all that is open in a cluster keep the time that it had left, if the wall clock has jumped; whether it has.

    It is held against the clocks by which the deadlines were last right, so that whoever holds the lease by then moves
    them once. Whoever has lost it moves none: a host that was suspended sees the jump before it knows of that.
    """
    async with db.write(Use.UPKEEP) as connection:
        return await _keep_time(connection, await held(connection, [lease]), clocks)


async def _keep_time(connection: AsyncConnection, clusters: Collection[str], clocks: Clocks) -> bool:
    """Whether any deadline was moved."""
    known = (await connection.execute(_CLOCKS, {"ids": to_json(sorted(clusters))})).all()
    ahead = {row.cluster: row.clock_offset if row.boot == clocks.boot else None for row in known}
    wrong = {name: offset for name, offset in ahead.items() if offset is None or clocks.jumped(offset)}
    if wrong:
        noted = {"ids": to_json(sorted(wrong)), "offset": clocks.offset, "boot_id": clocks.boot}
        await connection.execute(_NOTE_CLOCKS, noted)
    by: dict[int, list[str]] = {}
    for name, offset in wrong.items():
        if offset is not None:
            by.setdefault(clocks.offset - offset, []).append(name)
    for milliseconds, names in by.items():
        await _shift(connection, names, milliseconds)
    return bool(by)


async def _shift(connection: AsyncConnection, clusters: Collection[str], by: int) -> None:
    for statement in _shifts():
        await connection.execute(statement, {"ids": to_json(sorted(clusters)), "by": by})
    await _forget_doubts(connection, clusters)


async def _forget_doubts(connection: AsyncConnection, clusters: Collection[str]) -> None:
    for statement in _no_doubts():
        await connection.execute(statement, {"ids": to_json(sorted(clusters))})


@cache
def _shifts() -> tuple[Update, ...]:
    here: Select[tuple[str]] = given_ids()
    by: BindParameter[int] = bindparam("by")
    moved = {
        (stops, UNSETTLED): ("deadline", "retry_at", "forgotten_since", "idle_since"),
        (saves, OPEN_SAVE): ("deadline", "forgotten_since"),
        (runs, LIVE_OR_LOST): ("condition_since",),
    }
    return tuple(
        update(table)
        .where(table.c.cluster.in_(here), text(f"{table.name}.{which}"))
        .values({column: table.c[column] + by for column in columns} | {"version": table.c.version + 1})
        for (table, which), columns in moved.items()
    )


@cache
def _no_doubts() -> list[Update]:
    here: Select[tuple[str]] = given_ids()
    found = []
    for table in (runs, stops, saves):
        doubted = table.c.cluster.in_(here) & table.c.doubt_since.is_not(None)
        found.append(update(table).where(doubted).values(doubt_since=None, version=table.c.version + 1))
    # Nor has anybody seen whether it went on failing.
    faltering = runs.c.cluster.in_(here) & text(f"runs.{LIVE_OR_LOST}") & runs.c.falters_since.is_not(None)
    return [*found, update(runs).where(faltering).values(falters_since=None, version=runs.c.version + 1)]
