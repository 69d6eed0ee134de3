"""What tells how a job fares, on real Flink and on the fake: its tasks, when they last moved, and why it failed."""

import asyncio

import pytest
from tests.contract.clusters import Cluster, is_ready
from tests.support.patience import PATIENCE

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import JobState
from sluiceway.engines.session.traits import NO_INTERVAL
from sluiceway.engines.session.vitals import vitals

ALIVE = {JobState.RUNNING, JobState.RESTARTING}


async def test_a_loop_alternates_and_moves_at_every_restart(flink: Cluster) -> None:
    jid = await flink.place.looping()
    flink.started.append(jid)
    moved = set()
    for _ in range(3):
        job = await flink.until(
            jid, lambda job: job.state is JobState.RESTARTING and job.last_modification not in moved
        )
        assert not vitals(job).whole
        moved.add(job.last_modification)
    assert (await flink.until(jid, lambda job: job.state is JobState.RUNNING)).tasks.total == (
        2 if flink.since((1, 19)) else 1  # 1.18 chains them
    )
    async with asyncio.timeout(PATIENCE):
        while len((await flink.rest.failures(jid))[0]) < 3:  # cached for some seconds
            await asyncio.sleep(0.1)
    times, cause = await flink.rest.failures(jid)
    assert "/ by zero" in cause
    assert times == sorted(times, reverse=True)
    assert len(times) <= 16


async def test_a_steady_job_does_not_move(flink: Cluster) -> None:
    jid = await flink.run(flink.place.restarting)
    before = await flink.until(jid, is_ready)
    await asyncio.sleep(0.5)
    assert (await flink.until(jid, is_ready)).last_modification == before.last_modification
    assert vitals(before).whole
    assert await flink.rest.failures(jid) == ([], "")


async def test_a_job_tells_whether_it_takes_checkpoints(flink: Cluster) -> None:
    with_, without = await flink.run(flink.place.restarting), await flink.run(flink.place.endless)
    every, none = await flink.rest.checkpoint_config(with_), await flink.rest.checkpoint_config(without)
    assert every is not None
    assert none is not None
    assert (every.interval, none.interval) == (3_600_000, NO_INTERVAL)
    batch = await flink.run(flink.place.batch, ready=False)
    assert await flink.rest.checkpoint_config(batch) is None
    with pytest.raises(Unreachable, match="not found"):
        await flink.rest.checkpoint_config("0" * 32)  # it may be one whose JobManager recovers


async def test_a_savepoint_is_told_apart_from_checkpoints(flink: Cluster) -> None:
    jid = await flink.run(flink.place.restarting)
    assert (await flink.rest.savepoint(jid, trigger="0" * 31 + "1", target=flink.target("mine"))) is not None
    await flink.outcome(jid, "0" * 31 + "1")
    async with asyncio.timeout(PATIENCE):
        while (found := await flink.rest.checkpoints(jid)) is None or found.latest.savepoint is None:  # cached
            await asyncio.sleep(0.1)


async def test_tasks_without_slots_are_scheduled_and_the_overview_has_none_free(flink: Cluster) -> None:
    jid = await flink.run(flink.place.waiting, ready=False)
    job = await flink.until(jid, lambda job: job.tasks.scheduled > 0)
    assert vitals(job).waiting == job.tasks.scheduled
    async with asyncio.timeout(PATIENCE):
        while (await flink.rest.overview()).slots_available:
            await asyncio.sleep(0.05)


async def test_an_application_that_nobody_knows_tells_nothing(flink: Cluster) -> None:
    assert await flink.rest.exceptions("0" * 32) == ""
