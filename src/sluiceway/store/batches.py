"""Batches of stops as they go on: who may begin, what pauses, and what is taken back. Their ways back are in `resumes`.

The rules are in `domain/batch.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Row,
    RowMapping,
    Select,
    bindparam,
    func,
    literal,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.batch import BatchState, Kind, Limits, Tally, pauses, withdrawn
from sluiceway.domain.job import standing
from sluiceway.domain.operations.stop import Stop, StopPhase
from sluiceway.domain.places import release_stops
from sluiceway.store import ledger, move_marks
from sluiceway.store.bulk import given_ids, ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json, to_run, to_save, to_stop
from sluiceway.store.schema import UNSETTLED, batches, jobs, rejoined, runs, saves, stops

_OPEN = select(batches).where(batches.c.id.in_(given_ids()), batches.c.state == BatchState.OPEN)


async def let_begin(connection: AsyncConnection, batch_ids: Sequence[int], now: datetime) -> bool:
    """Let begin the held stops whose turn has come, or pause their batch; tells whether anything changed."""
    changed = False
    for batch in list(await connection.execute(_OPEN, {"ids": to_json(batch_ids)})):
        limits = Limits(batch.max_parallel, batch.abort_failures, batch.abort_share)
        of_move = batch.move_id is not None
        tally = await (move_marks.tally(connection, batch) if of_move else _tally(connection, batch.id))
        why = pauses(limits, tally, "did not move") if of_move else pauses(limits, tally)
        if why is not None and any(t.held for t in tally):
            await set_state(connection, batch, BatchState.PAUSED, why, epoch_ms(now))
            changed = True
        elif why is None and (next_ := release_stops(limits, tally)) is not None:
            mine = select(stops.c.id).where(stops.c.batch_id == batch.id, stops.c.held, stops.c.wave == next_.wave)
            first = mine.order_by(stops.c.id).limit(-1 if next_.places is None else next_.places)
            await ledger.release_stops(connection, first, now)
            changed = True
    return changed


async def _tally(connection: AsyncConnection, batch_id: int) -> list[Tally]:
    rows = await connection.execute(_counted(), {"of_batch": batch_id})
    return [Tally(wave, StopPhase(phase), bool(held), count) for wave, phase, held, count in rows]


@cache
def _counted() -> Select[Any]:
    own = select(stops.c.wave, stops.c.phase, stops.c.held).where(stops.c.batch_id == bindparam("of_batch"))
    again = (
        select(rejoined.c.wave, stops.c.phase, literal(False))
        .join(stops, stops.c.id == rejoined.c.stop_id)
        .where(rejoined.c.batch_id == bindparam("of_batch"))
    )
    every = union_all(own, again).subquery()
    wave, phase, held = every.c
    return select(wave, phase, held, func.count()).group_by(wave, phase, held)


@dataclass(frozen=True, slots=True)
class Aborted:
    """What an abort came to."""

    withdrawn: Sequence[int]  # ids of the jobs whose stops were taken back
    clusters: set[str]  # to wake


async def abort(db: Database, project: str, batch_id: int, now: datetime, who: str) -> Aborted | None:
    """Take back whatever of a batch was not sent, for good; None when there is no such batch.

    A worker that is about to send one of them finds its version gone, and does not.
    """
    at = epoch_ms(now)
    async with db.write(Use.MAKES_ROOM) as connection:
        batch = await find(connection, project, batch_id, Kind.STOP)
        if batch is None:
            return None
        taken = await _withdraw(connection, of_batch(batch_id), who, now)
        if batch.state != BatchState.ABORTED:
            await set_state(connection, batch, BatchState.ABORTED, f"Aborted by {who or 'a request'}.", at, who)
        return Aborted([stop["job_id"] for stop in taken], {stop["cluster"] for stop in taken})


async def proceed(db: Database, project: str, batch_id: int, now: datetime, who: str) -> BatchState | None:
    """Let a paused batch go on, whatever has failed so far; the state it had, None when there is no such batch."""
    async with db.write() as connection:
        batch = await find(connection, project, batch_id, Kind.STOP)
        if batch is None:
            return None
        if batch.state == BatchState.PAUSED:
            await go_on(connection, batch, now, who)
            await let_begin(connection, [batch_id], now)
        return BatchState(batch.state)


async def go_on(connection: AsyncConnection, batch: Row[Any], now: datetime, who: str) -> None:
    """Let a paused order go on, and never pause again."""
    nobody = {"abort_failures": None, "abort_share": None}
    await connection.execute(update(batches).where(batches.c.id == batch.id).values(nobody))
    await set_state(connection, batch, BatchState.OPEN, "", epoch_ms(now), who)


async def find(connection: AsyncConnection, project: str, order: int, kind: Kind) -> Row[Any] | None:
    """The row of an order of this kind."""
    wanted = select(batches).where(batches.c.project == project, batches.c.id == order, batches.c.kind == kind)
    return (await connection.execute(wanted)).one_or_none()


def of_batch(batch: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a stop is of a batch, or counts in it, too."""
    again = select(rejoined.c.stop_id).where(rejoined.c.batch_id == batch)
    return (stops.c.batch_id == batch) | stops.c.id.in_(again)


async def _withdraw(
    connection: AsyncConnection, which: ColumnElement[bool], who: str, now: datetime
) -> list[RowMapping]:
    """Take back those of these stops that nothing was sent for; the rows that they were."""
    unsettled = select(stops).where(which, text(f"stops.{UNSETTLED}"))
    rows = {row["id"]: row for row in (await connection.execute(unsettled)).mappings()}
    after = {stop: gone for stop, row in rows.items() if (gone := withdrawn(to_stop(row), who, now)) is not None}
    if after:
        await ledger.take_back(connection, list(after.values()))
        await ledger.look_again(connection, [rows[stop]["run_id"] for stop in after])
        await _show(connection, [(rows[stop]["run_id"], gone) for stop, gone in after.items()])
        await ledger.tell(connection, await _told(connection, list(after.values()), who, epoch_ms(now)))
    return [rows[stop] for stop in after]


async def _show(connection: AsyncConnection, taken: Sequence[tuple[int, Stop]]) -> None:
    """Let the jobs show their runs again."""
    wanted = select(runs).where(runs.c.id.in_(ids([run for run, _ in taken])))
    of_run = {row["id"]: to_run(row) for row in (await connection.execute(wanted)).mappings()}
    asked = select(saves).join(jobs, jobs.c.save_id == saves.c.id)
    asked = asked.where(jobs.c.id.in_(ids([stop.job_id for _, stop in taken])))
    saving = {row["job_id"]: to_save(row) for row in (await connection.execute(asked)).mappings()}
    shown = [
        ({"id": stop.job_id, "stop_id": stop.id}, standing(of_run[run], stop, saving.get(stop.job_id)))
        for run, stop in taken
    ]
    await ledger.show(connection, shown)


async def _told(connection: AsyncConnection, taken: Sequence[Stop], who: str, at: int) -> list[dict[str, Any]]:
    wanted = select(jobs.c.id, jobs.c.project).where(jobs.c.id.in_(ids([stop.job_id for stop in taken])))
    project_of = {row.id: row.project for row in await connection.execute(wanted)}
    return [
        event("stop_withdrawn", at, project_of[stop.job_id], job_id=stop.job_id, who=who, detail=stop.reason)
        | {"stop_id": stop.id, "batch_id": stop.batch_id}
        for stop in taken
    ]


async def set_state(
    connection: AsyncConnection,
    batch: Row[Any],
    state: BatchState,
    why: str,
    at: int,
    who: str = "",
) -> None:
    """Change whether what has not begun of an order may begin, and tell of it."""
    changed = update(batches).where(batches.c.id == batch.id)
    await connection.execute(changed.values(state=state, state_why=why))
    told = event(f"batch_{state}", at, batch.project, who=who, detail=why)
    await ledger.tell(connection, [told | {"batch_id": batch.id}])
