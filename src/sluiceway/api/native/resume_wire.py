"""The wire models of requests to bring jobs back, and of what plans keep."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from sluiceway.api.native.wire import Ids, JobAnswer, JobId, StopRequest

Allow = Annotated[list[Literal["drained", "finished"]], Meta(max_length=2)]


class ResumeRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """On which terms to bring back what a stop has stopped."""

    allow: Allow = []  # what a resume does only where it is asked for by name
    dry_run: bool = False


class JobsResumeRequest(ResumeRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which jobs to bring back, each from its newest savepoint or checkpoint, and how; or a plan to carry out."""

    job_ids: Ids | None = None
    plan: JobId | None = None


class Planned(Struct, frozen=True):
    """What was asked for by the dry run that a plan keeps: a stop, or one of two kinds of resume."""

    stop: StopRequest | None = None
    waves: dict[int, int] = {}
    stop_id: int | None = None  # to be brought back
    job_ids: list[JobId] = []  # to be brought back
    allow: Allow = []


class Resumed(Struct, frozen=True, omit_defaults=True):
    """The answer to a request to bring jobs back."""

    accepted: int
    refused: int
    jobs: list[JobAnswer]
    dry_run: bool = False
    plan: int | None = None  # of a dry run: what to give as `plan` to carry it out as it was shown
