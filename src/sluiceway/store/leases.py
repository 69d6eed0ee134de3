"""The right to act on a cluster: one worker holds it at a time, and each of its changes carries its fence.

A lease refers to its holder, and lasts as long as the holder renews its own row. So renewing any number of leases
writes one row. It lasts by the database's clock, never by a host's: a host whose clock is ahead takes no lease that
still runs.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    Text,
    bindparam,
    cast,
    delete,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from sluiceway.store.bulk import given, given_ids
from sluiceway.store.database import Database
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import holders, leases

_UNIX_EPOCH = 2440587.5  # as a Julian day
_DAY = 86_400_000  # milliseconds
_ME, _TTL = bindparam("me", type_=Text), bindparam("ttl", type_=BigInteger)


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on one cluster until it runs out. The fence grows with every new holder."""

    cluster: str
    owner: str
    fence: int
    offset: int | None = field(default=None, compare=False)  # of the clocks by which its deadlines are right, if known


def _now() -> ColumnElement[int]:
    """The database's time, as the tables hold moments."""
    return cast(func.round((func.julianday("now") - _UNIX_EPOCH) * _DAY), BigInteger)


def _alive() -> ColumnElement[bool]:
    """Whether a holder still renews. Nobody does it for that long: the clock was set back since, and it has not."""
    return holders.c.until.between(_now(), _now() + 2 * _TTL)


def _claim() -> ReturningInsert[Any]:
    columns = {"cluster": given("clusters").c.value, "owner": _ME, "fence": literal(1)}
    # Without a condition SQLite takes ON CONFLICT for that of a join.
    new = insert(leases).from_select(list(columns), select(*columns.values()).where(text("true")))
    taken = {"owner": new.excluded.owner, "fence": leases.c.fence + (leases.c.owner != new.excluded.owner)}
    free = leases.c.owner.not_in(select(holders.c.owner).where(_alive()))
    mine = leases.c.owner == new.excluded.owner
    claimed = new.on_conflict_do_update(index_elements=["cluster"], set_=taken, where=or_(mine, free))
    return claimed.returning(leases.c.cluster, leases.c.fence)


def _begin() -> Insert:
    new = insert(holders).values(owner=_ME, until=_now() + _TTL)
    return new.on_conflict_do_update(index_elements=["owner"], set_={"until": new.excluded.until})


def _held() -> Select[Any]:
    """Those of the leases given that nobody else has taken by now."""
    each = given("leases")
    cluster, owner, fence = (func.json_extract(each.c.value, f"$[{n}]") for n in range(3))
    same = (leases.c.cluster == cluster) & (leases.c.owner == owner) & (leases.c.fence == fence)
    return select(leases.c.cluster).select_from(each.join(leases, same))


# Built once: every worker asks these every second.
_RENEW = update(holders).where(holders.c.owner == _ME, _alive()).values(until=_now() + _TTL)
_CLAIM = _claim()
_BEGIN = _begin()
_BURY = delete(holders).where(~_alive())
_UNWANTED = leases.c.cluster.in_(given_ids("clusters"))
_GIVE_BACK = update(leases).where(leases.c.owner == _ME, _UNWANTED).values(owner="")
_HELD = _held()
_NONE: Mapping[str, Lease] = {}


async def claim(
    db: Database, clusters: Sequence[str], owner: str, ttl: timedelta, known: Mapping[str, Lease] = _NONE
) -> dict[str, Lease]:
    """Take or renew the leases of these clusters, by cluster; without those that somebody else holds.

    `known` are those that the owner had the last time: they are renewed together, unless they have run out since, and
    those of other clusters are given back.
    """
    about = {"me": owner, "ttl": round(ttl.total_seconds() * 1000)}
    async with db.write(Use.UPKEEP) as connection:
        if unwanted := known.keys() - set(clusters):
            await connection.execute(_GIVE_BACK, {"me": owner, "clusters": to_json(sorted(unwanted))})
        lasts = bool(known) and (await connection.execute(_RENEW, about)).rowcount == 1
        claimed = {name: known[name] for name in clusters if name in known} if lasts else {}
        if missing := [name for name in clusters if name not in claimed]:
            taken = (await connection.execute(_CLAIM, about | {"clusters": to_json(missing)})).all()
            claimed |= {row.cluster: Lease(row.cluster, owner, row.fence) for row in taken}
        if claimed and not lasts:
            await connection.execute(_BEGIN, about)
            await connection.execute(_BURY, about)
        return claimed


async def release(db: Database, owner: str) -> None:
    """Give back all leases of this owner, so that the next one need not wait. Their rows keep their fences."""
    async with db.write(Use.UPKEEP) as connection:
        await connection.execute(delete(holders).where(holders.c.owner == owner))


def still_held(db: Database, lease: Lease) -> bool:
    """Whether nobody else has taken the lease by now. Nothing else happens between the answer and what it is for."""
    same = "SELECT 1 FROM leases WHERE cluster = ? AND owner = ? AND fence = ?"
    return bool(db.glance(same, lease.cluster, lease.owner, lease.fence))


async def holds(connection: AsyncConnection, lease: Lease) -> bool:
    """Whether nobody else has taken the lease, as this transaction sees it."""
    return bool(await held(connection, [lease]))


async def held(connection: AsyncConnection, of: Collection[Lease]) -> set[str]:
    """The clusters of those leases that nobody else has taken, as this transaction sees it."""
    asked = to_json([[lease.cluster, lease.owner, lease.fence] for lease in of])
    return set((await connection.execute(_HELD, {"leases": asked})).scalars())
