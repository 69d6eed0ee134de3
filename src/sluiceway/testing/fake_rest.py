"""What a fake Flink answers, request by request, as the Flink contract says. It knows no network.

It is as hostile as the real one. `fake_flink` puts it behind HTTP; the simulation asks it directly.
The module is long because it answers every path that the service asks, in a short function each.
"""

import asyncio
import os
import re
import time
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

import msgspec

from sluiceway.domain.facts import JobState
from sluiceway.engines.jobmanager.versions import since
from sluiceway.testing.fake_answers import (
    VERTEX,
    application_exceptions_answer,
    attempt_answer,
    checkpoint_config_answer,
    checkpoints_answer,
    cluster_config_answer,
    exceptions_answer,
    job_answer,
    job_config_answer,
    metrics_answer,
    overview_answer,
    overview_line,
)
from sluiceway.testing.fake_disk import Disk, LocalDisk
from sluiceway.testing.fake_failures import error
from sluiceway.testing.fake_jars import FakeJars
from sluiceway.testing.fake_jobs import STORE_SECONDS, FakeJob, FakeJobs, Truth
from sluiceway.testing.fake_metadata import MAGIC

_ID = re.compile(r"[0-9a-fA-F]{32}")
_REST = "runtime.rest.handler.RestHandlerException"


class Kind(StrEnum):
    """What a request is about."""

    CLUSTER = "cluster"  # GET /overview and /config
    JOBS = "jobs"  # GET /jobs/overview
    STATUS = "status"
    JOB = "job"
    CHECKPOINTS = "checkpoints"
    CHECKPOINT_CONFIG = "checkpoint_config"
    EXCEPTIONS = "exceptions"
    JOB_CONFIG = "job_config"
    CLUSTER_CONFIG = "cluster_config"  # GET /jobmanager/config
    LOG = "log"  # GET /taskmanagers, /jobmanager/log and /taskmanagers/:id/log
    APPLICATION = "application"  # GET /applications/:id/exceptions
    VERTEX = "vertex"  # its metrics and its back pressure
    STOP = "stop"
    SAVEPOINT = "savepoint"
    POLL = "poll"  # GET /jobs/:id/savepoints/:trigger
    CANCEL = "cancel"
    DISPOSAL = "disposal"
    JARS = "jars"  # GET /jars and DELETE /jars/:id
    UPLOAD = "upload"
    RUN = "run"  # POST /jars/:id/run
    OTHER = "other"


Answer = tuple[int, bytes]


class FakeRest:
    """One fake cluster without its network. Jobs are added by hand; `jobs` shows them as Flink would know them."""

    def __init__(
        self,
        *,
        store_seconds: float = STORE_SECONDS,
        cache_seconds: float = 3.0,
        default_target: str | None = None,
        disk: Disk | None = None,
    ) -> None:
        """`store_seconds`: how long results are kept; `cache_seconds`: how stale `/jobs/:id` and `/checkpoints` get;
        `default_target`: the directory configured for savepoints, if any; `disk`: where savepoints lie."""
        self._cache_seconds = cache_seconds
        self._default_target = default_target
        self._disk = disk or LocalDisk()
        self.options: dict[str, str] = {}  # of the JobManager
        self.logs: dict[str, bytes] = {}  # of "jobmanager", and of TaskManagers by their ids
        self.free_slots: int | None = None  # None: as many as it takes
        self._hidden: set[str] = set()
        self._cache: dict[str, tuple[float, Answer]] = {}
        self._overview = (-1, b"")  # the answer, and the version of the jobs it tells of
        self._disposals: dict[str, str | None] = {}  # why each failed
        self.sees_storage = True  # the machine's own file system is also that of the service
        self.flink_version = "2.3.0"
        self._leaves_after: float | None = None  # seconds from the end of its jobs; None: it is a session cluster
        self._leaving = False
        self._state = FakeJobs(self._later, self._disk, store_seconds)
        self.jars: FakeJars | None = FakeJars(self.add_job, self.fail_to_start)  # None: none are taken

    def of_application(self, *, leaves_after: float = 2.0) -> None:
        """Be an application cluster: once its jobs are over and their results were read, it leaves after that long."""
        self.options["execution.target"] = "embedded"
        self.jars = None
        self._leaves_after = leaves_after
        self._state.when_over = self._may_leave

    def leave(self) -> None:
        """Its JobManager ends. Whoever puts it behind a network says what that shows."""

    def _may_leave(self) -> None:
        if self._leaves_after is not None and not self._leaving and self._state.all_over:
            self._leaving = True
            self._later(self._leaves_after, self.leave)

    # The world. ---------------------------------------------------------------------------------------------------

    @property
    def jobs(self) -> Mapping[str, FakeJob]:
        """Every job that the cluster knows, by Flink job id."""
        return self._state.jobs

    @property
    def restarts(self) -> int:
        """How often jobs were restarted, all together."""
        return sum(job.restarts for job in self.jobs.values())

    @property
    def peak(self) -> int:
        """The most savepoints that were ever in flight at once."""
        return self._state.peak

    def add_job(self, jid: str | None = None, **fields: Any) -> FakeJob:
        """Start a job; `fields` are those of `FakeJob`. Raises `ValueError` for a job id that was used before."""
        return self._state.add(FakeJob(jid or os.urandom(16).hex(), **fields))

    def finish(self, jid: str) -> None:
        """The job ends by itself."""
        self._state.end(jid, JobState.FINISHED)

    def fail(self, jid: str, why: str = "java.lang.IllegalStateException: the sink is broken") -> None:
        """The job fails for good; `why` is what `/exceptions` shows of it."""
        self._state.end(jid, JobState.FAILED, why)

    def fail_to_start(self, jid: str, why: str = "java.io.FileNotFoundException: Cannot find the savepoint") -> None:
        """Its JobMaster cannot even begin with it; `why` is the cause that `/exceptions` shows."""
        self.jobs[jid].tasks = 0
        self._state.end(jid, JobState.FAILED, why)

    def starve(self, jid: str, why: str = "") -> None:
        """The adaptive scheduler finds no slots for it: it is only created; with `why` it has failed of that by now."""
        job = self.jobs[jid]
        if why:
            job.application_failure = why
            self._state.end(jid, JobState.FAILED)
        else:
            job.state = JobState.CREATED
            self._state.version += 1

    def loop(self, jid: str, why: str = "java.lang.ArithmeticException: / by zero", *, comes_up: bool = False) -> None:
        """The job fails again and again, also where all tasks run for a moment (`comes_up`). No words: no more."""
        self.jobs[jid].comes_up = comes_up
        self._state.loop(jid, why)

    def lose_taskmanager(self, jid: str) -> None:
        """The machine under the job is lost: attempts in flight fail, and the job restarts if it can."""
        self._state.lose_taskmanager(jid)

    def set_running_tasks(self, jid: str, count: int | None) -> None:
        """Let only so many tasks run; None for all."""
        self.jobs[jid].running_tasks = count
        self._state.version += 1

    def hide(self, *jids: str) -> None:
        """Leave these jobs out of the overview although they live (FLINK-40602)."""
        self._hidden.update(jids)
        self._state.version += 1

    def show(self) -> None:
        """Leave out nobody any more."""
        self._hidden.clear()
        self._state.version += 1

    def lose_jobmanager(
        self, *, ha: bool = True, truths: Mapping[str, Truth] | Truth = Truth.RUNS_AGAIN, recovery_seconds: float = 0.0
    ) -> None:
        """Kill the JobManager and start it anew: every result is forgotten.

        With high availability each job that was being stopped meets its truth, and after `recovery_seconds` the others
        are known again; without it every job is forgotten.
        """
        self._cache.clear()
        if self.jars is not None:
            self.jars.clear()
        self._state.lose_jobmanager(truths if ha else None, recovery_seconds)

    def _later(self, seconds: float, call: Any) -> asyncio.TimerHandle:
        return asyncio.get_running_loop().call_later(seconds, call)

    def answer(self, method: str, path_qs: str, body: Any = None) -> Answer:
        """Do what a request asks for; the status and the body of the answer."""
        kind, ids = route(method, urlsplit(path_qs).path)
        return self._answer(kind, ids, method, path_qs, body)

    # What Flink answers. ------------------------------------------------------------------------------------------

    def _answer(  # noqa: C901, PLR0912 - one case a question
        self, kind: Kind, ids: list[str], method: str, path_qs: str, body: Any
    ) -> Answer:
        if kind in {Kind.JARS, Kind.UPLOAD, Kind.RUN}:
            return self._on_jars(kind, ids, method, path_qs, body)
        if kind is Kind.LOG:
            return self._log(ids)
        for name, value in zip(("jobid", "triggerid"), ids, strict=False):
            if not _ID.fullmatch(value):
                why = f'Cannot resolve path parameter ({name}) from value "{value}".'
                return _no(400, f"Bad request, could not parse parameters: {why}")
        match kind:
            case Kind.CLUSTER:
                return 200, overview_answer(self.jobs.values(), self.free_slots, self.flink_version)
            case Kind.JOBS:
                return 200, self._jobs_overview()
            case Kind.STATUS:
                return self._status(ids[0])
            case Kind.CLUSTER_CONFIG:
                return 200, cluster_config_answer(self.options)
            case Kind.CHECKPOINT_CONFIG | Kind.JOB_CONFIG:
                return self._fresh(kind, ids[0])
            case Kind.APPLICATION if not since(self.flink_version, (2, 3)):
                return _unknown(method, path_qs)
            case Kind.JOB | Kind.CHECKPOINTS | Kind.EXCEPTIONS | Kind.APPLICATION:
                return self._cached(kind, ids[0])
            case Kind.VERTEX:
                return self._vertex(ids[0], ids[1], path_qs)
            case Kind.STOP | Kind.SAVEPOINT:
                return self._trigger(kind, ids[0], body)
            case Kind.POLL:
                return self._poll(ids[0], ids[1])
            case Kind.CANCEL:
                return self._cancel(ids[0], _mode(path_qs))
            case Kind.DISPOSAL:
                return self._dispose(ids, body)
            case _:
                return _unknown(method, path_qs)

    def _on_jars(self, kind: Kind, ids: list[str], method: str, path_qs: str, body: Any) -> Answer:
        if self.jars is None:
            refused = 400, _json({"errors": ["POST request not allowed"]})
            return refused if kind is Kind.UPLOAD else _unknown(method, path_qs)
        if kind is Kind.UPLOAD:
            return self.jars.upload(*body)
        if kind is Kind.RUN:
            shape = isinstance(body, dict) and _ID.fullmatch(str(body.get("jobId") or "0" * 32))
            known = shape and not (body.keys() & {"claimMode"} and not since(self.flink_version, (1, 20)))
            return self.jars.run(ids[0], body) if known else _no(400, "Request did not match expected format.")
        return self.jars.delete(ids[0]) if ids else self.jars.list()

    def _log(self, ids: list[str]) -> Answer:
        if not ids:
            return 200, _json({"taskmanagers": [{"id": name} for name in self.logs if name != "jobmanager"]})
        log = self.logs.get(ids[0])
        return _no(404, "This file does not exist in JobManager log dir.") if log is None else (200, log)

    def _jobs_overview(self) -> bytes:
        version = self._state.version
        if self._overview[0] != version:
            kinds = since(self.flink_version, (2, 3))
            lines = [overview_line(job, kinds=kinds) for job in self.jobs.values() if job.jid not in self._hidden]
            self._overview = (version, _json({"jobs": lines}))
        return self._overview[1]

    def _status(self, jid: str) -> Answer:
        job = self.jobs.get(jid)
        if job is not None:
            return 200, _json({"status": job.state})
        lost = error("runtime.messages.FlinkJobNotFoundException", f"Could not find Flink job ({jid})")
        page = f"<Exception on server side:\n{lost}\nEnd of exception on server side>"
        return 500, _json({"errors": ["Internal server error.", page]})

    def _cached(self, kind: Kind, jid: str) -> Answer:
        key = f"{kind}/{jid}"
        until, answer = self._cache.get(key, (0.0, (0, b"")))
        if time.monotonic() >= until:
            answer = self._fresh(kind, jid)
            if answer[0] == 200:
                self._cache[key] = (time.monotonic() + self._cache_seconds, answer)
        return answer

    def _fresh(self, kind: Kind, jid: str) -> Answer:
        job = self.jobs.get(jid)
        if job is None:
            return 404, _json({"errors": [error("runtime.rest.NotFoundException", f"Job {jid} not found")]})
        if kind is Kind.JOB:
            return 200, job_answer(job)
        if kind is Kind.EXCEPTIONS:
            return 200, exceptions_answer(job)
        if kind is Kind.JOB_CONFIG:
            return 200, job_config_answer(job)
        if kind is Kind.APPLICATION:
            return 200, application_exceptions_answer(job)
        if job.batch or job.forgotten_checkpoints:
            return _no(404, "Checkpointing has not been enabled.")
        return 200, checkpoints_answer(job) if kind is Kind.CHECKPOINTS else checkpoint_config_answer(job)

    def _vertex(self, jid: str, vertex: str, path_qs: str) -> Answer:
        job = self.jobs.get(jid) if vertex == VERTEX else None
        asked = urlsplit(path_qs)
        if asked.path.endswith("/backpressure"):
            if job is None:
                return 404, _json({"errors": [error("runtime.rest.NotFoundException", f"Job {jid} not found")]})
            return 200, _json({"status": "ok", "backpressure-level": "ok", "subtasks": []})
        wanted = parse_qs(asked.query).get("get", [""])[0]
        return 200, b"[]" if job is None else metrics_answer(job, wanted.split(",") if wanted else [])

    def _trigger(self, kind: Kind, jid: str, body: Any) -> Answer:
        fields = {} if body is None else body
        trigger = fields.get("triggerId") if isinstance(fields, dict) else "?"
        shape = isinstance(fields, dict) and fields.get("formatType", "CANONICAL") in {"CANONICAL", "NATIVE", "DEFAULT"}
        if not shape or not (trigger is None or _ID.fullmatch(str(trigger))):
            name = "StopWithSavepointRequestBody" if kind is Kind.STOP else "SavepointTriggerRequestBody"
            return _no(400, f"Request did not match expected format {name}.")
        key = "targetDirectory" if kind is Kind.STOP else "target-directory"
        target = fields.get(key, self._default_target)
        if target is None:
            why = f"Config key [execution.checkpointing.savepoint-dir] is not set. Property [{key}] must be provided."
            return _no(400, why)
        trigger = str(trigger or os.urandom(16).hex()).lower()
        name_: Literal["stop", "savepoint"] = "stop" if kind is Kind.STOP else "savepoint"
        native = fields.get("formatType") == "NATIVE"
        self._state.trigger(
            jid, name_, trigger, target, cancel_job=bool(fields.get("cancel-job", False)), native=native
        )
        return 202, _json({"request-id": trigger})

    def _poll(self, jid: str, trigger: str) -> Answer:
        attempt = self._state.attempt(jid, trigger.lower())
        if attempt is None:
            return _no(404, f"There is no savepoint operation with triggerId={trigger} for job {jid}.")
        if not attempt.in_flight:
            attempt.read = True
            self._may_leave()
        return 200, attempt_answer(attempt)

    def _cancel(self, jid: str, mode: str) -> Answer:
        if mode != "cancel":
            why = f'Bad request, could not parse parameters: Cannot resolve query parameter (mode) from value "{mode}".'
            return _no(400, why)
        before = self._state.cancel(jid)
        if before is None:
            return _no(404, "Job could not be found.")
        if before.terminal and before is not JobState.CANCELED:
            why = f"Job cancellation failed because the job has already reached another terminal state ({before})."
            return _no(409, why)
        return 202, b"{}"

    def _dispose(self, ids: list[str], body: Any) -> Answer:
        if ids:
            if ids[0] not in self._disposals:
                return _no(404, f"There is no savepoint disposal operation with triggerId={ids[0]}.")
            return 200, _json({"status": {"id": "COMPLETED"}, "operation": _disposed(self._disposals[ids[0]])})
        path = body.get("savepoint-path") if isinstance(body, dict) else None
        if path is None:
            return _no(400, "Field savepoint-path must not be omitted or be null.")
        trigger = os.urandom(16).hex()
        complete = self._disk.dispose(path)
        self._disposals[trigger] = None if complete else _undisposed(path if self.sees_storage else "/nowhere")
        return 200, _json({"request-id": trigger})


def route(method: str, path: str) -> tuple[Kind, list[str]]:  # noqa: C901, PLR0912 - one case a question
    """What a request is about, and the ids in its path."""
    match method, path.strip("/").split("/"):
        case "GET", ["overview" | "config"]:
            return Kind.CLUSTER, []
        case "GET", ["jobs", "overview"]:
            return Kind.JOBS, []
        case "GET", ["jobs", jid]:
            return Kind.JOB, [jid]
        case "PATCH", ["jobs", jid]:
            return Kind.CANCEL, [jid]
        case "GET", ["jobs", jid, "status" | "checkpoints" | "exceptions" as what]:
            return Kind(what), [jid]
        case "GET", ["jobmanager", "config"]:
            return Kind.CLUSTER_CONFIG, []
        case "GET", ["taskmanagers"]:
            return Kind.LOG, []
        case "GET", ["jobmanager", "log"]:
            return Kind.LOG, ["jobmanager"]
        case "GET", ["taskmanagers", name, "log"]:
            return Kind.LOG, [name]
        case "GET", ["jobs", jid, "config"]:
            return Kind.JOB_CONFIG, [jid]
        case "GET", ["applications", jid, "exceptions"]:
            return Kind.APPLICATION, [jid]
        case "GET", ["jobs", jid, "checkpoints", "config"]:
            return Kind.CHECKPOINT_CONFIG, [jid]
        case "GET", ["jobs", jid, "vertices", vertex, *what] if what in (["backpressure"], ["subtasks", "metrics"]):
            return Kind.VERTEX, [jid, vertex]
        case "POST", ["jobs", jid, "stop" | "savepoints" as what]:
            return Kind(what.removesuffix("s")), [jid]
        case "GET", ["jobs", jid, "savepoints", trigger]:
            return Kind.POLL, [jid, trigger]
        case "POST", ["savepoint-disposal"]:
            return Kind.DISPOSAL, []
        case "GET", ["savepoint-disposal", trigger]:
            return Kind.DISPOSAL, [trigger]
        case _, parts:
            return _route_of_jars(method, parts)


def _route_of_jars(method: str, parts: list[str]) -> tuple[Kind, list[str]]:
    match method, parts:
        case "GET", ["jars"]:
            return Kind.JARS, []
        case "DELETE", ["jars", jar]:
            return Kind.JARS, [jar]
        case "POST", ["jars", "upload"]:
            return Kind.UPLOAD, []
        case "POST", ["jars", jar, "run"]:
            return Kind.RUN, [jar]
        case _:
            return Kind.OTHER, []


def decoded(raw: bytes) -> Any:
    """A request's body; what is no JSON stays text."""
    if not raw:
        return None
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw.decode(errors="replace")


def _mode(path_qs: str) -> str:
    return parse_qs(urlsplit(path_qs).query).get("mode", ["cancel"])[0]


def _unknown(method: str, path_qs: str) -> Answer:
    why = f"Unable to load requested file {urlsplit(path_qs).path}." if method == "GET" else f"Not found: {path_qs}"
    return 404, _json({"errors": [why]})


def _undisposed(path: str) -> str:
    """Why a savepoint was not removed: nothing is there, or nothing that this Flink can read."""
    file = Path(path.removeprefix("file:"))
    head = file.read_bytes()[:8] if file.is_file() else b""
    if len(head) == 8 and int.from_bytes(head[:4], "big") == MAGIC:
        version = int.from_bytes(head[4:], "big")
        return f"java.lang.IllegalArgumentException: Unrecognized checkpoint version number: {version}"
    return f"java.io.FileNotFoundException: Cannot find checkpoint or savepoint file/directory '{path}'"


def _disposed(failed: str | None) -> dict[str, Any]:
    if failed is None:
        return {}
    cls = "org.apache.flink.util.FlinkException"
    trace = f"{cls}: Could not dispose savepoint.\nCaused by: {failed}"
    return {"failure-cause": {"class": cls, "stack-trace": trace}}


def _no(status: int, why: str) -> Answer:
    return status, _json({"errors": [error(_REST, why)]})


def _json(value: Any) -> bytes:
    return msgspec.json.encode(value)
