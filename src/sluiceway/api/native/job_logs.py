"""Why a job failed, and what the processes that run it have logged."""

from datetime import datetime
from typing import Annotated, Final

from litestar import get
from litestar.di import NamedDependency
from litestar.params import Parameter, SkipValidation
from msgspec import Struct

from sluiceway.api.native.dependencies import Project, id_bounds, refusals
from sluiceway.api.permit import PermitGiven
from sluiceway.control.job_logs import JobLogs, Told
from sluiceway.domain.access import Action

MOST_LINES: Final = 10_000

JobLogsGiven = NamedDependency[SkipValidation[JobLogs]]


class JobFailure(Struct, frozen=True):
    """One failure, with its stack trace."""

    at: datetime | None
    text: str


class Log(Struct, frozen=True):
    """The last lines of the log of a process."""

    process: str
    lines: list[str]
    cut: bool  # whether there are more before them


class JobLog(Struct, frozen=True, kw_only=True):
    """What Flink tells of the latest run of a job."""

    job_id: int
    cluster: str
    flink_job_id: str
    failures: list[JobFailure]  # the latest first
    processes: list[str]  # whose logs may be asked for
    withheld: str  # why there are none to ask for
    log: Log | None


@get(
    "/jobs/{job_id:int}/logs",
    tags=["jobs"],
    summary="Why it failed, and the logs of its processes",
    responses=refusals(404, 409),
)
async def job_logs(
    project_id: Project,
    job_id: Annotated[int, Parameter(**id_bounds(), description="The id of the job.")],
    job_logs: JobLogsGiven,
    permit: PermitGiven,
    process: Annotated[
        str | None,
        Parameter(
            pattern=r"^[A-Za-z0-9._:\-]{1,200}$",
            required=False,
            description="Also the end of its log: jobmanager, or the id of a TaskManager.",
        ),
    ] = None,
    lines: Annotated[int, Parameter(ge=1, le=MOST_LINES, description="Of that log.")] = 100,
) -> JobLog:
    """The failures of the latest run, and the end of the log of a process.

    A log holds what every job prints that runs in the process. So it is only told where no job of another project runs
    on the cluster, which is an application cluster, or to an admin of every project.
    """
    everywhere = permit.caller.may_everywhere(Action.CLUSTERS)
    told = await job_logs(project_id, job_id, process, lines, everywhere=everywhere)
    return _view(job_id, told)


def _view(job_id: int, told: Told) -> JobLog:
    log = told.log
    return JobLog(
        job_id=job_id,
        cluster=told.cluster,
        flink_job_id=told.flink_job_id,
        failures=[JobFailure(failure.at, failure.text) for failure in told.failures],
        processes=list(told.processes),
        withheld=told.withheld,
        log=None if log is None else Log(log.process, list(log.lines), log.cut),
    )
