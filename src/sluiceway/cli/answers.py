"""The answers of the service, as far as commands need them. Long as the API is wide: it is a table of types."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Struct, field

from sluiceway.cli.language import t
from sluiceway.cli.output import Failed
from sluiceway.cli.reasons import Reason, heard_in

T = TypeVar("T")


class Concern(Struct, frozen=True):
    """One pitfall of a way back."""

    about: str
    weight: str
    text: Reason


class Fit(Struct, frozen=True):
    """Whether a state fits the job as it is now."""

    kind: str


class WayBack(Struct, frozen=True):
    """A job's way back."""

    path: str = ""
    kind: str = ""
    source: str = ""
    run_id: int | None = None
    kept_at: str = ""
    age_seconds: float | None = None
    whole: bool | None = None
    fit: Fit | None = None
    concerns: list[Concern] = []


class JobChange(Struct, frozen=True):
    """One setting of a job that differs."""

    name: str
    before: str
    now: str


class JobDiff(Struct, frozen=True):
    """A job as it was when its state was made, and as it is now."""

    job_id: int
    path: str | None
    run_id: int | None
    same: bool | None
    sql_before: str | None
    sql_now: str
    changes: list[JobChange]


class Answer(Struct, frozen=True):
    """The answer to one job of a request."""

    job_id: int
    accepted: bool
    code: str = ""
    message: Reason = ""
    wave: int = 0
    finding: "Finding | None" = None
    way_back: WayBack | None = None


class LastCheckpoint(Struct, frozen=True):
    """A job's latest complete checkpoint."""

    at: str
    duration_seconds: float
    size: int


class Finding(Struct, frozen=True):
    """What a dry run found of a job."""

    state: str = ""
    tasks: int = 0
    running_tasks: int = 0
    last_checkpoint: LastCheckpoint | None = None
    estimate_seconds: float | None = None
    format: str = ""
    format_reason: Reason = ""
    if_savepoint_fails: str = ""
    if_savepoint_fails_reason: Reason = ""
    problems: list[Reason] = []
    way_back: list[Concern] = []


class Answers(Struct, frozen=True):
    """The answer to each job of a request, in its order. `id` names the stop, where one was accepted."""

    accepted: int
    refused: int
    jobs: list[Answer]
    id: int | None = None
    plan: int | None = None  # of a dry run
    unjudged: int = 0  # jobs of which nobody can tell whether they are meant


class StopView(Struct, frozen=True):
    """One job of a stop."""

    job_id: int
    name: str
    queue: str
    phase: str
    savepoint: str | None
    size: int | None
    verified: bool
    reason: Reason
    accepted_at: str
    settled_at: str | None
    wave: int = 0
    held: bool = False
    checkpoint: str | None = None
    unproven: Reason = ""
    start_again: str | None = None


class Stop(Struct, frozen=True):
    """A stop with all its jobs."""

    id: int
    savepoint: bool
    reason: str
    created_at: str
    settled: bool
    phases: dict[str, int]
    jobs: list[StopView]
    state: str = "open"
    state_reason: Reason = ""
    who: str = ""
    plan: int | None = None
    planned_by: str = ""


class Story(Struct, frozen=True):
    """An order and its retries as one."""

    orders: list[int]
    jobs_total: int
    phases: dict[str, int]


class StopHead(Struct, frozen=True):
    """A stop without its jobs."""

    id: int
    savepoint: bool
    reason: str
    created_at: str
    jobs_total: int | None = None
    phases: dict[str, int] = field(default_factory=dict)
    retried_by: int | None = None
    story: Story | None = None
    state: str = ""
    who: str = ""
    jobs_settled: int = 0
    settled: bool = True
    drain: bool = False


class BackView(Struct, frozen=True):
    """One job on its way back."""

    job_id: int
    name: str
    queue: str
    phase: str
    why: Reason
    wave: int
    restored_from: str | None
    restarts: int
    accepted_at: str
    released_at: str | None
    proven_at: str | None
    unwell: bool


class ResumeHead(Struct, frozen=True):
    """A way back without its jobs."""

    id: int
    stop_id: int | None
    created_at: str
    state: str
    state_reason: Reason
    phases: dict[str, int]
    retried_by: int | None
    story: Story | None
    settled: bool
    park_after_seconds: float | None
    park_restarts: int | None
    who: str = ""
    plan: int | None = None
    planned_by: str = ""


class Resume(ResumeHead, frozen=True, kw_only=True):
    """A way back with all its jobs."""

    jobs: list[BackView]


class Resumes(Struct, frozen=True):
    """The latest ways back."""

    resumes: list[dict[str, Any]]  # each a `ResumeHead`


class MoveAnswers(Answers, frozen=True):
    """The answer to each job of a request to move some, and of its dry run what there is room for."""

    slots_free: int | None = None
    slots_wanted: int | None = None


class MoveView(Struct, frozen=True):
    """One job on its move."""

    job_id: int
    name: str
    from_queue: str
    queue: str | None
    phase: str
    why: Reason
    wave: int
    savepoint: str | None
    stopped_at: str | None
    proven_at: str | None


class MoveHead(Struct, frozen=True):
    """A move without its jobs."""

    id: int
    to: str
    stop_id: int
    resume_id: int | None
    created_at: str
    state: str
    state_reason: Reason
    jobs_total: int
    phases: dict[str, int]
    settled: bool
    reason: str = ""
    who: str = ""


class Move(MoveHead, frozen=True, kw_only=True):
    """A move with all its jobs."""

    jobs: list[MoveView]


class Moves(Struct, frozen=True):
    """The latest moves."""

    moves: list[dict[str, Any]]  # each a `MoveHead`


class MoveProceeded(Struct, frozen=True):
    """The former state of a move that goes on."""

    was: str
    tried_again: int


class Aborted(Struct, frozen=True):
    """The withdrawn jobs of a stop."""

    withdrawn: list[int]


class Proceeded(Struct, frozen=True):
    """The former state of a stop that goes on."""

    was: str


class SavepointView(Struct, frozen=True):
    """A savepoint that was kept, or registered."""

    id: int
    job_id: int
    stop_id: int | None
    path: str
    bytes: int | None
    created_at: str
    verified_at: str | None
    fault: Reason
    removed_at: str | None
    needed: bool
    needed_by: Reason
    format: str = ""
    unproven: Reason = ""
    kind: str = "savepoint"
    protected: bool = False
    protected_until: str | None = None
    job_name: str | None = None


class NewerState(Struct, frozen=True):
    """A state of a job that is newer than one that is registered."""

    path: str
    kind: str
    kept_at: str


class Operator(Struct, frozen=True):
    """An operator whose state a savepoint holds."""

    id: str
    name: str | None
    bytes: int


class Contents(Struct, frozen=True):
    """What a savepoint's `_metadata` says."""

    version: int
    operators: list[Operator]


class Registered(Struct, frozen=True):
    """The outcome of registering a savepoint of others."""

    id: int | None
    job_id: int
    path: str
    kind: str
    format: str
    bytes: int
    drained: bool
    kept_at: str
    fresh: bool
    protected: bool
    protected_until: str | None
    unchecked: int
    contents: Contents | None
    chosen: bool
    message: Reason
    behind_seconds: float
    newer: list[NewerState]
    dry_run: bool
    only_read: bool = False


class SavepointViews(Struct, frozen=True):
    """The latest savepoints."""

    savepoints: list[SavepointView]


class Verification(Struct, frozen=True):
    """What the service found when it read a savepoint."""

    savepoint: SavepointView
    whole: bool
    wrong: list[Reason]
    more_wrong: int
    unchecked: int


class Variable(Struct, frozen=True):
    """A variable of the project, as commands need it."""

    var_name: str
    var_value: str
    is_sensitive: bool
    update_time: int
    user_name: str = ""


class Job(Struct, frozen=True):
    """A job as a list shows it. Times are epoch milliseconds."""

    job_id: int
    name: str
    desc: str
    status: str
    status_desc: Reason
    create_time: int
    start_time: int | None
    duration: int
    has_savepoint: bool


class Event(Struct, frozen=True):
    """One line of the audit."""

    id: int
    at: str
    kind: str
    job_id: int | None
    stop_id: int | None
    who: str
    detail: Reason
    resume_id: int | None = None
    job_name: str | None = None


class Events(Struct, frozen=True):
    """A page of the audit."""

    events: list[dict[str, Any]]  # each an `Event`
    next: int


class Stops(Struct, frozen=True):
    """The latest stops."""

    stops: list[dict[str, Any]]  # each a `StopHead`


class Health(Struct, frozen=True):
    """A job's health."""

    condition: str
    since: str | None
    tasks: int
    running_tasks: int
    restarts: int
    cause: Reason
    slots_wanted: int | None
    slots_free: int | None
    unwell: bool
    proof: str
    up_at: str | None


class AdoptedJob(Struct, frozen=True):
    """A job that somebody else has started on the cluster."""

    flink_name: str
    start_again: str | None


class Silence(Struct, frozen=True):
    """A cluster that does not answer."""

    since: str
    reason: Reason


class Fare(Struct, frozen=True):
    """A job with its health."""

    job_id: int
    name: str
    queue: str | None
    status: str
    why: Reason
    deleted_at: str | None
    health: Health | None
    adopted: AdoptedJob | None = None
    silence: Silence | None = None
    savepoint: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    flink_job_id: str | None = None
    tags: dict[str, str] = {}


class Fares(Struct, frozen=True):
    """Jobs and how they fare, as they were answered: each a `Fare`, and what a later service adds to it."""

    jobs: list[dict[str, Any]]
    next: int | None = None  # the `before` for those that follow
    total: int | None = None  # how many match, on the first page
    unjudged: int | None = None  # of how many others nobody can tell, on the first page


class JobDetail(Job, frozen=True):
    """A job with everything about it that commands show."""

    queue_name: str | None
    sql_body: str
    savepoint_path: str | None
    job_config: dict[str, Any]
    job_type: str = ""
    main_class: str | None = None
    entrypoint_args: str | None = None


class Done(Struct, frozen=True):
    """A success, in DLI's sentence."""

    message: str


def read(data: Any, wanted: type[T]) -> T:
    """What a service answered, as a type. Raises `Failed` where it does not fit."""
    try:
        return heard_in(msgspec.convert(data, wanted))
    except msgspec.ValidationError as error:
        why = str(error)[:300]
        raise Failed(
            t("The answer of the service was not understood: {why}. Is it another version?", why=why)
        ) from error


def each(data: Sequence[Any], wanted: type[T]) -> Iterator[T]:
    """Every item of a list, as a type."""
    return (read(item, wanted) for item in data)
