"""The raw bytes of every operation's answers, held against the contract's rules as a strictly typed client reads them.

The shapes are written from the contract (and, for resources, from the SDK's declarations), and share nothing with the
service's own types.
"""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.support.doubles import scripts
from tests.support.people.wire_shapes import (
    Shape,
    anything,
    boolean,
    decoded,
    exactly,
    fields,
    integer,
    json_text,
    listed,
    mapped,
    moment,
    nullable,
    number,
    one_of,
    text,
    words,
)
from tests.support.services.plane import PROJECT, Plane, plane
from tests.unit.test_docs import operations

from sluiceway.api import docs
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders
from sluiceway.assembly.api import make_api
from sluiceway.domain.job import JobStatus
from sluiceway.settings import Settings

V1 = "/v1.0/{project_id}"
JOBS = f"{V1}/streaming/jobs"
TEMPLATES = f"{V1}/streaming/job-templates"
VARIABLES = f"{V1}/variables"
TAGS = "/v3/{project_id}/dli_flink_job/{resource_id}/tags"
FILE_TAGS = "/v3/{project_id}/dli_package_resource/{resource_id}/tags"
RESOURCES = "/v2.0/{project_id}/resources"
QUEUES = f"{V1}/queues"

# --- what the contract says (section 1.1 and 3) ----------------------------------------------------------------------

YES, TRUE = exactly("true"), exactly(True)  # `is_success` is a text on job paths, and a boolean on some others
variable = {
    "id": integer,
    "var_name": words,
    "var_value": text,
    "project_id": words,
    "user_id": text,
    "user_name": text,
    "is_sensitive": boolean,
    "create_time": moment,
    "update_time": moment,
}
said = {"is_success": YES, "message": text}
said_really = {"is_success": TRUE, "message": text}
accepted = fields({"is_success": YES, "message": words})
outcomes = listed(accepted)
resumed = fields(
    {
        "is_success": YES,
        "message": words,
        "restore_path": words,
        "restore_kind": one_of("savepoint", "checkpoint"),
        "restore_age_seconds": integer,
    }
)
starts = listed(lambda value, at: (resumed if "restore_path" in value else accepted)(value, at))
refused_position = fields({"is_success": exactly("false"), "message": words, "error_code": words})

STATUSES = one_of("job_init", "job_running", "job_cancel_success", "job_submitting", "job_savepointing")
item: dict[str, Shape] = {
    "job_id": integer,
    "name": words,
    "desc": text,
    "user_name": words,
    "username": words,
    "job_type": one_of("flink_sql_job", "flink_opensource_sql_job", "flink_jar_job"),
    "status": STATUSES,
    "status_desc": text,
    "create_time": moment,
    "start_time": integer,
    "duration": integer,
    "root_id": exactly(-1),
    "graph_editor_enabled": boolean,
    "has_savepoint": boolean,
}
resource_spec = fields({"cpu": number, "memory": words})
job_config = fields(
    {
        "checkpoint_enabled": boolean,
        "checkpoint_mode": one_of("exactly_once", "at_least_once"),
        "checkpoint_interval": integer,
        "checkpoint_path": nullable(text),
        "log_enabled": boolean,
        "obs_bucket": nullable(text),
        "smn_topic": nullable(text),
        "edge_group_ids": nullable(listed(text, 0)),
        "root_id": exactly(-1),
        "manager_cu_number": integer,
        "cu_number": integer,
        "parallel_number": integer,
        "restart_when_exception": boolean,
        "idle_state_retention": integer,
        "idle_state_retention_unit": one_of("seconds", "hours"),
        "udf_jar_url": nullable(text),
        "dirty_data_strategy": text,
        "entrypoint": nullable(text),
        "dependency_jars": nullable(listed(text, 0)),
        "dependency_files": nullable(listed(text, 0)),
        "executor_number": nullable(integer),
        "executor_cu_number": nullable(integer),
        "execution_agency_urn": nullable(text),
        "resume_checkpoint": boolean,
        "resume_max_num": integer,
        "runtime_config": nullable(json_text(listed(fields({"key": words, "value": text})))),
        "flink_log_config": nullable(text),
        "graph_editor_enabled": boolean,
        "graph_editor_data": nullable(text),
        "config_url": nullable(text),
        "tm_cus": integer,
        "tm_slot_num": integer,
        "image": nullable(text),
        "feature": nullable(text),
        "flink_version": nullable(text),
        "operator_config": nullable(text),
        "static_estimator_config": nullable(text),
        "real_cu_number": integer,
        "resource_config": nullable(
            fields(
                {
                    "max_slot": integer,
                    "parallel_number": integer,
                    "jobmanager_resource_spec": resource_spec,
                    "taskmanager_resource_spec": resource_spec,
                }
            )
        ),
        "resource_config_version": one_of("v1", "v2"),
        "auto_scaling_enable": nullable(boolean),
        "auto_scaling_interval": nullable(integer),
        "max_parallelism": nullable(integer),
    }
)
detail = fields(
    {
        **item,
        "start_time": nullable(moment),
        "update_time": moment,
        "user_id": words,
        "queue_name": nullable(text),
        "project_id": exactly(PROJECT),
        "sql_body": text,
        "run_mode": one_of("shared_cluster", "exclusive_cluster", "edge_node"),
        "main_class": nullable(text),
        "entrypoint_args": nullable(text),
        "execution_graph": nullable(text),
        "savepoint_path": nullable(words),
        "restart_times": nullable(integer),
        "edge_group_ids": nullable(listed(text, 0)),
        "feature": nullable(text),
        "flink_version": nullable(text),
        "image": nullable(text),
        "job_config": job_config,
    }
)
graph = fields(
    {
        "jid": words,
        "name": text,
        "isStoppable": boolean,
        "state": words,
        "start-time": moment,
        "end-time": exactly(-1),  # it runs
        "duration": integer,
        "now": moment,
        "timestamps": mapped(integer),
        "vertices": listed(fields({"id": words, "name": text, "parallelism": integer}, more=True)),
        "status-counts": mapped(integer),
        "plan": fields({"jid": words, "name": text, "nodes": listed(anything, 0)}, more=True),
    },
    more=True,
)
created = fields(
    {
        **said,
        "job": fields({"job_id": integer, "status_name": exactly("job_init"), "status_desc": exactly("")}),
    }
)
updated = fields({**said, "job": fields({"update_time": moment})})
flow = fields({"name": words, "records": integer, "corrupted_records": integer})
traffic = fields(
    {"sources": listed(flow), "sinks": listed(flow), "total_read_rate": number, "total_write_rate": number}
)
template_head: dict[str, Shape] = {
    "template_id": integer,
    "name": words,
    "desc": text,
    "create_time": moment,
    "job_type": words,
}
template = fields({**template_head, "update_time": moment, "sql_body": text})
resource = fields(
    {
        "create_time": moment,
        "update_time": moment,
        "resource_type": one_of("jar", "file", "pyFile"),
        "resource_name": words,
        "underlying_name": words,
        "owner": words,
        "status": words,
        "is_async": boolean,
    }
)
group = fields(
    {
        "group_name": text,
        "module_name": text,
        "module_type": words,
        "resources": listed(words),
        "resource_names": listed(words),
        "details": listed(resource),
        "create_time": moment,
        "update_time": moment,
        "owner": words,
        "status": words,
        "description": text,
        "is_async": boolean,
    }
)


def nothing(value: Any, at: str) -> None:
    """No body at all, with status 204."""
    raise AssertionError(f"{at}: nothing is expected, not {value!r}")


queue: dict[str, Shape] = {
    "queue_id": integer,
    "queue_name": exactly("c0"),
    "description": words,
    "owner": words,
    "create_time": integer,
    "queue_type": exactly("general"),
    "cu_count": integer,
    "charging_mode": integer,
    "resource_id": exactly("c0"),
    "enterprise_project_id": words,
    "cidr_in_vpc": text,
    "cidr_in_mgntsubnet": text,
    "cidr_in_subnet": text,
    "resource_mode": integer,
    "platform": text,
    "is_restarting": boolean,
    "labels": text,
    "feature": words,
    "queue_resource_type": text,
    "elastic_resource_pool_name": text,
}

# Every operation, and what its success looks like. None: there is no success here.
SHAPES: dict[tuple[str, str], Shape | None] = {
    ("POST", f"{JOBS}/stop"): outcomes,
    ("POST", f"{JOBS}/run"): starts,
    ("POST", f"{JOBS}/delete"): outcomes,
    ("DELETE", f"{JOBS}/{{job_id}}"): accepted,
    ("GET", JOBS): fields({**said, "job_list": fields({"total_count": integer, "jobs": listed(fields(item))})}),
    ("GET", f"{JOBS}/{{job_id}}"): fields({**said, "job_detail": detail}),
    ("GET", f"{JOBS}/{{job_id}}/execute-graph"): fields({**said, "execute_graph": graph}),
    ("POST", f"{V1}/streaming/sql-jobs"): created,
    ("PUT", f"{V1}/streaming/sql-jobs/{{job_id}}"): updated,
    ("POST", f"{V1}/streaming/flink-jobs"): created,
    ("PUT", f"{V1}/streaming/flink-jobs/{{job_id}}"): updated,
    ("POST", f"{JOBS}/{{job_id}}/savepoint"): accepted,
    ("POST", f"{JOBS}/{{job_id}}/import-savepoint"): accepted,
    ("POST", f"{JOBS}/export"): fields({**said, "zip_file": listed(words)}),
    ("POST", f"{JOBS}/import"): fields(
        {
            **said,
            "job_mapping": listed(fields({"old_job_id": integer, "new_job_id": integer, "remark": words})),
        }
    ),
    ("POST", f"{JOBS}/metrics"): fields(
        {**said_really, "metrics": fields({"jobs": listed(fields({"job_id": integer, "metrics": traffic}))})}
    ),
    ("POST", "/v3/{project_id}/streaming/jobs/{job_id}/gen-graph"): fields(
        {**said_really, "error_code": exactly(""), "stream_graph": json_text(mapped(anything))}
    ),
    ("POST", TEMPLATES): fields({**said_really, "template": fields(template_head)}),
    ("GET", TEMPLATES): fields(
        {**said_really, "template_list": fields({"total_count": integer, "templates": listed(template)})}
    ),
    ("PUT", f"{TEMPLATES}/{{template_id}}"): fields(said_really),
    ("DELETE", f"{TEMPLATES}/{{template_id}}"): fields({**said_really, "template": fields({"template_id": integer})}),
    ("POST", VARIABLES): fields(said_really),
    ("GET", VARIABLES): fields({**said_really, "count": integer, "global_vars": listed(fields(variable))}),
    ("PUT", f"{VARIABLES}/{{var_name}}"): fields(said_really),
    ("DELETE", f"{VARIABLES}/{{var_name}}"): fields(said_really),
    ("POST", f"{V1}/dli/obs-authorize"): accepted,
    ("GET", f"{JOBS}/{{job_id}}/apig-sinks"): None,
    ("POST", "/v1/{project_id}/edgesrv/{call}"): None,
    ("GET", TAGS): fields({"tags": listed(fields({"key": words, "value": text})), "count": integer}),
    ("POST", f"{TAGS}/create"): nothing,
    ("POST", f"{TAGS}/delete"): nothing,
    ("GET", FILE_TAGS): fields({"tags": listed(fields({"key": words, "value": text})), "count": integer}),
    ("POST", f"{FILE_TAGS}/create"): nothing,
    ("POST", f"{FILE_TAGS}/delete"): nothing,
    ("GET", QUEUES): fields({**said_really, "queues": listed(fields(queue))}),
    ("GET", f"{QUEUES}/{{queue_name}}"): fields(
        {
            **said_really,
            "queue_id": integer,
            "queueName": exactly("c0"),
            "description": words,
            "resource_id": exactly("c0"),
            "owner": words,
            "create_time": integer,
            "queueType": exactly("general"),
            "cuCount": integer,
            "chargingMode": integer,
            "resource_mode": integer,
            "enterprise_project_id": words,
            "resource_type": text,
            "elastic_resource_pool_name": text,
        }
    ),
    ("POST", RESOURCES): group,
    ("POST", f"{RESOURCES}/jars"): group,
    ("POST", f"{RESOURCES}/pyfiles"): group,
    ("POST", f"{RESOURCES}/files"): group,
    ("GET", RESOURCES): fields(
        {"resources": listed(resource), "groups": listed(group), "modules": listed(text, 0), "total": integer}
    ),
    ("GET", f"{RESOURCES}/{{resource_name}}"): resource,
    ("DELETE", f"{RESOURCES}/{{resource_name}}"): fields({}),
    ("PUT", f"{RESOURCES}/owner"): fields(said_really),
}
# What an operation answers in another form, by the query or the body.
OTHER_FORMS: dict[tuple[str, str], Shape] = {
    ("GET", f"{JOBS}?show_detail=true"): fields(
        {**said, "job_list": fields({"total_count": integer, "jobs": listed(detail)})}
    ),
    ("GET", f"{JOBS}?name=none"): fields(
        {**said, "job_list": fields({"total_count": exactly(0), "jobs": exactly([])})}
    ),
    ("GET", f"{RESOURCES}?kind=modelFile"): fields(
        {"resources": exactly([]), "groups": exactly([]), "modules": exactly([]), "total": exactly(0)}
    ),
}

# A refusal of each operation: what is sent, the status and the code.
REFUSALS: list[tuple[str, str, Any, int, str]] = [
    ("POST", f"{JOBS}/stop", {"job_ids": ["x"]}, 400, "DLI.0001"),
    ("POST", f"{JOBS}/run", {"job_ids": []}, 400, "DLI.0001"),
    ("POST", f"{JOBS}/delete", b"{", 400, "DLI.10004"),
    ("DELETE", f"{JOBS}/{{job_id}}", None, 400, "DLI.17001"),
    ("GET", f"{JOBS}?offset=-1", None, 400, "DLI.23001"),
    ("GET", f"{JOBS}/{{job_id}}", None, 400, "DLI.16001"),
    ("GET", f"{JOBS}/{{job_id}}/execute-graph", None, 400, "DLI.14001"),
    ("POST", f"{V1}/streaming/sql-jobs", {"name": ""}, 400, "DLI.11007"),
    ("PUT", f"{V1}/streaming/sql-jobs/{{job_id}}", {}, 400, "DLI.12004"),
    ("POST", f"{V1}/streaming/flink-jobs", {"name": "j", "manager_cu_number": 2}, 400, "DLI.11026"),
    ("PUT", f"{V1}/streaming/flink-jobs/{{job_id}}", {}, 400, "DLI.12004"),
    ("POST", f"{JOBS}/{{job_id}}/savepoint", {"action": "TRIGGER"}, 400, "DLI.15001"),
    ("POST", f"{JOBS}/{{job_id}}/import-savepoint", {"savepoint_path": "b/c"}, 400, "DLI.15001"),
    ("POST", f"{JOBS}/export", {"obs_dir": "/etc", "is_selected": False}, 400, "DLI.29001"),
    ("POST", f"{JOBS}/import", {"zip_file": "bucket/none.zip"}, 400, "DLI.29002"),
    ("POST", f"{JOBS}/metrics", {"job_ids": [999]}, 400, "DLI.16001"),
    ("POST", "/v3/{project_id}/streaming/jobs/{job_id}/gen-graph", {"sql_body": "SELECT 1"}, 400, "DLI.16001"),
    ("POST", TEMPLATES, {"name": ""}, 400, "DLI.18001"),
    ("GET", f"{TEMPLATES}?offset=-1", None, 400, "DLI.1206"),
    ("PUT", f"{TEMPLATES}/{{template_id}}", {}, 400, "DLI.1205"),
    ("DELETE", f"{TEMPLATES}/{{template_id}}", None, 400, "DLI.18004"),
    ("POST", VARIABLES, {"var_name": "_", "var_value": "x"}, 400, "DLI.0001"),
    ("GET", f"{VARIABLES}?offset=-1", None, 400, "DLI.0001"),
    ("PUT", f"{VARIABLES}/{{var_name}}", {"var_value": "x"}, 400, "DLI.0002"),
    ("DELETE", f"{VARIABLES}/{{var_name}}", None, 400, "DLI.0002"),
    ("POST", f"{V1}/dli/obs-authorize", {"obs_buckets": []}, 400, "DLI.19004"),
    ("GET", f"{JOBS}/{{job_id}}/apig-sinks", None, 400, "DLI.16001"),
    ("POST", "/v1/{project_id}/edgesrv/{call}", {}, 400, "DLI.0007"),
    ("GET", TAGS, None, 400, "DLI.16001"),
    ("POST", f"{TAGS}/create", {"tags": [{"key": "a", "value": "b"}]}, 400, "DLI.16001"),
    ("POST", f"{TAGS}/delete", {"tags": [{"key": "a"}]}, 400, "DLI.16001"),
    ("GET", FILE_TAGS, None, 404, "DLI.0023"),
    ("POST", f"{FILE_TAGS}/create", {"tags": [{"key": "a", "value": "b"}]}, 404, "DLI.0023"),
    ("POST", f"{FILE_TAGS}/delete", {"tags": [{"key": "a"}]}, 404, "DLI.0023"),
    ("POST", RESOURCES, {"paths": ["obs://bucket/none.jar"], "kind": "jar"}, 400, "DLI.0002"),
    ("POST", f"{RESOURCES}/jars", {"paths": ["ftp://x"], "group": "g"}, 400, "DLI.0001"),
    ("POST", f"{RESOURCES}/pyfiles", {"paths": []}, 400, "DLI.0001"),
    ("POST", f"{RESOURCES}/files", None, 400, "DLI.0001"),
    ("GET", f"{RESOURCES}?kind=x", None, 400, "DLI.0001"),
    ("GET", f"{RESOURCES}/{{resource_name}}", None, 404, "DLI.0023"),
    ("DELETE", f"{RESOURCES}/{{resource_name}}", None, 404, "DLI.0023"),
    ("PUT", f"{RESOURCES}/owner", {"new_owner": "somebody", "group_name": "none"}, 404, "DLI.0023"),
    ("GET", f"{QUEUES}?page-size=0", None, 400, "DLI.0001"),
    ("GET", f"{QUEUES}/{{queue_name}}", None, 404, "DLI.0023"),
    ("GET", "/v1.0/a-b/streaming/jobs", None, 400, "DLI.10010"),
    ("GET", "/v1.0/{project_id}/nothing", None, 404, "APIGW.0101"),
    ("PATCH", JOBS, None, 404, "APIGW.0101"),
]

# --- what is answered -----------------------------------------------------------------------------------------------


@dataclass
class Answered:
    """An answer as it came over the wire."""

    status: int
    headers: httpx.Headers
    raw: bytes


@dataclass
class Play:
    """Calls every operation, and keeps what is answered."""

    at: Plane
    http: httpx.AsyncClient
    bucket: Path
    schema: dict[str, Any]
    good: dict[tuple[str, str], list[Answered]] = field(default_factory=dict)
    refused: list[Answered] = field(default_factory=list)
    mixed: dict[str, Answered] = field(default_factory=dict)

    async def send(self, method: str, path: str, body: Any = None, **names: Any) -> Answered:
        """One request, whatever comes of it."""
        whole = {"project_id": PROJECT, "job_id": 999, "resource_id": 999, "template_id": 999, "call": "messages"}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        url = path.format(**{**whole, "resource_name": "none.jar", "queue_name": "none", "var_name": "none", **names})
        answer = await self.http.request(method, url, content=content)
        return Answered(answer.status_code, answer.headers, answer.content)

    async def ask(self, method: str, path: str, body: Any = None, **names: Any) -> Any:
        """One request that is to succeed."""
        answer = await self.send(method, path, body, **names)
        assert answer.status == (204 if SHAPES.get((method, path)) is nothing else 200), answer.raw
        self.good.setdefault((method, path), []).append(answer)
        return json.loads(answer.raw) if answer.status == 200 else None

    async def everything(self) -> None:
        """Every row of the tables."""
        await self._jobs()
        await self._files()
        await self._templates()
        await self._variables()
        await self._queues()
        for method, path, body, _, _ in REFUSALS:
            self.refused.append(await self.send(method, path, body))

    async def _jobs(self) -> None:
        sql, jar = f"{V1}/streaming/sql-jobs", f"{V1}/streaming/flink-jobs"
        (self.bucket / "app.jar").write_bytes(b"no cluster of this test reads it")
        full = {
            "name": "订单",
            "sql_body": "INSERT INTO a SELECT * FROM b",
            "tags": [{"key": "env", "value": "prod"}],
            "runtime_config": "pipeline.max-parallelism=1",
            "obs_bucket": "bucket",
            "resource_config_version": "v2",
            "resource_config": {"max_slot": 2, "taskmanager_resource_spec": {"cpu": 2, "memory": "4GB"}},
            "checkpoint_enabled": True,
            "resume_checkpoint": True,
        }
        made = [
            await self.ask("POST", sql, full),
            await self.ask("POST", sql, {"name": "bare"}),
            await self.ask("POST", jar, {"name": "jar", "entrypoint": "obs://bucket/app.jar", "dependency_jars": []}),
            await self.ask("POST", sql, {"name": "stopped", "sql_body": "INSERT INTO a SELECT * FROM b"}),
        ]
        one, bare, program, stopped = (each["job"]["job_id"] for each in made)
        await self.ask("PUT", f"{sql}/{{job_id}}", {"desc": "d", "operator_config": ""}, job_id=one)
        await self.ask("PUT", f"{jar}/{{job_id}}", {"main_class": "a.B"}, job_id=program)
        await self.ask("POST", f"{JOBS}/run", {"job_ids": [one, str(stopped)]})
        await self.at.until(one, JobStatus.RUNNING)
        await self.at.until(stopped, JobStatus.RUNNING)
        await self._batches(one, bare, stopped)
        await self._looks(one, bare, program, stopped)
        await self.ask("POST", f"{JOBS}/{{job_id}}/savepoint", {"action": "TRIGGER"}, job_id=one)
        saved = (await self.at.job(stopped)).savepoint_path
        await self.ask("POST", f"{JOBS}/{{job_id}}/import-savepoint", {"savepoint_path": saved}, job_id=stopped)
        [file] = (await self.ask("POST", f"{JOBS}/export", {"obs_dir": "bucket/out", "is_selected": False}))["zip_file"]
        await self.ask("POST", f"{JOBS}/import", {"zip_file": file})
        body = {"sql_body": "INSERT INTO a SELECT * FROM b"}
        await self.ask("POST", "/v3/{project_id}/streaming/jobs/{job_id}/gen-graph", body, job_id=one)
        await self._tags(one)
        await self.ask("POST", f"{V1}/dli/obs-authorize", {"obs_buckets": ["bucket"]})
        await self.ask("DELETE", f"{JOBS}/{{job_id}}", job_id=one)
        await self.ask("POST", f"{JOBS}/delete", {"job_ids": [bare, program]})

    async def _batches(self, one: int, bare: int, stopped: int) -> None:
        for operation, ids in (("stop", [bare, 999]), ("run", [one, 999]), ("delete", [998, 999])):
            self.mixed[f"none: {operation}"] = await self.send("POST", f"{JOBS}/{operation}", {"job_ids": ids})
        body = {"job_ids": [stopped, bare, 999, stopped], "trigger_savepoint": True}
        self.mixed["some: stop"] = await self.send("POST", f"{JOBS}/stop", body)
        await self.at.until(stopped, JobStatus.STOPPED)
        await self.ask("POST", f"{JOBS}/run", {"job_ids": [stopped], "resume_savepoint": True})
        await self.at.until(stopped, JobStatus.RUNNING)
        await self.ask("POST", f"{JOBS}/stop", {"job_ids": [stopped], "trigger_savepoint": True})
        await self.at.until(stopped, JobStatus.STOPPED)

    async def _looks(self, *jobs: int) -> None:
        await self.ask("GET", JOBS)
        for path in (f"{JOBS}?show_detail=true", f"{JOBS}?name=none"):
            await self.ask("GET", path)
        for job in jobs:
            await self.ask("GET", f"{JOBS}/{{job_id}}", job_id=job)
        await self.ask("GET", f"{JOBS}/{{job_id}}/execute-graph", job_id=jobs[0])
        await self.ask("POST", f"{JOBS}/metrics", {"job_ids": jobs[:1]})

    async def _tags(self, job: int) -> None:
        await self.ask("POST", f"{TAGS}/create", {"tags": [{"key": "a", "value": ""}]}, resource_id=job)
        await self.ask("GET", TAGS, resource_id=job)
        await self.ask("POST", f"{TAGS}/delete", {"tags": [{"key": "a"}]}, resource_id=job)

    async def _files(self) -> None:
        for name in ("a.jar", "b.jar", "c.py", "d.txt"):
            (self.bucket / name).write_bytes(b"x")
        await self.ask("POST", RESOURCES, {"paths": ["obs://bucket/a.jar"], "kind": "jar"})
        for name, file in (("jars", "b.jar"), ("pyfiles", "c.py"), ("files", "d.txt")):
            await self.ask("POST", f"{RESOURCES}/{name}", {"paths": [f"obs://bucket/{file}"], "group": "g"})
        await self.ask("GET", RESOURCES)
        await self.ask("GET", f"{RESOURCES}?kind=modelFile")
        await self.ask("GET", f"{RESOURCES}/{{resource_name}}", resource_name="a.jar")
        for package in ("a.jar", "g%23b.jar"):
            await self.ask("POST", f"{FILE_TAGS}/create", {"tags": [{"key": "a", "value": ""}]}, resource_id=package)
            await self.ask("GET", FILE_TAGS, resource_id=package)
            await self.ask("POST", f"{FILE_TAGS}/delete", {"tags": [{"key": "a"}]}, resource_id=package)
        await self.ask("PUT", f"{RESOURCES}/owner", {"new_owner": "somebody", "group_name": "g"})
        await self.ask("DELETE", f"{RESOURCES}/{{resource_name}}", resource_name="a.jar")

    async def _queues(self) -> None:
        await self.ask("GET", QUEUES)
        await self.ask("GET", f"{QUEUES}/{{queue_name}}", queue_name="c0")

    async def _templates(self) -> None:
        made = await self.ask("POST", TEMPLATES, {"name": "模板", "sql_body": "SELECT 1"})
        number = made["template"]["template_id"]
        await self.ask("GET", TEMPLATES)
        await self.ask("PUT", f"{TEMPLATES}/{{template_id}}", {"desc": "d"}, template_id=number)
        await self.ask("DELETE", f"{TEMPLATES}/{{template_id}}", template_id=number)

    async def _variables(self) -> None:
        for name, sensitive in (("topic", False), ("pw", True)):
            made = {"var_name": name, "var_value": "订单", "is_sensitive": sensitive}
            await self.ask("POST", VARIABLES, made)
        await self.ask("GET", VARIABLES)
        await self.ask("PUT", f"{VARIABLES}/{{var_name}}", {"var_value": "x"}, var_name="topic")
        await self.ask("DELETE", f"{VARIABLES}/{{var_name}}", var_name="pw")


class Planner:
    """Draws the same graph of all SQL."""

    async def read_sql(self, body: str, **_: Any) -> Any:
        return scripts.script(body)

    async def plan_sql(self, *_: Any, **__: Any) -> str:
        return '{"nodes":[{"id":1}]}'


async def planner() -> Any:
    return Planner()


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Play:
    directory = tmp_path_factory.mktemp("data")
    bucket = directory / "storage" / "bucket"
    bucket.mkdir(parents=True)

    async def played() -> Play:
        async with plane(directory) as at:
            api = make_api(Settings(data=directory), at.ground, at.queues, planner)
            transport = httpx.ASGITransport(app=RequestIds(SecurityHeaders(api)))  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                play = Play(at, http, bucket, docs.completed(api).openapi_schema.to_schema())
                await play.everything()
                return play

    return asyncio.run(played())


def check_headers(answer: Answered) -> None:
    assert answer.headers["content-type"] in {"application/json", "application/json; charset=utf-8"}
    assert answer.headers["x-request-id"]


def test_the_tables_have_every_operation_and_nothing_else(play: Play) -> None:
    assert set(SHAPES) == set(operations(play.schema, dlis=True))
    assert {(method, path.partition("?")[0]) for method, path, *_ in REFUSALS} >= set(SHAPES)
    assert set(play.good) == {operation for operation, shape in SHAPES.items() if shape} | set(OTHER_FORMS)


@pytest.mark.parametrize("operation", [each for each, shape in SHAPES.items() if shape] + [*OTHER_FORMS], ids=" ".join)
def test_a_success_is_as_a_typed_client_reads_it(play: Play, operation: tuple[str, str]) -> None:
    shape = SHAPES.get(operation) or OTHER_FORMS[operation]
    for answer in play.good[operation]:
        if shape is nothing:
            assert (answer.status, answer.raw, bool(answer.headers["x-request-id"])) == (204, b"", True)
            assert "content-type" not in answer.headers
            continue
        assert answer.status == 200
        check_headers(answer)
        assert int(answer.headers["content-length"]) == len(answer.raw)
        shape(decoded(answer.raw), "answer")


@pytest.mark.parametrize("place", range(len(REFUSALS)), ids=lambda n: " ".join(REFUSALS[n][:2]))
def test_a_refusal_is_one_envelope(play: Play, place: int) -> None:
    _, _, _, status, code = REFUSALS[place]
    answer = play.refused[place]
    assert answer.status == status, answer.raw
    check_headers(answer)
    envelope: dict[str, Shape] = {"error_code": exactly(code), "error_msg": words}
    if code.startswith("APIGW."):
        envelope["request_id"] = exactly(answer.headers["x-request-id"])
    fields(envelope)(decoded(answer.raw), "answer")
    assert answer.headers["link"] == f'</docs/errors#{code}>; rel="help"'


@pytest.mark.parametrize(
    ("operation", "codes"),
    [
        ("stop", ["DLI.15002", "DLI.15001"]),
        ("run", ["DLI.13006", "DLI.13007"]),
        ("delete", ["DLI.17001", "DLI.17001"]),
    ],
)
def test_a_batch_that_is_refused_whole_is_a_bare_array_of_errors(play: Play, operation: str, codes: list[str]) -> None:
    answer = play.mixed[f"none: {operation}"]
    assert answer.status == 400
    check_headers(answer)
    body = decoded(answer.raw)
    listed(fields({"error_code": words, "error_msg": words}))(body, "answer")
    assert [each["error_code"] for each in body] == codes


def test_a_batch_that_is_refused_in_part_has_an_answer_at_each_position(play: Play) -> None:
    answer = play.mixed["some: stop"]
    assert answer.status == 200
    first, second, third, fourth = decoded(answer.raw)
    for position in (first, fourth):
        accepted(position, "position")
    for position, code in ((second, "DLI.15002"), (third, "DLI.15001")):
        refused_position(position, "position")
        assert (position["error_code"], position["message"].split()[0]) == (code, code)


def test_what_never_ran_and_what_ran_say_so(play: Play) -> None:
    """0 in a list and null in details; milliseconds else."""
    jobs = {job["name"]: job for job in decoded(play.good["GET", JOBS][0].raw)["job_list"]["jobs"]}
    details = {
        job["name"]: job for job in decoded(play.good["GET", f"{JOBS}?show_detail=true"][0].raw)["job_list"]["jobs"]
    }
    assert (jobs["bare"]["start_time"], details["bare"]["start_time"]) == (0, None)
    moment(jobs["stopped"]["start_time"], "start_time")
    assert jobs["stopped"]["start_time"] == details["stopped"]["start_time"]
    assert jobs["stopped"]["has_savepoint"] is True
    shown = decoded(play.good["GET", f"{JOBS}/{{job_id}}"][0].raw)["job_detail"]
    assert (shown["name"], shown["job_config"]["runtime_config"]) == (
        "订单",
        '[{"key":"pipeline.max-parallelism","value":"1"}]',
    )


# --- the shapes themselves ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "raw"),
    [
        (integer, b"1.0"),
        (integer, b"1e3"),
        (integer, b'"1"'),
        (integer, b"true"),
        (integer, b"9223372036854775808"),
        (integer, b"null"),
        (moment, b"1700000000"),
        (boolean, b'"true"'),
        (boolean, b"1"),
        (YES, b"true"),
        (TRUE, b"1"),
        (text, b"1"),
        (listed(text), b'{"0":"a"}'),
        (fields({"a": text}), b"{}"),
        (fields({"a": text}), b'{"a":"b","c":null}'),
        (fields({"a": nullable(text)}), b"{}"),
        (fields({"a": text}), b'{"a":"b","a":"c"}'),
        (json_text(listed(text)), b'["a"]'),
        (number, b"NaN"),
    ],
)
def test_a_shape_takes_nothing_else(shape: Shape, raw: bytes) -> None:
    with pytest.raises(AssertionError):
        shape(decoded(raw), "value")
