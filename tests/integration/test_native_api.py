"""Our own API over the whole control plane and a fake Flink: stop, look, and bring back."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.support.services.native_api import STOPS, Api, native_api
from tests.support.services.plane import PROJECT

from sluiceway.control.queries import JobFilter
from sluiceway.domain.job import JobStatus
from sluiceway.testing.fake_jobs import Truth

pytestmark = pytest.mark.process


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    async with native_api(tmp_path, clusters=2) as made:
        yield made


# Stopping. -----------------------------------------------------------------------------------------------------------


async def test_jobs_by_id_each_with_its_answer_and_its_end(api: Api) -> None:
    jobs = await api.plane.run(3)
    draft = await api.plane.create("draft")
    answer = await api.stop(job_ids=[jobs[2], draft, jobs[0], 99, jobs[2]], reason="kernel update")
    assert (answer["accepted"], answer["refused"]) == (3, 2)
    assert [(each["job_id"], each["accepted"], each.get("code")) for each in answer["jobs"]] == [
        (jobs[2], True, None),
        (draft, False, "wrong_state"),
        (jobs[0], True, None),
        (99, False, "unknown"),
        (jobs[2], True, None),
    ]
    assert "draft" in answer["jobs"][1]["message"]

    shown = await api.settled(answer["id"])
    assert (shown["reason"], shown["savepoint"], shown["phases"]) == ("kernel update", True, {"stopped": 2})
    for view in shown["jobs"]:
        assert (view["phase"], view["job_status"], view["verified"]) == ("stopped", "stopped", True)
        assert [f"file://{path.parent}" for path in api.plane.savepoints(view["job_id"])] == [view["savepoint"]]
        assert view["size"] > 0
        begun, sent, done = (datetime.fromisoformat(view[key]) for key in ("accepted_at", "sent_at", "settled_at"))
        assert begun <= sent <= done
    assert (await api.plane.job(jobs[1])).status is JobStatus.RUNNING
    assert api.plane.fake.count("stop") == 2
    listed = (await api.get("stops"))["stops"]
    assert listed == [{name: value for name, value in shown.items() if name != "jobs"}]


async def test_all_that_can_be_stopped(api: Api) -> None:
    jobs = await api.plane.run(3)
    elsewhere = await api.plane.create("elsewhere", queue="c1")
    await api.plane.start(PROJECT, [elsewhere], resume=False)
    await api.plane.until(elsewhere, JobStatus.RUNNING)
    await api.plane.create("draft")
    theirs = await api.plane.create("theirs", project="other")
    await api.plane.start("other", [theirs], resume=False)
    answer = await api.stop(all=True)
    assert [each["job_id"] for each in answer["jobs"]] == [*jobs, elsewhere]
    assert (answer["accepted"], answer["refused"]) == (4, 0)
    await api.settled(answer["id"])
    assert (await api.plane.queries.job("other", theirs)).status in {JobStatus.RUNNING, JobStatus.SUBMITTING}
    again = await api.stop(all=True)
    assert again == {"id": None, "accepted": 0, "refused": 0, "jobs": []}


async def test_all_of_one_queue(api: Api) -> None:
    here = await api.plane.run(2)
    there = await api.plane.create("there", queue="c1")
    await api.plane.start(PROJECT, [there], resume=False)
    await api.plane.until(there, JobStatus.RUNNING)
    answer = await api.stop(queue="c1")
    assert [each["job_id"] for each in answer["jobs"]] == [there]
    assert (await api.settled(answer["id"]))["jobs"][0]["queue"] == "c1"
    assert [(await api.plane.job(job)).status for job in here] == [JobStatus.RUNNING] * 2
    assert (await api.stop(queue="c1"))["id"] is None, "a queue with nothing to stop is no error"
    unknown = await api.http.post(STOPS, json={"queue": "c2"})
    assert (unknown.status_code, unknown.json()["error_code"]) == (404, "unknown_queue")


async def test_without_a_savepoint(api: Api) -> None:
    [job] = await api.plane.run()
    shown = await api.settled((await api.stop(job_ids=[job], savepoint=False))["id"])
    [view] = shown["jobs"]
    assert (shown["savepoint"], view["phase"], view["savepoint"], view["size"]) == (False, "stopped", None, None)
    assert api.plane.fake.count("stop") == 0


async def test_what_it_is_doing_is_seen_on_the_way(api: Api) -> None:
    [job] = await api.plane.run()
    api.plane.fake.jobs[await api.plane.flink_id(job)].stop_seconds = 0.5
    stop = (await api.stop(job_ids=[job]))["id"]
    await api.plane.eventually(lambda: api.plane.fake.count("stop") == 1)
    shown = await api.show(stop)
    [view] = shown["jobs"]
    assert (shown["settled"], view["phase"], view["job_status"]) == (False, "sent", "savepointing")
    assert (view["savepoint"], view["verified"], view["settled_at"]) == (None, False, None)
    second = await api.stop(job_ids=[job])
    assert (second["id"], second["jobs"][0]["code"]) == (None, "wrong_state")
    assert (await api.settled(stop))["phases"] == {"stopped": 1}


async def test_the_latest_stops_first(api: Api) -> None:
    jobs = await api.plane.run(3)
    made = [(await api.stop(job_ids=[job], reason=f"because {job}"))["id"] for job in jobs]
    listed = (await api.http.get(STOPS)).json()["stops"]
    assert [head["id"] for head in listed] == made[::-1]
    assert [head["reason"] for head in listed] == [f"because {job}" for job in jobs[::-1]]
    assert [head["id"] for head in (await api.http.get(f"{STOPS}?limit=2")).json()["stops"]] == made[:0:-1]
    assert (await api.http.get("/api/v1/projects/other/stops")).json() == {"stops": []}
    theirs = await api.http.get(f"/api/v1/projects/other/stops/{made[0]}")
    assert (theirs.status_code, theirs.json()["error_code"]) == (404, "unknown_stop")
    theirs = await api.http.post(f"/api/v1/projects/other/stops/{made[0]}/resume")
    assert (theirs.status_code, theirs.json()["error_code"]) == (404, "unknown_stop")


async def test_a_deleted_job_stays_in_the_record_of_its_stop(api: Api) -> None:
    [job] = await api.plane.run()
    shown = await api.stopped(job)
    await api.plane.edit.delete(PROJECT, [job])
    assert [view["savepoint"] for view in (await api.show(shown["id"]))["jobs"]] == [shown["jobs"][0]["savepoint"]]
    total, _ = await api.plane.queries.jobs(PROJECT, JobFilter(), offset=0, limit=10, descending=True)
    assert total == 0


# Bringing back. ------------------------------------------------------------------------------------------------------


async def test_exactly_what_was_stopped_comes_back_each_from_its_own_savepoint(api: Api) -> None:
    *jobs, bystander = await api.plane.run(5)
    shown = await api.stopped(*jobs)
    await api.stopped(bystander)
    savepoints = {view["job_id"]: view["savepoint"] for view in shown["jobs"]}
    assert len(set(savepoints.values())) == 4
    answer = await api.resume(shown["id"])
    assert (answer["accepted"], answer["refused"]) == (4, 0)
    told = {each["job_id"]: each["message"].rpartition(", ")[0] for each in answer["jobs"]}  # then how old it is
    assert told == {job: f"It starts from {path}, a savepoint" for job, path in savepoints.items()}
    assert {job: await api.restored(job) for job in jobs} == savepoints
    assert (await api.plane.job(bystander)).status is JobStatus.STOPPED


async def test_resuming_can_be_repeated_at_once_and_later(api: Api) -> None:
    jobs = await api.plane.run(3)
    shown = await api.stopped(*jobs)
    at_once = await asyncio.gather(*(api.resume(shown["id"]) for _ in range(5)))
    assert max(answer["accepted"] for answer in at_once) == 3
    for job in jobs:
        await api.restored(job)
    later = await api.resume(shown["id"])
    assert (later["accepted"], later["refused"]) == (3, 0)
    assert {each["message"] for each in later["jobs"]} == {"It has already been started from this savepoint."}
    assert len(api.plane.fake.jobs) == 6, "three that were stopped, and three that run"


async def test_a_stop_that_did_not_work_for_all_says_why_for_the_others(api: Api) -> None:
    good, failed, finished, gone = await api.plane.run(4)
    fake = api.plane.fake
    fake.jobs[await api.plane.flink_id(failed)].failing = ["storage"] * 3
    fake.set_running_tasks(await api.plane.flink_id(finished), 1)
    fake.jobs[await api.plane.flink_id(gone)].stop_seconds = 30.0
    stop = (await api.stop(job_ids=[good, failed, finished, gone]))["id"]
    fake.finish(await api.plane.flink_id(finished))
    await api.plane.until(good, JobStatus.STOPPED)
    await api.plane.until(failed, JobStatus.STOP_FAILED)
    await api.plane.edit.delete(PROJECT, [good])
    shown = await api.show(stop)
    assert not shown["settled"]

    answer = await api.resume(stop)
    by_job = {each["job_id"]: each for each in answer["jobs"]}
    assert (answer["accepted"], answer["refused"]) == (0, 4)
    assert by_job[good]["code"] == "unknown", "it was deleted meanwhile"
    assert (by_job[failed]["code"], by_job[finished]["code"]) == ("not_stopped", "not_stopped")
    assert "failed. " in by_job[failed]["message"]
    assert "finished by itself" in by_job[finished]["message"]
    assert (by_job[gone]["code"], by_job[gone]["message"]) == ("not_stopped", "This stop has no savepoint of it: sent.")
    assert fake.jobs[await api.plane.flink_id(failed)].state == "RUNNING", "and nothing was started beside it"
    fake.lose_jobmanager(truths=Truth.GONE)
    assert (await api.settled(stop))["phases"] == {"stopped": 2, "failed": 1, "ended": 1}
    assert (await api.resume(stop))["accepted"] == 1, "its savepoint was found when the cluster had forgotten it"
    assert await api.restored(gone) == (await api.show(stop))["jobs"][3]["savepoint"]


async def test_a_job_that_was_stopped_again_since_is_not_taken_back_to_an_older_state(api: Api) -> None:
    [job] = await api.plane.run()
    first = await api.stopped(job)
    await api.resume(first["id"])
    await api.restored(job)
    second = await api.stopped(job)
    assert first["jobs"][0]["savepoint"] != second["jobs"][0]["savepoint"]
    answer = await api.resume(first["id"])
    assert [each["code"] for each in answer["jobs"]] == ["superseded"]
    assert (await api.plane.job(job)).status is JobStatus.STOPPED
    assert (await api.resume(second["id"]))["accepted"] == 1
    assert await api.restored(job) == second["jobs"][0]["savepoint"]


async def test_a_resumed_job_that_failed_can_be_resumed_again(api: Api) -> None:
    [job] = await api.plane.run()
    shown = await api.stopped(job)
    await api.resume(shown["id"])
    await api.restored(job)
    api.plane.fake.fail(await api.plane.flink_id(job))
    await api.plane.until(job, JobStatus.FAILED)
    assert (await api.resume(shown["id"]))["accepted"] == 1
    assert await api.restored(job) == shown["jobs"][0]["savepoint"]


async def test_a_plain_cancel_cannot_be_undone_and_says_so(api: Api) -> None:
    [job] = await api.plane.run()
    stop = (await api.stop(job_ids=[job], savepoint=False))["id"]
    await api.settled(stop)
    [answer] = (await api.resume(stop))["jobs"]
    assert (answer["accepted"], answer["code"]) == (False, "not_stopped")
    assert (await api.plane.job(job)).status is JobStatus.STOPPED


# Its description; that every answer of these tests is as described is checked where they come in. ---------------------


async def test_the_description_lies_where_clients_look_for_it(api: Api) -> None:
    described = (await api.http.get("/openapi.json")).json()
    paths = described["paths"]
    follow = paths["/api/v1/projects/{project_id}/stops/{stop_id}/events"]["get"]["responses"]["200"]
    assert list(follow["content"]) == ["text/event-stream"]
    schemas = described["components"]["schemas"]
    data = schemas["StreamEvent"]["properties"]["data"]
    assert (data["type"], data["contentMediaType"]) == ("string", "application/json")
    event, end = data["contentSchema"]["anyOf"]
    assert set(schemas[event["$ref"].rpartition("/")[2]]["properties"]) >= {"id", "kind", "job_name"}
    assert end == {"type": "object", "maxProperties": 0}, "of the last one"
    names = set(schemas)
    assert set(re.findall(r"#/components/schemas/(\w+)", str(described))) <= names
    for path, methods in paths.items():
        for method, operation in methods.items() if path.startswith("/api/v1") else ():
            refusal = operation["responses"]["400"]["content"]["application/json"]["schema"]
            assert refusal == {"$ref": "#/components/schemas/Error"}, f"{method} {path}"
            assert ("{stop_id}" in path) <= ("404" in operation["responses"]), f"{method} {path}"


async def test_savepoints_of_running_jobs_and_a_stop_that_waits_for_them(api: Api) -> None:
    running, draft = (await api.plane.run())[0], await api.plane.create("draft")
    api.plane.fake.jobs[await api.plane.flink_id(running)].stop_seconds = 0.5
    answer = await api.post("savepoints", job_ids=[running, draft, 99], target="my-bucket/nightly")
    assert [job.get("code") for job in answer["jobs"]] == [None, "wrong_state", "unknown"]
    assert (answer["accepted"], answer["refused"]) == (1, 2)
    dry = await api.stop(job_ids=[running], dry_run=True)
    assert dry["accepted"] == 1
    stop = await api.settled((await api.stop(all=True))["id"])
    assert [(job["job_id"], job["phase"]) for job in stop["jobs"]] == [(running, "stopped")]
    kept = (await api.get("savepoints"))["savepoints"]
    assert [one["stop_id"] for one in kept] == [stop["id"], None], "both are there"
    assert "/my-bucket/nightly/" in kept[1]["path"]
    assert api.plane.fake.peak == 1


async def test_savepoints_go_nowhere_but_into_the_storage(api: Api) -> None:
    [job] = await api.plane.run()
    refused = await api.post("savepoints", 400, job_ids=[job], target="file:///elsewhere")
    assert refused["error_code"] == "unusable_path"
    assert (await api.plane.job(job)).status is JobStatus.RUNNING


async def test_the_largest_id_is_that_of_nothing(api: Api) -> None:
    """No query goes on from it to a number that the database does not have."""
    paths = (await api.http.get("/openapi.json")).json()["paths"]
    asked = 0
    for path in (path for path, methods in paths.items() if "get" in methods and path.startswith("/api/v1/projects/")):
        numbered = re.sub(r"\{\w+_id\}", str(2**63 - 1), path.replace("{project_id}", PROJECT))
        if numbered.endswith(str(2**63 - 1)) or f"{2**63 - 1}/" in numbered:
            assert (await api.http.get(numbered)).status_code == 404, path
            asked += 1
    assert asked > 5
