"""Savepoints of jobs that run on, from the request to their end, over a fake Flink; and those that people bring."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from tests.support.patience import PATIENCE
from tests.support.services.plane import PROJECT, RULES, Plane, plane

from sluiceway.assembly.clock import clock
from sluiceway.control.errors import NotWhole, StorageTrouble, UnknownJob, UnusablePath, WrongState
from sluiceway.domain.admission import RUNNABLE, Refusal, Verdict
from sluiceway.domain.facts import JobState
from sluiceway.domain.job import Job, JobStatus
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.selection import Selection
from sluiceway.store import audit, catalogue, transfer
from sluiceway.store.catalogue import Need, Which
from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_jobs import Truth


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path) as made:
        yield made


async def take(at: Plane, job: int) -> None:
    [verdict] = await at.take(PROJECT, [job])
    assert verdict.accepted, verdict


async def taken(at: Plane, job: int) -> Job:
    """The job once a savepoint of it has ended."""
    await take(at, job)
    return await at.until(job, JobStatus.RUNNING)


async def kinds(at: Plane, job: int) -> list[str]:
    found = await audit.of_project(at.db, PROJECT, 0, 1000)
    return [event.kind for event in found if event.job_id == job and event.kind.startswith("snapshot")]


async def under_way(at: Plane, job: int, seconds: float = 0.5) -> str:
    """Begin a savepoint that lasts; the Flink job's id."""
    jid = await at.flink_id(job)
    at.fake.jobs[jid].stop_seconds = seconds
    await take(at, job)
    await at.eventually(lambda: at.fake._state.in_flight == 1)
    return jid


async def test_the_job_runs_on_and_its_savepoint_is_in_the_catalogue(at: Plane) -> None:
    [job] = await at.run()
    jid = await at.flink_id(job)
    await take(at, job)
    assert (await at.job(job)).status is JobStatus.SAVEPOINTING
    after = await at.until(job, JobStatus.RUNNING)
    assert at.fake.jobs[jid].processing
    [path] = at.savepoints(job)
    assert (after.savepoint_path, after.why) == (f"file://{path.parent}", "")
    [kept] = await catalogue.listed(at.db, PROJECT, Which(job_id=job), 10, now=clock())
    assert (kept.path, kept.size, kept.batch_id) == (after.savepoint_path, after.savepoint_size, None)
    assert kept.verified_at is not None
    assert kept.flink_version == "2.3.0"
    assert kept.need is Need.NEWEST
    assert await kinds(at, job) == [f"snapshot_{phase}" for phase in ("accepted", "sent", "checking", "saved")]


async def test_every_position_gets_its_own_verdict(at: Plane) -> None:
    [running] = await at.run()
    draft, elsewhere = await at.create("draft"), await at.create("theirs", project="other")
    verdicts = await at.take(PROJECT, [draft, running, 99, running, elsewhere])
    found = [verdict.refusal for verdict in verdicts]
    assert found == [Refusal.WRONG_STATE, None, Refusal.UNKNOWN, None, Refusal.UNKNOWN]
    await at.until(running, JobStatus.RUNNING)
    assert at.fake.count("savepoint") == 1


async def test_ten_requests_at_once_make_one_savepoint(at: Plane) -> None:
    [job] = await at.run()
    answers = await asyncio.gather(*(at.take(PROJECT, [job]) for _ in range(10)))
    refused = [verdict for [verdict] in answers if not verdict.accepted]
    assert [verdict.status for verdict in refused] == [JobStatus.SAVEPOINTING] * 9
    await at.until(job, JobStatus.RUNNING)
    assert len(at.savepoints(job)) == at.fake.count("savepoint") == 1


async def test_a_directory_of_ones_own(at: Plane, tmp_path: Path) -> None:
    [job] = await at.run()
    assert [v.accepted for v in await at.take(PROJECT, [job], path="obs://my-bucket/nightly/")] == [True]
    after = await at.until(job, JobStatus.RUNNING)
    assert after.savepoint_path is not None
    assert after.savepoint_path.startswith(f"file://{tmp_path}/storage/my-bucket/nightly/{job}/")
    own = at.storage.uri
    for astray in (
        "file:///elsewhere",
        "obs://../x",
        "https://bucket/x",
        "s3://b/x",
        f"{own}/jobs/savepoint/1",
        f"{own}/jobs",
        "obs://my-bucket/jobs/savepoint",
        f"{own}/my-bucket/jobs",
    ):
        with pytest.raises(UnusablePath):
            await at.take(PROJECT, [job], path=astray)
    assert (await at.job(job)).status is JobStatus.RUNNING, "nothing was accepted"


async def test_no_more_at_once_in_a_cluster_than_is_set_stops_included(tmp_path: Path) -> None:
    async with plane(tmp_path, max_savepoints=2) as at:
        jobs = await at.run(6)
        for job in jobs:
            at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.1
        assert all(verdict.accepted for verdict in await at.take(PROJECT, jobs[:4]))
        batch = await at.stop(PROJECT, jobs[4:], savepoint=True)
        for job in jobs[:4]:
            assert (await at.until(job, JobStatus.RUNNING)).savepoint_path
        assert batch.id is not None
        assert {entry.stop.phase for entry in await at.settled(batch.id)} == {StopPhase.STOPPED}
        assert at.fake.peak == 2


# --- beside stops ---------------------------------------------------------------------------------------------------


async def test_a_stop_waits_for_it_and_then_goes_on(at: Plane) -> None:
    [job] = await at.run()
    jid = await under_way(at, job)
    assert [v.status for v in (await at.stop(PROJECT, [job], savepoint=True)).verdicts] == [JobStatus.SAVEPOINTING]
    batch = await at.stop(PROJECT, [job], savepoint=True, after_savepoint=True)
    assert batch.id is not None
    assert [v.accepted for v in await at.take(PROJECT, [job])] == [False], "nor another beside the stop"
    [entry] = await at.settled(batch.id)
    first, second = at.fake.jobs[jid].history
    assert (first.kind, second.kind, first.failure) == ("savepoint", "stop", None)
    assert entry.stop.savepoint_path is not None
    assert entry.stop.savepoint_path.endswith(second.folder or "-")
    assert (await at.job(job)).savepoint_path == entry.stop.savepoint_path, "the newest"
    assert at.fake.peak == 1
    assert at.fake.restarts == 0
    assert len(await catalogue.listed(at.db, PROJECT, Which(job_id=job), 10, now=clock())) == 2


async def test_whoever_halts_everything_halts_this_too(at: Plane) -> None:
    saving, stopping = await at.run(2)
    await under_way(at, saving)
    at.fake.jobs[await at.flink_id(stopping)].stop_seconds = 0.5
    await at.stop(PROJECT, [stopping], savepoint=True)
    assert await at.life.stop_jobs.select(PROJECT, Selection(clusters=["c0"])) == [saving]


async def test_a_cancel_does_not_wait(at: Plane) -> None:
    [job] = await at.run()
    jid = await under_way(at, job, 60.0)
    batch = await at.stop(PROJECT, [job], savepoint=False, after_savepoint=True)
    assert batch.id is not None
    assert [entry.stop.phase for entry in await at.settled(batch.id)] == [StopPhase.STOPPED]
    assert at.fake.jobs[jid].state is JobState.CANCELED
    async with asyncio.timeout(PATIENCE):
        while "snapshot_failed" not in await kinds(at, job):
            await asyncio.sleep(0.01)
    assert at.savepoints(job) == []


async def test_a_stop_comes_before_what_has_not_begun(at: Plane) -> None:
    [job] = await at.run()
    jid = await at.flink_id(job)
    at.fake.set_running_tasks(jid, 1)
    await take(at, job)
    assert "not all of its tasks run" in (await _until_why(at, job)).why
    batch = await at.stop(PROJECT, [job], savepoint=True, after_savepoint=True)
    at.fake.set_running_tasks(jid, None)
    assert batch.id is not None
    assert [entry.stop.phase for entry in await at.settled(batch.id)] == [StopPhase.STOPPED]
    assert at.fake.count("savepoint") == 0


async def _until_why(at: Plane, job: int) -> Job:
    async with asyncio.timeout(PATIENCE):
        while not (found := await at.job(job)).why:
            await asyncio.sleep(0.01)
    return found


async def test_a_deleted_job_is_canceled_once_its_savepoint_is_there(at: Plane) -> None:
    [job] = await at.run()
    jid = await under_way(at, job)
    await at.edit.delete(PROJECT, [job])
    await at.eventually(lambda: at.fake.jobs[jid].state is JobState.CANCELED)
    assert len(at.savepoints(job)) == 1
    assert at.fake.count("stop") == 0


async def test_a_withdrawn_stop_leaves_the_savepoint_to_be_seen(at: Plane) -> None:
    [job] = await at.run()
    await under_way(at, job)
    batch = await at.stop(PROJECT, [job], savepoint=True, after_savepoint=True)
    assert batch.id is not None
    await at.life.stop_jobs.abort(PROJECT, batch.id)
    assert (await at.job(job)).status is JobStatus.SAVEPOINTING
    assert (await at.until(job, JobStatus.RUNNING)).savepoint_path


# --- when things go wrong -------------------------------------------------------------------------------------------


async def test_one_that_fails_leaves_the_job_running_and_says_why(at: Plane) -> None:
    [job] = await at.run()
    jid = await at.flink_id(job)
    at.fake.jobs[jid].failing = ["expired"]
    after = await taken(at, job)
    assert "expired before completing" in after.why
    assert after.savepoint_path is None
    assert at.fake.jobs[jid].processing
    assert at.fake.restarts == 0
    assert (await kinds(at, job))[-1] == "snapshot_failed"
    assert (await taken(at, job)).why == "", "the next one is a new one"


@pytest.mark.parametrize("fault", ["lose_answer", "lose_request"])
async def test_a_lost_answer_makes_one_savepoint(at: Plane, fault: str) -> None:
    [job] = await at.run()
    at.fake.fault("savepoint", fault)
    assert (await taken(at, job)).savepoint_path
    ids = [body["triggerId"] for method, path, body in at.fake.requests if path.endswith("/savepoints")]
    assert len(set(ids)) == 1
    assert len(at.savepoints(job)) == 1


async def test_one_that_the_jobmanager_forgot_is_lost_when_nothing_is_there(at: Plane) -> None:
    [job] = await at.run()
    jid = await under_way(at, job, 60.0)
    at.fake.lose_jobmanager()
    after = await at.until(job, JobStatus.RUNNING)
    assert "forgot" in after.why
    assert f"{at.storage.uri}/jobs/savepoint/{job}/" in after.why, "with the directory to look in"
    assert at.fake.jobs[jid].processing


async def test_one_that_the_jobmanager_forgot_counts_when_it_is_whole(tmp_path: Path) -> None:
    async with plane(tmp_path, timeout=1.0) as at:
        [job] = await at.run()
        at.fake.fault("poll", "hang", times=1, seconds=60)
        await take(at, job)
        await at.eventually(lambda: len(at.savepoints(job)) == 1)
        at.fake.lose_jobmanager()
        at.fake.clear_faults()
        assert (await at.until(job, JobStatus.RUNNING)).savepoint_path == f"file://{at.savepoints(job)[0].parent}"


async def test_one_that_is_not_found_is_never_called_saved(at: Plane) -> None:
    [job] = await at.run()
    at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.2
    await take(at, job)
    await at.eventually(lambda: at.fake._state.in_flight == 1)
    complete = at.fake._disk.complete

    def vanish(folder: str, number: int, *, of_stop: bool = False) -> str:
        location = complete(folder, number, of_stop=of_stop)
        shutil.rmtree(folder)
        return location

    at.fake._disk.complete = vanish  # type: ignore[method-assign]
    after = await at.until(job, JobStatus.RUNNING)
    assert "Nothing was found" in after.why
    assert after.savepoint_path is None
    assert await catalogue.listed(at.db, PROJECT, Which(job_id=job), 10, now=clock()) == []


async def test_a_deadline_is_told_and_what_comes_late_is_recorded(tmp_path: Path) -> None:
    async with plane(tmp_path, rules=replace(RULES, timeout=timedelta(milliseconds=200))) as at:
        [job] = await at.run()
        await under_way(at, job, 1.5)
        assert "still watched" in (await _until_why(at, job)).why
        assert (await at.job(job)).status is JobStatus.RUNNING
        [verdict] = await at.take(PROJECT, [job])
        assert verdict == Verdict(Refusal.WRONG_STATE, JobStatus.SAVEPOINTING), "one at a time"
        async with asyncio.timeout(PATIENCE):
            while (await at.job(job)).savepoint_path is None:
                await asyncio.sleep(0.01)
        assert (await kinds(at, job))[-3:] == ["snapshot_overdue", "snapshot_checking", "snapshot_saved"]


async def test_a_service_that_starts_anew_carries_on(tmp_path: Path) -> None:
    async with FakeFlink() as fake:
        async with plane(tmp_path, fakes={"c0": fake}) as at:
            [job] = await at.run()
            await under_way(at, job, 0.3)
        async with plane(tmp_path, fakes={"c0": fake}) as at:
            assert (await at.until(job, JobStatus.RUNNING)).savepoint_path
        assert fake.count("savepoint") == 1


async def test_a_job_that_ends_meanwhile(at: Plane) -> None:
    [job] = await at.run()
    jid = await under_way(at, job, 60.0)
    at.fake.finish(jid)
    await at.until(job, JobStatus.FINISHED)
    async with asyncio.timeout(PATIENCE):
        while "snapshot_failed" not in await kinds(at, job):
            await asyncio.sleep(0.01)


# --- what a job is resumed from ---------------------------------------------------------------------------------------


async def resumed(at: Plane, job: int) -> str | None:
    [verdict] = await at.start(PROJECT, [job], resume=True)
    assert verdict.accepted, verdict
    await at.until(job, JobStatus.RUNNING)
    return at.fake.jobs[await at.flink_id(job)].restored


async def test_a_job_that_failed_after_it_begins_from_it(at: Plane) -> None:
    [job] = await at.run()
    saved = (await taken(at, job)).savepoint_path
    at.fake.fail(await at.flink_id(job))
    await at.until(job, JobStatus.FAILED)
    assert await resumed(at, job) == saved


async def test_a_job_begins_from_the_newest_of_all_that_it_left(at: Plane) -> None:
    [job] = await at.run()
    await taken(at, job)
    newest = (await taken(at, job)).savepoint_path
    await at.stop_and_wait([job], savepoint=False)
    assert await resumed(at, job) == newest
    later = (await taken(at, job)).savepoint_path
    [entry] = await at.stop_and_wait([job])
    assert entry.stop.savepoint_path != later
    assert await resumed(at, job) == entry.stop.savepoint_path


async def test_what_somebody_brings_goes_before_all_that_is_newer_once(at: Plane) -> None:
    [job] = await at.run()
    older = (await taken(at, job)).savepoint_path
    [entry] = await at.stop_and_wait([job])
    assert older is not None
    found = await at.bring(PROJECT, job, older)
    assert (found.path, (await at.job(job)).savepoint_path) == (older, older)
    assert await resumed(at, job) == older
    [again] = await at.stop_and_wait([job])
    assert await resumed(at, job) == again.stop.savepoint_path, "the choice was for one run"
    assert entry.stop.savepoint_path != again.stop.savepoint_path


async def test_a_job_that_never_ran_begins_from_what_is_brought(at: Plane, tmp_path: Path) -> None:
    [other] = await at.run()
    saved = (await taken(at, other)).savepoint_path
    assert saved is not None
    shutil.copytree(saved.removeprefix("file://"), tmp_path / "storage" / "my-bucket" / "from elsewhere")
    job = await at.create("fresh")
    await at.bring(PROJECT, job, "obs://my-bucket/from elsewhere/")
    assert await resumed(at, job) == f"{at.storage.uri}/my-bucket/from elsewhere"


async def test_what_is_not_whole_is_not_taken(at: Plane, tmp_path: Path) -> None:
    job = await at.create("fresh")
    (tmp_path / "storage" / "my-bucket").mkdir()
    (tmp_path / "storage" / "my-bucket" / "_metadata").write_bytes(b"nonsense")
    with pytest.raises(NotWhole, match="cannot be read"):
        await at.bring(PROJECT, job, "my-bucket")
    with pytest.raises(NotWhole, match="no _metadata"):
        await at.bring(PROJECT, job, "my-bucket/none/")
    with pytest.raises(UnusablePath):
        await at.bring(PROJECT, job, "file:///elsewhere/savepoint-1")
    shutil.rmtree(tmp_path / "storage")
    (tmp_path / "storage").mkdir()
    with pytest.raises(StorageTrouble):
        await at.bring(PROJECT, job, "my-bucket")
    with pytest.raises(UnknownJob):
        await at.bring(PROJECT, 99, "my-bucket")
    assert (await at.job(job)).savepoint_path is None


async def test_what_jobs_of_other_projects_have_left_is_theirs(at: Plane) -> None:
    [job] = await at.run()
    saved = (await taken(at, job)).savepoint_path
    assert saved is not None
    theirs = await at.create("theirs", project="other")
    for path in (
        saved,
        f"{at.storage.checkpoints(None, job)}/x/chk-1",
        f"{at.storage.checkpoints('bucket', job)}/x/chk-1",
        f"{at.storage.uri}/jobs",
        "obs://bucket/jobs/",
        f"{at.storage.uri}/jobs/savepoint/x",
    ):
        with pytest.raises(UnusablePath, match="does not belong"):
            await at.bring("other", theirs, path)
    ours = await at.create("ours")
    await at.edit.delete(PROJECT, [job])
    assert (await at.bring(PROJECT, ours, saved)).path == saved, "though its job was deleted"


async def test_a_job_that_was_not_lost_outlives_what_somebody_brought(at: Plane) -> None:
    [job] = await at.run()
    older = (await taken(at, job)).savepoint_path
    assert older is not None
    at.fake.lose_jobmanager(truths=Truth.RUNS_AGAIN, recovery_seconds=2.0)
    await at.until(job, JobStatus.FAILED)
    await at.bring(PROJECT, job, older)
    await at.until(job, JobStatus.RUNNING)
    [entry] = await at.stop_and_wait([job])
    assert entry.stop.savepoint_path != older
    assert await resumed(at, job) == entry.stop.savepoint_path


async def test_a_batch_is_not_brought_back_from_what_somebody_chose(at: Plane) -> None:
    [job] = await at.run()
    older = (await taken(at, job)).savepoint_path
    assert older is not None
    batch = await at.stop(PROJECT, [job], savepoint=True)
    assert batch.id is not None
    await at.settled(batch.id)
    await at.bring(PROJECT, job, older)
    assert (await at.resume(PROJECT, batch.id)).by_job[job].refusal is Refusal.SUPERSEDED
    assert await resumed(at, job) == older


async def test_a_job_that_is_replaced_outlives_what_somebody_brought(at: Plane) -> None:
    [job] = await at.run()
    older = (await taken(at, job)).savepoint_path
    assert older is not None
    [entry] = await at.stop_and_wait([job])
    await at.bring(PROJECT, job, older)
    draft = (await at.job(job)).draft
    await transfer.take_in(at.db, PROJECT, [draft], sorted(RUNNABLE), "somebody", clock())
    covered = await at.job(job)
    assert (covered.status, covered.savepoint_path) == (JobStatus.DRAFT, entry.stop.savepoint_path)
    assert await resumed(at, job) == entry.stop.savepoint_path


async def test_a_job_that_is_replaced_keeps_the_only_savepoint_that_it_can_begin_from(at: Plane) -> None:
    [other] = await at.run()
    saved = (await taken(at, other)).savepoint_path
    assert saved is not None
    job = await at.create("fresh")
    await at.bring(PROJECT, job, saved)
    await transfer.take_in(at.db, PROJECT, [(await at.job(job)).draft], sorted(RUNNABLE), "somebody", clock())
    assert await resumed(at, job) == saved


async def test_a_job_that_runs_takes_nothing(at: Plane) -> None:
    [job] = await at.run()
    saved = (await taken(at, job)).savepoint_path
    assert saved is not None
    with pytest.raises(WrongState):
        await at.bring(PROJECT, job, saved)


async def test_what_was_brought_is_kept_until_the_job_has_begun_from_it(at: Plane) -> None:
    [job] = await at.run()
    older = (await taken(at, job)).savepoint_path
    assert older is not None
    await at.stop_and_wait([job])
    needs = {one.path: one.need for one in await catalogue.listed(at.db, PROJECT, Which(job_id=job), 10, now=clock())}
    assert needs[older] is None
    await at.bring(PROJECT, job, older)
    needs = {one.path: one.need for one in await catalogue.listed(at.db, PROJECT, Which(job_id=job), 10, now=clock())}
    assert needs[older] is not None
