"""What must survive, 11 and 12: a second service on one database, and a database that takes nothing for a while."""

import contextlib
import resource
import sqlite3
import time
import urllib.error
from collections.abc import Callable, Iterator

import pytest
from tests.support.flink.ha import HaFlink
from tests.support.services.process import wait_for
from tests.survival.world import World, hanging

pytestmark = pytest.mark.real


def test_second_service_takes_over_and_the_first_comes_back_too_late(world: World, flink: HaFlink) -> None:
    """11: the first one hangs for longer than its leases last, in the middle of a stop, and then goes on."""
    jobs = world.run(3)
    with hanging(flink.taskmanagers[0]):
        batch = world.stop(jobs)
        world.acknowledged(batch)
    with world.beside() as second:
        with world.paused():
            path = f"/api/v1/projects/{second.project}/stops/{batch}"
            wait_for(lambda: all(e["phase"] == "stopped" for e in second.call("GET", path)["jobs"]))
        told = world.settled(batch)
    for job in jobs:
        world.assert_stopped(told[job])
        assert told[job]["attempt"] == 1
        assert len(world.savepoints(job)) == 1


def full(world: World) -> contextlib.AbstractContextManager[None]:
    """The service can make no file longer than it is, as on a disk that is full."""
    return world.limited(resource.RLIMIT_FSIZE, 4096)


@contextlib.contextmanager
def locked(world: World) -> Iterator[None]:
    """Somebody else writes to the database, and does not end."""
    with contextlib.closing(sqlite3.connect(world.database, timeout=20, isolation_level=None)) as db:
        db.execute("BEGIN IMMEDIATE")
        try:
            yield
        finally:
            db.execute("ROLLBACK")


@pytest.mark.parametrize("trouble", [full, locked])
def test_database_that_takes_nothing_for_a_while_costs_time_only(
    world: World, flink: HaFlink, trouble: Callable[[World], contextlib.AbstractContextManager[None]]
) -> None:
    """12: a stop that is under way is recorded when the database is back; one that it cannot take is refused."""
    under_way, refused = world.run(2)
    with hanging(flink.taskmanagers[0]):
        batch = world.stop([under_way])
        world.acknowledged(batch)
    with trouble(world):
        wait_for(lambda: flink.state(world.flink_id(under_way)) == "FINISHED")
        with pytest.raises(urllib.error.HTTPError):
            world.stop([refused])
        time.sleep(1)  # a few turns that cannot be stored
    entry = world.settled(batch)[under_way]
    world.assert_stopped(entry)
    assert (entry["attempt"], len(world.savepoints(under_way))) == (1, 1)
    assert flink.state(world.flink_id(refused)) == "RUNNING"
    assert world.service.job(refused)["status"] == "job_running"
    later: list[int] = []

    def taken() -> bool:
        """The room that is kept back comes back a moment after the disk's."""
        with contextlib.suppress(urllib.error.HTTPError):
            later.append(world.stop([refused]))
        return bool(later)

    wait_for(taken)
    world.assert_stopped(world.settled(later[0])[refused])
