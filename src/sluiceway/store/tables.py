"""What each run reads and writes, learned once in its life; see `domain/tables.py`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.sqlite import insert

from sluiceway.domain.run import LIVE, RunPhase
from sluiceway.domain.tables import Tables
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database
from sluiceway.store.rows import to_json
from sluiceway.store.schema import run_tables, runs


@dataclass(frozen=True, slots=True)
class Uncharted:
    """A live run of which nobody knows what it reads and writes."""

    run_id: int
    cluster: str
    flink_job_id: str
    begun: bool  # it runs, as far as anybody has seen


async def uncharted(db: Database, after: int) -> list[Uncharted]:
    """Those that began after that run."""
    return await _found(db, _uncharted().where(runs.c.id > after))


async def still_uncharted(db: Database, run_ids: Sequence[int]) -> list[Uncharted]:
    """Those of these that are."""
    return await _found(db, _uncharted().where(runs.c.id.in_(ids(run_ids))))


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
    wanted = select(runs.c.id, runs.c.cluster, runs.c.flink_job_id, runs.c.phase == RunPhase.RUNNING)
    return wanted.where(runs.c.phase.in_(sorted(LIVE)), unknown).order_by(runs.c.id)


async def _found(db: Database, wanted: Select[Any]) -> list[Uncharted]:
    async with db.read() as connection:
        return [Uncharted(*row) for row in await connection.execute(wanted)]
