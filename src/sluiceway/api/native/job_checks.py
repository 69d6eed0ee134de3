"""A look at a job that somebody is still writing."""

from datetime import timedelta
from typing import Annotated

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation
from msgspec import Meta, Struct

from sluiceway.api.native.body import Json
from sluiceway.api.native.dependencies import Project, refusals
from sluiceway.api.native.wire import Name
from sluiceway.control.check_jobs import CheckJobs
from sluiceway.domain.job import JobSpec

CheckJobsGiven = NamedDependency[SkipValidation[CheckJobs]]
Key = Annotated[str, Meta(min_length=1, max_length=500)]


class CheckRequest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A job as it would be made. What decides whether it compiles; the rest is said when it is made."""

    sql: Annotated[str, Meta(max_length=1024 * 1024)] = ""
    queue: Name | None = None  # the cluster that is to run it; the service's first one
    parallelism: Annotated[int, Meta(ge=1, le=2000)] = 1
    checkpoint_interval_seconds: Annotated[int, Meta(ge=1, le=86_400)] | None = None
    options: Annotated[dict[Key, Annotated[str, Meta(max_length=10_000)]], Meta(max_length=1000)] = {}  # of Flink


class Fault(Struct, frozen=True):
    """One thing that would keep it from starting."""

    about: str  # options, variables, syntax or sql
    text: str


class CheckedJob(Struct, frozen=True):
    """What was found. `ok` is null where nothing is known to be wrong, and not all of it could be looked at."""

    ok: bool | None
    faults: list[Fault]
    notes: list[str]  # what has no effect
    unchecked: str  # why not all of it was looked at


@post(
    "/jobs/check",
    status_code=200,
    dto=Json[CheckRequest],
    return_dto=None,
    tags=["jobs"],
    summary="Check the SQL and options of a job",
    responses=refusals(404, 413),
)
async def check_job(project_id: Project, data: JSONBody[CheckRequest], check_jobs: CheckJobsGiven) -> CheckedJob:
    """Compile the SQL as the cluster would run it, and look at the options, before there is a job."""
    interval = data.checkpoint_interval_seconds
    spec = JobSpec(
        sql=data.sql,
        parallelism=data.parallelism,
        checkpoint_interval=None if interval is None else timedelta(seconds=interval),
        options=data.options,
    )
    found = await check_jobs(project_id, spec, data.queue)
    faults = [Fault(fault.about, fault.text) for fault in found.faults]
    return CheckedJob(
        False if faults else None if found.unchecked else True, faults, list(found.notes), found.unchecked
    )
