"""A JobManager's REST API, typed. It translates and nothing else: no retries, no waiting, no decisions.

Whatever is not an answer of Flink's own (no connection, a time-out, a redirect, a proxy's page, an endless body) is
`Unreachable`. "Contract" below is the Flink contract.
"""

import math
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import aiohttp
import msgspec
from aiohttp.http_exceptions import HttpProcessingError

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Acknowledged, JobState, Refusal, Refused
from sluiceway.engines.flink_failures import AttemptFailed, NoSuchJob, classify, clip, plain_words

__all__ = [
    "AlreadyOver",
    "Attempt",
    "AttemptCompleted",
    "AttemptFailed",
    "AttemptInProgress",
    "AttemptUnknown",
    "CheckpointInfo",
    "Checkpoints",
    "ClusterOverview",
    "FlinkRest",
    "JobOverview",
    "NoSuchJob",
    "UploadedJar",
    "classify",
]

T = TypeVar("T")

# Bytes of an answer that are read. Failure causes were seen up to 71 KB, a job's line in the overview at 450 bytes.
_SMALL = 1 << 20
_GRAPH = 16 << 20
_ALL_JOBS = 64 << 20  # 50,000 jobs with long names

UPLOAD_TIMEOUT = 600.0  # seconds for a jar
RUN_TIMEOUT = 120.0  # seconds for a main method, which runs before Flink answers


@dataclass(frozen=True, slots=True)
class AttemptUnknown:
    """Flink has no such attempt: it was never sent, or the JobManager forgot it. That says nothing of its fate."""


@dataclass(frozen=True, slots=True)
class AttemptInProgress:
    """Flink is at it."""


@dataclass(frozen=True, slots=True)
class AttemptCompleted:
    """There is a savepoint. Success only together with a terminal job (contract, rule 3)."""

    location: str


Attempt = AttemptUnknown | AttemptInProgress | AttemptCompleted | AttemptFailed | NoSuchJob


@dataclass(frozen=True, slots=True)
class AlreadyOver:
    """Nothing to cancel: the job has already ended otherwise than by a cancel."""

    text: str


class ClusterOverview(msgspec.Struct, frozen=True, rename="kebab"):
    """`GET /overview`."""

    flink_version: str
    taskmanagers: int = 0
    slots_total: int = 0
    slots_available: int = 0
    jobs_running: int = 0


class JobOverview(msgspec.Struct, frozen=True):
    """One job of `GET /jobs/overview`. Times are milliseconds since the epoch; -1 where there is none."""

    jid: str
    name: str
    raw_state: str = msgspec.field(name="state")  # a state that a later Flink invents must not hide the other jobs
    start_time: int = msgspec.field(name="start-time", default=-1)
    end_time: int = msgspec.field(name="end-time", default=-1)
    tasks: dict[str, int] = msgspec.field(default_factory=dict)  # by state in lower case, and "total"
    job_type: str | None = msgspec.field(name="jobType", default="STREAMING")

    @property
    def state(self) -> JobState | None:
        """The state; None for one that we do not know."""
        return _state(self.raw_state)

    @property
    def ready(self) -> bool:
        """Whether a savepoint can be taken now (contract, rule 6). Finished tasks are no obstacle since Flink 1.15."""
        running = self.tasks.get("running", 0)
        settled = running + self.tasks.get("finished", 0)
        return self.raw_state == JobState.RUNNING and running > 0 and settled == self.tasks.get("total", 0)

    @property
    def batch(self) -> bool:
        """Whether it is a batch job, which refuses savepoints (contract, rule 7)."""
        return self.job_type == "BATCH"


class CheckpointInfo(msgspec.Struct, frozen=True):
    """One checkpoint or savepoint in `/jobs/:id/checkpoints`. Times are milliseconds since the epoch."""

    id: int
    is_savepoint: bool = False
    status: str = ""  # IN_PROGRESS, COMPLETED or FAILED; empty for the one a job was restored from
    checkpoint_type: str = ""  # CHECKPOINT, SAVEPOINT or SYNC_SAVEPOINT (a stop's own)
    trigger_timestamp: int = 0
    num_subtasks: int = 0
    num_acknowledged_subtasks: int = 0
    end_to_end_duration: int = 0  # ms
    state_size: int = 0  # bytes of the whole state
    checkpointed_size: int = 0  # bytes that had to be written for it
    external_path: str = ""
    failure_message: str | None = None


class LatestCheckpoints(msgspec.Struct, frozen=True):
    """The newest of each kind."""

    completed: CheckpointInfo | None = None
    savepoint: CheckpointInfo | None = None
    failed: CheckpointInfo | None = None
    restored: CheckpointInfo | None = None


class Checkpoints(msgspec.Struct, frozen=True):
    """`GET /jobs/:id/checkpoints`, cached by Flink for about 3 s."""

    counts: dict[str, int]
    latest: LatestCheckpoints
    history: list[CheckpointInfo] = msgspec.field(default_factory=list)  # the newest first


class _Externalization(msgspec.Struct):
    enabled: bool = False
    delete_on_cancellation: bool = True


class _CheckpointConfig(msgspec.Struct):
    externalization: _Externalization


class UploadedJar(msgspec.Struct, frozen=True):
    """One jar of `GET /jars`."""

    id: str
    name: str  # that it was uploaded under


class _Jars(msgspec.Struct):
    files: list[UploadedJar]


class _Upload(msgspec.Struct):
    filename: str


class _JarRun(msgspec.Struct):
    jobid: str


class _Jobs(msgspec.Struct):
    jobs: list[msgspec.Raw]


class _Status(msgspec.Struct):
    status: str


class _Triggered(msgspec.Struct):
    request_id: str = msgspec.field(name="request-id")


class _FailureCause(msgspec.Struct):
    cls: str = msgspec.field(name="class", default="")
    stack_trace: str = msgspec.field(name="stack-trace", default="")


class _Operation(msgspec.Struct):
    location: str | None = None
    failure_cause: _FailureCause | None = msgspec.field(name="failure-cause", default=None)


class _OperationStatus(msgspec.Struct):
    id: str


class _Attempt(msgspec.Struct):
    status: _OperationStatus
    operation: _Operation | None = None


class _Failure(msgspec.Struct):
    stacktrace: str = ""


class _FailureHistory(msgspec.Struct):
    entries: list[_Failure]


class _Exceptions(msgspec.Struct):
    history: _FailureHistory = msgspec.field(name="exceptionHistory")


class _BackPressure(msgspec.Struct):
    level: str | None = msgspec.field(name="backpressure-level", default=None)


class _Metric(msgspec.Struct):
    id: str
    sum: float | str = 0.0  # the text "NaN" where there is nothing to sum up


class _Errors(msgspec.Struct):
    errors: list[str]


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    body: bytes


class FlinkRest:
    """One JobManager. Every method may raise `Unreachable`; after a POST or PATCH it means "it may have arrived"."""

    def __init__(self, session: aiohttp.ClientSession, url: str, timeout: float) -> None:
        """`url` is the REST API's, with or without a trailing slash; `timeout` is seconds for one whole request."""
        self._session = session
        self._url = url.rstrip("/")
        self._timeout = aiohttp.ClientTimeout(total=timeout)

    async def overview(self) -> ClusterOverview:
        """What the cluster says of itself."""
        return _decode(await self._ask("GET", "/overview"), ClusterOverview)

    async def jobs(self) -> list[JobOverview]:
        """Every job that the JobManager lists now. It can leave out live ones: absence proves nothing (contract)."""
        lines = _decode(await self._ask("GET", "/jobs/overview", limit=_ALL_JOBS), _Jobs).jobs
        jobs = [job for line in lines if (job := _line(line)) is not None]
        if lines and not jobs:
            raise Unreachable("the cluster's answer is not one of Flink's: none of its jobs can be read")
        return jobs

    async def job_state(self, jid: str) -> JobState | None:
        """The state now, not cached; None when Flink knows no such job."""
        answer = await self._ask("GET", f"/jobs/{jid}/status")
        if answer.status in {404, 500} and isinstance(_denial(answer), NoSuchJob):
            return None
        name = _decode(answer, _Status).status
        state = _state(name)
        if state is None:
            raise Unreachable(f"the cluster answered a job state that is not known: {clip(name, 100)}")
        return state

    async def stop(
        self, jid: str, *, trigger: str, target: str, drain: bool = False, native: bool = False
    ) -> Acknowledged | Refused:
        """Ask for a stop with a savepoint under `target`, a directory of this attempt's own.

        `trigger` is 32 hex digits. A job that Flink does not know is acknowledged all the same; only `attempt` tells.
        """
        body: dict[str, object] = {"targetDirectory": target, "drain": drain, "triggerId": trigger}
        if native:
            body["formatType"] = "NATIVE"
        return await self._trigger(f"/jobs/{jid}/stop", body)

    async def savepoint(self, jid: str, *, trigger: str, target: str) -> Acknowledged | Refused:
        """Ask for a savepoint under `target` while the job runs on; else as `stop`."""
        body: dict[str, object] = {"target-directory": target, "cancel-job": False, "triggerId": trigger}
        return await self._trigger(f"/jobs/{jid}/savepoints", body)

    async def _trigger(self, path: str, body: dict[str, object]) -> Acknowledged | Refused:
        answer = await self._ask("POST", path, body)
        if answer.status == 202:
            # A Flink before 1.15 answers an id of its own; what was asked for is under way there just the same.
            _decode(answer, _Triggered, status=202)
            return Acknowledged()
        denial = _denial(answer, {400, 404, 405, 409})
        return Refused(denial.refusal if isinstance(denial, AttemptFailed) else Refusal.OTHER, denial.text)

    async def cancel(self, jid: str) -> Acknowledged | AlreadyOver | NoSuchJob:
        """Ask for a cancel. A job that is already canceled is acknowledged."""
        answer = await self._ask("PATCH", f"/jobs/{jid}?mode=cancel")
        if answer.status == 202:
            return Acknowledged()
        denial = _denial(answer, {404, 409})
        return AlreadyOver(denial.text) if answer.status == 409 else NoSuchJob(denial.text)

    async def attempt(self, jid: str, trigger: str) -> Attempt:
        """What became of the attempt with this trigger id. Flink remembers it for some minutes after its end."""
        answer = await self._ask("GET", f"/jobs/{jid}/savepoints/{trigger}")
        if answer.status == 404:
            _denial(answer, {404})
            return AttemptUnknown()
        said = _decode(answer, _Attempt)
        if said.status.id == "IN_PROGRESS":
            return AttemptInProgress()
        operation = said.operation or _Operation()
        if operation.failure_cause is not None:
            return classify(operation.failure_cause.cls, operation.failure_cause.stack_trace)
        if said.status.id != "COMPLETED" or not operation.location:
            raise Unreachable("the cluster's answer about the attempt says neither where nor why")
        return AttemptCompleted(operation.location)

    async def exceptions(self, jid: str) -> str:
        """Why the job failed last, in plain words; empty when Flink knows of no failure, or not of the job."""
        answer = await self._ask("GET", f"/jobs/{jid}/exceptions?maxExceptions=1", limit=_GRAPH)
        if answer.status == 404:
            _denial(answer, {404})
            return ""
        entries = _decode(answer, _Exceptions).history.entries
        return plain_words(entries[0].stacktrace) if entries else ""

    async def job(self, jid: str) -> dict[str, Any] | None:
        """The job with its graph, as Flink tells it and cached for about 3 s; None when Flink knows no such job."""
        answer = await self._ask("GET", f"/jobs/{jid}", limit=_GRAPH)
        if answer.status == 404:
            _denial(answer, {404})
            return None
        return _decode(answer, dict[str, Any])

    async def back_pressure(self, jid: str, vertex: str) -> str | None:
        """`ok`, `low` or `high`; None when Flink has not looked yet, or knows no such job or vertex."""
        answer = await self._ask("GET", f"/jobs/{jid}/vertices/{vertex}/backpressure")
        if answer.status == 404:
            _denial(answer, {404})
            return None
        return _decode(answer, _BackPressure).level

    async def metric_names(self, jid: str, vertex: str) -> list[str]:
        """The metrics of a vertex; none when Flink knows no such job or vertex, or has none of it (any more)."""
        found = await self._ask("GET", f"/jobs/{jid}/vertices/{vertex}/subtasks/metrics", limit=_GRAPH)
        return [metric.id for metric in _decode(found, list[_Metric])]

    async def metric_sums(self, jid: str, vertex: str, names: Sequence[str]) -> dict[str, float]:
        """Metrics of a vertex, each summed up over its tasks; those that Flink does not have are left out."""
        query = urlencode({"get": ",".join(names), "agg": "sum"})
        found = await self._ask("GET", f"/jobs/{jid}/vertices/{vertex}/subtasks/metrics?{query}", limit=_GRAPH)
        return {metric.id: _finite(metric.sum) for metric in _decode(found, list[_Metric])}

    async def checkpoints(self, jid: str) -> Checkpoints | None:
        """The job's checkpoints; None when Flink knows no such job, or none of its checkpoints (after a failover)."""
        answer = await self._ask("GET", f"/jobs/{jid}/checkpoints", limit=_GRAPH)
        if answer.status == 404:
            _denial(answer, {404})
            return None
        return _decode(answer, Checkpoints)

    async def retains_checkpoints(self, jid: str) -> bool:
        """Whether the job's checkpoints outlive a cancel."""
        answer = await self._ask("GET", f"/jobs/{jid}/checkpoints/config")
        if answer.status == 404:
            _denial(answer, {404})
            return False
        kept = _decode(answer, _CheckpointConfig).externalization
        return kept.enabled and not kept.delete_on_cancellation

    async def running_since(self, jid: str, state: JobState) -> int | None:
        """When the job last began to run, in ms since the epoch, 0 for never.

        None while Flink's answer, which it caches for about 3 s, is older than this state of the job.
        """
        job = await self.job(jid)
        if job is None or job.get("state") != state:
            return None
        stamps = job.get("timestamps")
        at = stamps.get("RUNNING", 0) if isinstance(stamps, dict) else None
        return at if isinstance(at, int) else None

    async def jars(self) -> list[UploadedJar] | None:
        """The jars that were uploaded and are still there; None where none are taken."""
        answer = await self._ask("GET", "/jars", limit=_GRAPH)
        if answer.status == 404 and _is_no_endpoint(_errors(answer) or [""]):
            return None
        return _decode(answer, _Jars).files

    async def upload_jar(self, name: str, file: Path) -> str:
        """Upload a jar under this name, which need not be free; the jar's id."""
        with file.open("rb") as content:
            form = aiohttp.FormData(quote_fields=False)
            form.add_field("jarfile", content, filename=name, content_type="application/java-archive")
            answer = await self._ask("POST", "/jars/upload", form, timeout=UPLOAD_TIMEOUT)
        return _decode(answer, _Upload).filename.rpartition("/")[2]

    async def run_jar(self, jar_id: str, body: Mapping[str, object]) -> str | None:
        """Run the main method of an uploaded jar; returns after its end. None: its job is there; else Flink's no."""
        answer = await self._ask("POST", f"/jars/{jar_id}/run", body, timeout=RUN_TIMEOUT)
        if answer.status == 200:
            _decode(answer, _JarRun)
            return None
        errors = _errors(answer)
        if answer.status not in {400, 500} or not errors:
            raise Unreachable(f"the cluster answered HTTP {answer.status}{_excerpt(answer)}")
        return "\n".join(errors)

    async def _ask(
        self, method: str, path: str, body: object = None, limit: int = _SMALL, timeout: float | None = None
    ) -> _Answer:
        """The answer, whatever its status, with a body of at most `limit` bytes. Raises `Unreachable`."""
        data = body if body is None or isinstance(body, aiohttp.FormData) else msgspec.json.encode(body)
        headers = {"Accept": "application/json"}
        if isinstance(data, bytes):
            headers["Content-Type"] = "application/json"
        patience = self._timeout if timeout is None else aiohttp.ClientTimeout(total=timeout)
        with _translated():
            async with self._session.request(
                method, self._url + path, data=data, headers=headers, timeout=patience, allow_redirects=False
            ) as response:
                return _Answer(response.status, await _read(response, limit))


# The first row that an exception is an instance of gives the words, so subclasses come before their bases.
TROUBLES: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ClientConnectorDNSError, "the cluster's address cannot be resolved"),
    (aiohttp.ClientSSLError, "no secure connection to the cluster"),
    (aiohttp.ServerFingerprintMismatch, "no secure connection to the cluster"),
    (ssl.SSLError, "no secure connection to the cluster"),
    (aiohttp.ClientProxyConnectionError, "the proxy before the cluster refuses the connection"),
    (aiohttp.ClientHttpProxyError, "the proxy before the cluster refuses the connection"),
    (aiohttp.ConnectionTimeoutError, "no connection to the cluster in time"),
    (TimeoutError, "no answer from the cluster in time"),
    (aiohttp.ClientConnectorError, "no connection to the cluster"),
    (aiohttp.ServerDisconnectedError, "the cluster closed the connection before it had answered"),
    (aiohttp.ClientPayloadError, "the cluster's answer was cut short"),
    (aiohttp.InvalidURL, "the cluster's address is not valid"),
    (aiohttp.ClientConnectionError, "the connection to the cluster broke"),
    (OSError, "the connection to the cluster broke"),
    (HttpProcessingError, "the cluster's answer is not HTTP"),
    (aiohttp.ClientError, "the cluster's answer is not HTTP"),
    (msgspec.MsgspecError, "the cluster's answer is not one of Flink's"),
    (UnicodeError, "the cluster's answer is not one of Flink's"),
)


@contextmanager
def _translated() -> Iterator[None]:
    """Raise `Unreachable` for whatever `TROUBLES` lists."""
    try:
        yield
    except tuple(cls for cls, _ in TROUBLES) as error:
        words = next(words for cls, words in TROUBLES if isinstance(error, cls))
        detail = clip(str(error), 200)
        raise Unreachable(f"{words}: {detail}" if detail else words) from error


async def _read(response: aiohttp.ClientResponse, limit: int) -> bytes:
    body = bytearray()
    async for chunk in response.content.iter_any():
        body += chunk
        if len(body) > limit:
            response.close()
            raise Unreachable(f"the cluster's answer is longer than {limit} bytes")
    return bytes(body)


def _decode(answer: _Answer, shape: type[T], status: int = 200) -> T:
    if answer.status != status:
        raise Unreachable(f"the cluster answered HTTP {answer.status}{_excerpt(answer)}")
    with _translated():
        return msgspec.json.decode(answer.body, type=shape)


_LINE = msgspec.json.Decoder(JobOverview)


def _line(raw: msgspec.Raw) -> JobOverview | None:
    """One job of the overview; None for one that cannot be read, which must not hide the others."""
    try:
        return _LINE.decode(raw)
    except (msgspec.MsgspecError, UnicodeError):
        return None


def _denial(answer: _Answer, statuses: set[int] | None = None) -> AttemptFailed | NoSuchJob:
    """Flink's own reasoned no. Raises `Unreachable` for anybody else's: a proxy's 404 proves nothing about a job."""
    errors = _errors(answer)
    if not errors or (statuses is not None and answer.status not in statuses) or _is_no_endpoint(errors):
        raise Unreachable(f"the cluster answered HTTP {answer.status}{_excerpt(answer)}")
    return classify("", "\n".join(errors))


def _errors(answer: _Answer) -> list[str]:
    try:
        errors = msgspec.json.decode(answer.body, type=_Errors).errors
    except (msgspec.MsgspecError, UnicodeError):
        return []
    frames = ("Internal server error.", "<Exception on server side:\n", "End of exception on server side>")
    for frame in frames:
        errors = [error.replace(frame, "").strip() for error in errors]
    return [error for error in errors if error]


def _is_no_endpoint(errors: list[str]) -> bool:
    return errors[0].startswith(("Unable to load requested file", "Not found: "))


def _finite(value: float | str) -> float:
    return value if isinstance(value, float) and math.isfinite(value) else 0.0


def _excerpt(answer: _Answer) -> str:
    errors = _errors(answer)
    text = plain_words("\n".join(errors)) if errors else clip(answer.body[:1000].decode(errors="replace"), 200)
    return f": {text}" if text else ""


def _state(name: str) -> JobState | None:
    try:
        return JobState(name)
    except ValueError:
        return None
