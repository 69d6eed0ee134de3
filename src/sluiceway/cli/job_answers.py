"""Answers about jobs, what their SQL uses, and what happened to them, as far as commands need them."""

from typing import Any

from msgspec import Struct

from sluiceway.cli.reasons import Reason


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
