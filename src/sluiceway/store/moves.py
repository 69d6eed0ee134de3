"""Moves: their rows, and what is read of them. Their halves are orders, in `stop_intents` and `resumes`.

The rules are in `domain/moving.py`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import delete, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.admission import Verdict
from sluiceway.domain.batch import Kind
from sluiceway.domain.coming_back import BackPolicy
from sluiceway.domain.moving import PASSING, Destination
from sluiceway.domain.operations.stop import SETTLED, StopPhase
from sluiceway.domain.way_back import Allowed
from sluiceway.store import ledger
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.move_marks import asked, is_aborted, joined
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_json
from sluiceway.store.schema import batches, jobs, move_refusals, moves

AT_ONCE = 200  # jobs of one move that are started in one step


# Its row. ------------------------------------------------------------------------------------------------------------


async def begin(connection: AsyncConnection, to: Destination, stop: int, project: str, now: datetime) -> int:
    """Make an order of stops the first half of a move; the id of that."""
    row = {
        "project": project,
        "cluster": to.cluster,
        "back": to_json(to.back),
        "allow": to_json(sorted(to.allow)),
        "stop_id": stop,
        "created_at": epoch_ms(now),
    }
    move = int((await connection.execute(insert(moves).values(row).returning(moves.c.id))).scalar_one())
    await connection.execute(update(batches).where(batches.c.id == stop).values(move_id=move))
    who = (await connection.execute(select(batches.c.who).where(batches.c.id == stop))).scalar_one()
    detail = f"Move {move}: its jobs are started on cluster {to.cluster} once they have stopped."
    told = event("move_accepted", epoch_ms(now), project, who=who, detail=detail)
    await ledger.tell(connection, [told | {"batch_id": stop}])
    return move


async def joined_by(connection: AsyncConnection, before: int | None) -> int | None:
    """The move that a retry of this order, or the way back from it, is part of; mostly none. It is taken up again."""
    if before is None:
        return None
    found = await connection.execute(select(batches.c.move_id).where(batches.c.id == before))
    move: int | None = found.scalar_one_or_none()
    if move is not None:
        await connection.execute(update(moves).where(moves.c.id == move).values(done_at=None))
    return move


async def refuse(connection: AsyncConnection, move: int, verdicts: Mapping[int, Verdict], at: int) -> set[int]:
    """Keep why these jobs of a move are not started; tells of which that is news."""
    mine = (move_refusals.c.move_id == move, move_refusals.c.job_id.in_(ids(sorted(verdicts))))
    before = {row.job_id: row for row in await connection.execute(select(move_refusals).where(*mine))}
    await connection.execute(delete(move_refusals).where(*mine))
    rows = [
        {"move_id": move, "job_id": job, "refusal": verdict.refusal, "status": verdict.status, "note": verdict.note}
        | {"passing": verdict.refusal in PASSING, "at": at}
        for job, verdict in verdicts.items()
    ]
    if rows:
        await connection.execute(insert(move_refusals), rows)
    return {job for job, verdict in verdicts.items() if job not in before or before[job].refusal != verdict.refusal}


async def forgive(db: Database, project: str, move: int) -> int:
    """Have what was refused tried again; how many jobs that are."""
    async with db.write() as connection:
        mine = (moves.c.project == project, moves.c.id == move)
        if (await connection.execute(select(moves.c.id).where(*mine))).first() is None:
            return 0
        gone = await connection.execute(delete(move_refusals).where(move_refusals.c.move_id == move))
        await connection.execute(update(moves).where(*mine).values(done_at=None))
        return gone.rowcount


# What is left to be started. ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ToStart:
    """A move that is not over, and those of its jobs that have stopped and are to be started now."""

    move: int
    project: str
    to: Destination
    stop: int
    resume: int | None
    who: str
    jobs: Mapping[int, int]  # ids of those, each with the run that was stopped
    left: bool  # there is, or will be, more to start


async def to_start(db: Database, again: datetime) -> list[ToStart]:
    """All moves that are not over. What was refused for a reason that passes is tried again if it was so before
    `again`."""
    async with db.read() as connection:
        wanted = select(moves, batches.c.who).join(batches, batches.c.id == moves.c.stop_id)
        rows = list(await connection.execute(wanted.where(moves.c.done_at.is_(None)).order_by(moves.c.id)))
        return [await _to_start(connection, row, epoch_ms(again)) for row in rows]


async def _to_start(connection: AsyncConnection, row: Any, again: int) -> ToStart:
    of = joined(row.id, await stop_orders(connection, row.id))
    unsettled = asked.c.phase.not_in(sorted(SETTLED))
    down = (asked.c.phase == StopPhase.STOPPED) & of.latest.is_(None) & (jobs.c.run_id == asked.c.run_id)
    open_ = down & (of.passing.is_(None) | of.passing)
    due = down & (of.passing.is_(None) | (of.passing & (of.refused_at < again)))
    aborted = await is_aborted(connection, row.id, row.resume_id)
    left = select(asked.c.id).select_from(of.source).where(unsettled | open_).limit(1)
    ready = select(asked.c.job_id, asked.c.run_id).select_from(of.source).where(due).order_by(asked.c.id)
    found = [] if aborted else list(await connection.execute(ready.limit(AT_ONCE)))
    return ToStart(
        move=row.id,
        project=row.project,
        to=destination(row),
        stop=row.stop_id,
        resume=row.resume_id,
        who=row.who,
        jobs={each.job_id: each.run_id for each in found},
        left=not aborted and (await connection.execute(left)).first() is not None,
    )


async def finish(db: Database, move: int, now: datetime) -> None:
    """Look no more for anything to start of a move, unless something has come up meanwhile."""
    async with db.write(Use.UPKEEP) as connection:
        row = (await connection.execute(select(moves, literal("").label("who")).where(moves.c.id == move))).one()
        if not (await _to_start(connection, row, epoch_ms(now))).left:
            await connection.execute(update(moves).where(moves.c.id == move).values(done_at=epoch_ms(now)))


async def stop_orders(connection: AsyncConnection, move: int) -> list[int]:
    """The stops of a move: its first half, and retries of that; the oldest first."""
    wanted = select(batches.c.id).where(batches.c.move_id == move, batches.c.kind == Kind.STOP)
    return list((await connection.execute(wanted.order_by(batches.c.id))).scalars())


def destination(row: Any) -> Destination:
    """Where the jobs of a move go, from its row."""
    allow = msgspec.json.decode(row.allow, type=list[Allowed])
    return Destination(row.cluster, msgspec.json.decode(row.back, type=BackPolicy), frozenset(allow))
