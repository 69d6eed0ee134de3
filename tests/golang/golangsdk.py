"""golangsdk, which the Terraform provider is made of: how it signs, which statuses it takes, into what it decodes.

Written from what is known of it (the contract, section 11): it signs every header that it has set so far, and no Host,
which Go keeps elsewhere; it adds the project's header after that.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from tests.golang.decoding import Kind, boolean, floating, integer, listed, loads, quoted_boolean, string, struct
from tests.golang.wire import Answer, Client, escaped, parsed, path_of, sorted_json

USER_AGENT = "golangsdk/2.0.0"
TERRAFORM = f"terraform-provider-iac {USER_AGENT}"
OK_CODES = {"GET": (200,), "POST": (200, 201, 202), "PUT": (200, 201, 202), "DELETE": (200, 202, 204)}
FLINK = {"Content-Type": "application/json", "X-Language": "en-us"}  # with every call about Flink jobs

# --- into what answers are decoded -----------------------------------------------------------------------------------

COMMON = struct({"is_success": quoted_boolean, "message": string})
CREATED = struct(
    {
        "is_success": quoted_boolean,
        "message": string,
        "job": struct({"job_id": integer(), "status_name": string, "status_desc": string}),
    }
)
UPDATED = struct({"is_success": quoted_boolean, "message": string, "job": struct({"update_time": integer()})})
_SPEC = struct({"cpu": floating, "memory": string})
_RESOURCES = struct(
    {
        "max_slot": integer(),
        "parallel_number": integer(),
        "jobmanager_resource_spec": _SPEC,
        "taskmanager_resource_spec": _SPEC,
    }
)
JOB_CONFIG: dict[str, Kind] = {
    **dict.fromkeys(
        ("checkpoint_enabled", "log_enabled", "restart_when_exception", "resume_checkpoint"),
        boolean,
    ),
    **dict.fromkeys(
        ("checkpoint_interval", "root_id", "manager_cu_number", "cu_number", "parallel_number", "idle_state_retention"),
        integer(),
    ),
    **dict.fromkeys(("executor_number", "executor_cu_number", "tm_cus", "tm_slot_num", "resume_max_num"), integer()),
    **dict.fromkeys(("checkpoint_mode", "obs_bucket", "smn_topic", "udf_jar_url", "dirty_data_strategy"), string),
    **dict.fromkeys(("entrypoint", "checkpoint_path", "feature", "flink_version", "image", "operator_config"), string),
    **dict.fromkeys(
        ("static_estimator_config", "execution_agency_urn", "resource_config_version", "runtime_config"), string
    ),
    **dict.fromkeys(("edge_group_ids", "dependency_jars", "dependency_files"), listed(string)),
    "resource_config": _RESOURCES,
}
_JOB: dict[str, Kind] = {
    **dict.fromkeys(("job_id", "create_time", "start_time", "update_time"), integer()),
    **dict.fromkeys(("name", "desc", "job_type", "status", "status_desc", "user_id", "project_id", "sql_body"), string),
    **dict.fromkeys(("run_mode", "main_class", "entrypoint_args", "execution_graph", "queue_name"), string),
    **dict.fromkeys(("feature", "flink_version", "image"), string),
    "job_config": struct(JOB_CONFIG),
}
SHOWN = struct({"is_success": quoted_boolean, "message": string, "job_detail": struct(_JOB)})
LISTED = struct(
    {
        "is_success": quoted_boolean,
        "message": string,
        "job_list": struct(
            {
                "total_count": integer(),
                "jobs": listed(
                    struct({**_JOB, "username": string, "duration": integer(), "root_id": integer()}),
                ),
            }
        ),
    }
)
TAGS = struct({"tags": listed(struct({"key": string, "value": string}))})
RESOURCE = struct(
    {
        **dict.fromkeys(("create_time", "update_time"), integer()),
        **dict.fromkeys(("resource_type", "resource_name", "status", "underlying_name", "owner"), string),
    }
)
GROUP = struct(
    {
        **dict.fromkeys(("create_time", "update_time"), integer()),
        **dict.fromkeys(("group_name", "status", "owner", "description", "module_name", "module_type"), string),
        "resources": listed(string),
        "resource_names": listed(string),
        "is_async": boolean,
        "details": listed(RESOURCE),
    }
)
GIVEN = struct({"is_success": boolean, "message": string})
QUEUES = struct(
    {
        "is_success": boolean,
        "message": string,
        "queues": listed(
            struct(
                {
                    **dict.fromkeys(("queue_name", "description", "owner", "queue_type", "resource_id"), string),
                    **dict.fromkeys(("enterprise_project_id", "cidr_in_vpc", "cidr_in_subnet", "platform"), string),
                    **dict.fromkeys(("feature", "queue_resource_type", "elastic_resource_pool_name"), string),
                    **dict.fromkeys(("create_time", "cu_count", "charging_mode", "resource_mode"), integer()),
                    "is_restarting": boolean,
                }
            )
        ),
    }
)
QUEUE = struct(
    {
        **dict.fromkeys(("queueName", "description", "owner", "queueType", "resource_id"), string),
        **dict.fromkeys(("enterprise_project_id", "resource_type"), string),
        **dict.fromkeys(("create_time", "cuCount", "chargingMode", "resource_mode"), integer()),
    }
)


class Unexpected(Exception):
    """A status that the call does not take."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body.decode(errors='replace')[:300]}")
        self.status = answer.status
        self.body = answer.body


# --- signing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Key:
    """An access key."""

    access: str
    secret: str
    security_token: str = ""


def sign(key: Key, method: str, target: str, headers: dict[str, str], body: bytes, now: datetime) -> str:
    """Add date and signature to the headers; the target as it is sent, whose query is rewritten by the way."""
    headers["X-Sdk-Date"] = now.strftime("%Y%m%dT%H%M%SZ")
    by_name = {name.lower(): value for name, value in headers.items()}
    names = sorted(by_name)
    path = "/".join(escaped(part) for part in path_of(target).split("/"))
    pairs = sorted(parse_qsl(target.partition("?")[2], keep_blank_values=True))
    query = "&".join(f"{escaped(name)}={escaped(value)}" for name, value in pairs)
    canonical = "\n".join(
        [
            method,
            path if path.endswith("/") else f"{path}/",
            query,
            "".join(f"{name}:{by_name[name].strip()}\n" for name in names),
            ";".join(names),
            hashlib.sha256(body).hexdigest(),
        ]
    )
    text = f"SDK-HMAC-SHA256\n{headers['X-Sdk-Date']}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = hmac.new(key.secret.encode(), text.encode(), hashlib.sha256).hexdigest()
    signed = f"SignedHeaders={';'.join(names)}, Signature={signature}"
    headers["Authorization"] = f"SDK-HMAC-SHA256 Access={key.access}, {signed}"
    return target.partition("?")[0] + (f"?{query}" if query else "")


# --- calling ---------------------------------------------------------------------------------------------------------


@dataclass
class ServiceClient:
    """A client of one service, with an access key or with a token."""

    http: Client
    project: str
    key: Key | None = None
    token: str = ""
    domain: str = ""
    user_agent: str = TERRAFORM
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    statuses: list[tuple[str, str, int]] = field(default_factory=list)

    def call(
        self,
        method: str,
        target: str,
        into: Kind | None,
        body: Mapping[str, Any] | None = None,
        *,
        ok: Sequence[int] = (),
        more: Mapping[str, str] | None = None,
    ) -> Any:
        """Send, check the status, decode. Raises `Unexpected`, `Undecodable`."""
        answer = self.send(method, target, body, more or {})
        if answer.status not in (ok or OK_CODES[method]):
            raise Unexpected(answer)
        return None if into is None or answer.status == 204 else into(loads(answer.body))

    def send(
        self, method: str, target: str, body: Mapping[str, Any] | None = None, more: Mapping[str, str] | None = None
    ) -> Answer:
        """Send, whatever comes of it."""
        raw, target = None if body is None else sorted_json(body), parsed(target)
        headers = {"Accept": "application/json", "User-Agent": self.user_agent}
        if raw is not None:
            headers["Content-Type"] = "application/json"
        headers.update(more or {})
        if self.token:
            headers["X-Auth-Token"] = self.token
        if self.key is not None:
            target = sign(self.key, method, target, headers, raw or b"", self.clock())
            headers["X-Project-Id"] = self.project  # after the signature
            if self.domain:
                headers["X-Domain-Id"] = self.domain
            if self.key.security_token:
                headers["X-Security-Token"] = self.key.security_token
        answer = self.http.send(method, target, headers, raw)
        self.statuses.append((method, target, answer.status))
        return answer

    # Flink jobs.

    def create_sql_job(self, **options: Any) -> Any:
        """Its `tags` are always there, be it as null, and so is `manager_cu_number`."""
        return self._flink("POST", "sql-jobs", CREATED, {"tags": None, "manager_cu_number": None, **options})

    def update_sql_job(self, job: int, **options: Any) -> Any:
        """Its two configurations of operators are always there."""
        always = {"operator_config": "", "static_estimator_config": "", "manager_cu_number": None}
        return self._flink("PUT", f"sql-jobs/{job}", UPDATED, {**always, **options})

    def create_jar_job(self, **options: Any) -> Any:
        """Its `tags` are always there."""
        return self._flink("POST", "flink-jobs", CREATED, {"tags": None, **options})

    def update_jar_job(self, job: int, **options: Any) -> Any:
        """What is empty is left out."""
        return self._flink("PUT", f"flink-jobs/{job}", UPDATED, options)

    def run(self, *jobs: int, resume: bool = False) -> Any:
        """Start jobs."""
        return self._flink("POST", "jobs/run", listed(COMMON), {"job_ids": list(jobs), "resume_savepoint": resume})

    def stop(self, *jobs: int, savepoint: bool = False) -> Any:
        """Stop jobs."""
        return self._flink("POST", "jobs/stop", listed(COMMON), {"job_ids": list(jobs), "trigger_savepoint": savepoint})

    def show(self, job: int) -> Any:
        """One job."""
        return self._flink("GET", f"jobs/{job}", SHOWN)

    def list(self, query: str = "") -> Any:
        """Jobs."""
        return self._flink("GET", f"jobs{query}", LISTED)

    def delete(self, job: int) -> Any:
        """Delete a job; the body is decoded."""
        return self._flink("DELETE", f"jobs/{job}", COMMON)

    def authorize(self, bucket: str) -> Any:
        """Before a job with a bucket is made."""
        target = f"/v1.0/{self.project}/dli/obs-authorize"
        return self.call("POST", target, COMMON, {"obs_buckets": [bucket]}, more=FLINK)

    def _flink(self, method: str, path: str, into: Kind, body: Mapping[str, Any] | None = None) -> Any:
        return self.call(method, f"/v1.0/{self.project}/streaming/{path}", into, body, more=FLINK)

    # Tags.

    def tags(self, kind: str, resource: str) -> dict[str, str]:
        """The tags of a job or a package."""
        found = self.call("GET", f"/v3/{self.project}/{kind}/{resource}/tags", TAGS, ok=(202, 200), more=FLINK)
        return {tag["key"]: tag["value"] for tag in found["tags"]}

    def change_tags(self, kind: str, resource: str, action: str, tags: Mapping[str, str]) -> None:
        """Only 204 is a success."""
        body = {"tags": [{"key": k, **({"value": v} if v else {})} for k, v in tags.items()]}
        self.call("POST", f"/v3/{self.project}/{kind}/{resource}/tags/{action}", None, body, ok=(204,))

    # Packages and queues.

    def upload(self, path: str = "", **options: Any) -> Any:
        """Name files of storage."""
        return self.call("POST", f"/v2.0/{self.project}/resources{path}", GROUP, options)

    def package(self, name: str, group: str = "") -> Any:
        """One package."""
        query = f"?group={group}" if group else ""
        return self.call("GET", f"/v2.0/{self.project}/resources/{name}{query}", RESOURCE)

    def give_package(self, **options: Any) -> Any:
        """Give a package to another owner."""
        return self.call("PUT", f"/v2.0/{self.project}/resources/owner", GIVEN, options)

    def delete_package(self, name: str, group: str = "") -> None:
        """Forget a package; the body is not looked at."""
        query = f"?group={group}" if group else ""
        self.call("DELETE", f"/v2.0/{self.project}/resources/{name}{query}", None)

    def queues(self, query: str = "") -> Any:
        """Queues."""
        return self.call("GET", f"/v1.0/{self.project}/queues{query}", QUEUES, ok=(200,))

    def queue(self, name: str) -> Any:
        """One queue."""
        return self.call("GET", f"/v1.0/{self.project}/queues/{name}", QUEUE, ok=(200,))
