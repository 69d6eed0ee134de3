"""How stops fail, on real Flink and on the fake: harmless refusals, failures in flight, savepoints in between.

The Flink contract, rules 2 to 7.
"""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.contract.clusters import Cluster, fresh_id, is_ready
from tests.support.patience import PATIENCE

from sluiceway.domain.facts import Acknowledged, JobState, Refusal
from sluiceway.domain.observed import Attempt, AttemptCompleted, AttemptFailed, AttemptInProgress
from sluiceway.domain.probe import Trace

# Stops that Flink refuses, and leaves the job untouched. --------------------------------------------------------------


async def test_batch_job_refuses(flink: Cluster) -> None:
    jid = await flink.run(flink.place.batch, ready=False)
    job = await flink.until(jid, lambda job: True)
    assert job.job_type == ("BATCH" if flink.since((2, 3)) else None)
    assert await flink.rest.checkpoint_config(jid) is None  # which tells it before 2.3
    _, attempt = await flink.stop(jid)
    assert attempt == AttemptFailed(Refusal.UNSUPPORTED, "Blocking output edge exists in running tasks.")
    assert await flink.rest.job_state(jid) is JobState.RUNNING
    assert await flink.rest.checkpoints(jid) is None  # a 404: "Checkpointing has not been enabled"


async def test_running_is_not_ready(flink: Cluster) -> None:
    jid = await flink.run(flink.place.waiting, ready=False)
    job = await flink.until(jid, lambda job: True)
    assert job.state is JobState.RUNNING
    assert job.tasks.running == 0
    assert not is_ready(job)
    _, attempt = await flink.stop(jid)
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal is Refusal.NOT_READY
    assert "Not all required tasks are currently running" in attempt.text
    assert await flink.rest.job_state(jid) is JobState.RUNNING


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("file:///proc/nope", "Failed to create savepoint directory at file:/proc/nope"),
        ("file://{file}/below", "Failed to create savepoint directory at file:{file}/below"),
        ("nope://bucket/x", "Could not find a file system implementation for scheme 'nope'"),
        ("", "Can not create a Path from an empty string"),
    ],
)
async def test_unwritable_directory_refuses(flink: Cluster, target: str, words: str) -> None:
    file = flink.root / "file"
    file.touch()
    jid = await flink.run(flink.place.restarting)
    _, attempt = await flink.stop(jid, target.format(file=file))
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal is Refusal.STORAGE
    assert words.format(file=file) in attempt.text
    assert await flink.rest.job_state(jid) is JobState.RUNNING
    _, again = await flink.stop(jid)
    assert isinstance(again, AttemptCompleted)
    assert not await flink.restarted(jid)


async def test_failed_id_keeps_answering_its_failure(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    trigger, attempt = await flink.stop(jid, "file:///proc/nope")
    assert await flink.rest.stop(jid, trigger=trigger, target=flink.target(trigger)) == Acknowledged()
    assert await flink.outcome(jid, trigger) == attempt
    assert await flink.rest.job_state(jid) is JobState.RUNNING


async def test_failure_is_a_long_200(flink: Cluster) -> None:
    jid, trigger = fresh_id(), fresh_id()
    await flink.rest.stop(jid, trigger=trigger, target=flink.target(trigger))
    await flink.outcome(jid, trigger)
    status, said = await flink.raw("GET", f"/jobs/{jid}/savepoints/{trigger}")
    assert (status, said["status"]["id"]) == (200, "COMPLETED")
    assert {"class", "stack-trace", "serialized-throwable"} == said["operation"]["failure-cause"].keys()
    assert 20_000 < len(json.dumps(said)) < 100_000


# Stops that fail in flight, and harm the job. -------------------------------------------------------------------------


async def restarts(flink: Cluster, jid: str) -> None:
    """Wait until the job has restarted and runs again. The attempt's failure can show before all that."""
    async with asyncio.timeout(PATIENCE):
        while not await flink.restarted(jid):
            await asyncio.sleep(0.1)
    await flink.until(jid, is_ready)


async def two_stops(flink: Cluster, jid: str) -> list[Attempt]:
    """What became of two stops with different ids, one sent while the other was in flight."""
    triggers = [fresh_id(), fresh_id()]
    for trigger in triggers:
        await flink.rest.stop(jid, trigger=trigger, target=flink.target(trigger))
        await asyncio.sleep(0.05)  # at the very same moment the second would win the race, now and then
    attempts = [await flink.outcome(jid, trigger) for trigger in triggers]
    assert [flink.metadata(trigger) for trigger in triggers] == [[], []]
    return attempts


async def test_two_stops_with_different_ids_both_fail_and_restart_the_job(flink: Cluster) -> None:
    jid = await flink.run(flink.place.restarting)
    for attempt in await two_stops(flink, jid):
        assert isinstance(attempt, AttemptFailed)
        assert attempt.refusal.retryable
    await restarts(flink, jid)


async def test_two_stops_kill_a_job_without_a_restart_strategy(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    for attempt in await two_stops(flink, jid):
        assert isinstance(attempt, AttemptFailed)
    assert await flink.ends(jid) is JobState.FAILED


async def test_savepoint_that_expires_restarts_the_job(flink: Cluster) -> None:
    jid = await flink.run(flink.place.expiring)
    trigger, attempt = await flink.stop(jid)
    assert attempt == AttemptFailed(Refusal.ABORTED, "Checkpoint expired before completing.")
    await restarts(flink, jid)
    assert flink.metadata(trigger) == []


# Savepoints that are no stops. ----------------------------------------------------------------------------------------


async def savepoint(flink: Cluster, jid: str, trigger: str, *, cancel: bool = False) -> AttemptCompleted:
    """Take a savepoint."""
    body = {"target-directory": flink.target(trigger), "triggerId": trigger, "cancel-job": cancel}
    assert await flink.raw("POST", f"/jobs/{jid}/savepoints", body) == (202, {"request-id": trigger})
    attempt = await flink.outcome(jid, trigger)
    assert isinstance(attempt, AttemptCompleted)
    return attempt


async def test_id_of_a_savepoint_answers_its_result_to_a_stop_too(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.endless), fresh_id()
    taken = await savepoint(flink, jid, trigger)
    assert await flink.rest.stop(jid, trigger=trigger, target=flink.target(trigger)) == Acknowledged()
    assert await flink.outcome(jid, trigger) == taken  # "COMPLETED", and yet:
    assert await flink.rest.job_state(jid) is JobState.RUNNING
    assert len(flink.metadata(trigger)) == 1


async def test_savepoint_with_cancel_ends_canceled(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.endless), fresh_id()
    await savepoint(flink, jid, trigger, cancel=True)
    assert await flink.ends(jid) is JobState.CANCELED
    assert len(flink.metadata(trigger)) == 1


async def test_savepoint_while_a_stop_is_in_flight_hangs_the_stop(flink: Cluster) -> None:
    jid, hanging, newer = await flink.run(flink.place.restarting), fresh_id(), fresh_id()
    await flink.rest.stop(jid, trigger=hanging, target=flink.target(hanging))
    await asyncio.sleep(0.05)
    await savepoint(flink, jid, newer)
    await asyncio.sleep(1.5)  # a stop that does not hang is over by now
    assert await flink.rest.attempt(jid, hanging) == AttemptInProgress()
    assert await flink.rest.job_state(jid) is JobState.RUNNING
    checkpoints = await flink.rest.checkpoints(jid)
    assert checkpoints is not None
    stuck = next(one for one in checkpoints.history if one.checkpoint_type == "SYNC_SAVEPOINT")
    assert (stuck.status, stuck.num_acknowledged_subtasks) == ("IN_PROGRESS", 0)
    assert any(one.id > stuck.id and one.status == "COMPLETED" for one in checkpoints.history)
    assert await flink.rest.cancel(jid) == Acknowledged()
    assert await flink.ends(jid) is JobState.CANCELED
    assert len(flink.metadata(newer)) == 1


async def test_savepoint_disposal(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.endless), fresh_id()
    path = (await savepoint(flink, jid, trigger)).location
    results = []
    for _ in range(2):
        status, said = await flink.raw("POST", "/savepoint-disposal", {"savepoint-path": path})
        assert status == 200
        results.append(await disposed(flink, said["request-id"]))
    assert flink.metadata(trigger) == []
    assert "failure-cause" not in results[0]
    assert "Could not dispose savepoint" in results[1]["failure-cause"]["stack-trace"]


async def test_what_is_no_savepoint_is_not_disposed_of_and_its_version_is_named(flink: Cluster, tmp_path: Path) -> None:
    """By this a service finds out whether a JobManager reads what it has written."""
    traces = [Trace(f"file://{tmp_path / 'trace'}", 1_234_567_890), Trace(f"file://{tmp_path / 'none'}", 7)]
    (tmp_path / "trace").write_bytes(traces[0].content)
    told = []
    for trace in traces:
        status, said = await flink.raw("POST", "/savepoint-disposal", {"savepoint-path": trace.uri})
        assert status in {200, 202}
        told.append((await disposed(flink, said["request-id"]))["failure-cause"]["stack-trace"])
    assert "1234567890" in told[0]
    assert "Cannot find" in told[1]
    assert (tmp_path / "trace").read_bytes() == traces[0].content


async def disposed(flink: Cluster, request: str) -> Any:
    """The result of a disposal."""
    async with asyncio.timeout(PATIENCE):
        while True:
            _, said = await flink.raw("GET", f"/savepoint-disposal/{request}")
            if said["status"]["id"] == "COMPLETED":
                return said["operation"]
            await asyncio.sleep(0.03)
