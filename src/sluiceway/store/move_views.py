"""What is read of moves: each job of one, and what they have come to together."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from sluiceway.domain import coming_back
from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.batch import BatchState, Kind, Limits
from sluiceway.domain.job import JobStatus
from sluiceway.domain.moving import UNDER_WAY, Destination, MovePhase, phase_of, why
from sluiceway.domain.operations.stop import Stop
from sluiceway.domain.run import Run
from sluiceway.store.bulk import ids
from sluiceway.store.database import Database, instant
from sluiceway.store.move_marks import asked, is_aborted, joined, marked, to_marks
from sluiceway.store.moves import destination, stop_orders
from sluiceway.store.rows import to_run, to_stop
from sluiceway.store.schema import batches, jobs, move_refusals, moves, runs, stops


@dataclass(frozen=True, slots=True)
class MoveEntry:
    """One job of a move."""

    job_id: int
    name: str
    status: JobStatus
    source: str  # the cluster that it was on
    cluster: str | None  # that it was last started on
    wave: int
    accepted_at: datetime
    phase: MovePhase
    why: str
    stop: Stop
    run: Run | None  # its latest start under the move
    refusal: Verdict | None = None  # why there is none


@dataclass(frozen=True, slots=True)
class Move:
    """One accepted move."""

    id: int
    project: str
    to: Destination
    stop_id: int
    last_stop: int  # that, or the latest retry of it
    resume_id: int | None
    who: str
    reason: str
    state: BatchState  # of its latest stop
    state_why: str
    limits: Limits
    created_at: datetime
    phases: Mapping[MovePhase, int]
    entries: Sequence[MoveEntry] = ()

    @property
    def jobs(self) -> int:
        """How many jobs it moves."""
        return sum(self.phases.values())

    @property
    def settled(self) -> int:
        """How many of them have arrived, or will not."""
        return sum(count for phase, count in self.phases.items() if phase not in UNDER_WAY)


async def move(db: Database, project: str, move_id: int) -> Move | None:
    """One move with every job of it, in the order of its stops."""
    async with db.read() as connection:
        row = (await connection.execute(_heads(moves.c.project == project, moves.c.id == move_id))).one_or_none()
        if row is None:
            return None
        entries = await _entries(connection, row)
    return _to_move(row, Counter(entry.phase for entry in entries), entries)


async def is_settled(db: Database, project: str, move_id: int) -> bool | None:
    """Whether every job of a move has arrived, or will not; None when there is no such move."""
    async with db.read() as connection:
        row = (await connection.execute(_heads(moves.c.project == project, moves.c.id == move_id))).one_or_none()
        return None if row is None else not (await _phases(connection, row)).keys() & UNDER_WAY


async def move_list(db: Database, project: str, limit: int, before: int | None) -> list[Move]:
    """The latest moves of a project, newest first, without their jobs; only older ones than `before`."""
    older = [] if before is None else [moves.c.id < before]
    async with db.read() as connection:
        wanted = _heads(moves.c.project == project, *older).order_by(moves.c.id.desc()).limit(limit)
        rows = list(await connection.execute(wanted))
        return [_to_move(row, await _phases(connection, row), ()) for row in rows]


def _heads(*which: ColumnElement[bool]) -> Select[Any]:
    """Moves, each with the latest of its stops."""
    last = select(func.max(batches.c.id)).where(batches.c.move_id == moves.c.id, batches.c.kind == Kind.STOP)
    said = (batches.c.id.label("last_stop"), batches.c.who, batches.c.reason, batches.c.state, batches.c.state_why)
    limits = (batches.c.max_parallel, batches.c.abort_failures, batches.c.abort_share)
    joined_ = moves.join(batches, batches.c.id == last.correlate(moves).scalar_subquery())
    return select(moves, *said, *limits).select_from(joined_).where(*which)


async def _phases(connection: AsyncConnection, row: Any) -> Counter[MovePhase]:
    orders = await stop_orders(connection, row.id)
    of = joined(row.id, orders)
    aborted = await is_aborted(connection, row.id, row.resume_id)
    place = func.row_number().over(partition_by=asked.c.job_id, order_by=of.order.desc()).label("place")
    ranked = select(*marked(of), place).select_from(of.source).subquery()
    alike = [column for column in ranked.c if column.key != "place"]
    counted = select(*alike, func.count().label("alike")).where(ranked.c.place == 1).group_by(*alike)
    found: Counter[MovePhase] = Counter()
    for each in await connection.execute(counted):
        found[phase_of(to_marks(each, row.cluster, aborted=aborted))] += each.alike
    return found


async def _entries(connection: AsyncConnection, row: Any) -> list[MoveEntry]:
    of = joined(row.id, await stop_orders(connection, row.id))
    aborted = await is_aborted(connection, row.id, row.resume_id)
    mine = (asked.c.id.label("stop"), asked.c.job_id, asked.c.cluster.label("source"), asked.c.created_at)
    about = (
        jobs.c.name,
        jobs.c.status,
        jobs.c.cluster.label("now_on"),
        runs.c.id.label("run"),
        of.wave.label("at_wave"),
    )
    no = (move_refusals.c.refusal, move_refusals.c.status.label("no_status"), move_refusals.c.note)
    wanted = select(*mine, *about, *no, *marked(of)).select_from(of.source).order_by(of.order, asked.c.id)
    last = {each.job_id: each for each in await connection.execute(wanted)}
    stop_of = await _stops(connection, [each.stop for each in last.values()])
    starts = await _starts(connection, [each.run for each in last.values() if each.run is not None])

    def entry(each: Any) -> MoveEntry:
        phase, stop = phase_of(to_marks(each, row.cluster, aborted=aborted)), stop_of[each.stop]
        run, of_start = starts.get(each.run, (None, None))
        return MoveEntry(
            job_id=each.job_id,
            name=each.name,
            status=JobStatus(each.status),
            source=each.source,
            cluster=each.now_on,
            wave=each.at_wave,
            accepted_at=instant(each.created_at),
            phase=phase,
            why=why(phase, stop.reason, of_start),
            stop=stop,
            run=run,
            refusal=None if run is not None or each.refusal is None else _refusal(each),
        )

    return [entry(each) for each in last.values()]


def _refusal(row: Any) -> Verdict:
    return Verdict(Refusal(row.refusal), None if row.no_status is None else JobStatus(row.no_status), row.note)


async def _stops(connection: AsyncConnection, wanted: Sequence[int]) -> dict[int, Stop]:
    rows = await connection.execute(select(stops).where(stops.c.id.in_(ids(wanted))))
    return {row["id"]: to_stop(row) for row in rows.mappings()}


async def _starts(connection: AsyncConnection, wanted: Sequence[int]) -> dict[int, tuple[Run, str]]:
    """These runs, each with the words about how it comes back."""
    latest = select(func.max(stops.c.id)).where(stops.c.run_id.in_(ids(wanted))).group_by(stops.c.run_id)
    ends = await connection.execute(select(stops).where(stops.c.id.in_(latest)))
    end_of = {row["run_id"]: to_stop(row) for row in ends.mappings()}
    rows = await connection.execute(select(runs).where(runs.c.id.in_(ids(wanted))))
    found = {}
    for row in rows.mappings():
        run, end = to_run(row), end_of.get(row["id"])
        phase = coming_back.phase_of(coming_back.signs_of(run, end, row["batch_id"]))
        found[run.id] = (run, coming_back.why(phase, run, end))
    return found


def _to_move(row: Any, phases: Mapping[MovePhase, int], entries: Sequence[MoveEntry]) -> Move:
    return Move(
        id=row.id,
        project=row.project,
        to=destination(row),
        stop_id=row.stop_id,
        last_stop=row.last_stop,
        resume_id=row.resume_id,
        who=row.who,
        reason=row.reason,
        state=BatchState(row.state),
        state_why=row.state_why,
        limits=Limits(row.max_parallel, row.abort_failures, row.abort_share),
        created_at=instant(row.created_at),
        phases=dict(phases),
        entries=entries,
    )
