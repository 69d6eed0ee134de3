"""What is known of the jobs of a move, from its stops, its starts and what was refused. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Row, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain.batch import BatchState, Kind, Tally
from sluiceway.domain.coming_back import phase_of
from sluiceway.domain.moving import Marks, Second, counts_as
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.store.schema import batches, jobs, move_refusals, moves, rejoined, runs, stops
from sluiceway.store.stories import signs, to_signs

asked = stops.alias("asked")  # of the move; the table itself stands for the stops of its starts


@dataclass(frozen=True, slots=True)
class Joined:
    """The stops of some orders of a move, each with the latest start of its job under the move."""

    source: FromClause
    order: ColumnElement[int]  # in which each is
    wave: ColumnElement[int]
    latest: ColumnElement[int | None]  # of starts
    passing: ColumnElement[bool | None]  # whether what keeps it from being started does; NULL: nothing does
    refused_at: ColumnElement[int | None]


def joined(move: int, orders: Sequence[int]) -> Joined:
    """Those of these orders. A stop that was asked for again counts in both."""
    own = select(stops.c.id.label("stop"), stops.c.batch_id.label("order"), stops.c.wave)
    again = select(rejoined.c.stop_id, rejoined.c.batch_id, rejoined.c.wave)
    every = union_all(own.where(stops.c.batch_id.in_(orders)), again.where(rejoined.c.batch_id.in_(orders))).subquery()
    backs = select(batches.c.id).where(batches.c.move_id == move, batches.c.kind == Kind.RESUME)
    of_job = select(func.max(runs.c.id).label("run"), runs.c.job_id).where(runs.c.batch_id.in_(backs))
    starts = of_job.group_by(runs.c.job_id).subquery()
    last = select(func.max(stops.c.id)).where(stops.c.run_id == runs.c.id).correlate(runs).scalar_subquery()
    no = (move_refusals.c.move_id == move) & (move_refusals.c.job_id == asked.c.job_id)
    source = every.join(asked, asked.c.id == every.c.stop).join(jobs, jobs.c.id == asked.c.job_id)
    source = source.outerjoin(starts, starts.c.job_id == asked.c.job_id).outerjoin(runs, runs.c.id == starts.c.run)
    source = source.outerjoin(stops, stops.c.id == last).outerjoin(move_refusals, no)
    return Joined(source, every.c.order, every.c.wave, starts.c.run, move_refusals.c.passing, move_refusals.c.at)


def marked(of: Joined) -> tuple[ColumnElement[Any], ...]:
    """The columns that the marks of a job follow from."""
    return (
        asked.c.phase.label("asked_phase"),
        asked.c.held.label("asked_held"),
        of.latest.is_not(None).label("start"),
        runs.c.cluster.label("start_on"),
        runs.c.unwell.label("start_unwell"),
        (jobs.c.run_id == runs.c.id).label("start_latest"),
        (jobs.c.run_id == asked.c.run_id).label("asked_latest"),
        of.passing.label("passing"),
        *signs(),
    )


def to_marks(row: Any, target: str, *, aborted: bool) -> Marks:
    """What these columns say."""
    second = None
    if row.start:
        there = row.start_on == target
        second = Second(phase_of(to_signs(row)), there, bool(row.start_unwell), bool(row.start_latest))
    refused = row.passing is not None and not row.passing
    return Marks(
        StopPhase(row.asked_phase), bool(row.asked_held), second, refused, aborted, latest=bool(row.asked_latest)
    )


async def tally(connection: AsyncConnection, batch: Row[Any]) -> list[Tally]:
    """How the stops of one order of a move count in it."""
    target = (await connection.execute(select(moves.c.cluster).where(moves.c.id == batch.move_id))).scalar_one()
    of = joined(batch.move_id, [batch.id])
    alike = (of.wave.label("at_wave"), *marked(of))
    rows = await connection.execute(select(*alike, func.count().label("alike")).select_from(of.source).group_by(*alike))
    return [_counted(row, target) for row in rows]


def _counted(row: Any, target: str) -> Tally:
    marks = to_marks(row, target, aborted=False)
    return Tally(row.at_wave, counts_as(marks), marks.held, row.alike)


async def is_aborted(connection: AsyncConnection, move: int, resume: int | None) -> bool:
    """Whether nothing more of a move is to be started: its latest stop, or its second half, was aborted."""
    last = select(func.max(batches.c.id)).where(batches.c.move_id == move, batches.c.kind == Kind.STOP)
    which = (batches.c.id == last.scalar_subquery()) | (batches.c.id == resume)
    wanted = select(batches.c.id).where(which, batches.c.state == BatchState.ABORTED).limit(1)
    return (await connection.execute(wanted)).first() is not None
