"""Jobs that are parked on their way back: by stops that nobody asked for, in one transaction with what shows it."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from sluiceway.domain.batch import Kind
from sluiceway.domain.coming_back import Bound
from sluiceway.domain.job import JobStatus, Standing
from sluiceway.domain.orders import StopOrder
from sluiceway.domain.policy import StopPolicy
from sluiceway.domain.watched import Watched
from sluiceway.store import ledger
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.leases import Lease, holds
from sluiceway.store.ledger import Means
from sluiceway.store.reserve import Use
from sluiceway.store.schema import batches


@dataclass(frozen=True, slots=True)
class Parking:
    """One job to park."""

    watched: Watched
    order: int  # the way back that it is part of
    why: str
    policy: StopPolicy


async def bounds(db: Database, orders: Collection[int]) -> dict[int, Bound]:
    """How long jobs of these ways back may fail, by order; orders of another kind are left out."""
    wanted = select(batches.c.id, batches.c.park_after, batches.c.park_restarts)
    wanted = wanted.where(batches.c.id.in_(ids(sorted(orders))), batches.c.kind == Kind.RESUME)
    async with db.read() as connection:
        rows = await connection.execute(wanted)
        return {row.id: Bound(to_duration(row.park_after), row.park_restarts) for row in rows}


def to_duration(ms: int | None) -> timedelta | None:
    """A time in a row."""
    return None if ms is None else timedelta(milliseconds=ms)


async def park(db: Database, lease: Lease, parkings: Sequence[Parking], means: Means) -> None:
    """Store a cancel of each, unless somebody has moved it or its job meanwhile, or the lease was lost.

    It begins where a stop with a savepoint stands that has given that up: what is kept is weighed before it is sent.
    """
    async with db.write(Use.UPKEEP) as connection:
        if not await holds(connection, lease):
            return
        unmoved = await ledger.unmoved(connection, [p.watched.run for p in parkings])
        shown = [
            (_links(p.watched), Standing(JobStatus.CANCELING, p.why)) for p in parkings if p.watched.run.id in unmoved
        ]
        mine = await ledger.show(connection, shown)
        groups: defaultdict[tuple[int, StopPolicy], list[Parking]] = defaultdict(list)
        for parking in (p for p in parkings if p.watched.run.job_id in mine and p.watched.run.id in unmoved):
            groups[parking.order, parking.policy].append(parking)
        for (order, policy), group in groups.items():
            parked = [p.watched.run.job_id for p in group]
            wanted = StopOrder(group[0].watched.project, parked, savepoint=False, policy=policy)
            await ledger.add_parked(connection, {p.watched.run.id: p.why for p in group}, wanted, means, order)
            at = epoch_ms(means.now)
            told = [
                event("job_parking", at, p.watched.project, job_id=p.watched.run.job_id, detail=p.why)
                | {"batch_id": order}
                for p in group
            ]
            await ledger.tell(connection, told)


def _links(watched: Watched) -> dict[str, Any]:
    return {"id": watched.run.job_id, "run_id": watched.run.id, "stop_id": watched.stop.id if watched.stop else None}
