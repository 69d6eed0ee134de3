"""The wire models of ways back, and of what plans keep. Times are ISO 8601 in UTC."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from sluiceway.api.native.wire import AbortWhen, Ids, JobAnswer, JobId, Seconds, Selection, StopRequest, Story

Allow = Annotated[list[Literal["drained", "finished", "non_restored_state", "other_meaning"]], Meta(max_length=4)]


class ResumeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """How to bring jobs back; all of it may be left out."""

    allow: Allow = []  # what a resume does only where it is asked for by name
    dry_run: bool = False
    failed: bool = False  # only those that are parked or have failed on the last way back
    max_parallel: Annotated[int, Meta(ge=1, le=2**31 - 1)] | None = None  # jobs that are on their way at once
    pace: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None  # starts a minute
    abort_when: AbortWhen | None = None
    park: bool = True
    park_after_seconds: Seconds | None = None
    park_restarts: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class JobsResumeRequest(ResumeRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs to bring back, each from its newest savepoint or checkpoint, and how; or a plan to carry out."""

    job_ids: Ids | None = None
    select: Selection | None = None  # in their place; unless it names statuses, of the jobs that are stopped
    plan: JobId | None = None


class Planned(Struct, frozen=True):
    """The request of the dry run that a plan keeps: a stop, or one of three kinds of resume."""

    stop: StopRequest | None = None
    waves: dict[int, int] = {}
    stop_id: int | None = None  # to be brought back
    resume_id: int | None = None  # of which to try again what failed
    job_ids: list[JobId] = []  # to be brought back
    resume: ResumeRequest = ResumeRequest()


class Resumed(Struct, frozen=True):
    """The answer to a request to bring jobs back. `id` is that of the resume to look at; null where there is none."""

    id: int | None
    accepted: int
    refused: int
    jobs: list[JobAnswer]
    dry_run: bool = False
    plan: int | None = None  # of a dry run: what to give as `plan` to carry it out as it was shown
    unjudged: int = 0  # jobs that may be meant: what they read and write is not all known


class BackView(Struct, frozen=True):
    """The progress of one job on its way back."""

    job_id: int
    name: str
    queue: str
    job_status: str
    phase: str
    why: str
    wave: int
    restored_from: str | None
    restarts: int  # within ten minutes; at least
    accepted_at: datetime
    released_at: datetime | None  # when it was released, where it had to wait
    running_at: datetime | None  # when it was first seen to run
    proven_at: datetime | None  # when it was first seen to do its work
    unwell: bool  # it has not run steadily for longer than the service's --unwell-after


class ResumeHead(Struct, frozen=True, kw_only=True):
    """One request to bring jobs back, without its jobs."""

    id: int
    stop_id: int | None  # the stop whose jobs it brings back
    retry_of: int | None  # the resume of which it takes what failed
    retried_by: int | None  # the resume that takes what failed of it
    plan: int | None  # the dry run that it carries out
    planned_by: str  # who made that
    story: Story | None  # null where nothing was tried again
    who: str
    created_at: datetime
    state: Literal["open", "paused", "aborted", "settled"]
    state_reason: str
    max_parallel: int | None
    pace: int | None
    park_after_seconds: float | None
    park_restarts: int | None
    jobs_total: int
    jobs_settled: int
    settled: bool  # every job is back, or will not come
    phases: dict[str, int]


class Resume(ResumeHead, frozen=True, kw_only=True):
    """One request to bring jobs back, with the progress of each."""

    jobs: list[BackView]


class ResumeList(Struct, frozen=True):
    """The latest resumes, newest first."""

    resumes: list[ResumeHead]
