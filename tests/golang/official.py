"""The vendor's own Go SDK: how it signs, and its models, whose types are the SDK's and not those of other clients."""

import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests.golang.decoding import Kind, boolean, floating, integer, listed, loads, string, struct
from tests.golang.golangsdk import Key
from tests.golang.wire import Client, escaped, ordered_json

USER_AGENT = "huaweicloud-usdk-go/3.0"

SUCCESS = struct({"is_success": boolean, "message": string})
CREATED = struct(
    {
        "is_success": string,
        "message": string,
        "job": struct({"job_id": integer(), "status_name": string, "status_desc": string}),
    }
)
_SPEC = struct({"cpu": floating, "memory": string})
_CONFIG = struct(
    {
        **dict.fromkeys(
            (
                "checkpoint_enabled",
                "log_enabled",
                "restart_when_exception",
                "resume_checkpoint",
                "graph_editor_enabled",
            ),
            boolean,
        ),
        **dict.fromkeys(
            (
                "checkpoint_interval",
                "manager_cu_number",
                "cu_number",
                "parallel_number",
                "idle_state_retention",
                "executor_number",
                "executor_cu_number",
                "tm_cus",
                "tm_slot_num",
                "real_cu_number",
            ),
            integer(32),
        ),
        **dict.fromkeys(("root_id", "resume_max_num"), integer()),
        **dict.fromkeys(("checkpoint_mode", "obs_bucket", "smn_topic", "udf_jar_url", "dirty_data_strategy"), string),
        **dict.fromkeys(("entrypoint", "execution_agency_urn", "runtime_config", "graph_editor_data"), string),
        **dict.fromkeys(("checkpoint_path", "config_url", "image", "feature", "flink_version"), string),
        **dict.fromkeys(("operator_config", "static_estimator_config", "resource_config_version"), string),
        **dict.fromkeys(("edge_group_ids", "dependency_jars", "dependency_files"), listed(string)),
        "resource_config": struct(
            {
                "max_slot": integer(32),
                "parallel_number": integer(32),
                "jobmanager_resource_spec": _SPEC,
                "taskmanager_resource_spec": _SPEC,
            }
        ),
    }
)
_JOB = struct(
    {
        **dict.fromkeys(("job_id", "create_time", "start_time", "duration", "root_id", "update_time"), integer()),
        **dict.fromkeys(("name", "desc", "user_name", "job_type", "status", "status_desc", "user_id"), string),
        **dict.fromkeys(("project_id", "sql_body", "run_mode", "main_class", "entrypoint_args"), string),
        **dict.fromkeys(("execution_graph", "queue_name", "savepoint_path"), string),
        **dict.fromkeys(("graph_editor_enabled", "has_savepoint"), boolean),
        "edge_group_ids": listed(string),
        "restart_times": integer(),
        "job_config": _CONFIG,
    }
)
SHOWN = struct({"is_success": string, "message": string, "job_detail": _JOB})
LISTED = struct(
    {
        "is_success": string,
        "message": string,
        "job_list": struct({"total_count": integer(), "jobs": listed(_JOB)}),
    }
)
QUEUES = struct(
    {
        "is_success": boolean,
        "message": string,
        "queues": listed(
            struct({"queue_id": integer(), "queue_name": string, "cu_count": integer(32), "create_time": integer()})
        ),
    }
)
TEMPLATE = struct({"is_success": boolean, "message": string})


class ServiceResponseError(Exception):
    """A status of 400 or more. A body that cannot be decoded is raised as `Undecodable`."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(f"{status} {body[:200]!r}")
        self.status = status


@dataclass
class OfficialClient:
    """A client with an access key. It signs what it has set itself but for Content-Type: agent, project and date."""

    http: Client
    project: str
    key: Key
    user_agent: str = USER_AGENT
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)

    def call(
        self,
        method: str,
        path: str,
        into: Kind | None,
        body: Sequence[tuple[str, Any]] | None = None,
        query: Sequence[tuple[str, str]] = (),
    ) -> Any:
        """Send and decode. Raises `ServiceResponseError`, `Undecodable`."""
        raw = b"" if body is None else ordered_json(body)
        headers = {
            "User-Agent": self.user_agent,
            "X-Project-Id": self.project,
            "X-Sdk-Date": self.clock().strftime("%Y%m%dT%H%M%SZ"),
        }
        if self.key.security_token:
            headers["X-Security-Token"] = self.key.security_token
        written = "&".join(f"{escaped(name)}={escaped(value)}" for name, value in sorted(query))
        headers["Authorization"] = self._signature(method, path, written, headers, raw)
        headers["Content-Type"] = "application/json"
        answer = self.http.send(method, path + (f"?{written}" if written else ""), headers, raw)
        if answer.status >= 400:
            raise ServiceResponseError(answer.status, answer.body)
        return into(loads(answer.body)) if into is not None and answer.body else None

    def _signature(self, method: str, path: str, query: str, headers: dict[str, str], body: bytes) -> str:
        by_name = {name.lower(): value for name, value in headers.items()}
        names = sorted(by_name)
        parts = "/".join(escaped(part) for part in path.split("/"))
        lines = "".join(f"{name}:{by_name[name]}\n" for name in names)
        digest = hashlib.sha256(body).hexdigest()
        canonical = f"{method}\n{parts}/\n{query}\n{lines}\n{';'.join(names)}\n{digest}"
        text = f"SDK-HMAC-SHA256\n{headers['X-Sdk-Date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
        signature = hmac.new(self.key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
        return f"SDK-HMAC-SHA256 Access={self.key.access}, SignedHeaders={';'.join(names)}, Signature={signature}"
