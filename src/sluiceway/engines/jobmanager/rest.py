"""A JobManager's REST API, typed. It translates and nothing else: no retries, no waiting, no decisions.

Whatever is not an answer of Flink's own (no connection, a time-out, a redirect, a proxy's page, an endless body) is
`Unreachable`. "Contract" below is the Flink contract.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
import msgspec

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.facts import Acknowledged, JobState, Refusal, Refused
from sluiceway.domain.failure_words import clip
from sluiceway.domain.observed import (
    Attempt,
    AttemptCompleted,
    AttemptFailed,
    AttemptInProgress,
    AttemptUnknown,
    LastFailure,
    NoSuchJob,
    Timeline,
)
from sluiceway.engines.jobmanager.addresses import Addresses
from sluiceway.engines.jobmanager.answers import (
    SMALL,
    Answer,
    Tail,
    decode,
    decoded,
    denial,
    errors_of,
    excerpt,
    is_absent,
    is_no_endpoint,
    off_loop,
    passed_on,
)
from sluiceway.engines.jobmanager.asking import Asking
from sluiceway.engines.jobmanager.failures import classify, ends, plain_words
from sluiceway.engines.jobmanager.shapes import (
    AttemptStatus,
    BackPressure,
    CheckpointConfig,
    CheckpointInfo,
    Checkpoints,
    ClusterOption,
    ClusterOverview,
    Exceptions,
    Failure,
    JarRun,
    Jars,
    Job,
    JobConfig,
    JobOverview,
    Jobs,
    JobVertices,
    LatestCheckpoints,
    Metric,
    MetricSum,
    NamedJobs,
    Operation,
    ReadableJobs,
    Status,
    TaskManagers,
    Triggered,
    Upload,
    UploadedJar,
    state_of,
)

__all__ = [
    "AlreadyOver",
    "CheckpointConfig",
    "CheckpointInfo",
    "Checkpoints",
    "ClusterOverview",
    "FlinkRest",
    "JobOverview",
    "LatestCheckpoints",
    "UploadedJar",
    "classify",
]

# Bytes of an answer that are read. Failure causes were seen up to 71 KB, a job's line in the overview at 450 bytes.
# What is passed on as it came takes up to twenty times as many in memory.
_TAKES_NONE = "Checkpointing "  # "is not enabled for this job", "has not been enabled"
_GRAPH = 4 << 20
_TRACES = 16 << 20  # of every task that failed at once
_ALL_JOBS = 64 << 20  # 50,000 jobs with long names
_AT_ONCE = 8 << 20  # of the same list, if it is decoded at once
MOST_JOBS = 500_000
_LONGEST_METRIC = 2000  # characters of a name
_LARGEST_SUM = float(2**60)

_PACKED = "job"  # what the file of a job is called while it is sent

UPLOAD_TIMEOUT = 600.0  # seconds for a jar
LOG_TIMEOUT = 60.0  # seconds for a log, which is read from its beginning to its end
LONGEST_LOG = 128 << 20  # bytes of a log that is read for its end; Flink's own settings let one grow to 100 MB
RUN_TIMEOUT = 120.0  # seconds for a main method, which runs before Flink answers


@dataclass(frozen=True, slots=True)
class AlreadyOver:
    """Nothing to cancel: the job has already ended otherwise than by a cancel."""

    text: str


class FlinkRest:
    """One JobManager. Every method may raise `Unreachable`; after a POST or PATCH it means "it may have arrived"."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        where: str | Addresses,
        timeout: float,
        trouble: str = "",
        *,
        keeps_open: bool = True,
    ) -> None:
        """`where` is the REST API's URL, with or without a trailing slash; `timeout` is seconds for one whole request.

        With a `trouble`, which says why, nothing is ever asked. `keeps_open`: see `Asking`.
        """
        addresses = Addresses([where]) if isinstance(where, str) else where
        self._asking = Asking(session, addresses, timeout, trouble, keeps_open=keeps_open)

    async def overview(self) -> ClusterOverview:
        """What the cluster says of itself."""
        return decode(await self._ask("GET", "/overview"), ClusterOverview)

    async def jobs(
        self, only: Collection[str] | None = None, *, others: int = 0, of: int = MOST_JOBS
    ) -> list[JobOverview]:
        """Every job that the JobManager lists now, or those of `only` and so many others; none twice.

        A list of more than `of` jobs is read for `only` alone.

        It can leave out live ones: absence proves nothing (contract). One that cannot be read, or is there twice and
        differs, is in a state that is not known.
        """
        answer = await self._ask("GET", "/jobs/overview", limit=_ALL_JOBS)
        return await off_loop(answer, lambda it: _listed(it, only, others, of))

    async def job_state(self, jid: str) -> JobState | None:
        """The state now, not cached; None when Flink knows no such job."""
        answer = await self._ask("GET", f"/jobs/{jid}/status")
        if answer.status in {404, 500} and isinstance(denial(answer), NoSuchJob):
            return None
        name = decode(answer, Status).status
        state = state_of(name)
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

    async def savepoint(self, jid: str, *, trigger: str, target: str, native: bool = False) -> Acknowledged | Refused:
        """Ask for a savepoint under `target` while the job runs on; else as `stop`."""
        body: dict[str, object] = {"target-directory": target, "cancel-job": False, "triggerId": trigger}
        if native:
            body["formatType"] = "NATIVE"
        return await self._trigger(f"/jobs/{jid}/savepoints", body)

    async def _trigger(self, path: str, body: dict[str, object]) -> Acknowledged | Refused:
        answer = await self._ask("POST", path, body)
        if answer.status == 202:
            # A Flink before 1.15 answers an id of its own; what was asked for is under way there just the same.
            decode(answer, Triggered, status=202)
            return Acknowledged()
        said_no = denial(answer, {400, 404, 405, 409})
        return Refused(said_no.refusal if isinstance(said_no, AttemptFailed) else Refusal.OTHER, said_no.text)

    async def cancel(self, jid: str) -> Acknowledged | AlreadyOver | NoSuchJob:
        """Ask for a cancel. A job that is already canceled is acknowledged."""
        answer = await self._ask("PATCH", f"/jobs/{jid}?mode=cancel")
        if answer.status == 202:
            return Acknowledged()
        said_no = denial(answer, {404, 409})
        return AlreadyOver(said_no.text) if answer.status == 409 else NoSuchJob(said_no.text)

    async def attempt(self, jid: str, trigger: str) -> Attempt:
        """What became of the attempt with this trigger id. Flink remembers it for some minutes after its end."""
        answer = await self._ask("GET", f"/jobs/{jid}/savepoints/{trigger}")
        if is_absent(answer):
            return AttemptUnknown()
        said = decode(answer, AttemptStatus)
        if said.status.id == "IN_PROGRESS":
            return AttemptInProgress()
        operation = said.operation or Operation()
        if operation.failure_cause is not None:
            return classify(operation.failure_cause.cls, operation.failure_cause.stack_trace)
        if said.status.id != "COMPLETED" or not operation.location:
            raise Unreachable("the cluster's answer about the attempt says neither where nor why")
        return AttemptCompleted(operation.location)

    async def failures(self, jid: str) -> tuple[list[int], str]:
        """When the job has failed lately, in ms since the epoch, and why the last time; Flink remembers some 16."""
        entries = await self._failures(jid, 20)
        return [entry.timestamp for entry in entries], plain_words(entries[0].stacktrace) if entries else ""

    async def exceptions(self, jid: str) -> str:
        """Why the job failed last, in plain words; empty when Flink knows of no failure, or not of the job.

        A job that never got as far as to run may have its cause among those of its application alone (Flink 2.x).
        """
        if entries := await self._failures(jid, 1):
            return plain_words(entries[0].stacktrace)
        answer = await self._ask("GET", f"/applications/{jid}/exceptions", limit=_TRACES)
        if answer.status != 200:
            return ""  # an older Flink has no applications
        entries = (await decoded(answer, Exceptions)).history.entries
        return plain_words(entries[0].stacktrace) if entries else ""

    async def traces(self, jid: str, most: int) -> list[Failure]:
        """So many of its failures with their stack traces, the latest first; none where Flink knows no such job."""
        return await self._failures(jid, most)

    async def task_managers(self) -> list[str]:
        """The ids of all TaskManagers."""
        answer = await self._ask("GET", "/taskmanagers", limit=_TRACES)
        return [each.id for each in (await decoded(answer, TaskManagers)).taskmanagers]

    async def log(self, task_manager: str | None, most: int) -> bytes | None:
        """The last bytes of the log of a TaskManager, or of the JobManager; None where there is none.

        Flink hands a log out from its beginning only, and a process may have none.
        """
        path = "/jobmanager/log" if task_manager is None else f"/taskmanagers/{quote(task_manager, safe='')}/log"
        answer = await self._ask("GET", path, limit=Tail(most, LONGEST_LOG), timeout=LOG_TIMEOUT)
        if answer.status == 200:
            return bytes(answer.body)
        if answer.status not in {404, 500} or not errors_of(answer):
            raise Unreachable(f"the cluster answered HTTP {answer.status}{excerpt(answer)}")
        return None

    async def last_failure(self, jid: str) -> LastFailure | None:
        """When and why the job failed last, as `exceptions`."""
        entries = await self._failures(jid, 1)
        return LastFailure(entries[0].timestamp, plain_words(entries[0].stacktrace)) if entries else None

    async def job(self, jid: str) -> dict[str, Any] | None:
        """The job with its graph, as Flink tells it and cached for about 3 s; None when Flink knows no such job."""
        answer = await self._ask("GET", f"/jobs/{jid}", limit=_GRAPH)
        if is_absent(answer):
            return None
        return await off_loop(answer, lambda it: passed_on(it, Job))

    async def vertex_names(self, jid: str) -> list[str]:
        """The names of its vertices; none before Flink shows them, or when it knows no such job. Cached as `job`."""
        answer = await self._ask("GET", f"/jobs/{jid}", limit=_GRAPH)
        return [] if is_absent(answer) else [each.name for each in (await decoded(answer, JobVertices)).vertices]

    async def back_pressure(self, jid: str, vertex: str) -> str | None:
        """`ok`, `low` or `high`; None when Flink has not looked yet, or knows no such job or vertex."""
        answer = await self._ask("GET", f"/jobs/{jid}/vertices/{vertex}/backpressure")
        if is_absent(answer):
            return None
        return decode(answer, BackPressure).level

    async def metric_names(self, jid: str, vertex: str) -> list[str]:
        """The metrics of a vertex; none when Flink knows no such job or vertex, or has none of it (any more)."""
        found = await self._ask("GET", f"/jobs/{jid}/vertices/{vertex}/subtasks/metrics", limit=_GRAPH)
        names = [metric.id for metric in await decoded(found, list[Metric])]
        return [name for name in names if len(name) <= _LONGEST_METRIC]

    async def metric_sums(self, jid: str, vertex: str, names: Sequence[str]) -> dict[str, float]:
        """Metrics of a vertex, each summed up over its tasks; those that Flink does not have are left out."""
        query = urlencode({"get": ",".join(names), "agg": "sum"})
        found = await self._ask("GET", f"/jobs/{jid}/vertices/{vertex}/subtasks/metrics?{query}", limit=_GRAPH)
        return {metric.id: _sum(metric) for metric in await decoded(found, list[MetricSum])}

    async def checkpoints(self, jid: str) -> Checkpoints | None:
        """The job's checkpoints; None when Flink knows no such job, or none of its checkpoints (after a failover)."""
        answer = await self._ask("GET", f"/jobs/{jid}/checkpoints", limit=_GRAPH)
        if is_absent(answer):
            return None
        return await decoded(answer, Checkpoints)

    async def checkpoint_config(self, jid: str) -> CheckpointConfig | None:
        """How the job takes checkpoints; None when it takes none (a batch job).

        Raises `Unreachable` also when Flink knows no such job: one whose JobManager recovers is unknown for a while.
        """
        answer = await self._ask("GET", f"/jobs/{jid}/checkpoints/config")
        if is_absent(answer) and any(_TAKES_NONE in error for error in errors_of(answer)):
            return None
        return decode(answer, CheckpointConfig)

    async def restart_strategy(self, jid: str) -> str | None:
        """How the job is restarted, in Flink's words; None when Flink knows no such job."""
        answer = await self._ask("GET", f"/jobs/{jid}/config")
        return None if is_absent(answer) else decode(answer, JobConfig).execution.restart_strategy

    async def cluster_options(self) -> dict[str, str]:
        """The options of the JobManager. Secrets are starred out by Flink."""
        answer = await self._ask("GET", "/jobmanager/config", limit=_GRAPH)
        return {option.key: option.value for option in decode(answer, list[ClusterOption])}

    async def timeline(self, jid: str) -> Timeline | None:
        """When the job was in which state, cached by Flink for about 3 s; None when Flink knows no such job."""
        job = await self.job(jid)
        if job is None:
            return None
        at = job.get("timestamps", {}).get("RUNNING")
        return Timeline(str(job.get("state", "")), at if isinstance(at, int) else None)

    async def jars(self) -> list[UploadedJar] | None:
        """The jars that were uploaded and are still there; None where none are taken."""
        answer = await self._ask("GET", "/jars", limit=_GRAPH)
        if answer.status == 404 and is_no_endpoint(errors_of(answer) or [""]):
            return None
        return (await decoded(answer, Jars)).files

    async def upload_jar(self, name: str, file: Path) -> str:
        """Upload a jar under this name, which need not be free; the jar's id."""
        with file.open("rb") as content:
            form = aiohttp.FormData(quote_fields=False)
            form.add_field("jarfile", content, filename=name, content_type="application/java-archive")
            answer = await self._ask("POST", "/jars/upload", form, timeout=UPLOAD_TIMEOUT)
        return decode(answer, Upload).filename.rpartition("/")[2]

    async def run_jar(self, jar_id: str, body: Mapping[str, object]) -> str | None:
        """Run the main method of an uploaded jar; returns after its end. None: its job is there; else Flink's no."""
        answer = await self._ask("POST", f"/jars/{quote(jar_id, safe='')}/run", body, timeout=RUN_TIMEOUT)
        if answer.status == 200:
            decode(answer, JarRun)
            return None
        errors = errors_of(answer)
        if answer.status not in {400, 500} or not errors:
            raise Unreachable(f"the cluster answered HTTP {answer.status}{excerpt(answer)}")
        return ends("\n".join(errors))

    async def submit(self, packed: bytes) -> str | None:
        """Hand over a job as Flink's client has packed it. None: the cluster took it; else Flink's no."""
        form = aiohttp.FormData(quote_fields=False)
        named = msgspec.json.encode({"jobGraphFileName": _PACKED, "jobJarFileNames": [], "jobArtifactFileNames": []})
        form.add_field("request", named.decode(), content_type="application/json")  # bytes would make it a file
        form.add_field("file_0", packed, filename=_PACKED, content_type="application/octet-stream")
        answer = await self._ask("POST", "/jobs", form, timeout=UPLOAD_TIMEOUT)
        if answer.status == 202:
            return None
        errors = errors_of(answer)
        if answer.status not in {400, 500} or not errors or is_no_endpoint(errors):
            raise Unreachable(f"the cluster answered HTTP {answer.status}{excerpt(answer)}")
        return ends("\n".join(errors))

    async def _failures(self, jid: str, most: int) -> list[Failure]:
        """What the job has failed of, the latest first; none where Flink knows no such job."""
        answer = await self._ask("GET", f"/jobs/{jid}/exceptions?maxExceptions={most}", limit=_TRACES)
        return [] if is_absent(answer) else (await decoded(answer, Exceptions)).history.entries

    async def _ask(
        self, method: str, path: str, body: object = None, limit: int | Tail = SMALL, timeout: float | None = None
    ) -> Answer:
        """See `Asking`."""
        return await self._asking(method, path, body, limit, timeout)


_LINE, _LIST = msgspec.json.Decoder(JobOverview), msgspec.json.Decoder(ReadableJobs)


def _listed(answer: Answer, only: Collection[str] | None, others: int, of: int) -> list[JobOverview]:
    if answer.body.count(b'"jid"') > MOST_JOBS:
        raise Unreachable(f"the cluster lists more than {MOST_JOBS} jobs")
    lines = _lines(answer)
    others = others if len(lines) <= of else 0
    found: dict[str, JobOverview] = {}
    for jid, line in lines:
        asked = only is None or jid in only
        others -= not asked
        if asked or others >= 0:
            job, twin = line if isinstance(line, JobOverview) else _line(jid, line), found.get(jid)
            agree = twin is None or twin.state is job.state
            found[jid] = job if agree else JobOverview(jid, "", "(contradictory)")
    return list(found.values())


def _lines(answer: Answer) -> list[tuple[str, JobOverview | msgspec.Raw]]:
    """All jobs by id. They are decoded at once, in half the time, where no line is odd and they are not too many."""
    if answer.status == 200 and len(answer.body) <= _AT_ONCE:
        with suppress(msgspec.MsgspecError, UnicodeError, RecursionError):
            return [(job.jid, job) for job in _LIST.decode(answer.body).jobs]
    ids = [job.jid for job in decode(answer, NamedJobs).jobs]
    return list(zip(ids, decode(answer, Jobs).jobs, strict=True))


def _line(jid: str, raw: msgspec.Raw) -> JobOverview:
    """One job of the overview. One that cannot be read must not hide the others, nor pass for one that is not there."""
    try:
        return _LINE.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return JobOverview(jid, "", "(unreadable)")


def _sum(metric: MetricSum) -> float:
    """Raises `Unreachable` for what is no sum: a rate of 0 would be a lie."""
    if metric.sum == "NaN":
        return 0.0
    if isinstance(metric.sum, str) or not abs(metric.sum) <= _LARGEST_SUM:
        raise Unreachable(f"the cluster answered a sum that is none, for {clip(metric.id, 100)}")
    return metric.sum
