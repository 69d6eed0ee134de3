"""Nothing that ails a job stays hidden: jobs that loop, that find no slots, and that never prove their state."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.support.patience import PATIENCE
from tests.support.services.plane import PROJECT, RULES, Plane, plane

from sluiceway.assembly.clock import clock
from sluiceway.domain.health import Condition, Proof
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.policy import IfNotRunning, StopPolicy
from sluiceway.engines.session import vitals
from sluiceway.reconcile.sweep import Sweeper
from sluiceway.store import catalogue
from sluiceway.store.catalogue import Need
from sluiceway.store.catalogue import Which as WhichSavepoints
from sluiceway.store.schema import events
from sluiceway.testing.fake_jobs import FakeCheckpoint
from sluiceway.testing.fake_rest import Kind

LOOPS = "java.lang.ArithmeticException: / by zero"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ROUND_EVERY", "FIRST_PAUSE", "STARTS_WITHIN", "LONGEST_PAUSE"):
        monkeypatch.setattr(vitals, name, 0.05)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path, rules=replace(RULES, ailing_patience=timedelta(milliseconds=300))) as made:
        made.fake._cache_seconds = 0.0
        yield made


async def looping(world: Plane, job: int, *, comes_up: bool = False) -> str:
    jid = await world.flink_id(job)
    world.fake.loop(jid, LOOPS, comes_up=comes_up)
    await world.until_it_fares(job, lambda h: h.condition is Condition.RESTARTING and bool(h.cause))
    return jid


async def told(world: Plane, job: int) -> list[str]:
    async with world.db.read() as connection:
        found = await connection.execute(select(events.c.kind).where(events.c.job_id == job).order_by(events.c.id))
        return [row.kind for row in found]


# 7. How it fares. ----------------------------------------------------------------------------------------------------


async def test_a_job_that_loops_is_told_with_its_cause_and_well_again_when_it_is(world: Plane) -> None:
    [job] = await world.run()
    await world.until_it_fares(job, lambda h: h.condition is Condition.RUNNING)
    jid = await looping(world, job)
    shown = await world.job(job)
    assert shown.status is JobStatus.RUNNING
    assert "ArithmeticException: / by zero" in shown.why
    unwell = await world.until(job, JobStatus.UNWELL)
    assert "does not run steadily" in unwell.why
    world.fake.loop(jid, "")
    well = await world.until(job, JobStatus.RUNNING)
    assert well.why == ""
    kinds = await told(world, job)
    assert (kinds.count("job_unwell"), kinds.count("job_well")) == (1, 1)


async def test_a_job_without_slots_says_how_many_it_lacks(world: Plane) -> None:
    [job] = await world.run()
    world.fake.free_slots = 0
    world.fake.set_running_tasks(await world.flink_id(job), 0)
    health = await world.until_it_fares(job, lambda h: h.condition is Condition.NO_SLOTS)
    assert (health.slots_wanted, health.slots_free) == (1, 0)
    assert "it lacks 1, and the cluster has 0 free" in (await world.job(job)).why


async def test_a_herd_of_loops_is_asked_about_a_few_at_a_time(world: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vitals, "ROUND_EVERY", 3600.0)
    jobs = await world.run(40)
    for job in jobs:
        world.fake.loop(await world.flink_id(job))
    for job in jobs:
        await world.until_it_fares(job, lambda h: h.condition is Condition.RESTARTING)
    assert world.fake.count(Kind.EXCEPTIONS) <= vitals.EXAMS


# 8. Why it failed. ---------------------------------------------------------------------------------------------------


async def test_the_cause_is_found_where_it_stands(world: Plane) -> None:
    early, starved = await world.run(2)
    world.fake.fail_to_start(await world.flink_id(early))
    jid = await world.flink_id(starved)
    world.fake.starve(jid)
    world.fake.starve(jid, "org.apache.flink.runtime.jobmanager.scheduler.NoResourceAvailableException: No slots.")
    assert "Cannot find the savepoint" in (await world.until(early, JobStatus.FAILED)).why
    assert "No slots." in (await world.until(starved, JobStatus.FAILED)).why


# 9. Stops of what does not run. --------------------------------------------------------------------------------------


async def test_a_stop_of_a_loop_leaves_it_and_says_why(world: Plane) -> None:
    [job] = await world.run()
    await looping(world, job)
    [entry] = await world.stop_and_wait([job])
    assert entry.stop.phase is StopPhase.FAILED
    assert "/ by zero" in entry.stop.reason
    assert "stop it without a savepoint" in entry.stop.reason
    assert "--if-not-running cancel" in entry.stop.reason
    shown = await world.job(job)
    assert shown.status is JobStatus.STOP_FAILED
    assert shown.why.startswith(entry.stop.reason)
    assert world.fake.count(Kind.STOP) == 0


async def test_what_ails_a_job_after_its_stop_has_failed_is_told_as_long_as_it_does(world: Plane) -> None:
    [job] = await world.run()
    jid = await looping(world, job)
    [entry] = await world.stop_and_wait([job])
    assert entry.stop.phase is StopPhase.FAILED
    world.fake.loop(jid, "")
    await world.until_it_fares(job, lambda h: h.condition is Condition.RUNNING)
    assert (await world.job(job)).why == entry.stop.reason
    world.fake.loop(jid, "java.lang.IllegalStateException: no table")
    await world.until_it_fares(job, lambda h: "no table" in h.cause)
    shown = await world.job(job)
    assert (shown.status, "no table" in shown.why) == (JobStatus.STOP_FAILED, True)
    assert shown.why.startswith(entry.stop.reason)


WAITS = StopPolicy(if_not_running=IfNotRunning.WAIT)


async def test_a_stop_that_has_sent_nothing_is_no_obstacle(world: Plane) -> None:
    [job] = await world.run()
    jid = await looping(world, job)
    first = (await world.stop(PROJECT, [job], savepoint=True, policy=WAITS)).id
    waiting = await world.until(job, JobStatus.SAVEPOINTING)
    async with asyncio.timeout(PATIENCE):
        while "/ by zero" not in waiting.why:
            waiting = await world.job(job)
            await asyncio.sleep(0.01)
    batch = await world.stop(PROJECT, [job], savepoint=False)
    assert [v.accepted for v in batch.verdicts] == [True]
    assert "takes the place" in batch.verdicts[0].note
    await world.until(job, JobStatus.STOPPED)
    assert world.fake.jobs[jid].state == "CANCELED"
    assert first is not None
    assert [e.stop.phase for e in await world.settled(first)] == [StopPhase.STOPPED]


async def test_whoever_says_so_has_it_canceled_keeping_its_last_checkpoint(world: Plane) -> None:
    [kept], [none] = await world.run(interval=10.0, prefix="kept"), await world.run(prefix="none")
    jid = await world.flink_id(kept)
    checkpoint = Path(world.storage.uri.removeprefix("file://")) / "jobs" / "checkpoint" / jid / "chk-7"
    checkpoint.mkdir(parents=True)
    fake = world.fake.jobs[jid]
    world.fake._disk.complete(str(checkpoint), 7)
    fake.retains_checkpoints, fake.checkpoint = True, FakeCheckpoint(f"file:{checkpoint}")
    for job in (kept, none):
        await looping(world, job)
    await world.until_it_fares(none, lambda h: h.proof is Proof.NONE)
    policy = StopPolicy(if_not_running=IfNotRunning.CANCEL)
    batch = (await world.stop(PROJECT, [kept, none], savepoint=True, policy=policy)).id
    assert batch is not None
    first, second = await world.settled(batch)
    assert (first.stop.phase, first.stop.checkpoint_path) == (StopPhase.STOPPED, f"file://{checkpoint}")
    assert (second.stop.phase, second.stop.checkpoint_path) == (StopPhase.STOPPED, None)
    assert "/ by zero" in first.stop.reason


# 10. Deleting it. ----------------------------------------------------------------------------------------------------


async def test_a_deleted_loop_is_canceled_at_once_and_seen_until_it_is_gone(world: Plane) -> None:
    [job] = await world.run()
    jid = await looping(world, job)
    world.fake.jobs[jid].cancel_seconds = 0.5
    await world.stop(PROJECT, [job], savepoint=True, policy=WAITS)
    await world.until(job, JobStatus.SAVEPOINTING)
    await world.edit.delete(PROJECT, [job])
    assert await world.fares(job) is None
    leaving = await world.fares(job, leaving=True)
    assert leaving is not None
    assert leaving.deleted_at is not None
    await world.eventually(lambda: world.fake.jobs[jid].state == "CANCELED")
    async with asyncio.timeout(PATIENCE):
        while await world.fares(job, leaving=True) is not None:
            await asyncio.sleep(0.01)


# 11. What proves a state. --------------------------------------------------------------------------------------------


async def test_a_savepoint_of_a_loop_does_not_take_the_place_of_the_good_one(world: Plane) -> None:
    [job] = await world.run(interval=3600.0)
    [good] = await world.stop_and_wait([job])
    await world.start(PROJECT, [job], resume=True)
    jid = await world.flink_id(job)
    await world.eventually(lambda: jid in world.fake.jobs)
    world.fake.jobs[jid].recoverable = False  # it has completed no checkpoint
    world.fake.jobs[jid].up_seconds = 0.2
    await looping(world, job, comes_up=True)
    [bad] = await world.stop_and_wait([job])
    assert bad.stop.phase is StopPhase.STOPPED
    assert good.stop.savepoint_path is not None
    assert good.stop.savepoint_path in bad.stop.unproven
    newer, older = await catalogue.listed(world.db, PROJECT, WhichSavepoints(job_id=job), 10, now=clock())
    assert (older.need, newer.unproven, older.unproven) == (Need.RESTORED_FROM, bad.stop.unproven, "")
    assert (await world.job(job)).savepoint_path == good.stop.savepoint_path
    assert await Sweeper(world.db, world.storage, world.reconciler._clock, timedelta(0), None).sweep() == 0
    [verdict] = await world.start(PROJECT, [job], resume=True)
    assert good.stop.savepoint_path in verdict.note


@pytest.mark.parametrize("told_before", [False, True], ids=["asked at its end", "told from before its end"])
async def test_a_checkpoint_that_nobody_has_seen_in_time_is_proof_all_the_same(
    world: Plane, monkeypatch: pytest.MonkeyPatch, told_before: bool
) -> None:
    """Young jobs are asked about it ever less often, and a job that is over is no longer asked.

    Flink tells of checkpoints from a cache: an answer that does not have the savepoint itself is from before it.
    """
    [job] = await world.run(interval=3600.0)
    await world.stop_and_wait([job])
    monkeypatch.setattr(vitals, "FIRST_PAUSE", 3600.0)
    await world.start(PROJECT, [job], resume=True)
    await world.until(job, JobStatus.RUNNING)
    jid = await world.flink_id(job)
    world.fake.jobs[jid].recoverable = False
    world.fake.jobs[jid].up_seconds = 0.2
    await looping(world, job, comes_up=True)
    if told_before:
        await world.engine._jobmanagers.at(world.clusters["c0"]).checkpoints(jid)
    world.fake.jobs[jid].checkpoint = FakeCheckpoint(f"file:///c/{jid}/chk-1")
    [stopped] = await world.stop_and_wait([job])
    assert (stopped.stop.phase, stopped.stop.unproven) == (StopPhase.STOPPED, "")
    assert (await world.job(job)).savepoint_path == stopped.stop.savepoint_path


async def test_a_batch_of_which_one_was_unproven_brings_it_back_from_the_good_one(world: Plane) -> None:
    [job] = await world.run(interval=3600.0)
    [good] = await world.stop_and_wait([job])
    await world.start(PROJECT, [job], resume=True)
    jid = await world.flink_id(job)
    await world.eventually(lambda: jid in world.fake.jobs)
    world.fake.jobs[jid].recoverable = False  # it has completed no checkpoint
    world.fake.jobs[jid].up_seconds = 0.2
    await looping(world, job, comes_up=True)
    batch = (await world.stop(PROJECT, [job], savepoint=True)).id
    assert batch is not None
    await world.settled(batch)
    back = (await world.resume(PROJECT, batch)).by_job
    assert back[job].accepted
    assert good.stop.savepoint_path is not None
    assert good.stop.savepoint_path in back[job].note


# 13. When it is up. --------------------------------------------------------------------------------------------------


async def test_it_is_up_when_its_first_checkpoint_is_complete(world: Plane) -> None:
    [plain], [job] = await world.run(), await world.run(interval=10.0, prefix="with")
    assert (await world.until_it_fares(plain, lambda h: h.up_at is not None)).proof is Proof.NONE
    assert (await world.until_it_fares(job, lambda h: h.proof is Proof.AWAITED)).up_at is None
    world.fake.jobs[await world.flink_id(job)].checkpoint = FakeCheckpoint("file:/c/chk-1")
    assert (await world.until_it_fares(job, lambda h: h.up_at is not None)).proof is Proof.GIVEN
