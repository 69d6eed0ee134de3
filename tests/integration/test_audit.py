"""The audit has whatever somebody did in a project, also to what is no job."""

from pathlib import Path
from typing import Any

from tests.support.services.guarded import guarded
from tests.support.services.plane import PROJECT

from sluiceway.domain.access import Grant, Role

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
