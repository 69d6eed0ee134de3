"""The stop of a job that does not run: refused, as by the cloud, or with a setting a success that says so.

A client that stops before it updates, as Terraform does, waits for a status that only a stop leads to.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.people.openapi import description_of
from tests.support.services.native_api import no_planner
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.assembly.api import make_api
from sluiceway.domain.admission import RUNNABLE
from sluiceway.domain.job import JobStatus
from sluiceway.settings import Settings

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"


@asynccontextmanager
async def served(directory: Path, **settings: Any) -> AsyncIterator[tuple[Plane, httpx.AsyncClient]]:
    async with plane(directory) as at:
        api = make_api(Settings(data=directory, **settings), at.ground, at.queues, no_planner)
        described = description_of(api)

        async def check(answer: httpx.Response) -> None:
            await answer.aread()
            described.check(answer)

        transport, hooks = httpx.ASGITransport(app=api), {"response": [check]}  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test", event_hooks=hooks) as http:
            yield at, http


async def at_rest(at: Plane, status: JobStatus) -> int:
    """A job in a status in which no Flink job of it can be alive."""
    if status is JobStatus.DRAFT:
        return await at.create("draft")
    [job] = await at.run(prefix=status.value)
    flink = await at.flink_id(job)
    if status is JobStatus.STOPPED:
        await at.stop_and_wait([job])
    elif status is JobStatus.FINISHED:
        at.fake.finish(flink)
    else:
        at.fake.fail(flink)
    await at.until(job, status)
    return job


async def stop(http: httpx.AsyncClient, *jobs: int, savepoint: bool = False, language: str = "") -> httpx.Response:
    body = {"job_ids": jobs, "trigger_savepoint": savepoint}
    return await http.post(f"{JOBS}/stop", json=body, headers={"X-Language": language})


REACHED = sorted(RUNNABLE - {JobStatus.SUBMIT_FAILED})


async def test_refused_it_is_without_the_setting(tmp_path: Path) -> None:
    async with served(tmp_path) as (at, http):
        job = await at_rest(at, JobStatus.FAILED)
        answer = await stop(http, job)
        assert (answer.status_code, answer.json()[0]["error_code"]) == (400, "DLI.15002")
        assert (await at.job(job)).status is JobStatus.FAILED


@pytest.mark.parametrize("savepoint", [True, False])
async def test_accepted_it_says_what_was_found_and_that_nothing_was_done(tmp_path: Path, savepoint: bool) -> None:
    async with served(tmp_path, stop_at_rest="accept") as (at, http):
        jobs = [await at_rest(at, status) for status in REACHED]
        before = [await at.job(job) for job in jobs]
        answer = await stop(http, *jobs, savepoint=savepoint)
        assert answer.status_code == 200
        names = {"draft": "job_init", "failed": "job_running_exception", "stopped": "job_cancel_success"}
        for status, said in zip(REACHED, answer.json(), strict=True):
            assert said["is_success"] == "true"
            assert f"in status {names.get(status, 'job_finish')}: nothing was stopped" in said["message"]
            assert "no savepoint was taken" in said["message"]
        assert "x-sluiceway-stop" not in answer.headers, "there is no stop to follow"
        after = [await at.job(job) for job in jobs]
        for was, now in zip(before, after, strict=True):
            marked = JobStatus.DRAFT if was.status is JobStatus.DRAFT else JobStatus.STOPPED
            assert (now.status, now.savepoint_path, now.flink_job_id) == (marked, was.savepoint_path, was.flink_job_id)
            if was.status in {JobStatus.FAILED, JobStatus.FINISHED}:
                assert now.why.startswith(f"It had {was.status}, and was then asked to stop"), "and says what it was"
                assert was.why in now.why
            else:
                assert now.why == was.why
        again = await stop(http, *jobs)
        assert again.status_code == 200
        assert [await at.job(job) for job in jobs] == after, "once is enough"
        kinds = [event.kind for event in await at.queries.events(PROJECT, 0, 1000)]
        assert kinds.count("job_marked_stopped") == 2


async def test_a_batch_of_both_stops_what_runs(tmp_path: Path) -> None:
    async with served(tmp_path, stop_at_rest="accept") as (at, http):
        resting = await at_rest(at, JobStatus.FINISHED)
        [running] = await at.run()
        answer = await stop(http, resting, running, 999, resting, savepoint=True)
        assert [each["is_success"] for each in answer.json()] == ["true", "true", "false", "true"]
        assert (await at.until(running, JobStatus.STOPPED)).savepoint_path
        zh = await stop(http, resting, language="zh-cn")
        assert "未执行停止" in zh.json()[0]["message"]


async def test_what_is_on_its_way_is_refused_as_ever(tmp_path: Path) -> None:
    async with served(tmp_path, stop_at_rest="accept") as (at, http):
        [job] = await at.run()
        at.fake.jobs[await at.flink_id(job)].stop_seconds = 1000
        assert (await stop(http, job, savepoint=True)).status_code == 200
        while not at.fake.count("stop"):  # until then a stop without a savepoint takes its place
            await asyncio.sleep(0.01)
        answer = await stop(http, job)
        assert answer.json()[0]["error_code"] == "DLI.15002"


async def test_the_job_is_resumed_from_what_it_left_and_not_from_less(tmp_path: Path) -> None:
    async with served(tmp_path, stop_at_rest="accept") as (at, http):
        plain, marked = await at.run(2)
        for job in (plain, marked):
            await at.stop_and_wait([job])
            await http.post(f"{JOBS}/run", json={"job_ids": [job], "resume_savepoint": True})
            await at.until(job, JobStatus.RUNNING)
            at.fake.fail(await at.flink_id(job))
            await at.until(job, JobStatus.FAILED)
        assert (await stop(http, marked)).status_code == 200
        restored = []
        for job in (plain, marked):
            run = await http.post(f"{JOBS}/run", json={"job_ids": [job], "resume_savepoint": True})
            assert run.status_code == 200
            await at.until(job, JobStatus.RUNNING)
            restored.append(at.fake.jobs[await at.flink_id(job)].restored)
        own = [f"/jobs/savepoint/{job}/" in str(path) for path, job in zip(restored, (plain, marked), strict=True)]
        assert own == [True, True], "both from the savepoint of their own stop"
