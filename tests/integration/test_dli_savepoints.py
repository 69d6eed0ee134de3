"""DLI's savepoint and import-savepoint, through the vendor's SDK and as raw JSON, over a fake Flink."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkdli.v1 import (
    DliClient,
    ExecuteFlinkJobSavepointRequest,
    ExecuteFlinkJobSavepointRequestBody,
    ImportFlinkJobSavepointRequest,
    ImportFlinkJobSavepointRequestBody,
)
from sqlalchemy import select
from tests.support.patience import PATIENCE
from tests.support.services.native_api import served
from tests.support.services.plane import PROJECT, RULES, Plane, plane
from tests.support.services.thread import code_of

from sluiceway.domain.job import JobStatus
from sluiceway.settings import Settings
from sluiceway.store.schema import savepoints

JOBS = f"/v1.0/{PROJECT}/streaming/jobs"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path) as made:
        yield made


@pytest.fixture
async def url(at: Plane) -> AsyncIterator[str]:
    async with served(at, Settings()) as address:
        yield address


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with calling(url) as client:
        yield client


def calling(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, timeout=PATIENCE)


def sdk(url: str) -> Any:
    credentials = BasicCredentials("ak", "sk", PROJECT)
    return DliClient.new_builder().with_credentials(credentials).with_endpoint(url).build()


def trigger(client: Any, job: int, path: str | None = None) -> Callable[[], Any]:
    body = ExecuteFlinkJobSavepointRequestBody(action="TRIGGER", savepoint_path=path)
    return lambda: client.execute_flink_job_savepoint(ExecuteFlinkJobSavepointRequest(str(job), body))


def bring(client: Any, job: int, path: str) -> Callable[[], Any]:
    body = ImportFlinkJobSavepointRequestBody(job_id=job, savepoint_path=path)
    return lambda: client.import_flink_job_savepoint(ImportFlinkJobSavepointRequest(str(job), body))


async def refused(http: httpx.AsyncClient, path: str, body: object) -> str:
    answer = await http.post(f"{JOBS}/{path}", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error_msg"]
    return str(answer.json()["error_code"])


async def test_the_sdk_takes_a_savepoint_and_imports_it_again(at: Plane, url: str) -> None:
    client = sdk(url)
    [job] = await at.run()
    answer = await asyncio.to_thread(trigger(client, job, "my-bucket/nightly/"))
    assert (answer.is_success, bool(answer.message)) == ("true", True)
    saved = (await at.until(job, JobStatus.RUNNING)).savepoint_path
    assert saved is not None
    assert "/my-bucket/nightly/" in saved
    assert await asyncio.to_thread(code_of, bring(client, job, saved)) == (400, "DLI.15002"), "it runs"

    await at.stop_and_wait([job])
    named = saved.replace(at.storage.uri + "/", "obs://")
    answer = await asyncio.to_thread(bring(client, job, f"{named}/"))
    assert (answer.is_success, bool(answer.message)) == ("true", True)
    assert await asyncio.to_thread(code_of, trigger(client, job)) == (400, "DLI.15002"), "it does not run"
    await at.start(PROJECT, [job], resume=True)
    await at.until(job, JobStatus.RUNNING)
    assert at.fake.jobs[await at.flink_id(job)].restored == saved


async def test_without_a_path_it_lies_where_those_of_stops_do(at: Plane, http: httpx.AsyncClient) -> None:
    [job] = await at.run()
    for body in ({"action": "TRIGGER"}, {"action": "TRIGGER", "savepoint_path": ""}):
        answer = await http.post(f"{JOBS}/{job}/savepoint", json=body)
        assert answer.json()["is_success"] == "true", "a text: clients decode nothing else"
        await at.until(job, JobStatus.RUNNING)
    assert len(at.savepoints(job)) == 2


async def test_while_it_is_taken_the_job_says_so_and_a_stop_is_refused(at: Plane, http: httpx.AsyncClient) -> None:
    [job] = await at.run()
    at.fake.jobs[await at.flink_id(job)].stop_seconds = 0.5
    await http.post(f"{JOBS}/{job}/savepoint", json={"action": "TRIGGER"})
    assert (await http.get(f"{JOBS}/{job}")).json()["job_detail"]["status"] == "job_savepointing"
    stop = await http.post(f"{JOBS}/stop", json={"job_ids": [job]})
    assert (stop.status_code, stop.json()[0]["error_code"]) == (400, "DLI.15002")
    assert await refused(http, f"{job}/savepoint", {"action": "TRIGGER"}) == "DLI.15002"
    assert (await at.until(job, JobStatus.RUNNING)).savepoint_path


async def test_both_calls_take_the_format_that_is_set(at: Plane) -> None:
    async with served(at, Settings(dli_savepoint_format="native")) as url, calling(url) as http:
        [job] = await at.run()
        await http.post(f"{JOBS}/{job}/savepoint", json={"action": "TRIGGER"})
        await at.until(job, JobStatus.RUNNING)
        await http.post(f"{JOBS}/stop", json={"job_ids": [job], "trigger_savepoint": True})
        await at.until(job, JobStatus.STOPPED)
    async with at.db.read() as connection:
        kept = list(await connection.execute(select(savepoints.c.format, savepoints.c.format_why)))
    assert kept == [("native", "It was asked for.")] * 2, "of this job, auto takes canonical ones"


async def test_a_format_that_is_set_and_would_kill_is_refused_by_both_calls(at: Plane) -> None:
    [job] = await at.run()
    await at.keeps_state_in(job, "ForStStateBackend")
    async with served(at, Settings(dli_savepoint_format="canonical")) as url, calling(url) as http:
        stop = await http.post(f"{JOBS}/stop", json={"job_ids": [job], "trigger_savepoint": True})
        taken = await http.post(f"{JOBS}/{job}/savepoint", json={"action": "TRIGGER"})
    for refusal in (stop.json()[0], taken.json()):
        assert refusal["error_code"] == "DLI.15002"
        assert "ForSt" in refusal["error_msg"]
        assert "--dli-savepoint-format" in refusal["error_msg"]
    assert (at.fake.count("stop"), at.fake.count("savepoint")) == (0, 0)


async def test_a_format_that_is_set_and_might_kill_is_told_by_both_calls(at: Plane) -> None:
    [job] = await at.run()
    await at.keeps_state_in(job, "SomethingNew")
    async with served(at, Settings(dli_savepoint_format="canonical")) as url, calling(url) as http:
        taken = (await http.post(f"{JOBS}/{job}/savepoint", json={"action": "TRIGGER"})).json()
        await at.until(job, JobStatus.RUNNING)
        [stop] = (await http.post(f"{JOBS}/stop", json={"job_ids": [job], "trigger_savepoint": True})).json()
        await at.until(job, JobStatus.STOPPED)
    for said in (taken["message"], stop["message"]):
        assert "Whether the job survives a canonical savepoint is not known" in said


async def test_a_job_whose_savepoint_hangs_can_be_stopped(tmp_path: Path) -> None:
    rules = replace(RULES, timeout=timedelta(seconds=0.3))
    async with plane(tmp_path, rules=rules) as at, served(at, Settings(savepoint_timeout=0.3)) as url:
        [job] = await at.run()
        at.fake.jobs[await at.flink_id(job)].stop_seconds = 600.0
        async with calling(url) as http:
            await http.post(f"{JOBS}/{job}/savepoint", json={"action": "TRIGGER"})
            await at.until(job, JobStatus.RUNNING)
            detail = (await http.get(f"{JOBS}/{job}")).json()["job_detail"]
            assert detail["status"] == "job_running"
            assert "No result in time" in detail["status_desc"]
            for savepoint, comes_to in ((True, JobStatus.STOP_FAILED), (False, JobStatus.STOPPED)):
                stop = await http.post(f"{JOBS}/stop", json={"job_ids": [job], "trigger_savepoint": savepoint})
                assert stop.json()[0]["is_success"] == "true", stop.text
                await at.until(job, comes_to)


async def test_one_that_failed_is_told_in_status_desc(at: Plane, http: httpx.AsyncClient) -> None:
    [job] = await at.run()
    at.fake.jobs[await at.flink_id(job)].failing = ["expired"]
    await http.post(f"{JOBS}/{job}/savepoint", json={"action": "TRIGGER"})
    await at.until(job, JobStatus.RUNNING)
    detail = (await http.get(f"{JOBS}/{job}")).json()["job_detail"]
    assert detail["status"] == "job_running"
    assert "expired" in detail["status_desc"]
    assert not detail["has_savepoint"]


async def test_what_cannot_be_done_has_its_code(at: Plane, http: httpx.AsyncClient, tmp_path: Path) -> None:
    job = await at.create("fresh")
    (tmp_path / "storage" / "my-bucket").mkdir()
    (tmp_path / "storage" / "my-bucket" / "_metadata").write_bytes(b"\x49\x60\x67\x2d")
    path = {"savepoint_path": "obs://my-bucket/"}
    assert await refused(http, f"{job}/savepoint", {"action": "TRIGGER"}) == "DLI.15002"
    assert await refused(http, "99/savepoint", {"action": "TRIGGER"}) == "DLI.15001"
    assert await refused(http, "x/savepoint", {"action": "TRIGGER"}) == "DLI.12001"
    for body in ({}, {"action": "trigger"}, {"action": None}, {"action": "TRIGGER", "savepoint_path": "file:///etc"}):
        assert await refused(http, f"{job}/savepoint", body) == "DLI.0001"
    assert await refused(http, f"{job}/import-savepoint", {}) == "DLI.0001"
    assert await refused(http, f"{job}/import-savepoint", {"savepoint_path": "obs://UPPER/x"}) == "DLI.0001"
    assert await refused(http, f"{job}/import-savepoint", {**path, "job_id": str(job + 1)}) == "DLI.0001"
    assert await refused(http, f"{job}/import-savepoint", {**path, "job_id": "x"}) == "DLI.12001"
    assert await refused(http, f"{job}/import-savepoint", {**path, "job_id": str(job)}) == "DLI.13017", "cut short"
    assert await refused(http, f"{job}/import-savepoint", {"savepoint_path": "my-bucket/none"}) == "DLI.13017"
    assert await refused(http, "99/import-savepoint", path) == "DLI.15001"
    for odd in ("9" * 30, "9" * 19, "9" * 200, "-1", "0", "01", "\u0661", "", "x", f"{job + 1}"):
        for root in ("jobs", "my-bucket/jobs"):
            named = {"savepoint_path": f"{at.storage.uri}/{root}/savepoint/{odd}"}
            assert await refused(http, f"{job}/import-savepoint", named) == "DLI.0001", odd
    (tmp_path / "storage/my-bucket/fifo").mkdir()
    os.mkfifo(tmp_path / "storage/my-bucket/fifo/_metadata")
    for _ in range(7):
        named = {"savepoint_path": "my-bucket/fifo"}
        assert await refused(http, f"{job}/import-savepoint", named) == "DLI.13017"
    (tmp_path / "storage/linked").symlink_to(tmp_path)
    linked = {"savepoint_path": "linked/storage/my-bucket/cut"}
    assert await refused(http, f"{job}/import-savepoint", linked) == "DLI.0001"
    assert (await at.job(job)).savepoint_path is None


async def test_refusals_in_chinese(at: Plane, http: httpx.AsyncClient, tmp_path: Path) -> None:
    (tmp_path / "storage" / "my-bucket").mkdir()
    job = await at.create("fresh")
    chinese = {"X-Language": "zh-cn"}
    for path, body in (("savepoint", {"action": "TRIGGER"}), ("import-savepoint", {"savepoint_path": "my-bucket"})):
        answer = await http.post(f"{JOBS}/{job}/{path}", json=body, headers=chinese)
        assert "保存点" in answer.json()["error_msg"]
