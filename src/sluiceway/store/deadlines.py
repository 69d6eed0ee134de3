"""What moves deadlines and grace periods without any news of a cluster. Whoever has lost its lease moves none."""

from collections.abc import Collection
from datetime import timedelta
from functools import cache

from sqlalchemy import BindParameter, Select, Update, bindparam, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.store.bulk import given_ids
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease, held, holds
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import LIVE_OR_LOST, OPEN_SNAPSHOT, UNSETTLED, runs, snapshots, stops


async def forget_doubts(db: Database, of: Collection[Lease]) -> None:
    """Begin every grace period of these clusters anew: nobody has looked at them for a while."""
    async with db.write(Use.UPKEEP) as connection:
        await _forget_doubts(connection, await held(connection, of))


async def shift(db: Database, lease: Lease, jump: timedelta) -> None:
    """Let all that is open in a cluster keep the time that it had left: the clock has jumped by so much.

    A host that was suspended sees such a jump too, and may have lost the lease meanwhile: then nothing is moved.
    """
    by = round(jump.total_seconds() * 1000)
    async with db.write(Use.UPKEEP) as connection:
        if not await holds(connection, lease):
            return
        for statement in _shifts():
            await connection.execute(statement, {"here": lease.cluster, "by": by})
        await _forget_doubts(connection, [lease.cluster])


async def _forget_doubts(connection: AsyncConnection, clusters: Collection[str]) -> None:
    for statement in _no_doubts():
        await connection.execute(statement, {"ids": to_json(sorted(clusters))})


@cache
def _shifts() -> tuple[Update, ...]:
    here: BindParameter[str] = bindparam("here")
    by: BindParameter[int] = bindparam("by")
    moved = {
        (stops, UNSETTLED): ("deadline", "retry_at", "forgotten_since", "idle_since"),
        (snapshots, OPEN_SNAPSHOT): ("deadline", "forgotten_since"),
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
    for table in (runs, stops, snapshots):
        doubted = table.c.cluster.in_(here) & table.c.doubt_since.is_not(None)
        found.append(update(table).where(doubted).values(doubt_since=None, version=table.c.version + 1))
    # Nor has anybody seen whether it went on failing.
    faltering = runs.c.cluster.in_(here) & text(f"runs.{LIVE_OR_LOST}") & runs.c.falters_since.is_not(None)
    return [*found, update(runs).where(faltering).values(falters_since=None, version=runs.c.version + 1)]
