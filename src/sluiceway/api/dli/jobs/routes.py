"""The paths of DLI's API that list and show jobs."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from litestar import Response, get
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter, SkipValidation

from sluiceway.api import pages
from sluiceway.api.dli import parameters
from sluiceway.api.dli.dependencies import BASE, REFUSED, JobIdGiven, ProjectGiven, QueriesGiven, integer
from sluiceway.api.dli.fields import TAG_FILTER, TAG_FILTER_PATTERN
from sluiceway.api.dli.jobs import views, wire
from sluiceway.api.dli.jobs.listing import JOB_TYPES, Listing, ListQuery, listing
from sluiceway.api.dli.jobs.status import NEVER_HERE, STATUSES
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.refusing import refusing
from sluiceway.control.errors import UnknownJob
from sluiceway.control.queries import Queries

T = TypeVar("T")
Look = Callable[..., Awaitable[tuple[int, Sequence[T]]]]  # a page by its filter and bounds

ListQueryGiven = NamedDependency[SkipValidation[ListQuery]]


@get(f"{BASE}/jobs", responses=REFUSED, summary="List jobs")
async def list_jobs(
    project: ProjectGiven, filters: ListQueryGiven, queries: QueriesGiven
) -> Response[wire.Listed | wire.ListedInDetail]:
    """One page of the jobs that match, the newest first unless asked otherwise."""
    asked = listing(filters)
    if asked.detail:
        return await _in_detail(queries, project, asked)
    count, jobs = await _page(queries.jobs, project, asked)
    return Response(wire.Listed(wire.JobList(count, [views.item(job, _now()) for job in jobs])))


@get(f"{BASE}/jobs/{{job_id:str}}", responses=REFUSED, summary="Show a job")
async def show(project: ProjectGiven, job: JobIdGiven, queries: QueriesGiven) -> wire.Shown:
    """Everything about one job."""
    with refusing({UnknownJob: Code.SHOW_UNKNOWN}, id=job):
        found = await queries.job(project, job)
    return wire.Shown(views.detail(found, _now()))


HANDLERS: Final[list[HTTPRouteHandler]] = [list_jobs, show]


def _list_query(  # noqa: PLR0917 - one for each parameter that DLI has
    job_type: Annotated[str, QueryParameter(schema_extra={"enum": ["", *JOB_TYPES]})] = "",
    status: Annotated[str, QueryParameter(schema_extra={"enum": ["", *STATUSES, *sorted(NEVER_HERE)]})] = "",
    queue_name: FromQuery[str] = "",
    user_name: FromQuery[str] = "",
    sys_enterprise_project_name: FromQuery[str] = "",
    name: Annotated[str, QueryParameter(description="A part of the name.")] = "",
    tags: Annotated[str, QueryParameter(description=TAG_FILTER, schema_extra={"pattern": TAG_FILTER_PATTERN})] = "",
    order: Annotated[str, QueryParameter(schema_extra={"enum": ["", "asc", "desc"], "default": "desc"})] = "",
    limit: Annotated[str, QueryParameter(schema_extra=integer(0, 10, most=parameters.MAX_LIMIT))] = "",
    offset: Annotated[str, QueryParameter(schema_extra=integer(0, 0))] = "",
    root_job_id: Annotated[str, QueryParameter(schema_extra=integer(1))] = "",
    show_detail: Annotated[str, QueryParameter(schema_extra={"type": "boolean", "default": False})] = "",
) -> ListQuery:
    return ListQuery(
        job_type=job_type,
        status=status,
        queue_name=queue_name,
        user_name=user_name,
        sys_enterprise_project_name=sys_enterprise_project_name,
        name=name,
        tags=tags,
        order=order,
        limit=limit,
        offset=offset,
        root_job_id=root_job_id,
        show_detail=show_detail,
    )


DEPENDENCIES: Final = {"filters": Provide(_list_query, sync_to_thread=False)}


async def _page(look: Look[T], project: str, asked: Listing) -> tuple[int, Sequence[T]]:
    if asked.where is None:
        return 0, []
    return await look(project, asked.where, offset=asked.offset, limit=asked.limit, descending=asked.descending)


async def _in_detail(queries: Queries, project: str, asked: Listing) -> Response[Any]:
    count, sizes = await _page(queries.job_sizes, project, asked)

    def frame(jobs: Sequence[wire.JobDetail]) -> wire.ListedInDetail:
        return wire.ListedInDetail(wire.JobDetailList(count, jobs))

    async def read(ids: Sequence[int]) -> Sequence[wire.JobDetail]:
        return [views.detail(job, _now()) for job in await queries.jobs_of(project, ids)]

    return await pages.answer(frame, read, sizes)


def _now() -> datetime:
    return datetime.now(UTC)
