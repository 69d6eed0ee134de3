"""Application clusters: the JobManager shows a stop's result about once, and goes with its job."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.services.plane import PROJECT, RULES, Plane, plane

from sluiceway.domain.adoption import Adopts, Way
from sluiceway.domain.copies import replace
from sluiceway.domain.job import Job, JobStatus
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.store.views import JobFilter
from sluiceway.testing.fake_jobs import FakeJob, Truth


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path, adopts=Adopts(PROJECT)) as made:
        yield made


async def started(at: Plane, **habits: object) -> tuple[int, FakeJob]:
    """An application cluster with its one job, once that was taken in and told how it keeps its state."""
    at.fake.of_application(leaves_after=0.2)
    flink = at.fake.add_job(secrets.token_hex(16), name="orders", **habits)
    return (await seen(at)).id, flink


async def seen(at: Plane) -> Job:
    async with asyncio.timeout(60):
        while True:
            _, found = await at.queries.jobs(PROJECT, JobFilter(), offset=0, limit=10, descending=False)
            if found and at.fake.count("cluster_config"):
                return await at.job(found[0].id)
            await asyncio.sleep(0.01)


async def stop(at: Plane, job: int, *, savepoint: bool = True) -> int:
    batch = (await at.stop(PROJECT, [job], savepoint=savepoint)).id
    assert batch is not None
    return batch


async def test_a_result_that_was_seen_once_is_kept(at: Plane) -> None:
    job, flink = await started(at)
    at.fake.add_job(secrets.token_hex(16), name="its-sibling", state=flink.state)
    await asyncio.sleep(0.3)
    assert at.fake.count("cluster_config") == 1, "what it is, is asked once"
    at.fake.finish(next(jid for jid in at.fake.jobs if jid != flink.jid))
    [entry] = await at.settled(await stop(at, job))
    assert (entry.stop.phase, entry.stop.verified) == (StopPhase.STOPPED, True)
    assert entry.adopted == Way(application=True, flink_version="2.3.0")
    [path] = at.savepoints(job)
    assert entry.stop.savepoint_path == f"file://{path.parent}"
    await at.until(job, JobStatus.STOPPED)


async def test_a_result_that_nobody_could_keep_is_found_on_storage(at: Plane) -> None:
    """The one answer that told of it was lost, and the cluster is gone."""
    job, _ = await started(at)
    at.fake.fault("poll", "lose_answer", times=None)
    [entry] = await at.settled(await stop(at, job))
    assert at.fake._runner is None, "it has left"
    assert (entry.stop.phase, entry.stop.verified) == (StopPhase.STOPPED, True)
    assert "found on storage" in entry.stop.reason
    await at.until(job, JobStatus.STOPPED)


async def test_without_a_savepoint_it_stays_unknown_until_somebody_settles_it(tmp_path: Path) -> None:
    hasty = replace(RULES, timeout=RULES.gone_after)
    async with plane(tmp_path, adopts=Adopts(PROJECT), rules=hasty) as at:
        job, _ = await started(at, stop_seconds=3600.0)
        await stop(at, job)
        await at.eventually(lambda: at.fake._state.in_flight == 1)
        await at.fake.close()
        overdue = await at.until(job, JobStatus.STOP_FAILED)
        while "refuses connections" not in overdue.why:
            await asyncio.sleep(0.05)
            overdue = await at.job(job)
        assert "without a savepoint" in overdue.why
        [entry] = await at.settled(await stop(at, job, savepoint=False))
        assert entry.stop.phase is StopPhase.LOST
        assert (await at.job(job)).status is JobStatus.FAILED


async def test_one_that_is_there_again_goes_on_with_its_stop(at: Plane) -> None:
    """A JobManager that is restarted with high availability: its job runs, and knows nothing of the attempt."""
    job, flink = await started(at, stop_seconds=3600.0)
    batch = await stop(at, job)
    await at.eventually(lambda: at.fake._state.in_flight == 1)
    at.fake.lose_jobmanager()
    await at.fake.close()
    await asyncio.sleep(2 * RULES.gone_after.total_seconds())
    assert (await at.job(job)).status is JobStatus.SAVEPOINTING
    flink.stop_seconds = 0.0
    await at.fake.start()
    [entry] = await at.settled(batch)
    assert (entry.stop.phase, entry.stop.attempt) == (StopPhase.STOPPED, 2)


async def test_one_that_is_there_again_after_its_stop_was_settled_takes_it_back(at: Plane) -> None:
    """Its savepoint was whole, and its job had yet to end when its JobManager was lost for long."""
    job, _ = await started(at, finish_seconds=3600.0)
    at.fake.fault("poll", "html_503", times=None)
    batch = await stop(at, job)
    await at.eventually(lambda: bool(at.savepoints(job)))
    at.fake.lose_jobmanager(truths=Truth.RUNS_AGAIN)
    await at.fake.close()
    [entry] = await at.settled(batch)
    assert entry.stop.phase is StopPhase.STOPPED
    await at.fake.start()
    again = await at.until(job, JobStatus.STOP_FAILED)
    assert "running again" in again.why
    assert str(entry.stop.savepoint_path) in again.why


async def test_one_that_is_deployed_anew_after_its_stop_was_settled_is_another_run(at: Plane) -> None:
    """It has the same Flink job id, and goes on from the savepoint: the stop is as true as before."""
    job, flink = await started(at)
    at.fake.fault("poll", "lose_answer", times=None)
    batch = await stop(at, job)
    [entry] = await at.settled(batch)
    assert (await at.job(job)).status is JobStatus.STOPPED
    at.fake.lose_jobmanager(ha=False)
    at.fake.add_job(flink.jid, name="orders", restored=entry.stop.savepoint_path)
    await at.fake.start()
    again = await at.until(job, JobStatus.RUNNING, JobStatus.STOP_FAILED)
    assert (again.status, again.flink_job_id) == (JobStatus.RUNNING, flink.jid)
    [stopped] = await at.settled(batch)
    assert (stopped.stop.phase, stopped.stop.savepoint_path) == (StopPhase.STOPPED, entry.stop.savepoint_path)


async def test_a_job_that_went_with_its_cluster_by_itself_is_shown_as_unknown(at: Plane) -> None:
    job, flink = await started(at)
    at.fake.finish(flink.jid)
    await at.fake.close()
    ended = await at.until(job, JobStatus.UNWELL, JobStatus.FINISHED)
    assert ended.status is JobStatus.FINISHED or "refuses connections" in ended.why
