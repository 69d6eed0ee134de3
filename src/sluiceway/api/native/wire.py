"""The wire models of our own API. Times are ISO 8601 in UTC, sizes bytes."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from sluiceway.settings import MAX_JOB_IDS

JobId = Annotated[int, Meta(ge=1, le=2**63 - 1)]


class StopRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Which jobs to stop: by ids, or all that can be stopped (of one queue, if it is named)."""

    job_ids: Annotated[list[JobId], Meta(min_length=1, max_length=MAX_JOB_IDS)] | None = None
    all: bool = False
    queue: str | None = None
    savepoint: bool = True
    reason: Annotated[str, Meta(max_length=500)] = ""


class JobAnswer(Struct, frozen=True, omit_defaults=True):
    """The answer to one job of a request."""

    job_id: int
    accepted: bool
    code: str = ""  # why not: unknown, wrong_state, no_savepoint, no_queue, not_stopped, superseded
    message: str = ""


class Accepted(Struct, frozen=True):
    """The answer to a request to stop jobs. `id` is null when no job was accepted."""

    id: int | None
    accepted: int
    refused: int
    jobs: list[JobAnswer]


class Resumed(Struct, frozen=True):
    """The answer to a request to resume what a batch has stopped."""

    accepted: int
    refused: int
    jobs: list[JobAnswer]


class StopView(Struct, frozen=True):
    """What became of one job of a batch."""

    job_id: int
    name: str
    queue: str
    job_status: str
    phase: Literal["waiting", "sent", "ending", "overdue", "stopped", "failed", "ended", "lost"]
    attempt: int
    savepoint: str | None  # where it lies; only for a job that was stopped with it
    size: int | None
    verified: bool
    reason: str
    accepted_at: datetime
    sent_at: datetime | None
    settled_at: datetime | None
    deadline: datetime


class Batch(Struct, frozen=True):
    """One request to stop jobs. `phases` counts its jobs by phase."""

    id: int
    savepoint: bool
    reason: str
    created_at: datetime
    settled: bool
    phases: dict[str, int]
    jobs: list[StopView]


class BatchHead(Struct, frozen=True):
    """One request to stop jobs, without its jobs."""

    id: int
    savepoint: bool
    reason: str
    created_at: datetime


class BatchList(Struct, frozen=True):
    """The latest batches, newest first."""

    stops: list[BatchHead]


class Error(Struct, frozen=True):
    """Why nothing was done, and what to do about it."""

    error_code: str
    error_msg: str
