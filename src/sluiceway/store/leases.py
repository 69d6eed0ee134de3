"""Who may act on a cluster: one worker at a time, and every change it makes carries its fence."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BindParameter, bindparam, or_, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.dml import ReturningInsert

from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.reserve import Use
from sluiceway.store.schema import leases


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to act on one cluster until it runs out. The fence grows with every new holder."""

    cluster: str
    owner: str
    fence: int


def _claim() -> ReturningInsert[Any]:
    owner: BindParameter[str] = bindparam("owner")
    new = insert(leases).values(cluster=bindparam("cluster"), owner=owner, until=bindparam("until"), fence=1)
    mine = leases.c.owner == owner
    over = leases.c.until < bindparam("now")
    # Nobody takes a lease for that long: the clock was set back since, and the holder is not renewing it.
    absurd = leases.c.until > bindparam("absurd")
    renewed = {"owner": owner, "until": bindparam("until"), "fence": leases.c.fence + (leases.c.owner != owner)}
    taken = new.on_conflict_do_update(index_elements=["cluster"], set_=renewed, where=or_(mine, over, absurd))
    return taken.returning(leases.c.fence)


# Built once: every worker asks these every second.
_CLAIM = _claim()
_FENCE = select(leases.c.fence).where(leases.c.cluster == bindparam("cluster"), leases.c.owner == bindparam("owner"))


async def claim(db: Database, cluster: str, owner: str, now: datetime, ttl: timedelta) -> Lease | None:
    """Take or renew the lease; None when somebody else holds it."""
    given = {"cluster": cluster, "owner": owner, "until": epoch_ms(now + ttl), "now": epoch_ms(now)}
    async with db.write(Use.UPKEEP) as connection:
        claimed = await connection.execute(_CLAIM, given | {"absurd": epoch_ms(now + 2 * ttl)})
        fence = claimed.scalar_one_or_none()
    return None if fence is None else Lease(cluster, owner, fence)


async def release(db: Database, owner: str) -> None:
    """Give back everything that this owner holds, so that the next one need not wait. The rows keep their fences."""
    async with db.write(Use.UPKEEP) as connection:
        await connection.execute(update(leases).where(leases.c.owner == owner).values(owner="", until=0))


async def still_held(db: Database, lease: Lease) -> bool:
    """Whether nobody else has taken the lease by now."""
    async with db.read() as connection:
        return await holds(connection, lease)


async def holds(connection: AsyncConnection, lease: Lease) -> bool:
    """Whether nobody else has taken the lease, as this transaction sees it."""
    found = await connection.execute(_FENCE, {"cluster": lease.cluster, "owner": lease.owner})
    return found.scalar_one_or_none() == lease.fence
