"""DLI's wire form over real HTTP, in front of use cases that keep their jobs in memory."""

import asyncio
import json
import re
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException, ServerResponseException
from huaweicloudsdkdli.v1 import (
    BatchDeleteFlinkJobsRequest,
    BatchDeleteFlinkJobsRequestBody,
    BatchRunFlinkJobsRequest,
    BatchRunFlinkJobsRequestBody,
    BatchStopFlinkJobsRequest,
    CreateFlinkSqlJobRequest,
    CreateFlinkSqlJobRequestBody,
    DeleteFlinkJobRequest,
    DliClient,
    ListFlinkJobsRequest,
    ShowFlinkJobExecutionGraphRequest,
    ShowFlinkJobRequest,
    StopFlinkJobsRequestBody,
    Tag,
    UpdateFlinkSqlJobRequest,
    UpdateFlinkSqlJobRequestBody,
)
from litestar.di import Provide
from msgspec import to_builtins
from msgspec.json import encode
from tests.support.patience import PATIENCE
from tests.support.services.one_application import shared

from sluiceway.api import dli
from sluiceway.api.dli.answers import Truth
from sluiceway.api.dli.decoding import decode
from sluiceway.api.dli.jobs import rules
from sluiceway.api.dli.jobs.verdicts import Batch, outcomes
from sluiceway.api.dli.jobs.verdicts import refusal as refused_as
from sluiceway.api.dli.jobs.wire import CreateSqlJob, StopRequest
from sluiceway.api.dli.parameters import job_ids
from sluiceway.api.errors.handlers import FOR_APPLICATION
from sluiceway.api.errors.language import Language
from sluiceway.api.permit import Permit
from sluiceway.api.request_id import RequestIds
from sluiceway.control.errors import Gap, NameTaken, NoGraph, NoProgram, UnknownJob, UnknownQueue, WrongState
from sluiceway.control.queries import JobFilter
from sluiceway.domain.access import LOCAL, Right
from sluiceway.domain.admission import ACCEPTED, UNKNOWN, Refusal, Verdict, may_run, may_stop
from sluiceway.domain.job import Job, JobDraft, JobLine, JobStatus
from sluiceway.domain.orders import Placed, StartOrder, StopOrder
from sluiceway.domain.way_back import Back, Kind, Source, State
from sluiceway.store.pages import Sized

P = "proj0123"
BASE = f"/v1.0/{P}/streaming"
START = datetime(2026, 3, 1, 12, 0, 0, 123000, tzinfo=UTC)
ELSEWHERE = (
    "buckets",
    "resources",
    "templates",
    "variables",
    "job_tags",
    "queues",
    "resource_tags",
    "metrics",
    "graphs",
    "transfer",
    "take_savepoints",
    "import_savepoint",
    "going_back",
)  # use cases that no test here calls
GRAPH = {"jid": "a" * 32, "name": "x", "isStoppable": False, "state": "RUNNING", "start-time": 5, "end-time": -1}


@dataclass
class World:
    """Jobs, and what was asked for."""

    jobs: dict[int, Job] = field(default_factory=dict)
    stops: list[list[int]] = field(default_factory=list)
    starts: list[tuple[list[int], bool | None]] = field(default_factory=list)
    broken: bool = False

    def add(self, status: JobStatus, name: str = "", project: str = P) -> int:
        number = len(self.jobs) + 1
        draft = JobDraft(name or f"job-{number}", spec=dli_draft().spec, config=dli_draft().config)
        self.jobs[number] = Job(number, project, draft, status, "", "local", START, START + timedelta(seconds=number))
        return number

    def find(self, project: str, number: int) -> Job | None:
        if self.broken:
            raise RuntimeError("the disk is gone")
        job = self.jobs.get(number)
        return job if job is not None and job.project == project else None


def dli_draft() -> JobDraft:
    return rules.create(CreateSqlJob(name="x", sql_body="SELECT 1"))


class Stops:
    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, order: StopOrder, right: Right) -> Placed:
        verdicts = {n: self.judge(self.world.find(order.project, n), order.savepoint) for n in order.jobs}
        ids = [number for number, verdict in verdicts.items() if verdict.accepted]
        self.world.stops += [ids] if ids else []
        return Placed(len(self.world.stops) if ids else None, order.jobs, verdicts)

    def judge(self, job: Job | None, savepoint: bool) -> Verdict:
        if job is None:
            return UNKNOWN
        return ACCEPTED if may_stop(job.status, savepoint=savepoint) else Verdict(Refusal.WRONG_STATE, job.status)


class Starts:
    def __init__(self, world: World) -> None:
        self.world = world

    async def __call__(self, order: StartOrder, right: Right) -> Placed:
        self.world.starts.append((list(order.jobs), order.resume))
        verdicts = {n: self.judge(self.world.find(order.project, n), order.resume) for n in order.jobs}
        return Placed(None, order.jobs, verdicts)

    def judge(self, job: Job | None, resume: bool | None) -> Verdict:
        if job is None:
            return UNKNOWN
        if not may_run(job.status):
            return Verdict(Refusal.WRONG_STATE, job.status)
        if job.draft.queue == "gone":
            return Verdict(Refusal.NO_QUEUE, job.status, "gone")
        if resume and job.savepoint_path is None:
            return Verdict(Refusal.NO_SAVEPOINT, job.status)
        return ACCEPTED


class Edits:
    def __init__(self, world: World) -> None:
        self.world = world

    async def create(self, project: str, draft: JobDraft, user: str) -> Job:
        self.check(project, draft, 0)
        number = len(self.world.jobs) + 1
        self.world.jobs[number] = Job(number, project, draft, JobStatus.DRAFT, "", user, START, START)
        return self.world.jobs[number]

    async def update(self, project: str, job_id: int, change: Callable[[Job], JobDraft], who: str = "") -> Job:
        job = self.world.find(project, job_id)
        if job is None:
            raise UnknownJob
        draft = change(job)
        self.check(project, draft, job_id)
        if draft.name == "late":
            raise WrongState(JobStatus.SUBMITTING)
        self.world.jobs[job_id] = replace(job, draft=draft, updated_at=START + timedelta(hours=1))
        return self.world.jobs[job_id]

    async def delete(self, project: str, job_ids: Sequence[int], who: str, right: Right) -> Sequence[Verdict]:
        verdicts = [ACCEPTED if self.world.find(project, number) else UNKNOWN for number in job_ids]
        for number in job_ids:
            self.world.jobs.pop(number, None)
        return verdicts

    async def require_jar(self, project: str, jar: str) -> None:
        if "nowhere" in jar:
            raise NoProgram(jar)

    def check(self, project: str, draft: JobDraft, own: int) -> None:
        if any(j.draft.name == draft.name and j.id != own for j in self.world.jobs.values()):
            raise NameTaken
        if draft.queue not in {None, "", "q", "gone"}:
            raise UnknownQueue(str(draft.queue))


class Looks:
    def __init__(self, world: World) -> None:
        self.world = world
        self.asked: JobFilter | None = None

    async def job(self, project: str, job_id: int) -> Job:
        job = self.world.find(project, job_id)
        if job is None:
            raise UnknownJob
        return job

    async def jobs(
        self, project: str, where: JobFilter, *, offset: int, limit: int, descending: bool
    ) -> tuple[int, Sequence[JobLine]]:
        total, found = self._page(project, where, descending=descending)
        return total, [job.line for job in found[offset : offset + limit]]

    async def job_sizes(
        self, project: str, where: JobFilter, *, offset: int, limit: int, descending: bool
    ) -> tuple[int, Sequence[Sized]]:
        total, found = self._page(project, where, descending=descending)
        return total, [Sized(job.id, 100) for job in found[offset : offset + limit]]

    async def jobs_of(self, project: str, job_ids: Sequence[int]) -> Sequence[Job]:
        return [self.world.jobs[job_id] for job_id in job_ids]

    def _page(self, project: str, where: JobFilter, *, descending: bool) -> tuple[int, Sequence[Job]]:
        self.asked = where
        found = [j for j in self.world.jobs.values() if j.project == project]
        found = [j for j in found if j.status in (where.statuses or JobStatus) and (where.name or "") in j.draft.name]
        return len(found), sorted(found, key=lambda j: j.id, reverse=descending)

    async def graph(self, project: str, job_id: int) -> dict[str, object]:
        job = await self.job(project, job_id)
        if job.status is JobStatus.DRAFT:
            raise NoGraph(Gap.NEVER_RUN)
        return dict(GRAPH)


def application(world: World, **options: Any) -> RequestIds:
    given: dict[str, object] = dict.fromkeys(ELSEWHERE)
    given |= {
        "stop_jobs": Stops(world),
        "start_jobs": Starts(world),
        "edit_jobs": Edits(world),
        "queries": Looks(world),
    }
    given["permit"] = Permit(LOCAL, P)

    def provide(value: object) -> Provide:
        return Provide(lambda: value, sync_to_thread=False)

    return RequestIds(
        shared(
            dli.routes(**options),
            dependencies={name: provide(value) for name, value in given.items()},
            exception_handlers=dict(FOR_APPLICATION),
        )
    )


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
async def http(world: World) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app=application(world))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def is_error(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["error_code"]) == (status, code), answer.text
    assert answer.json()["error_msg"]
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])
    assert answer.headers["content-type"] == "application/json"


# --- batches --------------------------------------------------------------------------------------------------------


async def test_a_stop_is_answered_position_by_position(http: httpx.AsyncClient, world: World) -> None:
    running, draft = world.add(JobStatus.RUNNING), world.add(JobStatus.DRAFT)
    other = world.add(JobStatus.RUNNING, project="other")
    body = {"trigger_savepoint": True, "job_ids": [running, draft, 999, str(running), other]}
    answer = await http.post(f"{BASE}/jobs/stop", json=body)
    assert answer.status_code == 200
    items = answer.json()
    assert [item["is_success"] for item in items] == ["true", "false", "false", "true", "false"]
    assert [item.get("error_code") for item in items] == [None, "DLI.15002", "DLI.15001", None, "DLI.15001"]
    assert items[1]["message"].startswith("DLI.15002 ")
    assert "job_init" in items[1]["message"]
    assert items[0] == {"is_success": "true", "message": items[0]["message"]}
    assert answer.headers["x-sluiceway-stop"] == "1"
    assert world.stops == [[running]]


async def test_a_batch_that_is_refused_as_a_whole_is_an_array_of_errors(http: httpx.AsyncClient, world: World) -> None:
    draft = world.add(JobStatus.DRAFT)
    answer = await http.post(f"{BASE}/jobs/stop", json={"job_ids": [draft, 999]})
    assert answer.status_code == 400
    assert [sorted(item) for item in answer.json()] == [["error_code", "error_msg"]] * 2
    assert [item["error_code"] for item in answer.json()] == ["DLI.15002", "DLI.15001"]
    assert "x-sluiceway-stop" not in answer.headers


async def test_or_the_first_error_alone_by_choice(world: World) -> None:
    transport = httpx.ASGITransport(app=application(world, refused_form="object"))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        is_error(await client.post(f"{BASE}/jobs/stop", json={"job_ids": [9, 8]}), 400, "DLI.15001")
        assert (await client.post(f"{BASE}/jobs/run", json={"job_ids": [world.add(JobStatus.DRAFT)]})).json()[0]


@pytest.mark.parametrize("status", JobStatus)
@pytest.mark.parametrize("savepoint", [True, False, None])
async def test_which_jobs_can_be_stopped(
    http: httpx.AsyncClient, world: World, status: JobStatus, savepoint: bool | None
) -> None:
    body = {"job_ids": [world.add(status)], "trigger_savepoint": savepoint}
    answer = await http.post(f"{BASE}/jobs/stop", json=body)
    assert answer.status_code == (200 if may_stop(status, savepoint=bool(savepoint)) else 400)


async def test_a_start_names_what_is_in_the_way(http: httpx.AsyncClient, world: World) -> None:
    ids = [world.add(JobStatus.RUNNING), world.add(JobStatus.STOPPED), world.add(JobStatus.DRAFT), 99]
    world.jobs[ids[1]] = replace(world.jobs[ids[1]], savepoint_path="/s")
    world.jobs[ids[2]] = replace(world.jobs[ids[2]], draft=replace(world.jobs[ids[2]].draft, queue="gone"))
    items = (await http.post(f"{BASE}/jobs/run", json={"job_ids": ids, "resume_savepoint": True})).json()
    assert [item.get("error_code") for item in items] == ["DLI.13006", None, "DLI.13024", "DLI.13007"]
    assert world.starts == [(ids, True)]
    refused = await http.post(f"{BASE}/jobs/run", json={"job_ids": [world.add(JobStatus.DRAFT)], "resume_savepoint": 1})
    is_error(refused, 400, "DLI.0001")
    refused = await http.post(
        f"{BASE}/jobs/run", json={"job_ids": [world.add(JobStatus.DRAFT)], "resume_savepoint": True}
    )
    assert [item["error_code"] for item in refused.json()] == ["DLI.13017"]


async def test_a_start_that_says_nothing_of_resuming_leaves_it_to_the_job(
    http: httpx.AsyncClient, world: World
) -> None:
    draft = world.add(JobStatus.DRAFT)
    for body in ({}, {"resume_savepoint": None}, {"resume_savepoint": False}):
        await http.post(f"{BASE}/jobs/run", json={"job_ids": [draft], **body})
    assert world.starts == [([draft], None), ([draft], None), ([draft], False)]


KEPT = State("obs://b/chk-3", Source.LEFT, Kind.CHECKPOINT)


@pytest.mark.parametrize(
    ("refusal", "says"),
    [
        (Refusal.NOT_WHOLE, "cannot be used: chk-3 is not whole."),
        (Refusal.UNREADABLE, "Send the request again later"),
        (Refusal.DRAINED, "--dli-resume-anyway drained"),
        (Refusal.FINISHED, "--dli-resume-anyway finished"),
    ],
)
def test_a_state_that_is_no_way_back_is_refused_with_what_is_wrong(refusal: Refusal, says: str) -> None:
    error = refused_as(Verdict(refusal, JobStatus.STOPPED, "chk-3 is not whole."), Batch.RUN)
    assert error is not None
    assert str(error.code) == "DLI.13017"
    assert says in error.message(Language.ENGLISH)
    for language in Language:
        assert "chk-3 is not whole" in error.message(language)
        assert "resume_savepoint" not in error.message(language), "nobody is told to start from nothing"


def test_what_a_start_begins_from_is_told_for_programs_too() -> None:
    verdict = Verdict(note="-", back=Back(KEPT, timedelta(seconds=90)))
    fine, [outcome] = outcomes([verdict], Batch.RUN, Language.ENGLISH, Truth(""))
    assert fine
    told = to_builtins(outcome)
    assert {name: told[name] for name in told if name.startswith("restore")} == {
        "restore_path": "obs://b/chk-3",
        "restore_kind": "checkpoint",
        "restore_age_seconds": 90,
    }


async def test_jobs_are_deleted_alone_and_together(http: httpx.AsyncClient, world: World) -> None:
    one, two, three = (world.add(JobStatus.RUNNING) for _ in range(3))
    answer = await http.delete(f"{BASE}/jobs/{one}")
    assert (answer.status_code, answer.json()["is_success"]) == (200, "true")
    is_error(await http.delete(f"{BASE}/jobs/{one}"), 400, "DLI.17001")
    answer = await http.post(f"{BASE}/jobs/delete", json={"job_ids": [two, one, three]})
    assert [item.get("error_code") for item in answer.json()] == [None, "DLI.17001", None]
    assert world.jobs == {}


async def test_ten_thousand_ids_cost_little(world: World) -> None:
    body = json.dumps({"job_ids": list(range(1, 10_001))}).encode()
    verdicts = [ACCEPTED, UNKNOWN] * 5_000
    times = []
    for _ in range(20):
        begun = time.process_time()
        job_ids(decode(body, StopRequest).job_ids)
        _, answers = outcomes(verdicts, Batch.STOP, Language.ENGLISH, Truth(""))
        encode(answers)
        times.append(time.process_time() - begun)
    assert sorted(times)[10] < 0.05  # 5 ms and less on an idle machine; this bound only catches a change of order


# --- one job --------------------------------------------------------------------------------------------------------


async def test_a_job_is_made_shown_listed_and_changed(http: httpx.AsyncClient) -> None:
    body = {
        "name": "订单",
        "desc": "d",
        "sql_body": "SELECT 1",
        "queue_name": "q",
        "runtime_config": "pipeline.max-parallelism=1",
    }
    made = await http.post(f"{BASE}/sql-jobs", json=body)
    assert made.status_code == 200
    assert made.json()["is_success"] == "true"
    assert made.json()["job"] == {"job_id": 1, "status_name": "job_init", "status_desc": ""}

    shown = (await http.get(f"{BASE}/jobs/1")).json()
    assert (shown["is_success"], shown["message"]) == ("true", "")
    detail = shown["job_detail"]
    assert {key: detail[key] for key in ("job_id", "name", "desc", "sql_body", "queue_name", "project_id")} == {
        "job_id": 1,
        "name": "订单",
        "desc": "d",
        "sql_body": "SELECT 1",
        "queue_name": "q",
        "project_id": P,
    }
    assert detail["user_name"] == detail["username"] == detail["user_id"] == "local"
    assert (detail["start_time"], detail["duration"], detail["root_id"]) == (None, 0, -1)
    assert detail["create_time"] == 1772366400123
    assert (detail["has_savepoint"], detail["savepoint_path"]) == (False, None)
    assert detail["job_config"]["checkpoint_mode"] == "exactly_once"
    assert detail["job_config"]["runtime_config"] == '[{"key":"pipeline.max-parallelism","value":"1"}]'
    assert detail["job_config"]["tm_slot_num"] == 1
    assert {"feature", "flink_version", "image"} <= set(detail) & set(detail["job_config"])
    assert "tags" not in detail["job_config"]

    listed = (await http.get(f"{BASE}/jobs")).json()
    assert listed["is_success"] == "true"
    assert listed["job_list"]["total_count"] == 1
    (item,) = listed["job_list"]["jobs"]
    assert item["start_time"] == 0
    assert "sql_body" not in item

    changed = await http.put(f"{BASE}/sql-jobs/1", json={"desc": "new", "tags": None})
    assert changed.json()["job"] == {"update_time": 1772370000123}
    detail = (await http.get(f"{BASE}/jobs?show_detail=true")).json()["job_list"]["jobs"][0]
    assert (detail["desc"], detail["sql_body"], detail["start_time"]) == ("new", "SELECT 1", None)


async def test_a_job_that_has_run_shows_its_times_and_its_savepoint(http: httpx.AsyncClient, world: World) -> None:
    number = world.add(JobStatus.STOPPED)
    world.jobs[number] = replace(
        world.jobs[number],
        started_at=START,
        ended_at=START + timedelta(seconds=2),
        why="kept",
        savepoint_path="file:///s/savepoint-1",
    )
    detail = (await http.get(f"{BASE}/jobs/{number}")).json()["job_detail"]
    assert (detail["status"], detail["status_desc"]) == ("job_cancel_success", "kept")
    assert (detail["start_time"], detail["duration"]) == (1772366400123, 2000)
    assert (detail["has_savepoint"], detail["savepoint_path"]) == (True, "file:///s/savepoint-1")


async def test_flinks_graph_is_passed_through(http: httpx.AsyncClient, world: World) -> None:
    number = world.add(JobStatus.RUNNING)
    assert (await http.get(f"{BASE}/jobs/{number}/execute-graph")).json() == {
        "is_success": "true",
        "message": "",
        "execute_graph": GRAPH,
    }
    is_error(await http.get(f"{BASE}/jobs/{world.add(JobStatus.DRAFT)}/execute-graph"), 400, "DLI.14001")
    is_error(await http.get(f"{BASE}/jobs/77/execute-graph"), 400, "DLI.14001")


async def test_lists_are_paged_filtered_and_sorted(http: httpx.AsyncClient, world: World) -> None:
    for _ in range(15):
        world.add(JobStatus.RUNNING)
    world.add(JobStatus.DRAFT, "special")

    async def ids(query: str) -> tuple[int, list[int]]:
        found = (await http.get(f"{BASE}/jobs{query}")).json()["job_list"]
        return found["total_count"], [job["job_id"] for job in found["jobs"]]

    assert await ids("") == (16, list(range(16, 6, -1)))
    assert await ids("?&limit=100&order=asc") == (16, list(range(1, 17)))
    assert await ids("?limit=2&offset=14&status=") == (16, [2, 1])
    assert await ids("?limit=0") == (16, [])
    assert await ids("?limit=5&offset=16") == (16, [])
    assert await ids("?status=job_init") == (1, [16])
    assert await ids("?name=spec&limit=1&limit=2") == (1, [16])
    assert await ids("?status=job_idle") == (0, [])
    assert await ids("?root_job_id=4&show_detail=true") == (0, [])
    assert await ids("?show_detail=True&unknown=x&limit=1") == (16, [16])


# --- refusals -------------------------------------------------------------------------------------------------------

BATCHES = ["stop", "run", "delete"]
BAD_BODIES = [
    (b"", "DLI.0001"),
    (b"{", "DLI.10004"),
    (b"not json", "DLI.10004"),
    (b'{"job_ids":["\xff"]}', "DLI.10004"),
    (b"null", "DLI.0001"),
    (b"[1,2]", "DLI.0001"),
    (b"{}", "DLI.0001"),
    (b'{"job_ids":[]}', "DLI.0001"),
    (b'{"job_ids":null}', "DLI.0001"),
    (b'{"job_ids":1}', "DLI.0001"),
    (b'{"job_ids":{"a":1}}', "DLI.0001"),
    (b'{"job_ids":[null]}', "DLI.0001"),
    (b'{"job_ids":[[1]]}', "DLI.0001"),
    (b'{"job_ids":[1.5]}', "DLI.0001"),
    (b'{"job_ids":[1,"x"]}', "DLI.0001"),
    (b'{"job_ids":[1,9223372036854775808]}', "DLI.0001"),
    (b'{"job_ids":[1,0]}', "DLI.12001"),
    (b'{"job_ids":[1,-5]}', "DLI.12001"),
]


@pytest.mark.parametrize("operation", BATCHES)
@pytest.mark.parametrize(("body", "code"), BAD_BODIES, ids=lambda v: str(v)[:40])
async def test_a_bad_batch_does_nothing(
    http: httpx.AsyncClient, world: World, operation: str, body: bytes, code: str
) -> None:
    world.add(JobStatus.RUNNING)
    is_error(await http.post(f"{BASE}/jobs/{operation}", content=body), 400, code)
    assert (world.stops, world.starts, len(world.jobs)) == ([], [], 1)


async def test_a_flag_must_be_a_boolean(http: httpx.AsyncClient, world: World) -> None:
    number = world.add(JobStatus.RUNNING)
    flags: list[Any] = ["true", "false", 1, []]
    for flag in flags:
        body = {"job_ids": [number], "trigger_savepoint": flag}
        is_error(await http.post(f"{BASE}/jobs/stop", json=body), 400, "DLI.0001")
    assert world.stops == []


@pytest.mark.parametrize("operation", BATCHES)
async def test_a_million_ids_are_too_many(http: httpx.AsyncClient, world: World, operation: str) -> None:
    world.add(JobStatus.RUNNING)
    answer = await http.post(f"{BASE}/jobs/{operation}", json={"job_ids": [1] * 1_000_000})
    is_error(answer, 400, "DLI.0009")
    assert "1000000" in answer.json()["error_msg"]
    assert "100000" in answer.json()["error_msg"]
    assert world.stops == []


async def test_a_body_over_the_limit_is_not_read(http: httpx.AsyncClient) -> None:
    body = b'{"job_ids":[1],"x":"' + b"y" * (12 * 1024 * 1024) + b'"}'
    answer = await http.post(f"{BASE}/jobs/stop", content=body)
    is_error(answer, 413, "APIGW.0201")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


@pytest.mark.parametrize("project", ["%7Bproject_id%7D", "a" * 65, "a-b", "%20", "%E9%A1%B9"])
async def test_a_project_has_letters_and_digits(http: httpx.AsyncClient, world: World, project: str) -> None:
    answer = await http.post(f"/v1.0/{project}/streaming/jobs/stop", json={"job_ids": [1]})
    is_error(answer, 400, "DLI.10010")
    is_error(await http.get(f"/v1.0/{project}/streaming/jobs"), 400, "DLI.10010")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1.0"),
        ("GET", f"/v1.0/{P}"),
        ("GET", f"{BASE}/jobs/stop"),
        ("GET", f"{BASE}/sql-jobs"),
        ("PUT", f"{BASE}/jobs/stop"),
        ("POST", f"{BASE}/jobs"),
        ("POST", f"{BASE}/jobs/1"),
        ("PATCH", f"{BASE}/jobs/1"),
        ("OPTIONS", f"{BASE}/jobs/1"),
        ("OPTIONS", f"{BASE}/jobs/stop"),
        ("OPTIONS", f"{BASE}/sql-jobs"),
        ("GET", f"{BASE}/jobs/metrics/x"),
        ("GET", f"{BASE}/flink-jobs"),
        ("OPTIONS", f"{BASE}/flink-jobs/1"),
        ("PATCH", f"{BASE}/job-templates"),
        ("GET", f"{BASE}/jobs/1/savepoint"),
        ("POST", f"/v1/{P}/edgesrv/other"),
        ("GET", f"/v3/{P}/dli_queue/1/tags"),
        ("POST", f"/v2.0/{P}/anything"),
        ("POST", f"/v1.0//{P}/streaming"),
    ],
)
async def test_anything_else_is_unknown(http: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await http.request(method, path, json={"job_ids": [1]})
    is_error(answer, 404, "APIGW.0101")
    assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_a_head_is_unknown_too(http: httpx.AsyncClient) -> None:
    assert (await http.head(f"{BASE}/jobs")).status_code == 404


@pytest.mark.parametrize("number", ["0", "-1", "abc", "1.5", "9223372036854775808", "%D9%A1"])
async def test_an_id_in_a_path_is_a_whole_number(http: httpx.AsyncClient, number: str) -> None:
    is_error(await http.get(f"{BASE}/jobs/{number}"), 400, "DLI.12001")
    is_error(await http.get(f"{BASE}/jobs/{number}/execute-graph"), 400, "DLI.12001")
    is_error(await http.delete(f"{BASE}/jobs/{number}"), 400, "DLI.12001")
    is_error(await http.put(f"{BASE}/sql-jobs/{number}", json={}), 400, "DLI.12001")


@pytest.mark.parametrize(
    ("query", "code"),
    [("offset=-1", "DLI.23001"), ("root_job_id=x", "DLI.23003"), ("limit=x", "DLI.0001"), ("status=no", "DLI.0001")],
)
async def test_a_bad_query_has_its_code(http: httpx.AsyncClient, query: str, code: str) -> None:
    is_error(await http.get(f"{BASE}/jobs?{query}"), 400, code)


async def test_create_and_update_are_refused_with_their_own_codes(http: httpx.AsyncClient, world: World) -> None:
    world.add(JobStatus.DRAFT, "taken")
    number = world.add(JobStatus.DRAFT)
    running = world.add(JobStatus.RUNNING)
    is_error(await http.post(f"{BASE}/sql-jobs"), 400, "DLI.0001")
    is_error(await http.post(f"{BASE}/sql-jobs", content=b"{"), 400, "DLI.10004")
    is_error(await http.post(f"{BASE}/sql-jobs", json={}), 400, "DLI.0001")
    is_error(await http.post(f"{BASE}/sql-jobs", json={"name": ""}), 400, "DLI.11007")
    is_error(await http.post(f"{BASE}/sql-jobs", json={"name": "x", "cu_number": "2"}), 400, "DLI.0001")
    is_error(await http.post(f"{BASE}/sql-jobs", json={"name": "taken"}), 400, "DLI.11004")
    is_error(await http.post(f"{BASE}/sql-jobs", json={"name": "x", "queue_name": "no"}), 400, "DLI.20005")
    is_error(await http.put(f"{BASE}/sql-jobs/99", json={}), 400, "DLI.12004")
    is_error(await http.put(f"{BASE}/sql-jobs/{number}", json={"name": "taken"}), 400, "DLI.12006")
    is_error(await http.put(f"{BASE}/sql-jobs/{number}", json={"queue_name": "no"}), 400, "DLI.20005")
    is_error(await http.put(f"{BASE}/sql-jobs/{number}", json={"name": "late"}), 400, "DLI.12003")
    is_error(await http.put(f"{BASE}/sql-jobs/{running}", json={"sql_body": "x"}), 400, "DLI.12003")
    is_error(await http.put(f"{BASE}/sql-jobs/{number}"), 400, "DLI.0001")
    is_error(await http.get(f"{BASE}/jobs/99"), 400, "DLI.16001")
    assert (await http.put(f"{BASE}/sql-jobs/{number}", json={})).status_code == 200


async def test_both_languages(http: httpx.AsyncClient, world: World) -> None:
    number = world.add(JobStatus.RUNNING)
    chinese = {"X-Language": "zh-cn"}
    for answer in (
        await http.get(f"{BASE}/jobs/99", headers=chinese),
        await http.get("/v1.0/nothing", headers=chinese),
        await http.post(f"{BASE}/jobs/stop", content=b"{", headers=chinese),
        await http.post(f"{BASE}/jobs/stop", headers=chinese),
        await http.post(f"{BASE}/jobs/stop", json={"job_ids": [number, 99]}, headers=chinese),
    ):
        assert re.search("[\u4e00-\u9fff]", answer.text), answer.text
    english = await http.get(f"{BASE}/jobs/99", headers={"X-Language": "en-us"})
    assert english.text.isascii()


async def test_a_fault_shows_its_id_and_nothing_of_itself(http: httpx.AsyncClient, world: World) -> None:
    world.broken = True
    answer = await http.get(f"{BASE}/jobs/1")
    is_error(answer, 500, "DLI.0999")
    assert answer.headers["x-request-id"] in answer.json()["error_msg"]
    assert "disk" not in answer.text
    assert "Traceback" not in answer.text


async def test_a_request_id_is_ours(http: httpx.AsyncClient) -> None:
    answers = [await http.get(f"{BASE}/jobs", headers={"X-Request-Id": "mine"}) for _ in range(2)]
    ids = [answer.headers.get_list("x-request-id") for answer in answers]
    assert all(re.fullmatch("[0-9a-f]{32}", found) for (found,) in ids)
    assert ids[0] != ids[1]


# --- over a socket --------------------------------------------------------------------------------------------------


@pytest.fixture
def server(world: World) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(application(world), log_level="critical", lifespan="off")
        running = uvicorn.Server(config)
        thread = threading.Thread(target=running.run, args=([listener],), daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        running.should_exit = True
        thread.join(5)


async def test_a_client_that_hangs_up_stops_nothing(server: str, world: World) -> None:
    world.add(JobStatus.RUNNING)
    port = int(server.rsplit(":", 1)[1])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    body = b'{"job_ids":[1]}'
    head = f"POST {BASE}/jobs/stop HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body) + 20}\r\n\r\n".encode()
    writer.write(head + body)
    await writer.drain()
    await asyncio.sleep(0.1)
    writer.close()
    await asyncio.sleep(0.2)
    assert world.stops == []
    async with httpx.AsyncClient(base_url=server, timeout=PATIENCE) as client:
        assert (await client.get(f"{BASE}/jobs")).status_code == 200


def test_the_sdk_reads_every_answer(server: str, world: World) -> None:
    credentials = BasicCredentials("ak", "sk", P)
    client = DliClient.new_builder().with_credentials(credentials).with_endpoint(server).build()

    made = client.create_flink_sql_job(
        CreateFlinkSqlJobRequest(
            body=CreateFlinkSqlJobRequestBody(
                name="订单", sql_body="SELECT 1", checkpoint_mode=2, tags=[Tag(key="k", value="v")]
            )
        )
    )
    assert (made.is_success, made.job.status_name) == ("true", "job_init")
    number = made.job.job_id
    assert isinstance(number, int)

    started = client.batch_run_flink_jobs(
        BatchRunFlinkJobsRequest(body=BatchRunFlinkJobsRequestBody(job_ids=[number], resume_savepoint=False))
    )
    assert [each.is_success for each in started.body] == ["true"]

    world.jobs[number] = replace(world.jobs[number], status=JobStatus.RUNNING, started_at=START)
    stopped = client.batch_stop_flink_jobs(
        BatchStopFlinkJobsRequest(body=StopFlinkJobsRequestBody(job_ids=[number, 999], trigger_savepoint=True))
    )
    assert [each.is_success for each in stopped.body] == ["true", "false"]
    assert stopped.body[1].message.startswith("DLI.15001 ")

    shown = client.show_flink_job(ShowFlinkJobRequest(job_id=number)).job_detail
    assert (shown.name, shown.status, shown.start_time) == ("订单", "job_running", 1772366400123)
    assert shown.job_config.checkpoint_mode == "at_least_once"
    assert shown.job_config.parallel_number == 1

    updated = client.update_flink_sql_job(
        UpdateFlinkSqlJobRequest(job_id=number, body=UpdateFlinkSqlJobRequestBody(smn_topic="t"))
    )
    assert isinstance(updated.job.update_time, int)

    listed = client.list_flink_jobs(ListFlinkJobsRequest(show_detail=True, limit=100, name="订单")).job_list
    assert (listed.total_count, [job.job_id for job in listed.jobs]) == (1, [number])

    graph = client.show_flink_job_execution_graph(ShowFlinkJobExecutionGraphRequest(job_id=number)).execute_graph
    assert (graph.state, graph.end_time) == ("RUNNING", -1)

    with pytest.raises(ClientRequestException) as refused:
        client.show_flink_job(ShowFlinkJobRequest(job_id=999))
    assert (refused.value.status_code, refused.value.error_code) == (400, "DLI.16001")
    assert re.fullmatch("[0-9a-f]{32}", refused.value.request_id)

    with pytest.raises(ClientRequestException) as refused:
        client.batch_stop_flink_jobs(BatchStopFlinkJobsRequest(body=StopFlinkJobsRequestBody(job_ids=[999])))
    assert json.loads(refused.value.error_msg)[0]["error_code"] == "DLI.15001"

    with pytest.raises(ClientRequestException) as refused:
        client.batch_stop_flink_jobs(BatchStopFlinkJobsRequest())
    assert refused.value.error_code == "DLI.0001"

    assert client.delete_flink_job(DeleteFlinkJobRequest(job_id=number)).is_success == "true"
    other = world.add(JobStatus.DRAFT)
    gone = client.batch_delete_flink_jobs(
        BatchDeleteFlinkJobsRequest(body=BatchDeleteFlinkJobsRequestBody(job_ids=[other]))
    )
    assert [each.is_success for each in gone.body] == ["true"]

    world.broken = True
    with pytest.raises(ServerResponseException) as fault:
        client.show_flink_job(ShowFlinkJobRequest(job_id=1))
    assert (fault.value.status_code, fault.value.error_code) == (500, "DLI.0999")


def test_the_api_describes_itself() -> None:
    app: Any = application(World()).app
    schema = json.loads(json.dumps(app.openapi_schema.to_schema()))
    operations = {(path, method) for path, item in schema["paths"].items() for method in item}
    assert len(operations) == 44
    for path, item in schema["paths"].items():
        for method, operation in item.items():
            success = "204" if "/tags/" in path else "200"
            assert set(operation["responses"]) - {"404"} == {success, "400"}, path
            assert ("requestBody" in operation) == (method in {"post", "put"} and "edgesrv" not in path)
    body = schema["components"]["schemas"]["StopRequest"]
    assert body["required"] == ["job_ids"]
    assert body["properties"]["job_ids"]["maxItems"] == 100_000
