"""What each run reads and writes, learned once in its life; see `domain/tables.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.run import LIVE, RunPhase
from sluiceway.domain.tables import Tables
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database
from sluiceway.store.rows import to_json
from sluiceway.store.schema import UNSETTLED, run_tables, runs, stops


@dataclass(frozen=True, slots=True)
class Uncharted:
    """A live run of which nobody knows what it reads and writes."""

    run_id: int
    cluster: str
    flink_job_id: str
    begun: bool  # it runs, as far as anybody has seen
    stopping: bool  # a stop of its cluster is under way, which is not overdue yet


async def uncharted(db: Database, after: int, most: int) -> tuple[list[Uncharted], int]:
    """The first so many of those that began after that run, and the run up to which these are all."""
    async with db.read() as connection:
        found = await _found(connection, _UNCHARTED.where(runs.c.id > after).limit(most))
        if len(found) == most:
            return found, found[-1].run_id
        last = (await connection.execute(select(func.max(runs.c.id)))).scalar()
        return found, max(after, last or 0)


async def still_uncharted(db: Database, run_ids: Sequence[int]) -> list[Uncharted]:
    """Those of these that are."""
    async with db.read() as connection:
        return await _found(connection, _UNCHARTED.where(runs.c.id.in_(ids(run_ids))))


async def keep(db: Database, learned: Mapping[int, Tables]) -> None:
    """Keep what these runs read and write, by their ids. What is known of one stays as it is."""
    rows = [
        {"run_id": run, "sources": to_json(found.sources), "sinks": to_json(found.sinks), "whole": found.whole}
        for run, found in learned.items()
    ]
    if rows:
        async with db.write() as connection:
            await connection.execute(insert(run_tables).on_conflict_do_nothing(), rows)


def _uncharted() -> Select[Any]:
    unknown = ~select(run_tables.c.run_id).where(run_tables.c.run_id == runs.c.id).exists()
    going_on = (~stops.c.held) & (stops.c.phase != StopPhase.OVERDUE) & text(f"stops.{UNSETTLED}")
    stopping = select(stops.c.id).where(stops.c.cluster == runs.c.cluster, going_on).exists()
    begun = runs.c.phase == RunPhase.RUNNING
    wanted = select(runs.c.id, runs.c.cluster, runs.c.flink_job_id, begun, stopping.label("stopping"))
    return wanted.where(runs.c.phase.in_(sorted(LIVE)), unknown).order_by(runs.c.id)


_UNCHARTED = _uncharted()  # built once: it is asked every two seconds


async def _found(connection: AsyncConnection, wanted: Select[Any]) -> list[Uncharted]:
    return [Uncharted(*row) for row in await connection.execute(wanted)]
