"""What must survive, 5 and 6: TaskManagers die amid stops, tasks do not all run, jobs end or fail on their own."""

import shutil

import pytest
from tests.support.flink.ha import HaFlink
from tests.support.services.process import wait_for
from tests.survival.world import COUNTING, OVER, World, hanging, runs_again

pytestmark = pytest.mark.real

LOOPING = """
    CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
    CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO b SELECT CAST(CONCAT('x', CAST(n AS STRING)) AS BIGINT) FROM s;
"""
SHORT = COUNTING.replace("'datagen'", "'datagen', 'number-of-rows' = '50'")
FILES = """
    CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
    CREATE TABLE f (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{path}', 'format' = 'csv');
    INSERT INTO f SELECT n FROM s;
"""


def test_savepoint_that_dies_with_its_taskmanager_is_tried_again(world: World, flink: HaFlink) -> None:
    """5: jobs that Flink restarts are stopped by the next attempt; one that it does not restart has ended."""
    jobs = world.run(2)
    [mortal] = world.run(restart_when_exception=False)
    with hanging(flink.taskmanagers[0]):
        batch = world.stop([*jobs, mortal])
        world.acknowledged(batch)
        flink.taskmanagers[0].kill()
    flink.start()
    entries = world.settled(batch)
    for job in jobs:
        world.assert_stopped(entries[job])
        assert entries[job]["attempt"] == 2
    assert (entries[mortal]["phase"], entries[mortal]["savepoint"]) == ("ended", None)
    assert world.savepoints(mortal) == []
    assert flink.state(world.flink_id(mortal)) in OVER


def test_without_attempts_left_the_stop_has_failed_and_the_job_runs(world: World, flink: HaFlink) -> None:
    """5: and it can be stopped later."""
    [job] = world.run()
    with world.restarted("--stop-attempts=1"):
        with hanging(flink.taskmanagers[0]):
            batch = world.stop([job])
            world.acknowledged(batch)
            flink.taskmanagers[0].kill()
        flink.start()
        entry = world.settled(batch)[job]
    assert (entry["phase"], entry["attempt"], entry["savepoint"]) == ("failed", 1, None)
    runs_again(flink, world.flink_id(job))
    world.assert_stopped(world.settled(world.stop([job]))[job])


def test_not_all_tasks_run_so_the_stop_waits(world: World, flink: HaFlink) -> None:
    """6: nothing is asked of Flink before a savepoint can succeed."""
    flink.taskmanagers[0].kill()
    wait_for(lambda: flink.overview().get("taskmanagers") == 0)
    job = world.create()
    world.service.start([job])
    batch = world.stop([job], if_not_running="wait")
    wait_for(lambda: "Waiting until all of its tasks run" in world.entries(batch)[job]["reason"])
    assert world.entries(batch)[job]["sent_at"] is None
    flink.start()
    entry = world.settled(batch)[job]
    world.assert_stopped(entry)
    assert entry["attempt"] == 1


def test_job_that_restarts_in_a_loop_is_told_truly(world: World, flink: HaFlink) -> None:
    """6: it runs for moments only; the stop fails and the job goes on looping, until it is canceled."""
    job = world.create(LOOPING)
    world.service.start([job])
    with world.restarted("--savepoint-timeout=5", "--stop-attempts=2"):
        batch = world.stop([job])
        entry = world.settled(batch)[job]
        assert (entry["phase"], entry["savepoint"]) == ("failed", None)
        assert entry["reason"]
        assert flink.state(world.flink_id(job)) not in OVER
        assert world.savepoints(job) == []
        assert world.settled(world.stop([job], savepoint=False))[job]["phase"] == "stopped"
    assert flink.state(world.flink_id(job)) == "CANCELED"


def test_job_that_finishes_by_itself_is_no_success(world: World, flink: HaFlink) -> None:
    """6: it finished while the service was dead, after the stop was accepted and before it was sent."""
    [job] = world.run(sql=SHORT)
    with hanging(flink.taskmanagers[0]):
        world.end()
        world.start(crash="before_intent_is_sent")
        batch = world.stop([job])
        world.died()
    wait_for(lambda: flink.state(world.flink_id(job)) == "FINISHED")
    world.start()
    entry = world.settled(batch)[job]
    assert (entry["phase"], entry["savepoint"]) == ("ended", None)
    assert "The job finished by itself before it could be stopped; there is no savepoint." in entry["reason"]
    assert world.savepoints(job) == []


@pytest.mark.parametrize("restarts", [False, True])
def test_job_that_fails_while_finishing_keeps_its_savepoint(world: World, flink: HaFlink, restarts: bool) -> None:
    """6: the savepoint is complete, and then the sink cannot publish its file. Flink restarts no such job."""
    output = world.directory / f"output-{restarts}"
    sql = FILES.format(path=output.as_uri())
    [job] = world.run(sql=sql, restart_when_exception=restarts, checkpoint_interval=3600)
    flink.checkpoint(world.flink_id(job))
    wait_for(lambda: any(output.glob(".part-*")))
    with hanging(flink.taskmanagers[0]):
        shutil.rmtree(output)
        output.touch()
        batch = world.stop([job])
        world.acknowledged(batch)
    entry = world.settled(batch)[job]
    output.unlink()
    world.assert_stopped(entry)
    assert "The job ended as FAILED after its savepoint was complete" in entry["reason"]
    assert flink.state(world.flink_id(job)) == "FAILED"
