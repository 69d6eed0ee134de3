"""How jobs fare, through both APIs: health beside the status here, `job_running_exception` in DLI's words."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.patience import PATIENCE
from tests.support.services.native_api import Api, native_api
from tests.support.services.plane import PROJECT

from sluiceway.domain.health import Condition
from sluiceway.domain.job import JobStatus
from sluiceway.engines.session import vitals

DLI = f"/v1.0/{PROJECT}/streaming"


@pytest.fixture
async def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    for name in ("ROUND_EVERY", "FIRST_PAUSE", "STARTS_WITHIN", "LONGEST_PAUSE"):
        monkeypatch.setattr(vitals, name, 0.05)
    async with native_api(tmp_path) as made:
        made.plane.fake._cache_seconds = 0.0
        yield made


async def loop(api: Api, job: int) -> str:
    jid = await api.plane.flink_id(job)
    api.plane.fake.loop(jid)
    await api.plane.until_it_fares(job, lambda h: h.condition is Condition.RESTARTING and bool(h.cause))
    return jid


async def dli(api: Api, method: str, path: str, **body: Any) -> Any:
    answer = await api.http.request(method, DLI + path, json=body or None)
    return answer.json()


async def test_health_stands_beside_the_status(api: Api) -> None:
    well, ill = await api.plane.run(2)
    await loop(api, ill)
    await api.plane.until(ill, JobStatus.UNWELL)
    await api.plane.until_it_fares(well, lambda h: h.up_at is not None)
    found = await api.get(f"jobs?job_id={well}&job_id={ill}&job_id=99")
    second, first = found["jobs"]
    assert [each["job_id"] for each in found["jobs"]] == [ill, well]
    assert (first["health"]["condition"], first["health"]["proof"], first["why"]) == ("running", "none", "")
    assert (second["status"], second["health"]["condition"], second["health"]["unwell"]) == (
        "running",
        "restarting",
        True,
    )
    assert "/ by zero" in second["health"]["cause"]
    assert [each["job_id"] for each in (await api.get("jobs?ailing=true"))["jobs"]] == [ill]
    page = await api.get("jobs?limit=1")
    assert [each["job_id"] for each in page["jobs"]] == [ill]
    assert [each["job_id"] for each in (await api.get(f"jobs?before={page['next']}"))["jobs"]] == [well]


async def test_dli_calls_it_an_exception_lists_it_so_and_stops_it(api: Api) -> None:
    well, ill = await api.plane.run(2)
    await loop(api, ill)
    await api.plane.until(ill, JobStatus.UNWELL)
    shown = (await dli(api, "GET", f"/jobs/{ill}"))["job_detail"]
    assert shown["status"] == "job_running_exception"
    assert "/ by zero" in shown["status_desc"]
    for status, expected in (("job_running_exception", [ill]), ("job_running", [well])):
        listed = await dli(api, "GET", f"/jobs?status={status}")
        assert [each["job_id"] for each in listed["job_list"]["jobs"]] == expected
    [refused] = await dli(api, "POST", "/jobs/run", job_ids=[ill])
    assert "stop it first" in refused["error_msg"]
    [accepted] = await dli(api, "POST", "/jobs/stop", job_ids=[ill], trigger_savepoint=False)
    assert accepted["is_success"] == "true"
    await api.plane.until(ill, JobStatus.STOPPED)


async def test_dli_stops_what_waits_with_a_savepoint(api: Api) -> None:
    [job] = await api.plane.run()
    await loop(api, job)
    stop = (await api.stop(job_ids=[job], if_not_running="wait"))["id"]
    await api.plane.until(job, JobStatus.SAVEPOINTING)
    [again] = await dli(api, "POST", "/jobs/stop", job_ids=[job], trigger_savepoint=True)
    assert again["error_code"] == "DLI.15002", "two with savepoints are one too many"
    [accepted] = await dli(api, "POST", "/jobs/stop", job_ids=[job], trigger_savepoint=False)
    assert "takes the place" in accepted["message"]
    [entry] = (await api.settled(stop))["jobs"]
    assert (entry["phase"], entry["savepoint"], entry["unproven"]) == ("stopped", None, "")


async def test_whoever_stops_what_runs_means_those_that_are_not_well_too(api: Api) -> None:
    [job] = await api.plane.run()
    await loop(api, job)
    await api.plane.until(job, JobStatus.UNWELL)
    answer = await api.stop(status=["running"], if_not_running="cancel")
    assert [each["job_id"] for each in answer["jobs"]] == [job]
    await api.plane.until(job, JobStatus.STOPPED)


async def test_what_has_no_meaning_without_a_savepoint_is_refused(api: Api) -> None:
    answer = await api.http.post(
        f"/api/v1/projects/{PROJECT}/stops", json={"all": True, "savepoint": False, "if_not_running": "wait"}
    )
    assert answer.status_code == 400


async def test_a_deleted_job_is_seen_until_flink_has_ended_it(api: Api) -> None:
    [job] = await api.plane.run()
    jid = await loop(api, job)
    api.plane.fake.jobs[jid].cancel_seconds = 0.5
    await dli(api, "DELETE", f"/jobs/{job}")
    [leaving] = (await api.get("jobs?leaving=true"))["jobs"]
    assert (leaving["job_id"], leaving["flink_job_id"]) == (job, jid)
    assert leaving["deleted_at"] is not None
    assert (await api.get("jobs"))["jobs"] == []
    async with asyncio.timeout(PATIENCE):
        while (await api.get("jobs?leaving=true"))["jobs"]:
            await asyncio.sleep(0.01)
