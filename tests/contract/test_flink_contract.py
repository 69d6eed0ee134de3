"""The Flink contract, claim by claim, on real Flink and on the fake: what holds for one must hold for the other."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contract.clusters import Cluster, RealPlace, fresh_id
from tests.support.patience import PATIENCE

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Acknowledged, JobState, Refusal, Refused
from sluiceway.domain.observed import AttemptCompleted, AttemptFailed, AttemptUnknown, NoSuchJob
from sluiceway.engines.jobmanager.rest import AlreadyOver, FlinkRest
from sluiceway.engines.session.traffic import traffic

MAGIC = bytes.fromhex("4960672d")


# A good stop. ---------------------------------------------------------------------------------------------------------


async def test_good_stop_ends_finished_with_a_savepoint_in_its_own_directory(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.endless), fresh_id()
    said = await flink.raw(
        "POST", f"/jobs/{jid}/stop", {"targetDirectory": flink.target(trigger), "triggerId": trigger}
    )
    assert said == (202, {"request-id": trigger})
    attempt = await flink.outcome(jid, trigger)
    assert await flink.ends(jid) is JobState.FINISHED
    [metadata] = flink.metadata(trigger)
    assert attempt == AttemptCompleted(f"file:{metadata.parent}")
    written = 6 if flink.since((2, 1)) else 5 if flink.since((2, 0)) else 4
    assert metadata.read_bytes().startswith(MAGIC + written.to_bytes(4))
    assert metadata.parent.name.startswith(f"savepoint-{jid[:6]}-")


async def test_path_still_shows_in_the_checkpoints(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    _, attempt = await flink.stop(jid)
    assert isinstance(attempt, AttemptCompleted)
    checkpoints = await flink.rest.checkpoints(jid)
    assert checkpoints is not None
    assert checkpoints.latest.savepoint is not None
    assert checkpoints.latest.savepoint.external_path == attempt.location
    assert checkpoints.latest.savepoint.checkpoint_type == "SYNC_SAVEPOINT"


async def test_drain_is_understood_and_unknown_fields_are_ignored(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.endless), fresh_id()
    body = {"targetDirectory": flink.target(trigger), "triggerId": trigger, "drain": True}
    if flink.since((1, 20)):
        body["nonsense"] = 1
    else:
        assert (await flink.raw("POST", f"/jobs/{jid}/stop", {**body, "nonsense": 1}))[0] == 400
    assert (await flink.raw("POST", f"/jobs/{jid}/stop", body))[0] == 202
    assert isinstance(await flink.outcome(jid, trigger), AttemptCompleted)
    assert await flink.ends(jid) is JobState.FINISHED
    assert len(flink.metadata(trigger)) == 1


async def test_flink_chooses_a_trigger_id_when_none_is_given(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    status, body = await flink.raw("POST", f"/jobs/{jid}/stop", {"targetDirectory": flink.target("any")})
    assert status == 202
    assert isinstance(await flink.outcome(jid, body["request-id"]), AttemptCompleted)


async def test_same_id_makes_one_savepoint_however_often_it_is_sent(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.restarting), fresh_id()
    for _ in range(3):
        said = await flink.rest.stop(jid, trigger=trigger, target=flink.target(trigger))
        assert said == Acknowledged()
    first = await flink.outcome(jid, trigger)
    assert await flink.ends(jid) is JobState.FINISHED
    assert await flink.rest.stop(jid, trigger=trigger, target=flink.target(trigger)) == Acknowledged()
    assert await flink.outcome(jid, trigger) == first
    assert len(flink.metadata(trigger)) == 1
    assert not await flink.restarted(jid)


async def test_resume_from_a_savepoint_shows_as_restored(flink: Cluster) -> None:
    _, attempt = await flink.stop(await flink.run(flink.place.endless))
    assert isinstance(attempt, AttemptCompleted)
    jid = await flink.run(lambda: flink.place.endless(restored=attempt.location))
    checkpoints = await flink.rest.checkpoints(jid)
    assert checkpoints is not None
    assert checkpoints.latest.restored is not None
    assert checkpoints.latest.restored.external_path == attempt.location
    assert checkpoints.latest.restored.is_savepoint


# Requests that Flink refuses at once. ---------------------------------------------------------------------------------


async def test_no_target_directory_is_refused_at_once(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    wrong_key = {"stop": "target-directory", "savepoints": "targetDirectory"}  # each takes only the other's spelling
    option = "savepoint-dir" if flink.since((1, 20)) else "state.savepoints.dir"
    for path, key in wrong_key.items():
        for body in (None, {}, *([{key: "file:///tmp"}] if flink.since((1, 20)) else [])):
            status, said = await flink.raw("POST", f"/jobs/{jid}/{path}", body)
            assert status == 400
            assert f"{option}] is not set" in said["errors"][0]
    assert await flink.rest.job_state(jid) is JobState.RUNNING


@pytest.mark.parametrize("odd", ["xyz", "0e4a1b1c-1c1c-4c1c-8c1c-1c1c1c1c1c1c"])
async def test_malformed_ids_are_refused(flink: Cluster, odd: str) -> None:
    jid = fresh_id()
    requests = {
        "GET": (f"/jobs/{odd}", f"/jobs/{odd}/status", f"/jobs/{odd}/checkpoints", f"/jobs/{jid}/savepoints/{odd}"),
        "POST": (f"/jobs/{odd}/stop",),
        "PATCH": (f"/jobs/{odd}?mode=cancel", f"/jobs/{jid}?mode=nonsense"),
    }
    for method, paths in requests.items():
        for path in paths:
            assert (await flink.raw(method, path))[0] == 400, path
    said = await flink.rest.stop(jid, trigger=odd, target="file:///tmp")
    assert isinstance(said, Refused)
    assert said.refusal is Refusal.OTHER
    assert "did not match expected format" in said.text


@pytest.mark.parametrize("body", [{"formatType": "NONSENSE"}, b"{nonsense"])
async def test_malformed_bodies_are_refused(flink: Cluster, body: object) -> None:
    body = {"targetDirectory": "file:///tmp", **body} if isinstance(body, dict) else body
    assert (await flink.raw("POST", f"/jobs/{fresh_id()}/stop", body))[0] == 400


# Jobs and attempts that Flink does not know. --------------------------------------------------------------------------


async def test_unknown_trigger_is_404(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    for job in (jid, fresh_id()):
        assert (await flink.raw("GET", f"/jobs/{job}/savepoints/{fresh_id()}"))[0] == 404
        assert await flink.rest.attempt(job, fresh_id()) == AttemptUnknown()


async def test_status_of_an_unknown_job_is_500_and_the_rest_404(flink: Cluster) -> None:
    jid = fresh_id()
    status, said = await flink.raw("GET", f"/jobs/{jid}/status")
    assert status == 500
    assert "FlinkJobNotFoundException" in said["errors"][1]
    for path in ("", "/checkpoints", "/exceptions"):
        assert (await flink.raw("GET", f"/jobs/{jid}{path}"))[0] == 404
    assert await flink.rest.job_state(jid) is None
    assert await flink.rest.job(jid) is None
    assert await flink.rest.checkpoints(jid) is None
    assert await flink.rest.exceptions(jid) == ""


async def test_stop_of_a_job_that_never_existed_is_accepted_and_fails_later(flink: Cluster) -> None:
    _, attempt = await flink.stop(fresh_id())
    assert isinstance(attempt, NoSuchJob)


async def test_stop_of_an_ended_job_is_accepted_and_fails_later(flink: Cluster) -> None:
    canceled, finished, failed = [await flink.run(flink.place.endless) for _ in range(2)] + [
        await flink.place.failing()
    ]
    flink.started.append(failed)
    await flink.rest.cancel(canceled)
    await flink.stop(finished)
    states = [await flink.ends(jid) for jid in (canceled, finished, failed)]
    assert states == [JobState.CANCELED, JobState.FINISHED, JobState.FAILED]
    for jid in (canceled, finished, failed):
        trigger, attempt = await flink.stop(jid)
        assert isinstance(attempt, NoSuchJob)
        assert flink.metadata(trigger) == []


async def test_endpoint_that_is_not_flinks_says_nothing_of_a_job(flink: Cluster) -> None:
    astray = FlinkRest(flink.session, f"{flink.place.url}/astray", 10.0)
    jid = fresh_id()
    for ask in (astray.job_state(jid), astray.job(jid), astray.attempt(jid, jid), astray.cancel(jid)):
        with pytest.raises(Unreachable, match="HTTP 404"):
            await ask
    with pytest.raises(Unreachable, match="HTTP 404"):
        await astray.stop(jid, trigger=fresh_id(), target="file:///tmp")


# Cancel. --------------------------------------------------------------------------------------------------------------


async def test_cancel_of_a_running_and_of_a_canceled_job_is_202(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    assert (await flink.raw("PATCH", f"/jobs/{jid}?mode=cancel")) == (202, {})
    assert await flink.ends(jid) is JobState.CANCELED
    assert await flink.rest.cancel(jid) == Acknowledged()


async def test_cancel_of_a_finished_or_failed_job_is_409(flink: Cluster) -> None:
    finished, failed = await flink.run(flink.place.endless), await flink.place.failing()
    await flink.stop(finished)  # which is done a moment before the job is
    assert (await flink.ends(finished), await flink.ends(failed)) == (JobState.FINISHED, JobState.FAILED)
    for jid, state in ((finished, "FINISHED"), (failed, "FAILED")):
        assert (await flink.raw("PATCH", f"/jobs/{jid}?mode=cancel"))[0] == 409
        said = await flink.rest.cancel(jid)
        assert isinstance(said, AlreadyOver)
        assert f"another terminal state ({state})" in said.text


async def test_cancel_of_an_unknown_job_is_404(flink: Cluster) -> None:
    assert (await flink.raw("PATCH", f"/jobs/{fresh_id()}?mode=cancel"))[0] == 404
    assert isinstance(await flink.rest.cancel(fresh_id()), NoSuchJob)


async def test_cancel_ends_a_stop_in_flight(flink: Cluster) -> None:
    jid, trigger = await flink.run(flink.place.restarting), fresh_id()
    await flink.rest.stop(jid, trigger=trigger, target=flink.target(trigger))
    assert await flink.rest.cancel(jid) == Acknowledged()
    attempt = await flink.outcome(jid, trigger)
    assert isinstance(attempt, AttemptFailed)
    assert attempt.refusal in {Refusal.ABORTED, Refusal.NOT_READY}  # the latter when the cancel has overtaken it
    assert await flink.ends(jid) is JobState.CANCELED
    assert flink.metadata(trigger) == []


# What else the client reads. ------------------------------------------------------------------------------------------


async def test_overview_shows_the_version_and_every_job_with_its_tasks(flink: Cluster) -> None:
    assert (await flink.rest.overview()).flink_version == flink.place.version
    jid = await flink.run(flink.place.endless)
    job = await flink.until(jid, lambda job: True)
    assert job.tasks.total == job.tasks.running == 2
    assert job.end_time == -1 < job.start_time
    assert not job.batch
    assert ((await flink.rest.job(jid)) or {})["jid"] == jid


async def test_logs_are_of_processes_which_may_have_none(flink: Cluster) -> None:
    managers = await flink.rest.task_managers()
    assert bool(managers) == isinstance(flink.place, RealPlace), "the fake has none of its own"
    for process in (None, *managers):
        log = await flink.rest.log(process, 1000)
        assert log is None or 0 < len(log) <= 1000
    assert await flink.rest.log("no-such-process", 1000) is None


async def test_failed_job_tells_its_root_cause(flink: Cluster) -> None:
    jid = await flink.place.failing()
    assert await flink.ends(jid) is JobState.FAILED
    why = await flink.rest.exceptions(jid)
    assert why.startswith("NumberFormatException: For input string: 'x")
    assert "\n" not in why


async def test_sources_and_sinks_tell_what_flows_through_them(flink: Cluster) -> None:
    jid = await flink.run(flink.place.flowing)
    async with asyncio.timeout(60):  # the JobManager collects metrics every ten seconds
        while True:
            found = await traffic(flink.rest, jid)
            assert found is not None
            if found.sources and found.sinks and found.sinks[0].records and found.sources[0].rate:
                break
            await asyncio.sleep(0.5)
    [source], [sink] = found.sources, found.sinks
    assert (source.name, sink.name) == ("s", "b")
    assert source.records >= sink.records > 0
    assert (source.corrupted, sink.corrupted) == (0, 0)
    assert 0 < source.rate <= 20


async def test_vertices_tell_whether_they_are_held_up(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    job = await flink.rest.job(jid)
    assert job is not None
    vertex = job["vertices"][0]["id"]
    async with asyncio.timeout(PATIENCE):  # the first answer can be that nothing is known yet
        while (level := await flink.rest.back_pressure(jid, vertex)) is None:
            await asyncio.sleep(0.2)
    assert level in {"ok", "low", "high"}
    assert await flink.rest.back_pressure(fresh_id(), vertex) is None


async def test_nothing_flows_through_what_flink_does_not_know(flink: Cluster) -> None:
    jid = await flink.run(flink.place.endless)
    assert await traffic(flink.rest, fresh_id()) is None
    for job, vertex in ((fresh_id(), fresh_id()), (jid, fresh_id())):
        assert await flink.raw("GET", f"/jobs/{job}/vertices/{vertex}/subtasks/metrics") == (200, [])
        assert await flink.rest.metric_sums(job, vertex, ["numRecordsIn"]) == {}


@pytest.mark.real
async def test_job_id_is_taken_once(real_flink: Any, tmp_path: Path) -> None:
    """Only real Flink has submissions; the fake refuses a second `add_job` in its own way."""
    async with aiohttp.ClientSession() as session:
        flink = Cluster(RealPlace(real_flink), session, tmp_path)
        jid = await flink.run(flink.place.endless)
        before = await flink.until(jid, lambda job: True)
        await asyncio.to_thread(real_flink.submit, flink_job_id=jid)
        await flink.rest.cancel(jid)
        assert await flink.ends(jid) is JobState.CANCELED
        await asyncio.to_thread(real_flink.submit, flink_job_id=jid)
        after = await flink.until(jid, lambda job: True)
        assert (after.state, after.start_time) == (JobState.CANCELED, before.start_time)
