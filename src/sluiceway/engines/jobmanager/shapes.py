"""What a JobManager answers, field by field, within Flink's own bounds.

An answer with anything out of bounds cannot be read, and counts as none.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from sluiceway.domain.facts import TERMINAL, JobState

Moment = Annotated[int, Meta(ge=-1, le=253_370_764_800_000)]  # ms since the epoch, up to the year 9999; -1 for none
Span = Annotated[int, Meta(ge=-(10**14), le=10**14)]  # ms
Long = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Word = Annotated[str, Meta(max_length=64)]  # a state, a kind, a version
Place = Annotated[str, Meta(max_length=4096)]
VertexId = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_\-]{1,64}$")]  # it becomes part of an address

# By name: they are asked for several times for each job at every look.
_STATES = {state.value: state for state in JobState}
_OVER = frozenset(state.value for state in TERMINAL)
_LIVING = _STATES.keys() - _OVER


class ClusterOverview(msgspec.Struct, frozen=True, rename="kebab"):
    """`GET /overview`."""

    flink_version: Word
    taskmanagers: Long = 0
    slots_total: Long = 0
    slots_available: Long = 0


class Tasks(msgspec.Struct, frozen=True, gc=False):
    """How many tasks of a job are in which state, where that tells anything. A dictionary takes nine times as much."""

    total: Long = 0
    running: Long = 0
    finished: Long = 0
    scheduled: Long = 0


class JobOverview(msgspec.Struct, frozen=True, gc=False):
    """One job of `GET /jobs/overview`. Times are milliseconds since the epoch; -1 where there is none."""

    jid: Word
    name: str
    raw_state: Word = msgspec.field(name="state")  # a state that a later Flink invents must not hide the other jobs
    start_time: Moment = msgspec.field(name="start-time", default=-1)
    end_time: Moment = msgspec.field(name="end-time", default=-1)
    last_modification: Moment = msgspec.field(name="last-modification", default=-1)  # of a task
    tasks: Tasks = msgspec.field(default_factory=Tasks)
    job_type: Word | None = msgspec.field(name="jobType", default=None)  # not told before Flink 2.3

    @property
    def state(self) -> JobState | None:
        """The state; None for an unknown one."""
        return _STATES.get(self.raw_state)

    @property
    def over(self) -> bool:
        """Whether Flink is done with it for good."""
        return self.raw_state in _OVER

    @property
    def lives(self) -> bool:
        """Whether it is certainly not over."""
        return self.raw_state in _LIVING

    @property
    def batch(self) -> bool | None:
        """Whether it is a batch job, which refuses savepoints (contract, rule 7); None where that is not told."""
        return None if self.job_type is None else self.job_type == "BATCH"


class CheckpointInfo(msgspec.Struct, frozen=True):
    """One checkpoint or savepoint in `/jobs/:id/checkpoints`. Times are milliseconds since the epoch."""

    id: Long
    is_savepoint: bool = False
    status: Word = ""  # IN_PROGRESS, COMPLETED or FAILED; empty for the one a job was restored from
    checkpoint_type: Word = ""  # CHECKPOINT, SAVEPOINT or SYNC_SAVEPOINT (a stop's own)
    trigger_timestamp: Moment = 0
    restore_timestamp: Moment = 0  # of the one a job was restored from
    num_acknowledged_subtasks: Long = 0
    end_to_end_duration: Span = 0  # ms
    state_size: Long = 0  # bytes of the whole state
    checkpointed_size: Long = 0  # bytes that had to be written for it
    external_path: Place = ""
    failure_message: str | None = None


History = Annotated[list[CheckpointInfo], Meta(max_length=10_000)]


class LatestCheckpoints(msgspec.Struct, frozen=True):
    """The newest of each kind."""

    completed: CheckpointInfo | None = None
    savepoint: CheckpointInfo | None = None
    failed: CheckpointInfo | None = None
    restored: CheckpointInfo | None = None


class Checkpoints(msgspec.Struct, frozen=True):
    """`GET /jobs/:id/checkpoints`, cached by Flink for about 3 s."""

    counts: dict[str, Long]
    latest: LatestCheckpoints
    history: History = msgspec.field(default_factory=list)  # the newest first


class Externalization(msgspec.Struct):
    """Whether checkpoints are kept, and for how long."""

    enabled: bool = False
    delete_on_cancellation: bool = True


class CheckpointConfig(msgspec.Struct):
    """`GET /jobs/:id/checkpoints/config`."""

    externalization: Externalization
    state_backend: Word = ""  # the name of its class
    checkpoint_storage: Word = ""  # the same
    interval: Long | None = None  # ms; the greatest of all longs where there is none
    timeout: Span = 0  # ms
    unaligned_checkpoints: bool = False
    checkpoints_after_tasks_finish: bool | None = None
    state_changelog_enabled: bool | None = None


class ExecutionConfig(msgspec.Struct, rename="kebab"):
    """What `JobConfig` says of how a job is executed."""

    restart_strategy: Place = ""  # in words


class JobConfig(msgspec.Struct):
    """`GET /jobs/:id/config`."""

    execution: ExecutionConfig = msgspec.field(name="execution-config", default_factory=ExecutionConfig)


class ClusterOption(msgspec.Struct):
    """One option of `GET /jobmanager/config`."""

    key: Place
    value: Place


class JarEntry(msgspec.Struct, frozen=True):
    """A main class that a jar's manifest names."""

    name: Place


class UploadedJar(msgspec.Struct, frozen=True):
    """One jar of `GET /jars`."""

    id: Place
    name: Place  # that it was uploaded under
    uploaded: Moment = -1
    entry: Annotated[list[JarEntry], Meta(max_length=100)] = []


class Jars(msgspec.Struct):
    """`GET /jars`."""

    files: list[UploadedJar]


class Upload(msgspec.Struct):
    """`POST /jars/upload`."""

    filename: str


class JarRun(msgspec.Struct):
    """`POST /jars/:id/run`."""

    jobid: str


class Named(msgspec.Struct):
    """The id of a job of the overview."""

    jid: Word


class NamedJobs(msgspec.Struct):
    """`GET /jobs/overview`, as far as it tells which jobs there are."""

    jobs: list[Named]


class Jobs(msgspec.Struct):
    """The same, each job as it came."""

    jobs: list[msgspec.Raw]


class ReadableJobs(msgspec.Struct):
    """The same, where each can be read."""

    jobs: list[JobOverview]


class Vertex(msgspec.Struct):
    """One vertex of a job."""

    id: VertexId


class Job(msgspec.Struct):
    """`GET /jobs/:id`, as far as we rely on it."""

    state: Word = ""
    timestamps: dict[str, Moment] = msgspec.field(default_factory=dict)
    vertices: Annotated[list[Vertex], Meta(max_length=2000)] = msgspec.field(default_factory=list)


class NamedVertex(msgspec.Struct):
    """A vertex, as far as people know it."""

    name: str = ""


class JobVertices(msgspec.Struct):
    """`GET /jobs/:id`, as far as it tells what a job is made of."""

    vertices: Annotated[list[NamedVertex], Meta(max_length=2000)] = msgspec.field(default_factory=list)


class Status(msgspec.Struct):
    """`GET /jobs/:id/status`."""

    status: str


class Triggered(msgspec.Struct):
    """The acknowledgement of a stop or a savepoint."""

    request_id: str = msgspec.field(name="request-id")


class FailureCause(msgspec.Struct):
    """Why an attempt failed."""

    cls: str = msgspec.field(name="class", default="")
    stack_trace: str = msgspec.field(name="stack-trace", default="")


class Operation(msgspec.Struct):
    """What an attempt came to."""

    location: Place | None = None
    failure_cause: FailureCause | None = msgspec.field(name="failure-cause", default=None)


class OperationStatus(msgspec.Struct):
    """Whether an attempt is over."""

    id: str


class AttemptStatus(msgspec.Struct):
    """`GET /jobs/:id/savepoints/:trigger`."""

    status: OperationStatus
    operation: Operation | None = None


class Failure(msgspec.Struct):
    """One failure of a job."""

    stacktrace: str = ""
    timestamp: int = 0  # ms since the epoch


class FailureHistory(msgspec.Struct):
    """The failures of a job, the latest first."""

    entries: list[Failure]


class Exceptions(msgspec.Struct):
    """`GET /jobs/:id/exceptions`."""

    history: FailureHistory = msgspec.field(name="exceptionHistory")


class TaskManager(msgspec.Struct):
    """One TaskManager."""

    id: str


class TaskManagers(msgspec.Struct):
    """`GET /taskmanagers`."""

    taskmanagers: list[TaskManager]


class BackPressure(msgspec.Struct):
    """`GET /jobs/:id/vertices/:vertex/backpressure`."""

    level: Word | None = msgspec.field(name="backpressure-level", default=None)


class Metric(msgspec.Struct):
    """One metric of a vertex."""

    id: str


class MetricSum(msgspec.Struct):
    """One metric of a vertex, summed up over its tasks."""

    id: str
    sum: float | str  # the text "NaN" where there is nothing to sum up


def state_of(name: str) -> JobState | None:
    """The state of that name; None for one that we do not know."""
    return _STATES.get(name)
