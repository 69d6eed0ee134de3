"""What must survive, 1, 2 and 9: lost answers, services that die again and again, JobManagers that misbehave."""

import pytest
from tests.support.doubles.relay import Mood, Relay
from tests.support.flink.ha import HaFlink
from tests.support.services.process import wait_for
from tests.survival.world import World

pytestmark = pytest.mark.real

# In an order in which each is reached although the service has died at all before it.
AROUND_A_STOP = [
    "before_sending_is_stored",
    "after_sending_is_recorded",
    "before_intent_is_sent",
    "after_first_is_sent",
    "before_result_is_stored",
    "after_result_is_stored",
]


def stopped_once(world: World, flink: HaFlink, entry: dict[str, object], job: int) -> None:
    """One attempt, one savepoint, and a job that nobody made restart."""
    world.assert_stopped(entry)
    assert entry["attempt"] == 1
    assert world.savepoints(job) == [entry["savepoint"]]
    assert flink.state(world.flink_id(job)) == "FINISHED"
    assert flink.restarts(world.flink_id(job)) == 0


def test_lost_answer_makes_no_second_savepoint(world: World, flink: HaFlink, relay: Relay) -> None:
    """1: Flink has taken the stop, and nobody has heard of it, twice."""
    [job] = world.run(on="relayed")
    relay.losing = 2
    entry = world.settled(world.stop([job]))[job]
    assert relay.losing < 2
    stopped_once(world, flink, entry, job)
    relay.losing = 0


def test_jobmanager_that_misbehaves_is_waited_for_and_holds_up_nobody(
    world: World, flink: HaFlink, relay: Relay
) -> None:
    """9: whatever it does, its stop waits; that of another cluster is carried through beside it."""
    [odd] = world.run(on="relayed")
    [good] = world.run()
    relay.mood = Mood.BUSY
    batch = world.stop([odd, good])
    wait_for(lambda: world.entries(batch)[good]["phase"] == "stopped")
    for mood in (Mood.RESETTING, Mood.GARBAGE, Mood.ELSEWHERE, Mood.HANGING):
        relay.mood = mood
        asked = relay.asked[mood]
        wait_for(lambda mood=mood, asked=asked: relay.asked[mood] > asked)  # type: ignore[misc]
        assert world.entries(batch)[odd]["phase"] == "waiting"
    relay.mood = Mood.SLOW
    entries = world.settled(batch)
    relay.mood = Mood.HONEST
    for job in (odd, good):
        stopped_once(world, flink, entries[job], job)


def test_service_that_is_killed_at_every_step_in_turn_stops_each_job_once(world: World, flink: HaFlink) -> None:
    """2: one batch, and a service that dies at each named point of it, one after the other."""
    jobs = world.run(2)
    world.end()
    world.start(crash=AROUND_A_STOP[0])
    batch = world.stop(jobs)
    for point in AROUND_A_STOP[1:]:
        world.died()
        world.start(crash=point)
    world.died()
    world.start()
    entries = world.settled(batch)
    for job in jobs:
        stopped_once(world, flink, entries[job], job)
