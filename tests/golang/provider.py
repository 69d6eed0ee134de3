"""The Terraform provider's way with jobs, packages and queues: which calls in which order, what it waits for, and what
it compares with its configuration afterwards. A plan that is not empty after an apply never ends.
"""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote_plus

from tests.golang.decoding import string, struct
from tests.golang.golangsdk import ServiceClient, Unexpected
from tests.golang.wire import Answer
from tests.support.patience import PATIENCE

Config = Mapping[str, Any]

STARTING = {"job_init", "job_submitting"}
STARTED = {"job_running", "job_finish"}
STOPPING = {"job_submitting", "job_running", "job_canceling", "job_savepointing", "job_arrearage_recovering"}
STOPPED = {"job_init", "job_cancel_success"}
_ERROR = struct({"error_code": string, "error_msg": string})


class Failed(Exception):
    """What Terraform prints of an apply that it gives up. A job that was being created is tainted then."""


@dataclass
class Job:
    """A resource of one of the two kinds of jobs, with the state that Terraform keeps of it."""

    client: ServiceClient
    id: int = 0
    state: dict[str, Any] = field(default_factory=dict)

    DEFAULTS: ClassVar[Config] = {}
    COMPUTED: ClassVar[frozenset[str]] = frozenset()  # taken as read where the configuration says nothing
    WHILE_RUNNING: ClassVar[frozenset[str]] = frozenset()  # all else is changed between a stop and a start
    FORCE_NEW: ClassVar[frozenset[str]] = frozenset()

    # What the kinds do differently.

    def _create(self, config: Config) -> Any:
        raise NotImplementedError

    def _after_create(self, config: Config) -> None:
        """What is sent between the creation and the start."""

    def _update_running(self, config: Config) -> None:
        raise NotImplementedError

    def _update_stopped(self, config: Config) -> None:
        raise NotImplementedError

    def _read(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        raise NotImplementedError

    def _stop(self, config: Config) -> None:
        raise NotImplementedError

    # What they have in common.

    def plan(self, config: Config) -> dict[str, tuple[Any, Any]]:
        """What differs: by attribute, what is and what is wanted. An empty value is the same as none."""
        wanted = {**self.DEFAULTS, **config}
        names = {*wanted, *self.state} - {"status", *(name for name in self.COMPUTED if name not in config)}
        pairs = {name: (self.state.get(name), wanted.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if (pair[0] or None) != (pair[1] or None)}

    def create(self, config: Config) -> None:
        """Apply of something new."""
        wanted = {**self.DEFAULTS, **config}
        self._authorize(wanted)
        made = self._create(wanted)
        if not made["is_success"]:
            raise Failed(made["message"])
        self.id = made["job"]["job_id"]
        if tags := wanted.get("tags"):
            self.client.change_tags("dli_flink_job", str(self.id), "create", tags)
        self._after_create(wanted)
        self.client.run(self.id)
        self._wait("created", STARTING, STARTED)
        self.read()

    def read(self) -> bool:
        """Refresh; whether there is such a job."""
        try:
            shown = self.client.show(self.id)
        except Unexpected as error:
            if error.status == 400 and _ERROR(json.loads(error.body))["error_code"] == "DLI.16001":
                self.state = {}
                return False
            raise
        if not shown["is_success"]:
            raise Failed(shown["message"])
        detail = shown["job_detail"]
        self.state = {**self._read(detail), "status": detail["status"]}
        self.state["tags"] = self.client.tags("dli_flink_job", str(self.id))
        return True

    def update(self, config: Config) -> None:
        """Apply of what has changed."""
        changed = self.plan(config).keys()
        assert not changed & self.FORCE_NEW, f"{changed & self.FORCE_NEW} make the job anew"
        wanted = {name: self.state.get(name) for name in self.COMPUTED} | {**self.DEFAULTS, **config}
        if "tags" in changed:
            self._update_tags(config)
        if changed - {"tags"}:
            self._authorize(wanted)
            if changed & self.WHILE_RUNNING:
                self._update_running(wanted)
            if changed - {"tags"} - self.WHILE_RUNNING:
                self._stop(wanted)
                self._update_stopped(wanted)
                self.client.run(self.id, resume=bool(wanted.get("resume_checkpoint")))
            self._wait("updated", STARTING, STARTED)
        self.read()

    def delete(self) -> None:
        """Destroy, whatever the job does: the provider never stops one before."""
        if not self.client.delete(self.id)["is_success"]:
            raise Failed("delete")

    def _update_tags(self, config: Config) -> None:
        for action, tags in (("delete", self.state.get("tags")), ("create", config.get("tags"))):
            if tags:
                self.client.change_tags("dli_flink_job", str(self.id), action, tags)

    def _authorize(self, config: Config) -> None:
        if (bucket := config.get("obs_bucket")) and not self.client.authorize(bucket)["is_success"]:
            raise Failed("bucket")

    def _wait(self, what: str, pending: set[str], target: set[str]) -> None:
        """Any other status is an error, and ends the apply."""
        until = time.monotonic() + PATIENCE
        while (detail := self.client.show(self.id)["job_detail"])["status"] not in target:
            status = detail["status"]
            if status not in pending:
                raise Failed(f"unexpected state '{status}', wanted target '{sorted(target)}': {detail['status_desc']}")
            if time.monotonic() > until:
                raise Failed(f"timeout while waiting for the job to be {what}")
            time.sleep(0.02)


class SqlJob(Job):
    """`huaweicloud_dli_flinksql_job`."""

    DEFAULTS: ClassVar[Config] = {
        "type": "flink_sql_job",
        "run_mode": "shared_cluster",
        "cu_number": 2,
        "parallel_number": 1,
        "checkpoint_enabled": False,
        "checkpoint_mode": "exactly_once",
        "checkpoint_interval": 10,
        "log_enabled": False,
        "restart_when_exception": False,
        "idle_state_retention": 1,
        "dirty_data_strategy": "0",
        "manager_cu_number": 1,
        "tm_cus": 1,
        "resume_max_num": -1,
    }
    COMPUTED = frozenset({"queue_name", "udf_jar_url", "tm_slot_num", "execution_agency_urn"})
    WHILE_RUNNING = frozenset(
        {"smn_topic", "restart_when_exception", "resume_checkpoint", "resume_max_num", "obs_bucket"}
    )
    FORCE_NEW = frozenset({"type", "execution_agency_urn"})

    def _create(self, config: Config) -> Any:
        texts = _given(config, "flink_version", "queue_name", "obs_bucket", "smn_topic", "udf_jar_url")
        numbers = {name: int(config.get(name) or 0) for name in ("cu_number", "parallel_number", "tm_cus")}
        return self.client.create_sql_job(
            name=config["name"],
            job_type=config["type"],
            run_mode=config["run_mode"],
            **texts,
            **_renamed(config, description="desc", sql="sql_body"),
            **numbers,
            **_flags(config, "checkpoint_enabled", "log_enabled", "restart_when_exception", "resume_checkpoint"),
            **_given(config, "execution_agency_urn", "edge_group_ids", "dirty_data_strategy"),
            **_options(config),
            checkpoint_interval=config["checkpoint_interval"],
            checkpoint_mode=2 if config["checkpoint_mode"] == "at_least_once" else 1,
            idle_state_retention=config["idle_state_retention"],
            manager_cu_number=config["manager_cu_number"],
            tm_slot_num=config.get("tm_slot_num") or 0,
            resume_max_num=config["resume_max_num"],
        )

    def _after_create(self, config: Config) -> None:
        names = ("operator_config", "static_estimator_config")
        if any(config.get(name) for name in names):
            self.client.update_sql_job(self.id, **{name: config.get(name) or "" for name in names})

    def _update_running(self, config: Config) -> None:
        self.client.update_sql_job(
            self.id,
            **_given(config, "obs_bucket", "smn_topic"),
            **_flags(config, "restart_when_exception", "resume_checkpoint"),
            resume_max_num=config["resume_max_num"],
        )

    def _stop(self, config: Config) -> None:
        self.client.stop(self.id)
        self._wait("stopped", STOPPING, STOPPED)

    def _update_stopped(self, config: Config) -> None:
        self.client.update_sql_job(
            self.id,
            name=config["name"],
            **_given(config, "run_mode", "queue_name", "udf_jar_url", "flink_version", "dirty_data_strategy"),
            **_renamed(config, description="desc", sql="sql_body"),
            **_flags(config, "checkpoint_enabled", "log_enabled"),
            **_given(config, "edge_group_ids"),
            **_options(config),
            cu_number=config["cu_number"],
            parallel_number=config["parallel_number"],
            checkpoint_interval=config["checkpoint_interval"],
            checkpoint_mode=2 if config["checkpoint_mode"] == "at_least_once" else 1,
            idle_state_retention=config["idle_state_retention"],
            manager_cu_number=config["manager_cu_number"],
            tm_cus=config["tm_cus"],
            tm_slot_num=config.get("tm_slot_num") or 0,
            operator_config=config.get("operator_config") or "",
            static_estimator_config=config.get("static_estimator_config") or "",
        )

    def _read(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        within = detail["job_config"]
        beside = {"name": "name", "type": "job_type", "run_mode": "run_mode", "description": "desc", "sql": "sql_body"}
        names = {*self.DEFAULTS, *self.COMPUTED, *self.WHILE_RUNNING, "flink_version", "edge_group_ids"}
        names |= {"operator_config", "static_estimator_config"}
        found = {name: within[name] for name in names - beside.keys() - {"queue_name"}}
        found |= {name: detail[theirs] for name, theirs in beside.items()} | {"queue_name": detail["queue_name"]}
        return found | {"runtime_config": _map(within["runtime_config"])}


class JarJob(Job):
    """`huaweicloud_dli_flinkjar_job`."""

    DEFAULTS: ClassVar[Config] = {
        "cu_num": 2,
        "parallel_num": 1,
        "log_enabled": False,
        "restart_when_exception": False,
        "manager_cu_num": 1,
        "tm_cu_num": 1,
        "resume_max_num": -1,
    }
    COMPUTED = frozenset(
        {
            "queue_name",
            "feature",
            "flink_version",
            "tm_slot_num",
            "checkpoint_mode",
            "checkpoint_interval",
            "resource_config_version",
            "resource_config",
        }
    )
    WHILE_RUNNING = frozenset(
        {
            "smn_topic",
            "restart_when_exception",
            "resume_checkpoint",
            "resume_max_num",
            "obs_bucket",
            "checkpoint_path",
        }
    )

    def _body(self, config: Config) -> dict[str, Any]:
        """What creation and update have in common. Numbers that are 0 are left out, but for two of them."""
        return {
            **_given(config, "name", "queue_name", "main_class", "entrypoint", "entrypoint_args", "feature"),
            **_given(config, "flink_version", "image", "dependency_jars", "dependency_files", "execution_agency_urn"),
            **_given(config, "checkpoint_mode", "checkpoint_interval", "resource_config_version"),
            **_renamed(config, description="desc", parallel_num="parallel_number", tm_cu_num="tm_cus"),
            **_renamed(config, manager_cu_num="manager_cu_number", resource_config="resource_config"),
            **_flags(config, "log_enabled", "checkpoint_enabled"),
            **_options(config),
            "cu_number": config["cu_num"],
            "tm_slot_num": config.get("tm_slot_num") or 0,
        }

    def _create(self, config: Config) -> Any:
        return self.client.create_jar_job(
            **self._body(config),
            **_given(config, "obs_bucket", "smn_topic", "checkpoint_path"),
            **_flags(config, "restart_when_exception", "resume_checkpoint"),
            resume_max_num=config["resume_max_num"],
        )

    def _update_running(self, config: Config) -> None:
        names = ["smn_topic"] + (["obs_bucket"] if config.get("obs_bucket") != self.state.get("obs_bucket") else [])
        if not config.get("checkpoint_enabled") and config.get("resume_checkpoint"):
            names.append("checkpoint_path")
        self.client.update_jar_job(
            self.id,
            **_given(config, *names),
            **_flags(config, "restart_when_exception", "resume_checkpoint"),
            resume_max_num=config["resume_max_num"],
        )

    def _stop(self, config: Config) -> None:
        """What goes wrong here is only logged."""
        try:
            self.client.stop(self.id, savepoint=bool(config.get("resume_checkpoint")))
            self._wait("stopped", STOPPING, STOPPED)
        except (Failed, Unexpected):
            pass

    def _update_stopped(self, config: Config) -> None:
        self.client.update_jar_job(self.id, **self._body(config))

    def _read(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        within = detail["job_config"]
        renamed = {
            "cu_num": "cu_number",
            "parallel_num": "parallel_number",
            "manager_cu_num": "manager_cu_number",
            "tm_cu_num": "tm_cus",
        }
        names = {*self.WHILE_RUNNING, *self.COMPUTED, "log_enabled", "entrypoint", "dependency_jars"}
        names |= {"dependency_files", "image", "checkpoint_enabled", "execution_agency_urn"}
        found = {name: within[name] for name in names - {"queue_name", "checkpoint_mode"}}
        found |= {ours: within[theirs] for ours, theirs in renamed.items()}
        found |= {name: detail[name] for name in ("name", "queue_name", "main_class", "entrypoint_args")}
        mode = {"exactly_once": 1, "at_least_once": 2}.get(within["checkpoint_mode"], 0)
        options = _map(within["runtime_config"])
        return found | {"description": detail["desc"], "checkpoint_mode": mode, "runtime_config": options}


@dataclass
class Package:
    """`huaweicloud_dli_package`."""

    client: ServiceClient
    id: str = ""
    state: dict[str, Any] = field(default_factory=dict)

    @property
    def _place(self) -> tuple[str, str]:
        group, hash_, name = self.id.partition("#")
        return (group, name) if hash_ else ("", group)

    def create(self, config: Config) -> None:
        """Names a file; the answer's list of names differs by whether there is a group."""
        group = config.get("group_name", "")
        body = {"paths": [config["object_path"]], "kind": config["type"], **_renamed(config, group_name="group")}
        if tags := config.get("tags"):
            body["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
        made = self.client.upload(**body)
        names = made["resources" if group else "resource_names"]
        if not names:
            raise Failed("failed to upload package")
        self.id = f"{group}#{names[0]}" if group else names[0]
        owner = self.client.package(names[0], group)["owner"]
        if config.get("owner", owner) != owner:
            self._give(config["owner"])
        self.read()

    def read(self) -> bool:
        """Refresh; whether it is there."""
        group, name = self._place
        try:
            found = self.client.package(name, group)
        except Unexpected as error:
            if error.status == 404:
                return False
            raise
        tags = self.client.tags("dli_package_resource", quote_plus(self.id, safe=""))
        names = {"object_name": "resource_name", "type": "resource_type", "owner": "owner", "status": "status"}
        self.state = {ours: found[theirs] for ours, theirs in names.items()} | {"tags": tags}
        return True

    def update(self, config: Config) -> None:
        """The owner is always sent, be it the one that there is."""
        self._give(config.get("owner", self.state["owner"]))
        if (wanted := config.get("tags", {})) != self.state["tags"]:
            for action, tags in (("delete", self.state["tags"]), ("create", wanted)):
                if tags:
                    self.client.change_tags("dli_package_resource", quote_plus(self.id, safe=""), action, tags)
        self.read()

    def delete(self) -> None:
        """Destroy."""
        group, name = self._place
        self.client.delete_package(name, group)

    def _give(self, owner: str) -> None:
        group, name = self._place
        body = {"resource_name": name, "new_owner": owner, **({"group_name": group} if group else {})}
        if not self.client.give_package(**body)["is_success"]:
            raise Failed("owner")


def queues(client: ServiceClient, size: int = 100) -> list[Any]:
    """The data source: page by page, until one is not full."""
    found: list[Any] = []
    page = 1
    while True:
        more = client.queues(f"?page-size={size}&current-page={page}")["queues"]
        found += more
        if len(more) < size:
            return found
        page += 1


def token_clients(client: ServiceClient, held: str) -> tuple[str, str]:
    """Signing in with a token: exchanged for one of the project, then for one of the domain; their heads."""
    project = _token(client, held, {"project": {"id": client.project}})
    domain = _token(client, held, {"domain": {"name": "mine"}})
    return project, domain


def _token(client: ServiceClient, held: str, scope: Config) -> str:
    body = {"auth": {"identity": {"methods": ["token"], "token": {"id": held}}, "scope": scope}}
    answer: Answer = client.send("POST", "/v3/auth/tokens", body)
    if answer.status not in (201, 203):
        raise Unexpected(answer)
    return answer.headers["x-subject-token"]


def _given(config: Config, *names: str) -> dict[str, Any]:
    """Go's `omitempty`."""
    return {name: config[name] for name in names if config.get(name)}


def _renamed(config: Config, **names: str) -> dict[str, Any]:
    return {theirs: config[ours] for ours, theirs in names.items() if config.get(ours)}


def _flags(config: Config, *names: str) -> dict[str, bool]:
    """Pointers to booleans: always there."""
    return {name: bool(config.get(name)) for name in names}


def _options(config: Config) -> dict[str, str]:
    options: Mapping[str, str] = config.get("runtime_config") or {}
    pairs: Sequence[Mapping[str, str]] = [{"key": key, "value": value} for key, value in options.items()]
    return {"runtime_config": json.dumps(pairs, separators=(",", ":"))} if pairs else {}


def _map(text: str) -> dict[str, str]:
    return {pair["key"]: pair["value"] for pair in json.loads(text)} if text else {}
