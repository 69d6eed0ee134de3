"""What must survive, 7: somebody else triggers a savepoint during our stop, and the stop hangs."""

import uuid

import pytest
from tests.support.flink.ha import HaFlink
from tests.support.services.process import wait_for
from tests.survival.world import OVER, World, hanging

pytestmark = pytest.mark.real


def test_foreign_savepoint_during_a_stop_is_noticed_resolved_and_told(world: World, flink: HaFlink) -> None:
    """7: it is newer than the stop's own, which will never come; the job ends with it."""
    [job] = world.run()
    jid = world.flink_id(job)
    with hanging(flink.taskmanagers[0]):
        batch = world.stop([job])
        world.acknowledged(batch)
        trigger = savepoint(world, flink, jid)
    newer = f"/jobs/{jid}/savepoints/{trigger}"
    wait_for(lambda: flink.ask(newer)["status"]["id"] == "COMPLETED")
    location = flink.ask(newer)["operation"]["location"]
    entry = world.settled(batch)[job]
    assert entry["phase"] == "stopped", entry
    assert entry["savepoint"].removeprefix("file://") == location.removeprefix("file:")
    assert "savepoint" in entry["reason"]
    assert flink.state(jid) in OVER


def savepoint(world: World, flink: HaFlink, jid: str) -> str:
    """Trigger a savepoint, as somebody beside us does; its id."""
    trigger = uuid.uuid4().hex
    target = (world.storage / "foreign").as_uri()
    flink.ask(f"/jobs/{jid}/savepoints", {"target-directory": target, "triggerId": trigger})
    return trigger
