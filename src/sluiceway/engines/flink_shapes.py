"""What a JobManager answers, as it writes it."""

import msgspec

from sluiceway.domain.facts import JobState


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
    last_modification: int = msgspec.field(name="last-modification", default=-1)  # when a task last changed its state
    tasks: dict[str, int] = msgspec.field(default_factory=dict)  # by state in lower case, and "total"
    job_type: str | None = msgspec.field(name="jobType", default="STREAMING")

    @property
    def state(self) -> JobState | None:
        """The state; None for one that we do not know."""
        return state_of(self.raw_state)

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


class Externalization(msgspec.Struct):
    """Whether checkpoints are kept, and for how long."""

    enabled: bool = False
    delete_on_cancellation: bool = True


class CheckpointConfig(msgspec.Struct):
    """`GET /jobs/:id/checkpoints/config`."""

    externalization: Externalization
    interval: int | None = None  # ms; the greatest of all longs where there is none


class UploadedJar(msgspec.Struct, frozen=True):
    """One jar of `GET /jars`."""

    id: str
    name: str  # that it was uploaded under


class Jars(msgspec.Struct):
    """`GET /jars`."""

    files: list[UploadedJar]


class Upload(msgspec.Struct):
    """`POST /jars/upload`."""

    filename: str


class JarRun(msgspec.Struct):
    """`POST /jars/:id/run`."""

    jobid: str


class Jobs(msgspec.Struct):
    """`GET /jobs/overview`, each job as it came."""

    jobs: list[msgspec.Raw]


class Status(msgspec.Struct):
    """`GET /jobs/:id/status`."""

    status: str


class Triggered(msgspec.Struct):
    """What a stop or a savepoint is acknowledged with."""

    request_id: str = msgspec.field(name="request-id")


class FailureCause(msgspec.Struct):
    """Why an attempt failed."""

    cls: str = msgspec.field(name="class", default="")
    stack_trace: str = msgspec.field(name="stack-trace", default="")


class Operation(msgspec.Struct):
    """What an attempt came to."""

    location: str | None = None
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


class BackPressure(msgspec.Struct):
    """`GET /jobs/:id/vertices/:vertex/backpressure`."""

    level: str | None = msgspec.field(name="backpressure-level", default=None)


class Metric(msgspec.Struct):
    """One metric of a vertex."""

    id: str
    sum: float | str = 0.0  # the text "NaN" where there is nothing to sum up


def state_of(name: str) -> JobState | None:
    """The state of that name; None for one that we do not know."""
    try:
        return JobState(name)
    except ValueError:
        return None
