"""The audit has whatever somebody did in a project, also to what is no job."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import event
from tests.support.services.guarded import guarded
from tests.support.services.native_api import native_api
from tests.support.services.plane import PROJECT

from sluiceway.assembly.clock import clock
from sluiceway.domain.access import Grant, Role
from sluiceway.store import audit
from sluiceway.store.audit import Sought

DLI = f"/v1.0/{PROJECT}/streaming"
RESOURCE = f"/api/v1/projects/{PROJECT}/resources/rules.txt"


async def test_templates_exports_imports_and_resources_are_in_the_audit_with_who_it_was(tmp_path: Path) -> None:
    async with guarded(tmp_path) as api:
        ann = await api.user("ann", Grant(Role.OWNER, PROJECT))

        async def call(method: str, path: str, body: object = None, content: bytes | None = None) -> Any:
            answer = await api.http.request(method, path, json=body, content=content, auth=ann)
            assert answer.status_code == 200, answer.text
            return answer.json()

        made = await call("POST", f"{DLI}/job-templates", {"name": "orders"})
        template = made["template"]["template_id"]
        await call("PUT", f"{DLI}/job-templates/{template}", {"name": "payments"})
        await call("DELETE", f"{DLI}/job-templates/{template}")
        await call("POST", f"{DLI}/sql-jobs", {"name": "job", "sql_body": "SELECT 1"})
        exported = await call("POST", f"{DLI}/jobs/export", {"obs_dir": "bucket/out", "is_selected": False})
        [file] = exported["zip_file"]
        await call("POST", f"{DLI}/jobs/import", {"zip_file": file, "is_cover": True})
        stored = await call("PUT", RESOURCE, content=b"rules")
        owner = {"new_owner": "bobby", "group_name": "", "resource_name": "rules.txt"}
        await call("PUT", f"/v2.0/{PROJECT}/resources/owner", owner)
        await call("DELETE", RESOURCE)
        shown = (await api.http.get(f"/api/v1/projects/{PROJECT}/events", auth=ann)).json()["events"]
        told = [(event["kind"], event["detail"]) for event in shown if event["who"] == "ann"]
        kept = f"rules.txt from {stored['path']}"
        assert told == [
            ("template_created", "orders"),
            ("template_updated", "payments"),
            ("template_deleted", "payments"),
            ("job_created", ""),
            ("jobs_exported", file),
            ("job_updated", "It was imported."),
            ("resource_stored", kept),
            ("resource_given", "rules.txt to bobby"),
            ("resource_removed", kept),
        ]


async def test_the_newest_events_are_found_by_job_by_caller_and_by_time(tmp_path: Path) -> None:
    async with native_api(tmp_path) as api:
        orders, payments = await api.plane.create("orders"), await api.plane.create("payments")
        now = clock()
        for minutes, who in ((90, "ann"), (60, "bob"), (30, "ann"), (10, "ann")):
            at = now - timedelta(minutes=minutes)
            await audit.record(api.plane.db, "template_created", PROJECT, [f"{minutes}"], at, who)

        async def found(**where: Any) -> list[str]:
            answer = await api.get(f"events?{urlencode(where)}")
            shown = answer["events"]
            assert [event["id"] for event in shown] == sorted(event["id"] for event in shown), "the oldest first"
            assert not shown or answer["next"] == shown[-1]["id"]
            return [event["detail"] or event["job_name"] for event in shown]

        assert await found(newest=True, limit=2) == ["30", "10"]
        assert await found(limit=2) == ["orders", "payments"]
        assert await found(who="ann", newest=True, limit=2) == ["30", "10"]
        assert await found(who="ann") == ["90", "30", "10"]
        assert await found(who="an") == []
        assert await found(job_id=payments) == ["payments"]
        assert await found(job_id=orders, newest=True) == ["orders"]
        assert await found(job_id=orders, who="bob") == []
        assert await found(since=(now - timedelta(minutes=45)).isoformat()) == ["30", "10"]
        assert await found(since=(now - timedelta(minutes=45)).isoformat(), who="bob") == []
        refused = await api.http.get(f"/api/v1/projects/{PROJECT}/events?since=2026-01-01T00:00:00")
        assert refused.status_code == 400
        assert "no time zone" in refused.json()["error_msg"]


@pytest.mark.parametrize(
    ("sought", "index"),
    [
        (Sought(newest=True), "events_of_project"),
        (Sought(who="ann"), "events_of_who (project=? AND who=? AND"),
        (Sought(job_id=7, newest=True), "events_of_job (job_id=? AND"),
    ],
    ids=["project", "who", "job"],
)
async def test_a_page_of_events_is_a_walk_along_an_index(tmp_path: Path, sought: Sought, index: str) -> None:
    async with native_api(tmp_path) as api:
        asked = list[tuple[str, Any]]()

        def heard(*said: Any) -> None:
            asked.append((said[2], said[3]))

        event.listen(api.plane.db._engine.sync_engine, "before_cursor_execute", heard)
        await audit.of_project(api.plane.db, PROJECT, 0, 50, sought)
        statement, values = next(one for one in asked if "UNION ALL" in one[0])
        async with api.plane.db.read() as connection:
            plan = await connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            steps = [row.detail for row in plan]
        walks = [step for step in steps if step.startswith("SEARCH events")]
        assert len(walks) == 2
        assert all(index in walk for walk in walks), steps
