"""The wire models of our own API. Times are ISO 8601 in UTC, sizes bytes."""

from datetime import datetime
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from sluiceway.api.native.back_wire import Concern, Difference, WayBack
from sluiceway.domain.selection import HEALTHS, STATES
from sluiceway.domain.selector import LONGEST
from sluiceway.domain.tables import LONGEST as LONGEST_TABLE
from sluiceway.settings import MAX_JOB_IDS

# What Litestar does not find by itself, inside of lists and objects; and bounds as numbers that JSON has.
ID_SCHEMA: Final[dict[str, Any]] = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
JobId = Annotated[int, Meta(ge=1, le=2**63 - 1, extra_json_schema={"extra": ID_SCHEMA})]
Ids = Annotated[
    list[JobId], Meta(min_length=1, max_length=MAX_JOB_IDS, extra_json_schema={"extra": {"items": ID_SCHEMA}})
]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
_TAGS: Final = {
    "minProperties": 1,
    "maxProperties": 20,
    "propertyNames": {"minLength": 1, "maxLength": 128},
    "additionalProperties": {"type": "string", "maxLength": 255},
}
Tags = Annotated[
    dict[Name, Annotated[str, Meta(max_length=255)]],
    Meta(min_length=1, max_length=20, extra_json_schema={"extra": _TAGS}),
]
Seconds = Annotated[float, Meta(gt=0, le=30 * 86_400, extra_json_schema={"extra": {"exclusiveMinimum": 0}})]
SelectorText = Annotated[str, Meta(min_length=1, max_length=LONGEST)]
# Words are checked where they are understood: a refusal names those that there are.
_STATUSES: Final = {"items": {"type": "string", "enum": sorted(STATES)}}
_HEALTHS: Final = {"items": {"type": "string", "enum": sorted(HEALTHS)}}
_NAMES: Final = {"items": {"type": "string", "minLength": 1, "maxLength": 128}}
TableText = Annotated[str, Meta(min_length=1, max_length=LONGEST_TABLE)]
Words = Annotated[list[str], Meta(min_length=1, max_length=20, extra_json_schema={"extra": _STATUSES})]
HealthWords = Annotated[list[str], Meta(min_length=1, max_length=20, extra_json_schema={"extra": _HEALTHS})]
Clusters = Annotated[list[Name], Meta(min_length=1, max_length=1000, extra_json_schema={"extra": _NAMES})]


class Selection(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which jobs are meant, by what they have in common. What is given must all be true of a job."""

    name: Name | None = None  # a pattern of the whole name: * for any characters, ? for one
    tags: Tags | None = None
    selector: SelectorText | None = None  # of tags, as kubectl has it: tier in (source,sink),team!=x,!paused
    clusters: Clusters | None = None  # where its latest run is; of a job that never ran: its queue
    cluster_selector: SelectorText | None = None  # the same of the labels of that cluster
    status: Words | None = None
    health: HealthWords | None = None  # of jobs that live
    # Names of sources and sinks in Flink: a pattern of the whole name, or without * and ? whole words of it.
    match: TableText | None = None  # it reads or writes such a one
    reads: TableText | None = None
    writes: TableText | None = None


class Wave(Struct, frozen=True, forbid_unknown_fields=True):
    """A group of jobs that are stopped together: by ids, or by a queue, a tag or both."""

    job_ids: Ids | None = None
    queue: Name | None = None
    tags: Tags | None = None


class OnSavepointFailure(Struct, frozen=True, forbid_unknown_fields=True):
    """What to do with a job whose savepoint fails: first the attempts, then the action."""

    action: Literal["keep_running", "cancel_keeping_checkpoint", "cancel"] = "keep_running"
    attempts: Annotated[int, Meta(ge=1, le=100)] | None = None  # at most; the service's setting when left out
    backoff_seconds: Seconds | None = None  # before the first retry; doubled for each further one
    max_checkpoint_age_seconds: Seconds | None = None  # for cancel_keeping_checkpoint; an older one keeps it running


class AbortWhen(Struct, frozen=True, forbid_unknown_fields=True):
    """When to pause what has not begun: at a number of failures, or at a share of all jobs."""

    failures: Annotated[int, Meta(ge=1)] | None = None
    share: Annotated[float, Meta(gt=0, le=1, extra_json_schema={"extra": {"exclusiveMinimum": 0}})] | None = None


class StopRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which jobs to stop, by ids or by what they have in common, and how. What is given must all be true of a job."""

    job_ids: Ids | None = None
    all: bool = False
    queue: Name | None = None
    name: Name | None = None  # a pattern of the whole name: * for any characters, ? for one
    tags: Tags | None = None
    status: Words | None = None
    select: Selection | None = None  # in the place of queue, name, tags and status
    savepoint: bool = True
    drain: bool = False
    format: Literal["auto", "canonical", "native"] = "auto"  # auto: for each job one that does it no harm
    target: Annotated[str, Meta(min_length=1, max_length=2000)] | None = None  # a directory (URI) for the savepoints
    on_savepoint_failure: OnSavepointFailure = OnSavepointFailure()
    if_not_running: Literal["wait", "cancel", "leave"] | None = None  # the service's setting when left out
    timeout_seconds: Seconds | None = None
    max_parallel: Annotated[int, Meta(ge=1)] | None = None
    waves: Annotated[list[Wave], Meta(min_length=1, max_length=100)] | None = None
    abort_when: AbortWhen | None = None
    dry_run: bool = False
    window_seconds: Seconds | None = None  # with dry_run: how long the jobs are to stay stopped
    plan: JobId | None = None  # a dry run of a stop, to carry out as it was shown
    reason: Annotated[str, Meta(max_length=500)] = ""


class LastCheckpoint(Struct, frozen=True):
    """A job's latest complete checkpoint or savepoint."""

    at: datetime
    duration_seconds: float
    size: int


class Finding(Struct, frozen=True, omit_defaults=True):
    """The findings of a dry run about a job. Fields that the cluster does not show are left out."""

    state: str = ""  # Flink's
    tasks: int = 0
    running_tasks: int = 0
    batch: bool = False
    operation: str = ""  # a savepoint or stop that is under way
    last_checkpoint: LastCheckpoint | None = None
    estimate_seconds: float | None = None
    timeout_seconds: float | None = None  # after which a savepoint of it expires
    format: str = ""  # that its savepoint would be written in
    format_reason: str = ""
    if_savepoint_fails: str = ""  # runs_on, restarts_from_checkpoint, restarts_from_nothing, ends or unknown
    if_savepoint_fails_reason: str = ""
    problems: list[str] = []
    way_back: list[Concern] = []  # what is known of the way back before it is too late


class JobAnswer(Struct, frozen=True, omit_defaults=True):
    """The answer to one job of a request."""

    job_id: int
    accepted: bool
    code: str = ""  # why not, or "already_stopped"
    message: str = ""
    wave: int = 0
    finding: Finding | None = None  # of the dry run of a stop
    way_back: WayBack | None = None  # of a start that resumes


class Accepted(Struct, frozen=True, omit_defaults=True):
    """The answer to a request to stop jobs. `id` is null when no job was accepted, and after a dry run."""

    id: int | None
    accepted: int
    refused: int
    jobs: list[JobAnswer]
    dry_run: bool = False
    plan: int | None = None  # of a dry run: what to give as `plan` to carry it out as it was shown
    unjudged: int = 0  # jobs that may be meant: what they read and write is not all known


class Aborted(Struct, frozen=True):
    """What was withdrawn. Stops that were sent already go on."""

    withdrawn: list[int]  # ids of jobs


class Proceeded(Struct, frozen=True):
    """The state that the batch had before."""

    was: Literal["open", "paused", "aborted"]


class StopView(Struct, frozen=True):
    """The outcome of one job of a batch."""

    job_id: int
    name: str
    queue: str
    job_status: str
    phase: str
    wave: int
    held: bool  # it waits for its wave, or for its place in the batch
    attempt: int
    savepoint: str | None  # where it lies; only for a job that was stopped with it
    checkpoint: str | None  # what a cancel has kept in place of a savepoint
    unproven: str  # why a resume does not take this savepoint; empty when it does
    size: int | None
    format: str  # of the savepoint; empty as long as none was asked for
    format_reason: str
    verified: bool
    reason: str
    accepted_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    deadline: datetime
    start_again: str | None  # of an adopted job: the command that starts it from there, but for its program


class Story(Struct, frozen=True):
    """An order and its retries as one: each job counts in its latest order."""

    orders: list[int]  # ids, the oldest first
    jobs_total: int
    phases: dict[str, int]


class BatchHead(Struct, frozen=True, kw_only=True):
    """One request to stop jobs, without its jobs."""

    id: int
    retry_of: int | None  # the stop of which it takes what failed
    retried_by: int | None  # the stop that takes what failed of it
    story: Story | None  # null where nothing was tried again
    savepoint: bool
    drain: bool
    reason: str
    who: str
    created_at: datetime
    state: Literal["open", "paused", "aborted", "settled"]
    state_reason: str
    jobs_total: int
    jobs_settled: int
    phases: dict[str, int]  # how many of its jobs are in each
    settled: bool  # no phase of it can change any more
    plan: int | None  # the dry run that it carries out
    planned_by: str  # who made that


class Batch(BatchHead, frozen=True, kw_only=True):
    """One request to stop jobs."""

    jobs: list[StopView]


class BatchList(Struct, frozen=True):
    """The latest batches, newest first."""

    stops: list[BatchHead]


class Health(Struct, frozen=True):
    """A job's health while it lives. Numbers are those of the last change worth a write."""

    condition: Literal["unknown", "starting", "running", "restarting", "no_slots"]
    since: datetime | None  # since when it has, or has not, run steadily
    tasks: int
    running_tasks: int  # with those that have finished
    restarts: int  # within ten minutes; at least
    cause: str  # of its last failure
    slots_wanted: int | None  # beyond those that it has
    slots_free: int | None  # in its cluster
    unwell: bool  # it has not run steadily for longer than the service's --unwell-after
    proof: Literal["unknown", "awaited", "none", "given"]  # whether it has completed a checkpoint since its start
    up_at: datetime | None  # when it was first seen to do its work: all tasks, and a checkpoint where it has them


class AdoptedJob(Struct, frozen=True):
    """A job that somebody else has started on the cluster."""

    flink_name: str
    start_again: str | None  # the command that starts it from its newest savepoint, but for its program


class Silence(Struct, frozen=True):
    """A cluster that does not answer: what is said of its jobs is as old."""

    since: datetime
    reason: str


class JobView(Struct, frozen=True):
    """A job with its health."""

    job_id: int
    name: str
    queue: str | None  # the cluster of its latest run
    status: str
    why: str
    flink_job_id: str | None
    savepoint: str | None
    restored_from: str | None  # what its latest run was started from
    note: str  # what went wrong beside its start
    started_at: datetime | None  # of its latest run
    ended_at: datetime | None  # the same
    deleted_at: datetime | None  # it was deleted, and Flink has yet to end it
    health: Health | None  # null for a job that does not live
    adopted: AdoptedJob | None  # null for a job that was made here
    silence: Silence | None  # null while the cluster answers where it lives
    tags: dict[str, str]


class JobChange(Struct, frozen=True):
    """One setting that differs; empty where it was, or is, not given."""

    name: str  # of an option of Flink: option KEY
    before: str
    now: str


class JobDiff(Struct, frozen=True):
    """A job as it was when its state was made, and as it is now."""

    job_id: int
    path: str | None  # of the state that a resume would take now; null while the job runs, and where there is none
    run_id: int | None  # that has made the state; of a job that runs: that run
    same: bool | None  # null where nobody knows what the job was
    sql_before: str | None
    sql_now: str
    changes: list[JobChange]  # of everything but the SQL


class JobViews(Struct, frozen=True):
    """Jobs by their ids, the highest first. `next` is the `before` for those that follow; null at the end."""

    jobs: list[JobView]
    next: int | None
    total: int | None  # how many match; null beside `before`, where the first page has told it
    unjudged: int | None  # the same of jobs that may match: what they read and write is not all known


class Error(Struct, frozen=True, omit_defaults=True):
    """Why nothing was done, and what to do about it."""

    error_code: str
    error_msg: str
    differences: list[Difference] = []  # of a plan that no longer holds; at most 1000


class Resource(Struct, frozen=True, kw_only=True):
    """A jar or file that jobs can name."""

    name: str
    group: str
    kind: str  # jar, pyFile, file or modelFile
    path: str
    sha256: str | None
    size: int | None
    owner: str
    created_at: datetime
    updated_at: datetime


class ResourceList(Struct, frozen=True):
    """All resources of a project."""

    resources: list[Resource]
