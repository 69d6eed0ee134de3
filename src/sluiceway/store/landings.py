"""The second half of moves: the starts of jobs that have stopped, stored as they become known."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update

from sluiceway.domain.admission import RUNNABLE, Verdict
from sluiceway.store import ledger, moves, resumes
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.intents import Start
from sluiceway.store.move_marks import is_aborted
from sluiceway.store.moves import ToStart
from sluiceway.store.reserve import Use
from sluiceway.store.resumes import ResumeIntent
from sluiceway.store.schema import moves as move_rows


async def land(
    db: Database, todo: ToStart, starts: Sequence[Start], refused: Mapping[int, Verdict], now: datetime
) -> set[int]:
    """Store these starts, and why others are refused, in one transaction; the jobs that are started.

    A job that others have started or changed since it was looked at is left alone, and so is all of a move that was
    aborted. Whoever comes second, in this process or another, stores nothing.
    """
    async with db.write(Use.UPKEEP) as connection:
        wanted = select(move_rows.c.resume_id).where(move_rows.c.id == todo.move)
        order: int | None = (await connection.execute(wanted)).scalar_one()
        if await is_aborted(connection, todo.move, order):
            return set()
        begun = set[int]()
        if starts:
            new, begun = await resumes.add(connection, starts, sorted(RUNNABLE), _intent(todo, now), order)
            if new != order:
                await connection.execute(update(move_rows).where(move_rows.c.id == todo.move).values(resume_id=new))
        news = await moves.refuse(connection, todo.move, refused, epoch_ms(now))
        told = [
            event("move_refused", epoch_ms(now), todo.project, job_id=job, detail=_told(refused[job]))
            | {"batch_id": todo.stop}
            for job in sorted(news)
        ]
        await ledger.tell(connection, told)
        return begun


def _told(verdict: Verdict) -> str:
    return " ".join(filter(None, (f"It was not started: {verdict.refusal}.", verdict.note)))


def _intent(todo: ToStart, now: datetime) -> ResumeIntent:
    return ResumeIntent(todo.project, now, todo.to.back, todo.stop, who=todo.who, move=todo.move)
