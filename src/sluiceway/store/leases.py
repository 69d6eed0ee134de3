"""The right to act on a cluster: one worker holds it at a time, and each of its changes carries its fence.

A lease lasts by the database's clock, never by a host's: a host whose clock is ahead takes no lease that still runs.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    TableValuedAlias,
    Text,
    bindparam,
    cast,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from sluiceway.store.bulk import given
from sluiceway.store.database import Database
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import leases

_UNIX_EPOCH = 2440587.5  # as a Julian day
_DAY = 86_400_000  # milliseconds


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on one cluster until it runs out. The fence grows with every new holder."""

    cluster: str
    owner: str
    fence: int


def _now() -> ColumnElement[int]:
    """The database's time, as the tables hold moments."""
    return cast(func.round((func.julianday("now") - _UNIX_EPOCH) * _DAY), BigInteger)


def _claim() -> ReturningInsert[Any]:
    asked, owner, ttl = given("clusters"), bindparam("owner", type_=Text), bindparam("ttl", type_=BigInteger)
    columns = {"cluster": asked.c.value, "owner": owner, "until": _now() + ttl, "fence": literal(1)}
    # Without a condition SQLite takes ON CONFLICT for that of a join.
    new = insert(leases).from_select(list(columns), select(*columns.values()).where(text("true")))
    # Nobody takes a lease for that long: the clock was set back since, and the holder is not renewing it.
    absurd = leases.c.until > _now() + 2 * ttl
    renewed = {
        "owner": new.excluded.owner,
        "until": new.excluded.until,
        "fence": leases.c.fence + (leases.c.owner != new.excluded.owner),
    }
    mine, over = leases.c.owner == new.excluded.owner, leases.c.until < _now()
    taken = new.on_conflict_do_update(index_elements=["cluster"], set_=renewed, where=or_(mine, over, absurd))
    return taken.returning(leases.c.cluster, leases.c.fence)


def _given() -> tuple[TableValuedAlias, ColumnElement[bool]]:
    """The leases given, see `asked`, and the condition for a row to be one of them."""
    each = given("leases")
    cluster, owner, fence = (func.json_extract(each.c.value, f"$[{n}]") for n in range(3))
    return each, (leases.c.cluster == cluster) & (leases.c.owner == owner) & (leases.c.fence == fence)


def _held() -> Select[Any]:
    """Those of the leases given that nobody else has taken by now."""
    each, same = _given()
    return select(leases.c.cluster).select_from(each.join(leases, same))


def _lost() -> Select[Any]:
    """Those that somebody else has taken."""
    each, same = _given()
    return select(each.c.key).select_from(each.outerjoin(leases, same)).where(leases.c.cluster.is_(None))


# Built once: every worker asks these every second.
_CLAIM = _claim()
_HELD = _held()
LOST = _lost()  # for other statements, which are given `leases`: see `asked`


async def claim(db: Database, clusters: Sequence[str], owner: str, ttl: timedelta) -> dict[str, Lease]:
    """Take or renew the leases of these clusters, by cluster; without those that somebody else holds."""
    wanted = {"clusters": to_json(clusters), "owner": owner, "ttl": round(ttl.total_seconds() * 1000)}
    async with db.write(Use.UPKEEP) as connection:
        claimed = await connection.execute(_CLAIM, wanted)
        return {row.cluster: Lease(row.cluster, owner, row.fence) for row in claimed}


async def release(db: Database, owner: str) -> None:
    """Give back all leases of this owner, so that the next one need not wait. The rows keep their fences."""
    async with db.write(Use.UPKEEP) as connection:
        await connection.execute(update(leases).where(leases.c.owner == owner).values(owner="", until=0))


async def still_held(db: Database, lease: Lease) -> bool:
    """Whether nobody else has taken the lease by now."""
    async with db.read() as connection:
        return await holds(connection, lease)


async def holds(connection: AsyncConnection, lease: Lease) -> bool:
    """Whether nobody else has taken the lease, as this transaction sees it."""
    return bool(await held(connection, [lease]))


async def held(connection: AsyncConnection, of: Collection[Lease]) -> set[str]:
    """The clusters of those leases that nobody else has taken, as this transaction sees it."""
    return set((await connection.execute(_HELD, {"leases": asked(of)})).scalars())


def asked(of: Collection[Lease]) -> str:
    """Leases as statements are given them."""
    return to_json([[lease.cluster, lease.owner, lease.fence] for lease in of])
