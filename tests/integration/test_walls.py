"""Who may do what, route by route: roles, projects as walls, queues, and what the audit has of it."""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar import Litestar, get
from litestar.routes import HTTPRoute
from sqlalchemy import text
from tests.support.services.guarded import Guarded, Signs, guarded
from tests.support.services.native_api import no_planner
from tests.support.services.plane import PROJECT

from sluiceway.api.auth.actions import ACTIONS, Open
from sluiceway.api.auth.credentials import nobody_signs_in
from sluiceway.api.auth.gate import Gate
from sluiceway.assembly.api import make_api
from sluiceway.assembly.clock import clock
from sluiceway.control.denials import KINDS, Denials
from sluiceway.control.move_jobs import Rights
from sluiceway.domain.access import ALLOWS, Action, Grant, Role
from sluiceway.domain.job import JobStatus
from sluiceway.domain.moving import Destination
from sluiceway.domain.orders import StopOrder
from sluiceway.settings import MAX_BODY, Settings

DLI = "/v1.0/{project_id}/streaming"
RESOURCES = "/v2.0/{project_id}/resources"
TAGS = "/v3/{project_id}/dli_flink_job/{resource_id}/tags"
FILE_TAGS = "/v3/{project_id}/dli_package_resource/{resource_id}/tags"
VARIABLES = "/v1.0/{project_id}/variables"
CLUSTERS = "/api/v1/projects/{project_id}/clusters"
NO_ID = 987654321
SQL = {"name": "new", "sql_body": "SELECT 1"}

# What to send to each route that needs a right; the path's ids are filled in.
Body = Callable[[int], Any]
BODIES: Mapping[tuple[str, str], Body] = {
    ("POST", f"{DLI}/jobs/stop"): lambda job: {"job_ids": [job]},
    ("POST", f"{DLI}/jobs/run"): lambda job: {"job_ids": [job]},
    ("POST", f"{DLI}/jobs/delete"): lambda job: {"job_ids": [job]},
    ("POST", f"{DLI}/sql-jobs"): lambda _: SQL,
    ("PUT", f"{DLI}/sql-jobs/{{job_id}}"): lambda _: {"desc": "x"},
    ("POST", f"{DLI}/jobs/{{job_id}}/savepoint"): lambda _: {"action": "TRIGGER"},
    ("POST", f"{DLI}/jobs/{{job_id}}/import-savepoint"): lambda _: {"savepoint_path": "bucket/none"},
    ("POST", f"{DLI}/jobs/metrics"): lambda job: {"job_ids": [job]},
    ("POST", f"{DLI}/jobs/export"): lambda job: {"obs_dir": "b/d", "is_selected": True, "job_selected": [job]},
    ("POST", f"{DLI}/jobs/import"): lambda _: {"zip_file": "b/none.zip"},
    ("POST", f"{DLI}/job-templates"): lambda _: {"name": "mine"},
    ("PUT", f"{DLI}/job-templates/{{template_id}}"): lambda _: {"desc": "x"},
    ("POST", VARIABLES): lambda _: {"var_name": "mine", "var_value": "x"},
    ("PUT", f"{VARIABLES}/{{var_name}}"): lambda _: {"var_value": "x"},
    ("POST", "/v1.0/{project_id}/dli/obs-authorize"): lambda _: {"obs_buckets": ["bucket"]},
    ("POST", "/v3/{project_id}/streaming/jobs/{job_id}/gen-graph"): lambda _: {"sql_body": SQL["sql_body"]},
    ("POST", f"{TAGS}/create"): lambda _: {"tags": [{"key": "a", "value": "b"}]},
    ("POST", f"{TAGS}/delete"): lambda _: {"tags": [{"key": "a"}]},
    ("POST", f"{FILE_TAGS}/create"): lambda _: {"tags": [{"key": "a", "value": "b"}]},
    ("POST", f"{FILE_TAGS}/delete"): lambda _: {"tags": [{"key": "a"}]},
    ("POST", f"{DLI}/flink-jobs"): lambda _: {"name": "jar"},
    ("PUT", f"{DLI}/flink-jobs/{{job_id}}"): lambda _: {"desc": "x"},
    ("POST", RESOURCES): lambda _: {"paths": ["obs://b/x.jar"], "kind": "jar"},
    ("POST", f"{RESOURCES}/jars"): lambda _: {"paths": ["obs://b/x.jar"], "group": "g"},
    ("POST", f"{RESOURCES}/pyfiles"): lambda _: {"paths": ["obs://b/x.py"], "group": "g"},
    ("POST", f"{RESOURCES}/files"): lambda _: {"paths": ["obs://b/x"], "group": "g"},
    ("PUT", f"{RESOURCES}/owner"): lambda _: {"new_owner": "somebody", "group_name": "g"},
    ("POST", CLUSTERS): lambda _: {"name": "mine", "addresses": ["http://127.0.0.1:9"]},
    ("POST", f"{CLUSTERS}/test"): lambda _: {"addresses": ["http://127.0.0.1:9"]},
    ("PATCH", f"{CLUSTERS}/{{name}}"): lambda _: {"draining": True},
    ("POST", "/api/v1/projects/{project_id}/jobs/check"): lambda _: {"sql": SQL["sql_body"]},
    ("POST", "/api/v1/projects/{project_id}/stops"): lambda job: {"job_ids": [job], "dry_run": True},
    ("POST", "/api/v1/projects/{project_id}/resumes"): lambda job: {"job_ids": [job]},
    ("POST", "/api/v1/projects/{project_id}/moves"): lambda job: {"job_ids": [job], "to": "c1", "dry_run": True},
    ("POST", "/api/v1/projects/{project_id}/savepoints"): lambda job: {"job_ids": [job]},
    ("POST", "/api/v1/projects/{project_id}/savepoints/register"): lambda job: {"path": "b/none", "job_id": job},
}
# What makes something new in the caller's own project, what takes it away again, and what is about its body alone.
MAKING = {
    ("POST", "/api/v1/projects/{project_id}/jobs/check"),
    ("POST", f"{DLI}/sql-jobs"),
    ("POST", f"{DLI}/flink-jobs"),
    ("POST", f"{DLI}/job-templates"),
    ("POST", VARIABLES),
    ("POST", "/v1.0/{project_id}/dli/obs-authorize"),
    ("POST", "/api/v1/projects/{project_id}/jobs/check"),  # of a job that is in the request
    ("PUT", "/api/v1/projects/{project_id}/resources/{name}"),
    ("DELETE", "/api/v1/projects/{project_id}/resources/{name}"),
}
ROUTES = [route for route, need in ACTIONS.items() if isinstance(need, Action)]


@dataclass(frozen=True)
class Ids:
    """What a project has."""

    job: int
    stop: int
    savepoint: int
    template: int
    resume: int
    move: int


async def ask(api: Guarded, who: httpx.Auth | None, route: tuple[str, str], project: str, ids: Ids) -> httpx.Response:
    """Call a route."""
    method, template = route
    given = {"job_id": ids.job, "stop_id": ids.stop, "savepoint_id": ids.savepoint, "path": "x"}
    given |= {"resume_id": ids.resume, "move_id": ids.move}
    given |= {
        "resource_id": ids.job,
        "template_id": ids.template,
        "user_id": "them",
        "call": "messages",
        "resource_name": "x.jar",
        "queue_name": "c0",
        "var_name": "theirs",
        "name": "x.jar",
    }
    path = template.format(project_id=project, **given)
    body = BODIES[route](ids.job) if route in BODIES else None
    return await api.http.request(method, path, json=body, auth=who)


@asynccontextmanager
async def with_their_job(directory: Path) -> AsyncIterator[tuple[Guarded, Ids]]:
    """A project of somebody's, with a job that a move has stopped, that was resumed, and that was stopped again."""
    async with guarded(directory, clusters=2) as api:
        [job] = await api.plane.run()
        order = StopOrder(PROJECT, [job], to=Destination("c1"))
        move = (await api.plane.life.move_jobs(order, Rights())).id
        assert move is not None
        batch = (await api.plane.life.move_jobs.find(PROJECT, move)).stop_id
        await api.plane.settled(batch)
        resume = (await api.plane.resume(PROJECT, batch)).id
        assert resume is not None
        await api.plane.until(job, JobStatus.RUNNING)
        await api.plane.stop_and_wait([job])
        async with api.plane.db.read() as connection:
            savepoint = (await connection.execute(text("SELECT max(id) FROM savepoints"))).scalar_one()
        owner = await api.user("them", Grant(Role.OWNER, PROJECT))
        made = await api.http.post(f"/v1.0/{PROJECT}/streaming/job-templates", json={"name": "theirs"}, auth=owner)
        theirs = {"var_name": "theirs", "var_value": "x"}
        await api.http.post(f"/v1.0/{PROJECT}/variables", json=theirs, auth=owner)
        yield api, Ids(job, batch, savepoint, made.json()["template"]["template_id"], resume, move)


# The table. ----------------------------------------------------------------------------------------------------------


async def test_every_route_has_its_action_and_every_action_its_route(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        app = make_api(Settings(), api.plane.ground, api.plane.queues, no_planner)
    routes = {
        (method, route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods - {"OPTIONS"}
    }
    assert routes == set(ACTIONS)
    about_a_project = {route for route in routes if "{project_id}" in route[1]}
    assert about_a_project == set(ROUTES), "no route of a project is open"
    assert {need for need in ACTIONS.values() if isinstance(need, Action)} <= set(Action)


async def test_a_route_without_an_action_is_denied_even_where_nobody_signs_in(tmp_path: Path) -> None:
    reached = []

    @get("/forgotten")
    async def forgotten() -> None:
        reached.append(1)

    async with guarded(tmp_path) as api:
        app = Litestar([forgotten], middleware=[Gate(nobody_signs_in, api.door.denials)])
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            answer = await http.get("/forgotten")
    assert (answer.status_code, answer.json()["error_code"], reached) == (403, "APIGW.0302", [])


# Roles. --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", Role)
async def test_what_a_role_may_call(role: Role, tmp_path: Path) -> None:
    async with with_their_job(tmp_path) as (api, ids):
        who = await api.user("somebody", Grant(role, PROJECT))
        # Deleting comes last, for the others need what it takes away.
        for route in sorted(ROUTES, key=lambda route: ("elet" in ACTIONS[route].value, route)):
            answer = await ask(api, who, route, PROJECT, ids)
            may = ACTIONS[route] in ALLOWS[role] and ACTIONS[route] is not Action.CLUSTERS  # which are of all projects
            assert (answer.status_code == 403) == (not may), (route, answer.text)
            assert answer.status_code != 401


async def test_without_a_credential_nothing_is_answered_but_what_is_open(tmp_path: Path) -> None:
    async with with_their_job(tmp_path) as (api, ids):
        for route, need in ACTIONS.items():
            answer = await ask(api, None, route, PROJECT, ids)
            assert (answer.status_code == 401) == (need is not Open.TO_ALL), route
            if isinstance(need, Action):
                assert answer.json()["error_code"] == "APIGW.0301"
                assert answer.json()["request_id"] == answer.headers["x-request-id"]
                assert str(ids.job) not in answer.json()["error_msg"]
        chinese = await api.http.get(f"/v1.0/{PROJECT}/streaming/jobs", headers={"X-Language": "zh-cn"})
        assert "身份认证失败" in chinese.json()["error_msg"]


# Walls. --------------------------------------------------------------------------------------------------------------


def told(answer: httpx.Response) -> tuple[int, str]:
    """An answer without the ids that were asked for, and those of the request."""
    said = re.sub(r'"request_id":"\w+"', "", answer.text)
    return answer.status_code, re.sub(r"[0-9]+", "…", said)


async def test_a_project_without_a_grant_is_as_one_that_does_not_exist(tmp_path: Path) -> None:
    async with with_their_job(tmp_path) as (api, ids):
        who = await api.user("stranger", Grant(Role.OWNER, "mine"))
        for route in ROUTES:
            theirs = await ask(api, who, route, PROJECT, ids)
            nobodys = await ask(api, who, route, "nowhere", ids)
            assert theirs.status_code == 403
            assert theirs.json()["error_code"] == "APIGW.0302"
            assert told(theirs) == told(nobodys), route


async def test_ids_of_another_project_are_as_ids_of_nothing(tmp_path: Path) -> None:
    async with with_their_job(tmp_path) as (api, ids):
        who = await api.user("stranger", Grant(Role.ADMIN, "mine"))
        before = await api.plane.job(ids.job)
        nothing = Ids(NO_ID, NO_ID, NO_ID, NO_ID, NO_ID, NO_ID)
        for route in ROUTES:
            theirs = await ask(api, who, route, "mine", ids)
            if ACTIONS[route] is Action.CLUSTERS:
                assert theirs.status_code == 403, "an admin of one project"
                continue
            if route in MAKING:
                assert theirs.status_code == 200, theirs.text
                continue
            nobodys = await ask(api, who, route, "mine", nothing)
            shown = told(theirs)
            assert shown == told(nobodys), route
            assert shown[0] in {200, 202, 400, 404}
            if route == ("GET", "/v1.0/{project_id}/queues/{queue_name}"):
                continue  # a cluster is every project's
            done = shown[0] < 400 and "list" not in ACTIONS[route].value
            assert not done or "dry_run" in shown[1] or '"code":"unknown"' in shown[1], (route, shown)
        assert await api.plane.job(ids.job) == before
        assert await api.denied(PROJECT) == [], "nothing of it is about that project"


async def test_an_idempotency_key_of_another_project_is_not_known(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        [job] = await api.plane.run()
        owner = await api.user("owner", Grant(Role.OWNER, PROJECT))
        stranger = await api.user("stranger", Grant(Role.OWNER, "mine"))
        body = {"json": {"job_ids": [job]}, "headers": {"Idempotency-Key": "k"}}
        first = await api.http.post(f"/api/v1/projects/{PROJECT}/stops", auth=owner, **body)  # type: ignore[arg-type]
        second = await api.http.post("/api/v1/projects/mine/stops", auth=stranger, **body)  # type: ignore[arg-type]
        assert first.json()["accepted"] == 1
        assert (second.json()["accepted"], second.json()["jobs"][0]["code"]) == (0, "unknown")


async def test_an_idempotency_key_of_a_colleague_is_not_known(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, op, first, second):
        owner = await api.user("owner", Grant(Role.OWNER, PROJECT))
        body = {"json": {"job_ids": [first, second]}, "headers": {"Idempotency-Key": "k"}}
        path = f"/api/v1/projects/{PROJECT}/stops"
        answers = [
            (await api.http.post(path, auth=who, **body)).json()  # type: ignore[arg-type]
            for who in (owner, op, owner)
        ]
        assert answers[0] == answers[2]
        assert answers[1]["id"] != answers[0]["id"]
        assert {each["job_id"]: each.get("code", "") for each in answers[1]["jobs"]}[second] == "forbidden"


async def test_savepoints_go_to_an_address_of_ones_choice_only_by_an_admin(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        [job] = await api.plane.run()
        owner, admin = await api.user("owner", Grant(Role.OWNER, PROJECT)), await api.admin()
        body = {"job_ids": [job], "target": str(tmp_path / "elsewhere"), "dry_run": True}
        path = f"/api/v1/projects/{PROJECT}/stops"
        refused = await api.http.post(path, json=body, auth=owner)
        assert (refused.status_code, refused.json()["error_code"]) == (403, "APIGW.0302")
        assert (await api.http.post(path, json=body, auth=admin)).status_code == 202
        assert await api.denied(PROJECT) == [
            ("owner", f"POST {path}: no right to {Action.TARGET}".replace("/p/", "/{project_id}/"))
        ]


# Queues. -------------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def two_queues(directory: Path) -> AsyncIterator[tuple[Guarded, Signs, int, int]]:
    """A job on each of two queues, and somebody who may start and stop on the first."""
    async with guarded(directory, clusters=2) as api:
        [first] = await api.plane.run(prefix="first", queue="c0")
        [second] = await api.plane.run(prefix="second", queue="c1")
        yield api, await api.user("op", Grant(Role.OPERATOR, PROJECT, "c0")), first, second


async def test_a_stop_of_jobs_on_two_queues_is_refused_for_one_and_goes_on_for_the_other(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, op, first, second):
        body = {"job_ids": [second, first, NO_ID, second], "trigger_savepoint": True}
        answer = await api.http.post(f"/v1.0/{PROJECT}/streaming/jobs/stop", json=body, auth=op)
        assert answer.status_code == 200
        codes = [item.get("error_code") for item in answer.json()]
        assert codes == ["DLI.10005", None, "DLI.15001", "DLI.10005"]
        assert "c1" in answer.json()[0]["message"]
        await api.plane.until(first, JobStatus.STOPPED)
        assert (await api.plane.job(second)).status is JobStatus.RUNNING
        assert await api.denied(PROJECT) == [
            ("op", "POST /v1.0/{project_id}/streaming/jobs/stop: no right to dli:jobs:stopFlinkJob on queue c1")
        ]


async def test_so_it_is_with_our_own_api_and_its_dry_run(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, op, first, second):
        path = f"/api/v1/projects/{PROJECT}/stops"
        for body in ({"all": True, "dry_run": True}, {"all": True}):
            answer = (await api.http.post(path, json=body, auth=op)).json()
            assert {each["job_id"]: each.get("code", "") for each in answer["jobs"]} == {first: "", second: "forbidden"}
        await api.plane.until(first, JobStatus.STOPPED)
        assert (await api.plane.job(second)).status is JobStatus.RUNNING


async def test_a_move_needs_the_right_to_start_jobs_where_they_go(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, op, first, second):
        path = f"/api/v1/projects/{PROJECT}/moves"
        for body in ({"queue": "c0", "to": "c1", "dry_run": True}, {"queue": "c0", "to": "c1"}):
            [answer] = (await api.http.post(path, json=body, auth=op)).json()["jobs"]
            assert (answer["job_id"], answer["code"]) == (first, "forbidden")
        [answer] = (await api.http.post(path, json={"queue": "c1", "to": "c0"}, auth=op)).json()["jobs"]
        assert (answer["job_id"], answer["code"]) == (second, "forbidden"), "nor may it be stopped there"
        owner = await api.user("owner", Grant(Role.OWNER, PROJECT))
        move = (await api.http.post(path, json={"queue": "c0", "to": "c1"}, auth=owner)).json()["id"]
        for verb in ("abort", "proceed"):
            assert (await api.http.post(f"{path}/{move}/{verb}", auth=op)).status_code == 403
        denied = {detail for _, detail in await api.denied(PROJECT)}
        assert "POST /api/v1/projects/{project_id}/moves: no right to dli:jobs:startFlinkJob on queue c1" in denied


async def test_nothing_is_denied_to_who_keeps_to_their_queue(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, op, first, _):
        path = f"/v1.0/{PROJECT}/streaming/jobs"
        for verb in ("stop", "run"):
            answer = await api.http.post(f"{path}/{verb}", json={"job_ids": [first]}, auth=op)
            assert answer.status_code == 200
            await api.plane.until(first, JobStatus.STOPPED, JobStatus.RUNNING)
        assert await api.denied(PROJECT) == []


async def test_a_start_is_refused_on_another_queue(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, op, first, second):
        await api.plane.stop_and_wait([first, second])
        answer = await api.http.post(f"/v1.0/{PROJECT}/streaming/jobs/run", json={"job_ids": [first, second]}, auth=op)
        assert [item.get("error_code") for item in answer.json()] == [None, "DLI.13011"]
        assert (await api.plane.job(second)).status is JobStatus.STOPPED


async def test_a_batch_across_queues_is_not_steered_by_who_has_one_of_them(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, op, first, second):
        batch = (await api.plane.stop(PROJECT, [first, second], savepoint=True)).id
        own = (await api.plane.stop(PROJECT, [], savepoint=True)).id
        assert own is None
        path = f"/api/v1/projects/{PROJECT}/stops/{batch}"
        assert [(await api.http.post(f"{path}/{verb}", auth=op)).status_code for verb in ("abort", "proceed")] == [
            403
        ] * 2
        assert batch is not None
        await api.plane.settled(batch)
        answer = (await api.http.post(f"{path}/resume", auth=op)).json()
        assert {each["job_id"]: each.get("code", "") for each in answer["jobs"]} == {first: "", second: "forbidden"}


async def test_a_running_job_is_deleted_only_by_who_may_stop_it(tmp_path: Path) -> None:
    async with two_queues(tmp_path) as (api, _, first, second):
        owner = await api.user("half", Grant(Role.OWNER, PROJECT, "c0"))
        draft = await api.plane.create("draft", queue="c1")
        body = {"job_ids": [first, second, draft]}
        answer = await api.http.post(f"/v1.0/{PROJECT}/streaming/jobs/delete", json=body, auth=owner)
        assert [item.get("error_code") for item in answer.json()] == [None, "DLI.10005", None]
        one = await api.http.delete(f"/v1.0/{PROJECT}/streaming/jobs/{second}", auth=owner)
        assert (one.status_code, one.json()["error_code"]) == (400, "DLI.10005")
        assert (await api.plane.job(second)).status is JobStatus.RUNNING


# Names. --------------------------------------------------------------------------------------------------------------


async def test_jobs_and_the_audit_name_who_called(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        owner = await api.user("ann@example.com", Grant(Role.OWNER, PROJECT))
        made = await api.http.post(f"/v1.0/{PROJECT}/streaming/sql-jobs", json=SQL, auth=owner)
        shown = await api.http.get(f"/v1.0/{PROJECT}/streaming/jobs/{made.json()['job']['job_id']}", auth=owner)
        detail = shown.json()["job_detail"]
        assert [detail[key] for key in ("user_name", "username", "user_id")] == ["ann@example.com"] * 3
        events = (await api.http.get(f"/api/v1/projects/{PROJECT}/events", auth=owner)).json()["events"]
        assert [(e["kind"], e["who"]) for e in events] == [
            ("access_granted", "administrator"),
            ("job_created", "ann@example.com"),
        ]


# The audit. ----------------------------------------------------------------------------------------------------------


async def test_denied_calls_are_in_the_audit_for_owners_to_see(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        owner = await api.user("owner", Grant(Role.OWNER, PROJECT))
        viewer = await api.user("viewer", Grant(Role.VIEWER, PROJECT))
        stop = f"/v1.0/{PROJECT}/streaming/jobs/stop"
        await api.http.post(stop, json={"job_ids": [1]}, auth=viewer)
        await api.http.post(stop, json={"job_ids": [1]})
        await api.http.post(stop, json={"job_ids": [1]}, auth=Signs(owner.access, "a wrong secret"))
        await api.http.post(stop, json={"job_ids": [1]}, headers={"X-Auth-Token": "a-token-of-nobody"})
        route = "POST /v1.0/{project_id}/streaming/jobs/stop"
        path = f"/api/v1/projects/{PROJECT}/events"
        shown = (await api.http.get(path, auth=owner)).json()["events"]
        assert [(e["who"], e["detail"]) for e in shown if e["kind"] == "access_denied"] == [
            ("viewer", f"{route}: no right to dli:jobs:stopFlinkJob"),
            ("", f"{route}: the request has no credential"),
            ("", f"{route}: bad signature of access key {owner.access}"),
            ("", f"{route}: the token is not valid, or it has ended"),
        ]
        seen = (await api.http.get(path, auth=viewer)).json()["events"]
        assert {e["kind"] for e in seen} == {"access_granted"}


async def test_a_flood_of_denials_does_not_fill_the_database(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        denials = Denials(api.plane.db, clock)
        for n in range(5 * KINDS):
            await denials.record(PROJECT, "", "the same")
            await denials.record(f"p{n}", "", "ever another")
        stored = len(await api.denied(PROJECT))
        async with api.plane.db.read() as connection:
            rows = (await connection.execute(text("SELECT count(*) FROM events"))).scalar_one()
        assert (stored, rows) == (1, KINDS + 1)
        await denials.flush()
        assert await api.denied(PROJECT) == [("", "the same"), ("", f"the same ({5 * KINDS - 1} more times since)")]
        await denials.record(PROJECT, "", "the same")
        await denials.flush()
        assert len(await api.denied(PROJECT)) == 3, "a new minute, a new beginning"


async def test_nobody_can_hide_what_others_are_denied_behind_a_flood_of_their_own(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        viewer = await api.user("viewer", Grant(Role.VIEWER, PROJECT))
        stranger = await api.user("stranger", Grant(Role.VIEWER, "q"))
        for n in range(KINDS + 1):
            await api.http.get(f"/v1.0/x{n}/streaming/jobs")
            await api.http.get(f"/v1.0/x{n}/streaming/jobs", auth=stranger)
        jobs = f"/v1.0/{PROJECT}/streaming/jobs"
        await api.http.post(f"{jobs}/stop", json={"job_ids": [1]})
        for who in (stranger, viewer):
            await api.http.post(f"{jobs}/stop", json={"job_ids": [1]}, auth=who)
        assert [who for who, _ in await api.denied(PROJECT)] == ["", "stranger", "viewer"]


async def test_a_flood_in_a_project_is_counted_there_and_hides_no_other_caller(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        await api.user("viewer", Grant(Role.VIEWER, PROJECT))
        for n in range(2 * KINDS):
            await api.door.denials.record(PROJECT, "", f"kind {n}")
        await api.door.denials.record(PROJECT, "viewer", "no right")
        await api.door.denials.flush()
        told = await api.denied(PROJECT)
        others = "Further calls of other kinds were denied."
        assert told[KINDS:] == [("", others), ("viewer", "no right"), ("", f"{others} ({KINDS - 1} more times since)")]


async def test_what_comes_from_outside_is_not_repeated_in_the_audit(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        await api.http.get("/v1.0/%3Cscript%3E/streaming/jobs?secret=1", headers={"X-Auth-Token": "tok-secret"})
        await api.http.get(f"/v1.0/{PROJECT}/streaming/jobs/secret-id", auth=Signs("AKofnobody", "sk-secret"))
        async with api.plane.db.read() as connection:
            rows = list(await connection.execute(text("SELECT project, who, detail FROM events")))
        assert [row.project for row in rows] == ["", PROJECT]
        assert not any("secret" in repr(row) or "script" in repr(row) or "nobody" in repr(row) for row in rows)


async def test_what_is_granted_in_every_project_is_in_the_audit_of_each(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        owner = await api.user("ann", Grant(Role.OWNER, PROJECT))
        await api.user("root", Grant(Role.ADMIN, "*"))
        await api.user("bob", Grant(Role.OWNER, "other"))
        await api.access.revoke("root", "*", None)
        await api.access.grant("ann", Grant(Role.VIEWER, PROJECT))
        path, told, after = f"/api/v1/projects/{PROJECT}/events", [], 0
        while page := (await api.http.get(path, params={"after": after, "limit": 1}, auth=owner)).json()["events"]:
            told += [(event["kind"], event["detail"]) for event in page]
            after = page[-1]["id"]
        assert told == [
            ("access_granted", "ann: owner of project p"),
            ("access_granted", "root: admin of every project"),
            ("access_revoked", "root: admin of every project"),
            ("access_granted", "ann: viewer of project p"),
        ]


async def test_a_key_that_ended_is_told_from_a_wrong_signature_in_the_audit_alone(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        owner = await api.user("ann", Grant(Role.OWNER, PROJECT))
        revoked = await api.access.add_key("ann")
        await api.access.revoke_key(revoked.access)
        off = await api.user("bob", Grant(Role.OWNER, PROJECT))
        await api.access.disable("bob")
        callers = (
            Signs(owner.access, "wrong"),
            Signs(revoked.access, revoked.secret),
            off,
            Signs("AKofnobody", "sk"),
            Signs("AKofnobody", "-"),
        )
        path = f"/v1.0/{PROJECT}/streaming/jobs"
        said = {(await api.http.get(path, auth=who)).json()["error_msg"] for who in callers}
        assert len(said) == 1
        assert "the access key is not valid, or the signature does not match" in said.pop()
        route = "GET /v1.0/{project_id}/streaming/jobs"
        assert [detail for _, detail in await api.denied(PROJECT)] == [
            f"{route}: bad signature of access key {owner.access}",
            f"{route}: access key {revoked.access} of ann was revoked",
            f"{route}: access key {off.access} of bob does not work: the user is disabled",
            f"{route}: there is no such access key",
        ]


async def test_a_user_who_is_disabled_has_no_rights_left(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        who = await api.admin()
        path = f"/v1.0/{PROJECT}/streaming/jobs"
        assert (await api.http.get(path, auth=who)).status_code == 200
        await api.access.disable("root")
        assert (await api.http.get(path, auth=who)).status_code == 401
        await api.access.enable("root")
        assert (await api.http.get(path, auth=who)).status_code == 200
        await api.access.revoke("root", "*", None)
        assert (await api.http.get(path, auth=who)).status_code == 403


async def test_a_body_that_is_too_long_is_refused_as_such_and_of_a_stranger_not_even_read(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        who = await api.user("ann", Grant(Role.OWNER, PROJECT))
        body = {"content": b" " * (MAX_BODY + 1), "headers": {"Content-Type": "application/json"}}
        dlis, ours = f"/v1.0/{PROJECT}/streaming/jobs/stop", f"/api/v1/projects/{PROJECT}/stops"
        for path, code in ((dlis, "APIGW.0201"), (ours, "too_large")):
            answer = await api.http.post(path, auth=who, **body)  # type: ignore[arg-type]
            assert (answer.status_code, answer.json()["error_code"]) == (413, code)
            stranger = await api.http.post(path, auth=Signs("AKofnobody", "-"), **body)  # type: ignore[arg-type]
            assert (stranger.status_code, stranger.json()["error_code"]) == (401, "APIGW.0301")


async def test_temporary_credentials_need_their_token_and_end(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        await api.user("ann", Grant(Role.VIEWER, PROJECT))
        path = f"/v1.0/{PROJECT}/streaming/jobs"
        for lasts, token, status in (
            (timedelta(hours=1), True, 200),
            (timedelta(hours=1), False, 401),
            (timedelta(milliseconds=-1), True, 401),
        ):
            key = await api.access.add_key("ann", lasts)
            who = Signs(key.access, key.secret, key.security_token if token else None)
            answer = await api.http.get(path, auth=who)
            assert answer.status_code == status, (lasts, token)
        plain = await api.access.add_key("ann")
        wrong = Signs(plain.access, plain.secret, "not mine")
        assert (await api.http.get(path, auth=wrong)).status_code == 401
        await api.access.revoke_key(plain.access)
        assert (await api.http.get(path, auth=Signs(plain.access, plain.secret))).status_code == 401
