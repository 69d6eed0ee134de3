"""When jobs are asked what they read and write: once, beside everything else, and never while a stop waits."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.domain.policy import StopPolicy
from sluiceway.reconcile import charting
from sluiceway.reconcile.charting import Charting
from sluiceway.store import tables

pytestmark = pytest.mark.process


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def chartable(at: Plane, count: int) -> list[int]:
    """Running jobs that tell what they read and write."""
    jobs = await at.run(count)
    for job in jobs:
        at.fake.jobs[await at.flink_id(job)].chain = "Source: orders[1] -> totals[2]: Writer"
    return jobs


def charting_of(at: Plane) -> Charting:
    return Charting(at.db, at.engine, at.queues.locate)


async def test_a_cluster_with_a_stop_under_way_is_asked_once_that_is_over(at: Plane) -> None:
    stopped, *_ = await chartable(at, 3)
    at.fake.jobs[await at.flink_id(stopped)].stop_seconds = 1.0
    order = await at.stop(PROJECT, [stopped], savepoint=True)
    charts, asked = charting_of(at), at.fake.count("job")
    assert await charts.ask() == 0
    assert at.fake.count("job") == asked, "the stop goes first"
    assert order.id is not None
    await at.settled(order.id)
    assert sum([await charts.ask() for _ in range(charting.LATER)]) == 2


async def test_a_stop_that_is_overdue_holds_up_nobody(at: Plane) -> None:
    hangs, *_ = await chartable(at, 3)
    at.fake.jobs[await at.flink_id(hangs)].stop_seconds = 60.0  # far longer than the test lasts
    await at.stop(PROJECT, [hangs], savepoint=True, policy=StopPolicy(timeout=timedelta(milliseconds=100)))
    charts = charting_of(at)
    assert await charts.ask() == 0
    while "in time" not in (await at.job(hangs)).why:
        await asyncio.sleep(0.01)
    assert sum([await charts.ask() for _ in range(charting.LATER)]) == 3


async def test_many_are_learned_a_few_at_a_time_and_none_is_read_twice(
    at: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    await chartable(at, 3)
    monkeypatch.setattr(charting, "MOST", 2)
    charts = charting_of(at)
    assert [await charts.ask() for _ in range(3)] == [2, 1, 0]
    assert at.fake.count("job") == 3
    assert await tables.uncharted(at.db, 0, 2) == ([], 3), "a service that starts anew walks over what is known once"


async def test_what_a_failure_has_cut_off_is_asked_again(at: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    await chartable(at, 2)
    charts = charting_of(at)

    async def broken(*_: Any) -> None:
        raise RuntimeError("nobody foresaw this")

    with monkeypatch.context() as patched:
        patched.setattr(type(at.engine), "tables", broken)
        with pytest.raises(RuntimeError, match="foresaw"):
            await charts.ask()
    assert await charts.ask() == 2
