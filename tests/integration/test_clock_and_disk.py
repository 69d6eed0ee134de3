"""The ground shakes: the wall clock jumps, the disk of the database is full, somebody else holds its lock."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from tests.support.services.plane import PROJECT, RULES, Plane, plane

from sluiceway.assembly.clock import clock
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.store import database
from sluiceway.store.trouble import DatabaseUnavailable


class JumpingClock:
    """The wall clock, off by what somebody has set it to."""

    def __init__(self) -> None:
        self.off = timedelta()

    def __call__(self) -> datetime:
        return clock() + self.off


@pytest.mark.parametrize("hours", [5, -5])
async def test_a_clock_that_jumps_makes_no_stop_overdue_and_no_job_gone(tmp_path: Path, hours: int) -> None:
    wall = JumpingClock()
    rules = replace(RULES, gone_after=timedelta(hours=1), timeout=timedelta(hours=1))
    async with plane(tmp_path, clock=wall, rules=rules) as at:
        jobs = await at.run(3)
        for job in jobs:
            at.fake.jobs[await at.flink_id(job)].stop_seconds = 1.0
        batch = (await at.stop(PROJECT, jobs, savepoint=True)).id
        await at.eventually(lambda: at.fake.count("stop") == 3)
        at.fake.hide(await at.flink_id(jobs[0]))
        wall.off = timedelta(hours=hours)
        await asyncio.sleep(0.3)
        assert {(await at.job(job)).status for job in jobs} == {JobStatus.SAVEPOINTING}
        at.fake.show()
        assert [e.stop.phase for e in await at.settled(batch or 0)] == [StopPhase.STOPPED] * 3
        assert at.fake.count("stop") == 3


@contextmanager
def full_disk(at: Plane) -> Iterator[None]:
    """SQLite may not add another page: what it says then is what it says of a full disk."""
    engine = at.db._engine.sync_engine

    def limit(connection: Any, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count = 1")  # never below what there is
        cursor.close()

    def lift(connection: Any, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA max_page_count = 1073741823")
        cursor.close()

    event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        event.remove(engine, "checkout", limit)
        event.listen(engine, "checkout", lift)


async def fill(at: Plane, jobs: list[int]) -> None:
    """Ask for more than fits: there may be a little room left."""
    for _ in range(50):
        await at.stop(PROJECT, jobs, savepoint=True, reason="x" * 100_000)
        await at.create("y" * 100_000)


async def test_a_full_disk_refuses_new_stops_and_forgets_none(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        jobs = await at.run(40)
        batch = (await at.stop(PROJECT, jobs[:20], savepoint=True, reason="before")).id
        with full_disk(at):
            with pytest.raises(DatabaseUnavailable, match="full"):
                await fill(at, jobs[20:])
            await asyncio.sleep(0.3)
        entries = await at.settled(batch or 0)
        assert [entry.stop.phase for entry in entries] == [StopPhase.STOPPED] * 20
        assert at.fake.restarts == 0
        for job in jobs[:20]:
            assert len(at.savepoints(job)) == 1, "one savepoint each, however often the turn failed"


def begins(other: sqlite3.Connection) -> bool:
    """Whether another's write has begun."""
    with suppress(sqlite3.OperationalError):
        other.execute("BEGIN IMMEDIATE")
    return other.in_transaction


async def test_a_locked_database_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.05)
    async with plane(tmp_path) as at:
        jobs = await at.run(5)
        for job in jobs:
            at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.1
        batch = (await at.stop(PROJECT, jobs, savepoint=True)).id
        other = sqlite3.connect(tmp_path / "test.db", isolation_level=None, timeout=0.0)
        await at.eventually(lambda: begins(other))  # a write of ours that is under way needs this thread to end
        await asyncio.sleep(0.5)
        other.execute("ROLLBACK")
        other.close()
        assert [entry.stop.phase for entry in await at.settled(batch or 0)] == [StopPhase.STOPPED] * 5
        assert at.fake.restarts == 0
        for job in jobs:
            assert len(at.savepoints(job)) == 1


async def test_a_write_behind_one_that_does_not_end_is_refused_and_done_never(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with plane(tmp_path) as at:
        job = await at.run(1)
        monkeypatch.setattr(database, "BUSY_TIMEOUT", 0.1)
        async with at.db.write():
            with pytest.raises(DatabaseUnavailable, match="other writers"):
                await at.stop(PROJECT, job, savepoint=True)
        monkeypatch.undo()
        assert (await at.job(job[0])).status is JobStatus.RUNNING
        assert [e.stop.phase for e in await at.settled((await at.stop(PROJECT, job, savepoint=True)).id or 0)] == [
            StopPhase.STOPPED
        ]


async def test_the_time_behind_others_counts_against_the_patience_with_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[str] = []
    async with plane(tmp_path) as at:
        monkeypatch.setattr(database, "BUSY_TIMEOUT", 60.0)
        event.listen(
            at.db._engine.sync_engine,
            "before_cursor_execute",
            lambda _c, _u, sql, *_: waits.append(sql) if "busy_timeout" in sql else None,
        )
        async with at.db.write():
            waiting = asyncio.create_task(at.create("SELECT 1"))
            await asyncio.sleep(0.05)
            waits.clear()
        await waiting
    assert int(waits[0].split("=")[1]) < 60_000 - 40
