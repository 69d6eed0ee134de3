"""What must survive, 8, 10 and 13: storage that fails, stops that outlive their deadline, other people at work."""

import resource

import pytest
from tests.support.flink.ha import HaFlink
from tests.support.services.process import wait_for
from tests.survival.world import OVER, World, hanging, runs_again

pytestmark = pytest.mark.real

# A state of 100 KB: too large to travel with the acknowledgement, so the TaskManager writes it into a file.
LARGE = """
    CREATE TABLE s (n BIGINT) WITH (
        'connector' = 'datagen', 'rows-per-second' = '10',
        'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '12000');
    CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO b SELECT n FROM s;
"""


def test_savepoint_directory_that_cannot_be_made_fails_the_stop_and_spares_the_job(
    world: World, flink: HaFlink
) -> None:
    """8: a file is in its way. The job is not touched, and stops once the way is free."""
    [job] = world.run()
    obstacle = world.storage / "jobs" / "savepoint" / str(job)
    obstacle.parent.mkdir(parents=True, exist_ok=True)
    obstacle.touch()
    entry = world.settled(world.stop([job]))[job]
    assert (entry["phase"], entry["attempt"], entry["savepoint"]) == ("failed", 1, None)
    assert "Failed to create savepoint directory" in entry["reason"]
    assert flink.state(world.flink_id(job)) == "RUNNING"
    assert world.service.job(job)["status"] == "job_cancel_fail"
    obstacle.unlink()
    world.assert_stopped(world.settled(world.stop([job]))[job])


def test_disk_that_takes_no_more_fails_the_stop_and_the_job_runs_on(world: World, flink: HaFlink) -> None:
    """8: the TaskManager can write no more than the first bytes of a file, as on a disk that is full."""
    [job] = world.run(sql=LARGE, checkpoint_interval=3600)
    pid = flink.taskmanagers[0].pid
    soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (4096, hard))
    try:
        entry = world.settled(world.stop([job]))[job]
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
    assert (entry["phase"], entry["savepoint"]) == ("failed", None), entry
    assert entry["reason"]
    assert world.savepoints(job) == []
    runs_again(flink, world.flink_id(job))
    world.assert_stopped(world.settled(world.stop([job]))[job])


def test_what_outlives_its_deadline_is_recorded_when_it_comes(world: World, flink: HaFlink) -> None:
    """10: a savepoint and a cancel that hang are overdue, are not asked for twice, and count when they are done."""
    saved, canceled = world.run(2)
    with world.restarted("--savepoint-timeout=1"):
        with hanging(flink.taskmanagers[0]):
            batches = {job: world.stop([job], savepoint=job == saved) for job in (saved, canceled)}
            for job, batch in batches.items():
                assert world.until(batch, "overdue")[job]["attempt"] == 1
                assert world.service.job(job)["status"] == "job_cancel_fail"
        entries = {job: world.settled(batch)[job] for job, batch in batches.items()}
    world.assert_stopped(entries[saved])
    assert (entries[canceled]["phase"], entries[canceled]["savepoint"]) == ("stopped", None)
    for job, savepoints in {saved: 1, canceled: 0}.items():
        assert entries[job]["attempt"] == 1
        assert len(world.savepoints(job)) == savepoints
        assert world.service.job(job)["status"] == "job_cancel_success"


def test_job_canceled_in_flinks_page_meanwhile_is_no_success(world: World, flink: HaFlink) -> None:
    """13: the savepoint was under way, and is not there."""
    [job] = world.run()
    with hanging(flink.taskmanagers[0]):
        batch = world.stop([job])
        world.acknowledged(batch)
        flink.cancel(world.flink_id(job))
    entry = world.settled(batch)[job]
    assert (entry["phase"], entry["savepoint"]) == ("ended", None)
    assert "canceled by somebody else" in entry["reason"]
    assert world.savepoints(job) == []


def test_job_deleted_while_stopping_ends_with_its_savepoint(world: World, flink: HaFlink) -> None:
    """13: the savepoint that is under way is let finish, and nothing runs on unseen."""
    [job] = world.run()
    jid = world.flink_id(job)
    with hanging(flink.taskmanagers[0]):
        batch = world.stop([job])
        world.acknowledged(batch)
        world.service.dli("DELETE", f"/jobs/{job}")
    wait_for(lambda: flink.state(jid) in OVER)
    world.assert_stopped(world.settled(batch)[job])


def test_job_deleted_while_its_savepoint_fails_is_canceled(world: World, flink: HaFlink) -> None:
    """13: the TaskManager dies; Flink would restart the job, and nobody is left to stop it."""
    [job] = world.run()
    jid = world.flink_id(job)
    with world.restarted("--stop-attempts=1"):
        with hanging(flink.taskmanagers[0]):
            batch = world.stop([job])
            world.acknowledged(batch)
            world.service.dli("DELETE", f"/jobs/{job}")
            flink.taskmanagers[0].kill()
        flink.start()
        wait_for(lambda: flink.state(jid) in OVER)
        world.settled(batch)
    assert flink.state(jid) == "CANCELED"
