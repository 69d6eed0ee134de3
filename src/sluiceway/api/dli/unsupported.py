"""The paths of DLI's API that this service does not support: edge nodes, and sinks of API Gateway."""

from typing import Annotated, Final

from litestar import get, post
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import PathParameter

from sluiceway.api.dli.answers import Done
from sluiceway.api.dli.dependencies import BASE, REFUSED, JobIdGiven, ProjectGiven, QueriesGiven
from sluiceway.api.dli.jobs.checks import no_edge
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, ErrorBody
from sluiceway.api.errors.refusing import refusing
from sluiceway.control.errors import UnknownJob

CALLS: Final = ("message-channel", "system-events", "messages", "job-report")


@post(
    "/v1/{project_id:str}/edgesrv/{call:str}",
    status_code=200,
    responses=REFUSED | {404: ResponseSpec(ErrorBody, False, "There is no such call.")},
    summary="Not supported: calls of edge nodes",
)
async def edge(
    project: ProjectGiven,  # noqa: ARG001 - it is checked by being given
    call: Annotated[str, PathParameter(schema_extra={"enum": list(CALLS)})],
) -> Done:
    """Edge nodes (IEF) call these. There are none here, so each is refused."""
    if call not in CALLS:
        raise NotFoundException
    raise no_edge()


@get(f"{BASE}/jobs/{{job_id:str}}/apig-sinks", responses=REFUSED, summary="Not supported: sinks of API Gateway")
async def apig_sinks(project: ProjectGiven, job: JobIdGiven, queries: QueriesGiven) -> Done:
    """No job here writes to API Gateway, so each is refused."""
    with refusing({UnknownJob: Code.SHOW_UNKNOWN}, id=job):
        await queries.job(project, job)
    raise DliError(Code.NO_APIG_SINKS, id=job)


HANDLERS: Final[list[HTTPRouteHandler]] = [edge, apig_sinks]
