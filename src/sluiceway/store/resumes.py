"""Ways back as orders: accepted in one transaction with their starts, let begin, paused, and taken back.

The rules are in `domain/coming_back.py`.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, case, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.admission import Verdict
from sluiceway.domain.batch import BatchState, Kind, Limits
from sluiceway.domain.coming_back import (
    BackPhase,
    BackPolicy,
    BackTally,
    Begun,
    Bound,
    pauses,
    phase_of,
    withdrawn,
)
from sluiceway.domain.job import JobStatus, standing
from sluiceway.domain.orders import Key, Placed
from sluiceway.domain.places import release_starts
from sluiceway.domain.plan import PlanRef
from sluiceway.domain.run import RunPhase
from sluiceway.store import answers, intents, ledger, moves, stories
from sluiceway.store.batches import find, go_on, let_begin, set_state
from sluiceway.store.database import Database, epoch_ms
from sluiceway.store.events import event
from sluiceway.store.intents import Start
from sluiceway.store.parked import to_duration
from sluiceway.store.reserve import Use
from sluiceway.store.rows import to_run
from sluiceway.store.schema import batches, jobs, runs
from sluiceway.store.stories import signs, to_signs, with_stop


@dataclass(frozen=True, slots=True)
class Answers:
    """What each job of an order is answered, by whether its start was stored."""

    begun: Mapping[int, Verdict]  # of all jobs, as if every start was
    late: Mapping[int, Verdict]  # of those to start: something else was done to the job in between

    def of(self, order: int | None, begun: Collection[int]) -> Placed:
        """The answer, once it is known which of them were."""
        verdicts = {**self.begun, **{job: no for job, no in self.late.items() if job not in begun}}
        return Placed(order, list(verdicts), verdicts)


@dataclass(frozen=True, slots=True)
class ResumeIntent:
    """What all starts of one way back have in common."""

    project: str
    now: datetime
    policy: BackPolicy
    source: int | None = None  # the stop whose jobs it brings back
    retry_of: int | None = None  # the order before, in whose story it is
    known: int | None = None  # the order to look at where this one stores no start
    who: str = ""
    plan: PlanRef | None = None  # the dry run that it carries out; told in the audit of each start
    key: Key | None = None  # for orders that may be sent again
    move: int | None = None  # whose second half it is

    @property
    def detail(self) -> str:
        """For the audit."""
        return "" if self.source is None else f"It brings back what stop {self.source} has stopped."


async def accept(
    db: Database, starts: Sequence[Start], runnable: Sequence[JobStatus], intent: ResumeIntent, told: Answers
) -> Placed:
    """Store a way back with the starts of those jobs that may still be started: what became of it.

    With a key, that is kept for whoever sends the order again. Raises `AnsweredBefore`, and then nothing was changed.
    """
    async with db.write() as connection:
        if intent.key is not None:
            await answers.refuse_known(connection, intent.project, intent.key, intent.now)
        order, begun = await add(connection, starts, runnable, intent)
        placed = told.of(order or intent.known, begun)
        if intent.key is not None:
            await answers.keep(connection, intent.project, intent.key, placed, intent.now)
        return placed


async def add(
    connection: AsyncConnection,
    starts: Sequence[Start],
    runnable: Sequence[JobStatus],
    intent: ResumeIntent,
    known: int | None = None,
) -> tuple[int | None, set[int]]:
    """Store those of these starts that may still begin, as an order or in one that is known: it, and their jobs.

    The order is None where there would be a new one, and none of them may begin.
    """
    order = known or await _new(connection, intent)
    gated = intent.policy.gated or len({start.wave for start in starts}) > 1
    mine = [replace(start, batch_id=order, held=gated) for start in starts]
    note = intent.plan.told if intent.plan else ""
    begun = await intents.begin(connection, mine, runnable, epoch_ms(intent.now), intent.who, note)
    if known is None and not begun:
        await connection.execute(delete(batches).where(batches.c.id == order))
        return None, begun
    if known is None:
        detail = " ".join(filter(None, (intent.detail, note)))
        told = event("resume_accepted", epoch_ms(intent.now), intent.project, who=intent.who, detail=detail)
        await ledger.tell(connection, [told | {"batch_id": order}])
        await stories.tell(connection, intent.retry_of, order, intent.project, epoch_ms(intent.now), intent.who)
    if gated:
        await let_start(connection, [order], intent.now)
    return order, begun


async def _new(connection: AsyncConnection, intent: ResumeIntent) -> int:
    policy, bound = intent.policy, intent.policy.bound
    row = {
        "kind": Kind.RESUME,
        "project": intent.project,
        "savepoint": False,
        "reason": "",
        "who": intent.who,
        "max_parallel": policy.limits.max_parallel,
        "abort_failures": policy.limits.abort_failures,
        "abort_share": policy.limits.abort_share,
        "pace": policy.pace,
        "park_after": None if bound.after is None else round(bound.after.total_seconds() * 1000),
        "park_restarts": bound.restarts,
        "source_id": intent.source,
        "retry_of": intent.retry_of,
        "plan_id": intent.plan.id if intent.plan else None,
        "planned_by": intent.plan.who if intent.plan else "",
        "story": await stories.begin(connection, intent.retry_of),
        "move_id": intent.move or await moves.joined_by(connection, intent.retry_of or intent.source),
        "created_at": epoch_ms(intent.now),
    }
    made = await connection.execute(insert(batches).values(row).returning(batches.c.id))
    return int(made.scalar_one())


def to_policy(row: Any) -> BackPolicy:
    """What the request said, from the row of its order. Ways back of older versions said nothing."""
    if row.kind != Kind.RESUME:
        return BackPolicy()
    limits = Limits(row.max_parallel, row.abort_failures, row.abort_share)
    return BackPolicy(limits, row.pace, Bound(to_duration(row.park_after), row.park_restarts))


# As it goes on. -------------------------------------------------------------------------------------------------------


async def advance(db: Database, stopping: Iterable[int], starting: Iterable[int], now: datetime) -> bool:
    """Let begin whoever may of these orders' stops and starts; tells whether anything changed."""
    async with db.write(Use.UPKEEP) as connection:
        begun = await let_begin(connection, list(stopping), now)
        return await let_start(connection, list(starting), now) or begun


async def let_start(connection: AsyncConnection, orders: Sequence[int], now: datetime) -> bool:
    """Let begin the held starts whose turn has come, or pause their order; tells whether anything changed."""
    changed = False
    wanted = select(batches).where(batches.c.id.in_(orders))
    for order in list(await connection.execute(wanted)):
        if order.kind == Kind.RESUME and order.state != BatchState.OPEN:
            continue
        policy, tally = to_policy(order), await _tally(connection, order.id)
        if not any(t.phase is BackPhase.HELD for t in tally):
            continue
        if (why := pauses(policy.limits, tally)) is not None:
            await set_state(connection, order, BatchState.PAUSED, why, epoch_ms(now))
            changed = True
        elif (next_ := release_starts(policy, tally, await _begun(connection, order.id, now))) is not None:
            held = select(runs.c.id).where(runs.c.batch_id == order.id, runs.c.held, runs.c.wave == next_.wave)
            first = held.order_by(runs.c.id).limit(-1 if next_.places is None else next_.places)
            await ledger.release_starts(connection, first, now)
            changed = True
    return changed


async def _begun(connection: AsyncConnection, order: int, now: datetime) -> Begun:
    at = epoch_ms(now)
    lately = func.count(case((runs.c.released_at > at - 60_000, 1)))
    wanted = select(lately.label("lately"), func.max(runs.c.released_at).label("last"))
    row = (await connection.execute(wanted.where(runs.c.batch_id == order))).one()
    return Begun(row.lately, None if row.last is None else timedelta(milliseconds=at - row.last))


async def _tally(connection: AsyncConnection, order: int) -> list[BackTally]:
    alike = (runs.c.wave, runs.c.unwell, *signs())
    counted = select(*alike, func.count().label("alike")).select_from(with_stop()).where(runs.c.batch_id == order)
    rows = await connection.execute(counted.group_by(*alike))
    return [BackTally(row.wave, phase_of(to_signs(row)), row.alike, bool(row.unwell)) for row in rows]


# What people decide about it. -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """What an abort came to."""

    jobs: Sequence[int]  # ids of those whose starts were taken back
    clusters: set[str]  # to wake


async def abort(db: Database, project: str, order: int, now: datetime, who: str) -> Withdrawn | None:
    """Take back whatever of a way back was not sent, for good; None when there is no such order.

    A worker that is about to send one of them finds its version gone, and does not. What the job is resumed from stays.
    """
    at = epoch_ms(now)
    async with db.write(Use.MAKES_ROOM) as connection:
        row = await find(connection, project, order, Kind.RESUME)
        if row is None:
            return None
        taken = list((await connection.execute(_unsent(order))).mappings())
        found = [to_run(run) for run in taken]
        gone = [withdrawn(run, who, now) for run in found]
        await ledger.store(connection, list(zip(found, gone, strict=True)))
        rests = [({"id": run.job_id, "run_id": run.id}, standing(run, None)) for run in gone]
        await ledger.show(connection, rests, ended_at=at)
        told = [
            event("run_canceled", at, project, job_id=run.job_id, who=who, detail=run.reason) | {"batch_id": order}
            for run in gone
        ]
        await ledger.tell(connection, told)
        if row.state != BatchState.ABORTED:
            await set_state(connection, row, BatchState.ABORTED, f"Aborted by {who or 'a request'}.", at, who)
        return Withdrawn([run["job_id"] for run in taken], {run["cluster"] for run in taken})


def _unsent(order: int) -> Select[Any]:
    """Starts that nothing was sent for, and that nobody is stopping."""
    joined = runs.join(jobs, (jobs.c.run_id == runs.c.id) & jobs.c.stop_id.is_(None))
    wanted = select(runs).select_from(joined)
    return wanted.where(runs.c.batch_id == order, runs.c.phase == RunPhase.ACCEPTED)


async def proceed(db: Database, project: str, order: int, now: datetime, who: str) -> BatchState | None:
    """Let a paused way back go on, whatever has failed so far; the state it had, None when there is no such order."""
    async with db.write() as connection:
        row: Row[Any] | None = await find(connection, project, order, Kind.RESUME)
        if row is None:
            return None
        if row.state == BatchState.PAUSED:
            await go_on(connection, row, now, who)
            await let_start(connection, [order], now)
        return BatchState(row.state)
