"""What must survive, 3 and 4: the JobManager is killed in the middle of a batch, with high availability and without."""

from pathlib import Path

import pytest
from tests.support.flink.ha import HaFlink
from tests.support.services.process import wait_for
from tests.survival.world import OVER, World, hanging

pytestmark = pytest.mark.real


def test_running_again_gets_a_new_attempt(world: World, flink: HaFlink) -> None:
    """3: the savepoint was not complete; the job comes back from its last checkpoint, and the stop is tried again."""
    jobs = world.run(2)
    for job in jobs:  # without one it would come back from nothing, and that ends a stop
        flink.checkpoint(world.flink_id(job))
    before = flink.jobs()
    with hanging(flink.taskmanagers[0]):
        batch = world.stop(jobs)
        world.acknowledged(batch)
        flink.jobmanager.kill()
    flink.start()
    for entry in world.settled(batch).values():
        jid = world.flink_id(entry["job_id"])
        assert flink.jobs()[jid]["start-time"] > before[jid]["start-time"], "each JobManager tells its own"
        world.assert_stopped(entry)
        assert entry["attempt"] == 2
        assert world.savepoints(entry["job_id"]) == [entry["savepoint"]]
        assert flink.state(world.flink_id(entry["job_id"])) in OVER


def test_gone_with_its_savepoint_on_storage_is_stopped_and_without_one_lost(world: World, flink: HaFlink) -> None:
    """3 and 8: after the kill only storage knows, and a `_metadata` that is cut short or missing is no success."""
    whole, cut, missing = jobs = world.run(3)
    ids = [world.flink_id(job) for job in jobs]
    with hanging(flink.taskmanagers[0]):
        batch = world.stop(jobs)
        world.acknowledged(batch)
        with world.paused():
            flink.taskmanagers[0].carry_on()
            wait_for(lambda: all(flink.state(jid) == "FINISHED" for jid in ids))
            flink.jobmanager.kill()
            metadata(world, cut).write_bytes(metadata(world, cut).read_bytes()[:6])
            metadata(world, missing).unlink()
            flink.start()
    entries = world.settled(batch)
    world.assert_stopped(entries[whole])
    assert "found on storage" in entries[whole]["reason"]
    for job in (cut, missing):
        assert entries[job]["phase"] == "lost"
        assert entries[job]["savepoint"] is None
        assert f"/jobs/savepoint/{job}/" in entries[job]["reason"]


def metadata(world: World, job: int) -> Path:
    """The `_metadata` of a job's only savepoint."""
    [found] = world.storage.glob(f"jobs/savepoint/{job}/**/_metadata")
    return found


def test_killed_when_the_first_savepoint_is_complete_all_answers_are_true(world: World, flink: HaFlink) -> None:
    """3: some jobs have their savepoint and some do not, and the JobManager may have noted the end of each or not."""
    jobs = world.run(4)
    batch = world.stop(jobs)
    wait_for(lambda: any(world.savepoints(job) for job in jobs), pause=0.005)
    flink.jobmanager.kill()
    flink.start()
    for job, entry in world.settled(batch).items():
        world.assert_stopped(entry)
        assert flink.state(world.flink_id(job)) in OVER


def test_without_high_availability_jobs_are_gone_and_told_so(world: World, plain: HaFlink) -> None:
    """4: the job with a complete savepoint is stopped, and one that nobody was stopping has failed."""
    plain.start()
    saved, bystander = world.run(2, on="plain")
    batch = world.stop([saved])
    world.acknowledged(batch)
    with world.paused():
        wait_for(lambda: plain.state(world.flink_id(saved)) == "FINISHED")
        plain.jobmanager.kill()
    plain.start()
    entry = world.settled(batch)[saved]
    world.assert_stopped(entry)
    assert world.service.until(bystander, "job_running_exception")["status_desc"]
    assert plain.jobs() == {}


def test_without_high_availability_a_job_without_its_savepoint_is_lost(world: World, plain: HaFlink) -> None:
    """4: its answer names the directory to look in, and it can be brought back from its newest checkpoint."""
    plain.start()
    [job] = world.run(on="plain")
    checkpoints = world.storage / "jobs" / "checkpoint" / str(job)
    wait_for(lambda: any(checkpoints.rglob("chk-*/_metadata")))
    with hanging(plain.taskmanagers[0]):
        batch = world.stop([job])
        world.acknowledged(batch)
        plain.jobmanager.kill()
    plain.start()
    entry = world.settled(batch)[job]
    assert (entry["phase"], entry["savepoint"]) == ("lost", None)
    assert f"/jobs/savepoint/{job}/" in entry["reason"]
    [answer] = world.service.dli("POST", "/jobs/run", {"job_ids": [job], "resume_savepoint": True})
    assert answer["is_success"]
    world.service.until(job, "job_running")
    restored = plain.ask(f"/jobs/{world.flink_id(job)}/checkpoints")["latest"]["restored"]
    assert "/chk-" in restored["external_path"]
