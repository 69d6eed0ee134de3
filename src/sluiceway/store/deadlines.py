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
from sluiceway.store.leases import Lease, held, holds
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import LIVE_OR_LOST, OPEN_SAVE, UNSETTLED, runs, saves, stops

JUMP: Final = 2000  # milliseconds; from here on a difference between the clocks is a jump of the wall clock


async def forget_doubts(db: Database, of: Collection[Lease]) -> None:
    """Begin every grace period of these clusters anew: nobody has looked at them for a while."""
    async with db.write(Use.UPKEEP) as connection:
        await _forget_doubts(connection, await held(connection, of))


@dataclass(frozen=True, slots=True)
class Clocks:
    """Two clocks of a host, side by side."""

    offset: int  # milliseconds by which the wall clock is ahead of the steady one
    boot: str  # since which the steady one has run; those of two boots cannot be compared

    def jumped(self, offset: int) -> bool:
        """Whether the wall clock was set since it was ahead by `offset`."""
        return abs(self.offset - offset) > JUMP


async def keep_time(db: Database, lease: Lease, clocks: Clocks) -> bool:
    """Let all that is open in a cluster keep the time that it had left, if the wall clock has jumped; whether it has.

    It is held against the clocks by which the deadlines were last right, so that whoever holds the lease by then moves
    them once. Whoever has lost it moves none: a host that was suspended sees the jump before it knows of that.
    """
    async with db.write(Use.UPKEEP) as connection:
        if not await holds(connection, lease):
            return False
        mine = schema.leases.c.cluster == lease.cluster
        known = (await connection.execute(select(schema.leases).where(mine))).one()
        comparable = known.boot == clocks.boot and known.clock_offset is not None
        if comparable and not clocks.jumped(known.clock_offset):
            return False
        noted = update(schema.leases).where(mine).values(clock_offset=clocks.offset, boot=clocks.boot)
        await connection.execute(noted)
        if comparable:
            await _shift(connection, lease.cluster, clocks.offset - known.clock_offset)
        return comparable


async def _shift(connection: AsyncConnection, cluster: str, by: int) -> None:
    for statement in _shifts():
        await connection.execute(statement, {"here": cluster, "by": by})
    await _forget_doubts(connection, [cluster])


async def _forget_doubts(connection: AsyncConnection, clusters: Collection[str]) -> None:
    for statement in _no_doubts():
        await connection.execute(statement, {"ids": to_json(sorted(clusters))})


@cache
def _shifts() -> tuple[Update, ...]:
    here: BindParameter[str] = bindparam("here")
    by: BindParameter[int] = bindparam("by")
    moved = {
        (stops, UNSETTLED): ("deadline", "retry_at", "forgotten_since", "idle_since"),
        (saves, OPEN_SAVE): ("deadline", "forgotten_since"),
        (runs, LIVE_OR_LOST): ("condition_since",),
    }
    return tuple(
        update(table)
        .where(table.c.cluster == here, text(f"{table.name}.{which}"))
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
