"""Savepoints of jobs that run on, on real Flink and on the fake: what holds for one must hold for the other."""

from tests.contract.clusters import Cluster, fresh_id

from sluiceway.domain.facts import Acknowledged, JobState, Refusal
from sluiceway.domain.observed import Attempt, AttemptCompleted, AttemptFailed, NoSuchJob


async def taken(flink: Cluster, jid: str, target: str | None = None) -> tuple[str, Attempt]:
    """A savepoint of the job, to its end."""
    trigger = fresh_id()
    assert await flink.rest.savepoint(jid, trigger=trigger, target=target or flink.target(trigger)) == Acknowledged()
    return trigger, await flink.outcome(jid, trigger)


async def test_same_id_makes_one_savepoint_and_the_job_runs_on(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.restarting), fresh_id()
    for _ in range(3):
        assert await flink.rest.savepoint(jid, trigger=trigger, target=flink.target(trigger)) == Acknowledged()
    first = await flink.outcome(jid, trigger)
    assert await flink.rest.savepoint(jid, trigger=trigger, target=flink.target(trigger)) == Acknowledged()
    assert await flink.outcome(jid, trigger) == first
    [metadata] = flink.metadata(trigger)
    assert first == AttemptCompleted(f"file:{metadata.parent}")
    assert await flink.rest.job_state(jid) is JobState.RUNNING
    assert not await flink.restarted(jid)


async def test_two_of_them_one_after_the_other_and_a_stop_after_both(flink: Cluster) -> None:
    jid = await flink.run(flink.place.restarting)
    for _ in range(2):
        trigger, attempt = await taken(flink, jid)
        assert isinstance(attempt, AttemptCompleted)
        assert len(flink.metadata(trigger)) == 1
    _, attempt = await flink.stop(jid)
    assert isinstance(attempt, AttemptCompleted)
    assert await flink.ends(jid) is JobState.FINISHED
    checkpoints = await flink.rest.checkpoints(jid)
    assert checkpoints is not None
    types = [one.checkpoint_type for one in checkpoints.history if one.is_savepoint]
    assert types == ["SYNC_SAVEPOINT", "SAVEPOINT", "SAVEPOINT"], "the newest first"
    assert not await flink.restarted(jid)


async def test_a_job_begins_from_one_that_was_taken_while_it_ran(flink: Cluster) -> None:
    _, attempt = await taken(flink, await flink.run(flink.place.endless))
    assert isinstance(attempt, AttemptCompleted)
    jid = await flink.run(lambda: flink.place.endless(restored=attempt.location))
    checkpoints = await flink.rest.checkpoints(jid)
    assert checkpoints is not None
    assert checkpoints.latest.restored is not None
    assert checkpoints.latest.restored.external_path == attempt.location


async def test_of_a_job_that_is_unknown_or_over_it_is_accepted_and_fails_later(flink: Cluster) -> None:
    over = await flink.run(flink.place.endless)
    await flink.rest.cancel(over)
    assert await flink.ends(over) is JobState.CANCELED
    for jid in (fresh_id(), over):
        trigger, attempt = await taken(flink, jid)
        assert isinstance(attempt, NoSuchJob)
        assert flink.metadata(trigger) == []


async def test_a_refusal_leaves_the_job_untouched(flink: Cluster) -> None:
    jid = await flink.run(flink.place.restarting)
    _, attempt = await taken(flink, jid, "file:///proc/nope")
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal is Refusal.STORAGE
    waiting = await flink.run(flink.place.waiting, ready=False)
    _, attempt = await taken(flink, waiting)
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal is Refusal.NOT_READY
    assert await flink.rest.job_state(jid) is JobState.RUNNING
    assert not await flink.restarted(jid)


async def test_a_cancel_ends_one_that_is_in_flight(flink: Cluster) -> None:
    for _ in range(10):  # now and then it is complete before the cancel comes
        jid, trigger = await flink.run(flink.place.restarting), fresh_id()
        await flink.rest.savepoint(jid, trigger=trigger, target=flink.target(trigger))
        assert await flink.rest.cancel(jid) == Acknowledged()
        attempt = await flink.outcome(jid, trigger)
        if not isinstance(attempt, AttemptCompleted):
            break
    assert isinstance(attempt, AttemptFailed)
    assert await flink.ends(jid) is JobState.CANCELED
    assert flink.metadata(trigger) == []


async def test_a_stop_while_one_is_in_flight_costs_the_savepoint_and_not_the_job(flink: Cluster) -> None:
    jid, saving, stopping = await flink.run(flink.place.restarting), fresh_id(), fresh_id()
    await flink.rest.savepoint(jid, trigger=saving, target=flink.target(saving))
    await flink.rest.stop(jid, trigger=stopping, target=flink.target(stopping))
    saved = await flink.outcome(jid, saving)
    suspended = AttemptFailed(Refusal.ABORTED, "Checkpoint Coordinator is suspending.")
    assert saved == suspended or isinstance(saved, AttemptCompleted), "the latter when it was quicker"
    assert isinstance(await flink.outcome(jid, stopping), AttemptCompleted)
    assert await flink.ends(jid) is JobState.FINISHED
    assert len(flink.metadata(stopping)) == 1
    assert not await flink.restarted(jid)
