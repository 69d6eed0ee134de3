"""Orders that belong together: one, and the retries that each take what failed of the one before."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.batch import Kind
from sluiceway.domain.coming_back import Signs, phase_of
from sluiceway.domain.health import Condition
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.run import RunPhase
from sluiceway.store import ledger
from sluiceway.store.database import Database
from sluiceway.store.events import event
from sluiceway.store.schema import batches, rejoined, runs, stops


@dataclass(frozen=True, slots=True)
class Story:
    """Orders that belong together, and what became of each job in the last of them that it is in."""

    orders: Sequence[int]  # ids, the oldest first
    retried_by: Mapping[int, int]  # by order
    phases: Mapping[str, int]

    @property
    def last(self) -> int:
        """The id of the newest."""
        return self.orders[-1]


async def begin(connection: AsyncConnection, retry_of: int | None) -> int | None:
    """The first order of the story that a retry of this one belongs to; None for an order that retries none."""
    wanted = select(func.coalesce(batches.c.story, batches.c.id)).where(batches.c.id == retry_of)
    found: int | None = None if retry_of is None else (await connection.execute(wanted)).scalar_one_or_none()
    return found


async def tell(connection: AsyncConnection, retry_of: int | None, order: int, project: str, at: int, who: str) -> None:
    """Tell those who follow an order that another one takes what failed of it."""
    if retry_of is not None:
        told = event("batch_retried", at, project, who=who, detail=f"What failed is tried again under the id {order}.")
        await ledger.tell(connection, [told | {"batch_id": retry_of}])


async def orders(db: Database, project: str, order: int, kind: Kind) -> list[int]:
    """The ids of all orders of the story that one is part of, the oldest first; empty for an unknown one."""
    mine = select(func.coalesce(batches.c.story, batches.c.id)).where(
        batches.c.project == project, batches.c.id == order, batches.c.kind == kind
    )
    first = mine.scalar_subquery()
    wanted = select(batches.c.id).where((batches.c.id == first) | (batches.c.story == first)).order_by(batches.c.id)
    async with db.read() as connection:
        return list((await connection.execute(wanted)).scalars())


async def told(db: Database, kind: Kind, firsts: Sequence[int]) -> dict[int, Story]:
    """The stories that these orders begin, by their first; those without a retry are left out."""
    found = {}
    async with db.read() as connection:
        for first in dict.fromkeys(firsts):
            mine = (batches.c.id == first) | (batches.c.story == first)
            wanted = select(batches.c.id, batches.c.retry_of).where(mine).order_by(batches.c.id)
            rows = list(await connection.execute(wanted))
            if len(rows) > 1:
                ids = [row.id for row in rows]
                count = _of_stops if kind is Kind.STOP else _of_starts
                retried = {row.retry_of: row.id for row in rows if row.retry_of}
                found[first] = Story(ids, retried, await count(connection, ids))
    return found


async def _of_stops(connection: AsyncConnection, ids: Sequence[int]) -> Mapping[str, int]:
    columns = (stops.c.job_id, stops.c.phase)
    own = select(stops.c.batch_id.label("order"), *columns).where(stops.c.batch_id.in_(ids))
    again = select(rejoined.c.batch_id, *columns).join(stops, stops.c.id == rejoined.c.stop_id)
    every = union_all(own, again.where(rejoined.c.batch_id.in_(ids))).subquery()
    place = func.row_number().over(partition_by=every.c.job_id, order_by=every.c.order.desc()).label("place")
    ranked = select(every.c.phase, place).subquery()
    counted = select(ranked.c.phase, func.count()).where(ranked.c.place == 1).group_by(ranked.c.phase)
    return {row[0]: row[1] for row in await connection.execute(counted)}


async def _of_starts(connection: AsyncConnection, ids: Sequence[int]) -> Mapping[str, int]:
    place = func.row_number().over(partition_by=runs.c.job_id, order_by=runs.c.id.desc()).label("place")
    ranked = select(*signs(), place).select_from(with_stop()).where(runs.c.batch_id.in_(ids)).subquery()
    alike = [column for column in ranked.c if column.key != "place"]
    counted = select(*alike, func.count().label("alike")).where(ranked.c.place == 1).group_by(*alike)
    phases: Counter[str] = Counter()
    for row in await connection.execute(counted):
        phases[phase_of(to_signs(row))] += row.alike
    return dict(phases)


# What the phase of a start follows from. -----------------------------------------------------------------------------


def with_stop() -> Any:
    """Runs, each with the latest stop of it."""
    latest = select(func.max(stops.c.id)).where(stops.c.run_id == runs.c.id).correlate(runs).scalar_subquery()
    return runs.outerjoin(stops, stops.c.id == latest)


def signs() -> tuple[ColumnElement[Any], ...]:
    """The columns of `with_stop` that it follows from."""
    return (
        runs.c.phase.label("run_phase"),
        runs.c.held.label("run_held"),
        runs.c.acknowledged.label("taken"),
        runs.c.started_at.is_not(None).label("began"),
        runs.c.up_at.is_not(None).label("up"),
        runs.c.condition,
        stops.c.phase.label("stop_phase"),
        (stops.c.batch_id == runs.c.batch_id).label("parks"),
    )


def to_signs(row: Any) -> Signs:
    """What these columns say."""
    return Signs(
        RunPhase(row.run_phase),
        bool(row.run_held),
        bool(row.taken),
        bool(row.began),
        bool(row.up),
        Condition(row.condition),
        None if row.stop_phase is None else StopPhase(row.stop_phase),
        bool(row.parks),
    )
