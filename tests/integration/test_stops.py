"""Stops from the request to their end, over a fake Flink: what each trouble comes to."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from tests.support.patience import PATIENCE
from tests.support.services.plane import PROJECT, RULES, Plane, plane

from sluiceway.control.queries import JobFilter
from sluiceway.domain.admission import Refusal
from sluiceway.domain.facts import JobState
from sluiceway.domain.job import JobStatus
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.policy import SavepointFormat, StopPolicy
from sluiceway.reconcile.pace import Pace
from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_jobs import Truth
from sluiceway.testing.fake_metadata import metadata


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def of_a_kind(at: Plane, **fields: Any) -> int:
    """A running job whose Flink job is so."""
    [job] = await at.run()
    fake = at.fake.jobs[await at.flink_id(job)]
    for name, value in fields.items():
        setattr(fake, name, value)
    await forget_traits(at)
    return job


async def forget_traits(at: Plane) -> None:
    """As if Flink had never been asked."""
    at.engine._attention.clear()
    async with at.db.write() as connection:
        await connection.execute(text("UPDATE runs SET traits = NULL"))


async def test_twelve_jobs_each_with_a_savepoint_and_back_again(at: Plane) -> None:
    jobs = await at.run(12)
    entries = await at.stop_and_wait(jobs)
    assert [entry.job_id for entry in entries] == jobs
    for entry in entries:
        assert (entry.stop.phase, entry.stop.verified) == (StopPhase.STOPPED, True)
        assert entry.stop.savepoint_size
        assert [f"file://{path.parent}" for path in at.savepoints(entry.job_id)] == [entry.stop.savepoint_path]
        assert (await at.job(entry.job_id)).status is JobStatus.STOPPED
    assert at.fake.restarts == 0
    assert at.fake.count("stop") == 12

    verdicts = await at.start(PROJECT, jobs, resume=True)
    assert all(verdict.accepted for verdict in verdicts)
    for entry in entries:
        await at.until(entry.job_id, JobStatus.RUNNING)
        assert at.fake.jobs[await at.flink_id(entry.job_id)].restored == entry.stop.savepoint_path


async def test_every_position_gets_its_own_verdict(at: Plane) -> None:
    [running] = await at.run()
    draft = await at.create("draft")
    elsewhere = await at.create("theirs", project="other")
    batch = await at.stop(PROJECT, [draft, running, 99, running, elsewhere, 2**63 - 1], savepoint=True)
    assert [verdict.refusal for verdict in batch.verdicts] == [
        Refusal.WRONG_STATE,
        None,
        Refusal.UNKNOWN,
        None,
        Refusal.UNKNOWN,
        Refusal.UNKNOWN,
    ]
    assert batch.id is not None
    assert len(await at.settled(batch.id)) == 1


async def test_a_second_stop_while_the_first_is_under_way_is_refused_and_harmless(at: Plane) -> None:
    [job] = await at.run()
    at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.3
    first = await at.stop(PROJECT, [job], savepoint=True)
    second = await at.stop(PROJECT, [job], savepoint=True)
    assert second.id is None
    assert second.verdicts[0].status is JobStatus.SAVEPOINTING
    assert first.id is not None
    assert (await at.settled(first.id))[0].stop.phase is StopPhase.STOPPED
    assert at.fake.count("stop") == 1


async def test_ten_requests_at_once_make_one_stop(at: Plane) -> None:
    jobs = await at.run(5)
    batches = await asyncio.gather(*(at.stop(PROJECT, jobs, savepoint=True) for _ in range(10)))
    assert sum(batch.id is not None for batch in batches) == 1
    [winner] = [batch.id for batch in batches if batch.id is not None]
    await at.settled(winner)
    assert at.fake.count("stop") == 5
    assert at.fake.restarts == 0


async def test_without_a_savepoint_the_job_is_canceled(at: Plane) -> None:
    [job] = await at.run()
    [entry] = await at.stop_and_wait([job], savepoint=False)
    assert (entry.stop.phase, entry.stop.savepoint_path) == (StopPhase.STOPPED, None)
    assert at.fake.jobs[await at.flink_id(job)].state is JobState.CANCELED
    assert (await at.job(job)).status is JobStatus.STOPPED


async def test_a_job_that_finishes_by_itself(at: Plane) -> None:
    [job] = await at.run()
    at.fake.set_running_tasks(await at.flink_id(job), 1)
    batch = await at.stop(PROJECT, [job], savepoint=True)
    at.fake.finish(await at.flink_id(job))
    assert batch.id is not None
    [entry] = await at.settled(batch.id)
    assert (entry.stop.phase, entry.stop.savepoint_path) == (StopPhase.ENDED, None)
    after = await at.job(job)
    assert after.status is JobStatus.FINISHED
    assert "finished by itself" in after.why


async def test_a_job_canceled_in_flinks_own_page_meanwhile(at: Plane) -> None:
    [job] = await at.run()
    at.fake.set_running_tasks(await at.flink_id(job), 1)
    batch = await at.stop(PROJECT, [job], savepoint=True)
    at.fake._state.cancel(await at.flink_id(job))
    assert batch.id is not None
    [entry] = await at.settled(batch.id)
    assert entry.stop.phase is StopPhase.ENDED
    assert (await at.job(job)).status is JobStatus.FAILED, "not the success that was asked for"


async def test_a_cluster_that_is_down_is_waited_for(at: Plane) -> None:
    [job] = await at.run()
    await at.fake.close()
    batch = await at.stop(PROJECT, [job], savepoint=True)
    await asyncio.sleep(0.3)
    assert (await at.job(job)).status is JobStatus.SAVEPOINTING, "no answer is not a failure"
    await at.fake.start()
    assert batch.id is not None
    assert (await at.settled(batch.id))[0].stop.phase is StopPhase.STOPPED


async def test_a_deadline_is_told_and_what_comes_late_is_recorded(tmp_path: Path) -> None:
    async with plane(tmp_path, rules=replace(RULES, timeout=timedelta(milliseconds=300))) as at:
        [job] = await at.run()
        at.fake.jobs[await at.flink_id(job)].stop_seconds = 1.5
        batch = await at.stop(PROJECT, [job], savepoint=True)
        overdue = await at.until(job, JobStatus.STOP_FAILED)
        assert "still watched" in overdue.why
        again = await at.stop(PROJECT, [job], savepoint=True)
        assert again.verdicts[0].accepted, "it is waited for anew"
        assert again.id is not None
        assert batch.id != again.id
        [entry] = await at.settled(again.id)
        assert entry.stop.phase is StopPhase.STOPPED
        assert at.fake.count("stop") == 1, "and the attempt is the same"
        assert await at.settled(batch.id or 0) == [entry], "the first request shows it too"


async def test_a_jobmanager_that_forgot_every_result(at: Plane) -> None:
    jobs = await at.run(3)
    for job in jobs:
        at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.5
    batch = await at.stop(PROJECT, jobs, savepoint=True)
    await at.eventually(lambda: at.fake.count("stop") == 3)
    await asyncio.sleep(0.1)
    ids = [await at.flink_id(job) for job in jobs]
    at.fake.lose_jobmanager(truths=dict(zip(ids, [Truth.RUNS_AGAIN, Truth.FINISHED, Truth.GONE], strict=True)))
    for flink_id in set(ids) & set(at.fake.jobs):
        at.fake.jobs[flink_id].stop_seconds = 0.0
    assert batch.id is not None
    entries = await at.settled(batch.id)
    assert [entry.stop.phase for entry in entries] == [StopPhase.STOPPED] * 3
    assert [entry.stop.attempt for entry in entries] == [2, 1, 1]
    for entry in entries:
        assert [f"file://{path.parent}" for path in at.savepoints(entry.job_id)] == [entry.stop.savepoint_path]


async def test_a_jobmanager_without_high_availability_that_lost_all_jobs(at: Plane) -> None:
    [job, bystander] = await at.run(2)
    at.fake.jobs[await at.flink_id(job)].stop_seconds = 5.0
    batch = await at.stop(PROJECT, [job], savepoint=True)
    await at.eventually(lambda: at.fake.count("stop") == 1)
    at.fake.lose_jobmanager(ha=False)
    assert batch.id is not None
    [entry] = await at.settled(batch.id)
    assert entry.stop.phase is StopPhase.LOST
    assert entry.stop.target in entry.stop.reason, "it says where the answer would lie"
    assert (await at.until(bystander, JobStatus.FAILED)).why == "The cluster no longer knows this job."


async def test_a_job_left_out_of_the_overview_is_not_gone(at: Plane) -> None:
    [job] = await at.run()
    at.fake.hide(await at.flink_id(job))
    await asyncio.sleep(1.0)
    assert (await at.job(job)).status is JobStatus.RUNNING
    at.fake.show()
    assert (await at.stop_and_wait([job]))[0].stop.phase is StopPhase.STOPPED


async def test_a_directory_that_cannot_be_written_leaves_the_job_running(at: Plane) -> None:
    [job] = await at.run()
    (Path(at.storage.uri.removeprefix("file://")) / "jobs").write_text("a file where a directory should be")
    [entry] = await at.stop_and_wait([job])
    after = await at.job(job)
    assert (entry.stop.phase, after.status) == (StopPhase.FAILED, JobStatus.STOP_FAILED)
    assert after.why
    assert at.fake.jobs[await at.flink_id(job)].state is JobState.RUNNING
    (Path(at.storage.uri.removeprefix("file://")) / "jobs").unlink()
    assert (await at.stop_and_wait([job]))[0].stop.phase is StopPhase.STOPPED, "and can be stopped again"


async def test_a_failure_in_flight_is_tried_again_under_a_new_id(at: Plane) -> None:
    [job] = await at.run()
    at.fake.jobs[await at.flink_id(job)].failing = ["expired"]
    [entry] = await at.stop_and_wait([job])
    assert (entry.stop.phase, entry.stop.attempt) == (StopPhase.STOPPED, 2)


@pytest.mark.parametrize(
    "deadly", [{"backend": "ForStStateBackend"}, {"backend": "SomethingNew", "asynchronous": True}]
)
async def test_a_job_that_a_canonical_savepoint_kills_gets_a_native_one(at: Plane, deadly: dict[str, Any]) -> None:
    job = await of_a_kind(at, **deadly)
    [entry] = await at.stop_and_wait([job])
    assert (entry.stop.phase, entry.stop.format) == (StopPhase.STOPPED, SavepointFormat.NATIVE)
    assert at.fake.restarts == 0


async def test_what_is_not_known_when_it_is_accepted_is_found_out_before_anything_is_sent(at: Plane) -> None:
    job = await of_a_kind(at, backend="ForStStateBackend")
    policy = StopPolicy(format=SavepointFormat.CANONICAL)
    await forget_traits(at)
    batch = (await at.stop(PROJECT, [job], savepoint=True, policy=policy)).id
    assert batch is not None
    [entry] = await at.settled(batch)
    assert (entry.stop.phase, at.fake.count("stop")) == (StopPhase.FAILED, 0)
    assert "would make the job fail" in entry.stop.reason
    refused = await at.stop(PROJECT, [job], savepoint=True, policy=policy)
    assert [verdict.refusal for verdict in refused.verdicts] == [Refusal.DEADLY], "by now it is known"


async def test_a_jobmanager_that_does_not_tell_holds_up_no_stop(at: Plane) -> None:
    at.fake.fault("checkpoint_config", "html_503", times=None)
    [job] = await at.run()
    [entry] = await at.stop_and_wait([job])
    assert (entry.stop.phase, entry.stop.format) == (StopPhase.STOPPED, SavepointFormat.NATIVE)


async def test_a_job_is_asked_once_how_it_keeps_its_state(at: Plane) -> None:
    [job] = await at.run()
    await at.take(PROJECT, [job])
    await at.until(job, JobStatus.SAVEPOINTING)
    await at.until(job, JobStatus.RUNNING)
    [entry] = await at.stop_and_wait([job])
    # Which also tells whether it takes checkpoints at all.
    assert (entry.stop.format, at.fake.count("checkpoint_config")) == (SavepointFormat.CANONICAL, 1)


async def test_a_restart_from_nothing_ends_a_stop_and_is_told(at: Plane) -> None:
    job = await of_a_kind(at, recoverable=False, failing=["expired", "expired"])
    [entry] = await at.stop_and_wait([job])
    assert (entry.stop.phase, entry.stop.attempt, at.fake.count("stop")) == (StopPhase.FAILED, 1, 1)
    assert "from nothing" in entry.stop.reason
    assert (await at.job(job)).status is JobStatus.STOP_FAILED


async def test_a_restart_from_a_checkpoint_is_told_though_the_next_attempt_succeeds(at: Plane) -> None:
    job = await of_a_kind(at, failing=["expired"])
    [entry] = await at.stop_and_wait([job])
    assert (entry.stop.phase, entry.stop.attempt) == (StopPhase.STOPPED, 2)
    assert "After attempt 1 was sent, Flink restarted the job" in entry.stop.reason
    assert "chk-1" in entry.stop.reason


async def test_tasks_that_do_not_all_run_are_waited_for(at: Plane) -> None:
    [job] = await at.run()
    at.fake.set_running_tasks(await at.flink_id(job), 1)
    batch = await at.stop(PROJECT, [job], savepoint=True)
    await asyncio.sleep(0.2)
    assert at.fake.count("stop") == 0
    at.fake.set_running_tasks(await at.flink_id(job), None)
    assert batch.id is not None
    assert (await at.settled(batch.id))[0].stop.attempt == 1


@pytest.mark.parametrize(
    "fault", ["lose_request", "lose_answer", "reset", "empty", "garbage", "html_503", "redirect", "hang"]
)
async def test_one_stop_one_savepoint_whatever_the_network_does(tmp_path: Path, fault: str) -> None:
    async with plane(tmp_path, timeout=0.2) as at:
        [job] = await at.run()
        at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.1
        at.fake.fault("stop", fault, times=2)
        at.fake.fault("poll", fault, times=2)
        [entry] = await at.stop_and_wait([job])
        assert (entry.stop.phase, entry.stop.attempt) == (StopPhase.STOPPED, 1)
        assert len(at.savepoints(job)) == 1
        assert at.fake.restarts == 0


async def test_at_most_so_many_savepoints_at_once(tmp_path: Path) -> None:
    async with plane(tmp_path, max_savepoints=4) as at:
        jobs = await at.run(12)
        for job in jobs:
            at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.05
        entries = await at.stop_and_wait(jobs)
        assert {entry.stop.phase for entry in entries} == {StopPhase.STOPPED}
        assert at.fake.peak == 4


async def test_a_dead_cluster_holds_up_no_other(tmp_path: Path) -> None:
    async with plane(tmp_path, clusters=2) as at:
        good, bad = at.fakes["c0"], at.fakes["c1"]
        [here] = await at.run(queue="c0")
        there = await at.create("there", queue="c1")
        await at.start(PROJECT, [there], resume=False)
        await at.until(there, JobStatus.RUNNING)
        bad.fault("any", "hang", times=None)
        batch = await at.stop(PROJECT, [there, here], savepoint=True)
        assert batch.id is not None
        await at.until(here, JobStatus.STOPPED)
        assert (await at.job(there)).status is JobStatus.SAVEPOINTING
        assert good.restarts == 0
        bad.clear_faults()


async def test_few_requests_a_job(tmp_path: Path) -> None:
    async with plane(tmp_path, pace=Pace()) as at:
        jobs = await at.run(100)
        for job in jobs:
            await at.until_it_fares(job, lambda health: health.up_at is not None)
        before = at.fake.count()
        await at.stop_and_wait(jobs)
        asked = at.fake.count() - before - at.fake.count("jobs")
        assert asked / 100 <= 2.5


async def test_a_deleted_job_is_stopped_first_and_out_of_sight_at_once(at: Plane) -> None:
    [job] = await at.run()
    flink_id = await at.flink_id(job)
    assert [verdict.accepted for verdict in await at.edit.delete(PROJECT, [job, 99])] == [True, False]
    total, _ = await at.queries.jobs(PROJECT, JobFilter(), offset=0, limit=10, descending=True)
    assert total == 0
    await at.eventually(lambda: at.fake.jobs[flink_id].state is JobState.CANCELED)


async def test_a_job_deleted_while_its_savepoint_is_written_keeps_it(at: Plane) -> None:
    [job] = await at.run()
    flink_id = await at.flink_id(job)
    at.fake.jobs[flink_id].stop_seconds = 0.3
    batch = await at.stop(PROJECT, [job], savepoint=True)
    await at.edit.delete(PROJECT, [job])
    assert batch.id is not None
    [entry] = await at.settled(batch.id)
    assert entry.stop.phase is StopPhase.STOPPED
    assert len(at.savepoints(job)) == 1


async def test_a_stop_before_the_submission_withdraws_it(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        await at.fake.close()
        job = await at.create()
        await at.start(PROJECT, [job], resume=False)
        assert (await at.stop(PROJECT, [job], savepoint=True)).id is None, "there is nothing to save yet"
        await at.stop(PROJECT, [job], savepoint=False)
        await at.until(job, JobStatus.STOPPED)
        await at.fake.start()
        await asyncio.sleep(0.2)
        assert not at.fake.jobs


async def test_a_batch_is_brought_back_as_a_batch_and_says_why_for_the_others(at: Plane) -> None:
    kept, failed, moved_on = await at.run(3)
    at.fake.jobs[await at.flink_id(failed)].failing = ["storage"]
    batch = await at.stop(PROJECT, [kept, failed, moved_on], savepoint=True)
    assert batch.id is not None
    saved = {entry.job_id: entry.stop.savepoint_path for entry in await at.settled(batch.id)}
    await at.start(PROJECT, [moved_on], resume=False)
    await at.until(moved_on, JobStatus.RUNNING)

    verdicts = (await at.resume(PROJECT, batch.id)).by_job
    refusals = {job: verdict.refusal for job, verdict in verdicts.items()}
    assert refusals == {kept: None, failed: Refusal.NOT_STOPPED, moved_on: Refusal.SUPERSEDED}
    await at.until(kept, JobStatus.RUNNING)
    first = await at.flink_id(kept)
    assert at.fake.jobs[first].restored == saved[kept]

    again = (await at.resume(PROJECT, batch.id)).by_job
    assert again[kept].accepted, "it can be repeated"
    assert await at.flink_id(kept) == first, "and starts nothing twice"


async def test_a_job_seen_running_after_it_was_given_up_is_not_started_twice(at: Plane) -> None:
    [job] = await at.run()
    flink_id = await at.flink_id(job)
    at.fake.jobs[flink_id].stop_seconds = 0.3
    batch = await at.stop(PROJECT, [job], savepoint=True)
    await at.eventually(lambda: at.fake.count("stop") == 1)
    at.fake.lose_jobmanager(truths=Truth.RUNS_AGAIN, recovery_seconds=2.0)
    assert batch.id is not None
    await at.settled(batch.id)
    after = await at.until(job, JobStatus.STOP_FAILED)
    assert "seen running again" in after.why
    assert [verdict.accepted for verdict in await at.start(PROJECT, [job], resume=True)] == [False]
    assert (await at.stop_and_wait([job]))[0].stop.phase is StopPhase.STOPPED


async def test_a_savepoint_alone_is_no_success_before_the_job_has_ended(at: Plane) -> None:
    [job] = await at.run()
    flink_id = await at.flink_id(job)
    at.fake.jobs[flink_id].finish_seconds = 2.5
    batch = await at.stop(PROJECT, [job], savepoint=True)
    await at.until(job, JobStatus.CANCELING)
    assert at.savepoints(job)
    assert at.fake.jobs[flink_id].state is JobState.RUNNING
    assert batch.id is not None
    await at.settled(batch.id)
    assert at.fake.jobs[flink_id].state is JobState.FINISHED


async def test_a_job_whose_cluster_is_no_longer_registered_is_refused(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        [job] = await at.run()
    async with plane(tmp_path, fakes={"other": FakeFlink()}) as at:
        batch = await at.stop(PROJECT, [job], savepoint=True)
        assert [verdict.refusal for verdict in batch.verdicts] == [Refusal.NO_QUEUE]
        assert (await at.job(job)).status is JobStatus.RUNNING


async def test_an_overdue_cancel_cannot_become_a_stop_with_a_savepoint(tmp_path: Path) -> None:
    async with plane(tmp_path, rules=replace(RULES, timeout=timedelta(milliseconds=200))) as at:
        [job] = await at.run()
        at.fake.jobs[await at.flink_id(job)].cancel_seconds = 1.5
        await at.stop(PROJECT, [job], savepoint=False)
        await at.until(job, JobStatus.STOP_FAILED)
        batch = await at.stop(PROJECT, [job], savepoint=True)
        assert "without a savepoint" in batch.verdicts[0].note
        await at.until(job, JobStatus.STOPPED)


@pytest.mark.parametrize("how", ["fail", "finish"])
async def test_a_result_that_never_comes_after_the_jobs_end_is_not_waited_for(at: Plane, how: str) -> None:
    _, flink_id, batch = await hanging_stop(at)
    at.fake.jobs[flink_id].lingers = True
    getattr(at.fake, how)(flink_id)
    [entry] = await at.settled(batch)
    assert (entry.stop.phase, entry.stop.attempt) == (StopPhase.ENDED, 1), entry.stop.reason


def write_savepoint(at: Plane, flink_id: str) -> None:
    """The savepoint of the attempt under way becomes complete, although the stop does not."""
    folder = at.fake.jobs[flink_id].history[0].folder
    assert folder is not None
    (Path(folder) / "_metadata").write_bytes(metadata())


async def hanging_stop(at: Plane) -> tuple[int, str, int]:
    """A job whose stop goes on and on: its id, its Flink job id, and the batch."""
    [job] = await at.run()
    flink_id = await at.flink_id(job)
    at.fake.jobs[flink_id].stop_seconds = 60
    batch = (await at.stop(PROJECT, [job], savepoint=True)).id
    assert batch is not None
    await at.eventually(lambda: at.fake.count("stop") == 1 and bool(at.fake.jobs[flink_id].history))
    await asyncio.sleep(0.1)
    return job, flink_id, batch


async def test_a_job_that_ran_on_after_its_savepoint_is_not_called_stopped_with_it(tmp_path: Path) -> None:
    async with plane(tmp_path, rules=replace(RULES, forgotten_after=timedelta(seconds=2))) as at:
        job, flink_id, batch = await hanging_stop(at)
        write_savepoint(at, flink_id)
        at.fake.lose_jobmanager(truths=Truth.RUNS_AGAIN)
        await asyncio.sleep(0.5)
        at.fake.fail(flink_id)
        [entry] = await at.settled(batch)
        assert entry.stop.phase is StopPhase.LOST
        assert "may not be its last state" in entry.stop.reason
        assert (await at.job(job)).status is JobStatus.FAILED


async def test_a_stop_that_was_taken_back_does_not_speak_again(at: Plane) -> None:
    job, flink_id, batch = await hanging_stop(at)
    write_savepoint(at, flink_id)
    at.fake.lose_jobmanager(truths=Truth.RUNS_AGAIN, recovery_seconds=1.5)
    await at.settled(batch)
    await at.until(job, JobStatus.STOP_FAILED)
    at.fake.fail(flink_id)
    after = await at.until(job, JobStatus.FAILED)
    assert after.flink_job_id == flink_id


async def test_a_savepoint_completed_before_the_cancel_that_gave_it_up_is_kept(tmp_path: Path) -> None:
    async with plane(tmp_path, rules=replace(RULES, timeout=timedelta(milliseconds=300)), timeout=5) as at:
        [job] = await at.run()
        at.fake.jobs[await at.flink_id(job)].stop_seconds = 1.0
        await at.stop(PROJECT, [job], savepoint=True)
        await at.until(job, JobStatus.STOP_FAILED)
        at.fake.fault("cancel", "delay", seconds=1.0)
        batch = await at.stop(PROJECT, [job], savepoint=False)
        assert batch.id is not None
        [entry] = await at.settled(batch.id)
        assert (entry.stop.phase, entry.stop.verified) == (StopPhase.STOPPED, True)
        assert (await at.job(job)).savepoint_path


async def test_a_lost_copy_that_comes_back_beside_a_new_one_is_told(at: Plane) -> None:
    [job] = await at.run()
    old = await at.flink_id(job)
    at.fake.lose_jobmanager(truths=Truth.RUNS_AGAIN, recovery_seconds=1.2)
    await at.until(job, JobStatus.FAILED)
    await at.start(PROJECT, [job], resume=False)
    await at.until(job, JobStatus.RUNNING)
    await at.eventually(lambda: old in at.fake.jobs and at.fake.jobs[old].state is JobState.RUNNING)
    async with asyncio.timeout(PATIENCE):
        while old not in (await at.job(job)).why:
            await asyncio.sleep(0.05)


async def test_what_was_submitted_without_an_answer_is_not_submitted_after_its_stop(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        add_job, at.fake.add_job = at.fake.add_job, None  # type: ignore[method-assign,assignment]
        job = await at.create()
        await at.start(PROJECT, [job], resume=False)
        await asyncio.sleep(0.2)
        await at.stop(PROJECT, [job], savepoint=False)
        at.fake.add_job = add_job  # type: ignore[method-assign]
        await at.until(job, JobStatus.STOPPED)
        assert not at.fake.jobs
