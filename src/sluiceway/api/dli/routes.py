"""The paths of DLI's Flink job API that this service answers. Handlers translate and call a use case; no more."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar, cast

from litestar import Request, Response, Router, delete, get, post, put
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import FromQuery, JSONBody, PathParameter, QueryParameter, SkipValidation

from sluiceway.api import pages
from sluiceway.api.dli import (
    buckets,
    edge,
    editing,
    graph,
    jar_routes,
    metrics,
    notes,
    queues,
    requests,
    resource_routes,
    resource_tags,
    rules,
    savepoints,
    tags,
    templates,
    transfer,
    variables,
    views,
    wire,
)
from sluiceway.api.dli.boundary import FOR_ROUTES, Json, language_of
from sluiceway.api.dli.clients import Truth, TruthGiven, truth_for
from sluiceway.api.dli.editing import EditJobsGiven
from sluiceway.api.dli.errors import Code, DliError
from sluiceway.api.dli.fields import PROJECT_PATTERN, TAG_FILTER, TAG_FILTER_PATTERN, PathId
from sluiceway.api.dli.given import (
    BASE,
    REFUSED,
    FormatGiven,
    JobIdGiven,
    LanguageGiven,
    ProjectGiven,
    QueriesGiven,
    integer,
)
from sluiceway.api.dli.language import Language, Text
from sluiceway.api.dli.requests import Listing, ListQuery
from sluiceway.api.dli.status import NEVER_HERE, STATUSES
from sluiceway.api.dli.templates import TemplatesGiven, filled
from sluiceway.api.dli.variables import VariablesGiven
from sluiceway.api.dli.views import Batch, RefusedForm
from sluiceway.api.error_help import HEADER, help_for
from sluiceway.api.no_options import no_options
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import Gap, NoGraph, UnknownJob
from sluiceway.control.queries import Queries
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.access import Action
from sluiceway.domain.admission import Verdict
from sluiceway.domain.job import Job, JobDraft
from sluiceway.domain.orders import StartOrder, StopOrder
from sluiceway.domain.policy import PLAIN, SavepointFormat, StopPolicy
from sluiceway.domain.way_back import Allowed
from sluiceway.settings import MAX_BODY, RetentionUnit, StopAtRest

T = TypeVar("T")
Look = Callable[..., Awaitable[tuple[int, Sequence[T]]]]  # a page by its filter and bounds

STOP_HEADER: Final = "X-Sluiceway-Stop"  # the id of the batch, for our own API

NO_JOB: Final = Text("there is no such job in this project", "该项目中不存在此作业")
GAPS: Final[Mapping[Gap, Text]] = {
    Gap.NEVER_RUN: Text("the job has never been run", "作业从未运行"),
    Gap.UNREACHABLE: Text("cluster {cluster} is not to be reached now", "当前无法访问集群 {cluster}"),
    Gap.SILENT: Text("cluster {cluster} does not answer: {detail}", "集群 {cluster} 没有响应：{detail}"),
    Gap.FORGOTTEN: Text(
        "cluster {cluster} does not know the job's latest run", "集群 {cluster} 中没有该作业最近一次运行的记录"
    ),
}

StopJobsGiven = NamedDependency[SkipValidation[StopJobs]]
StartJobsGiven = NamedDependency[SkipValidation[StartJobs]]
ListQueryGiven = NamedDependency[SkipValidation[ListQuery]]
RefusedFormGiven = NamedDependency[SkipValidation[RefusedForm]]
RetentionUnitGiven = NamedDependency[SkipValidation[RetentionUnit]]
StopAtRestGiven = NamedDependency[SkipValidation[StopAtRest]]
ResumeAnywayGiven = NamedDependency[SkipValidation[frozenset[Allowed]]]

_ALL_REFUSED = {
    400: ResponseSpec(
        list[wire.ErrorBody] | wire.ErrorBody,
        description="Every position was refused, or the request itself. Nothing was done.",
        generate_examples=False,
    )
}


@post(
    f"{BASE}/jobs/stop",
    status_code=200,
    dto=Json[wire.StopRequest],
    return_dto=None,
    responses=_ALL_REFUSED,
    response_headers=[
        ResponseHeader(STOP_HEADER, description="The id of the stop in our own API.", documentation_only=True)
    ],
    summary="Stop jobs",
)
async def stop(
    data: JSONBody[wire.StopRequest],
    project: ProjectGiven,
    *,
    language: LanguageGiven,
    truth: TruthGiven,
    refused_form: RefusedFormGiven,
    stop_at_rest: StopAtRestGiven,
    stop_jobs: StopJobsGiven,
    permit: PermitGiven,
    savepoint_format: FormatGiven,
) -> Response[list[wire.Outcome]]:
    """Accept the stop of each job, with a savepoint if that is asked for. One answer for each position."""
    ids = requests.job_ids(data.job_ids)
    savepoint = bool(data.trigger_savepoint)
    policy = StopPolicy(format=savepoint_format) if savepoint else PLAIN
    done = stop_at_rest == "accept"
    order = StopOrder(project, ids, savepoint=savepoint, policy=policy, who=permit.who, at_rest_is_done=done)
    batch = await stop_jobs(order, permit.on(Action.STOP))
    answer = _answer(batch.verdicts, Batch.STOP, language, truth, refused_form)
    if batch.id is not None:
        answer.set_header(STOP_HEADER, str(batch.id))
    return answer


@post(
    f"{BASE}/jobs/run",
    status_code=200,
    dto=Json[wire.RunRequest],
    return_dto=None,
    responses=_ALL_REFUSED,
    summary="Start jobs",
)
async def run(
    data: JSONBody[wire.RunRequest],
    project: ProjectGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    refused_form: RefusedFormGiven,
    start_jobs: StartJobsGiven,
    permit: PermitGiven,
    resume_anyway: ResumeAnywayGiven,
) -> Response[list[wire.Outcome]]:
    """Accept the start of each job, from its newest savepoint if that is asked for. One answer for each position.

    Where nothing is said about that, a job with `resume_checkpoint` that has failed starts from its newest checkpoint.
    """
    ids = requests.job_ids(data.job_ids)
    order = StartOrder(project, ids, resume=data.resume_savepoint, who=permit.who, allow=resume_anyway)
    placed = await start_jobs(order, permit.on(Action.START))
    return _answer(placed.verdicts, Batch.RUN, language, truth, refused_form)


@post(
    f"{BASE}/jobs/delete",
    status_code=200,
    dto=Json[wire.DeleteRequest],
    return_dto=None,
    responses=_ALL_REFUSED,
    summary="Delete jobs",
)
async def delete_many(
    data: JSONBody[wire.DeleteRequest],
    project: ProjectGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    refused_form: RefusedFormGiven,
    edit_jobs: EditJobsGiven,
    permit: PermitGiven,
) -> Response[list[wire.Outcome]]:
    """Delete each job; one that runs is stopped first, without a savepoint. One answer for each position."""
    ids = requests.job_ids(data.job_ids)
    verdicts = await edit_jobs.delete(project, ids, permit.who, permit.on(Action.STOP))
    return _answer(verdicts, Batch.DELETE, language, truth, refused_form)


@delete(f"{BASE}/jobs/{{job_id:str}}", status_code=200, responses=REFUSED, summary="Delete a job")
async def delete_one(
    project: ProjectGiven,
    job: JobIdGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    edit_jobs: EditJobsGiven,
    permit: PermitGiven,
) -> wire.Done:
    """Delete a job; if it runs it is stopped first, without a savepoint."""
    (verdict,) = await edit_jobs.delete(project, [job], permit.who, permit.on(Action.STOP))
    if error := views.refusal(verdict, Batch.DELETE):
        raise error
    return views.done(language, truth)


@get(f"{BASE}/jobs", responses=REFUSED, summary="List jobs")
async def list_jobs(
    project: ProjectGiven, filters: ListQueryGiven, queries: QueriesGiven
) -> Response[wire.Listed | wire.ListedInDetail]:
    """One page of the jobs that match, the newest first unless asked otherwise."""
    asked = requests.listing(filters)
    if asked.detail:
        return await _in_detail(queries, project, asked)
    count, jobs = await _page(queries.jobs, project, asked)
    return Response(wire.Listed(wire.JobList(count, [views.item(job, _now()) for job in jobs])))


@get(f"{BASE}/jobs/{{job_id:str}}", responses=REFUSED, summary="Show a job")
async def show(project: ProjectGiven, job: JobIdGiven, queries: QueriesGiven) -> wire.Shown:
    """Everything about one job."""
    try:
        found = await queries.job(project, job)
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=job) from None
    return wire.Shown(views.detail(found, _now()))


@get(f"{BASE}/jobs/{{job_id:str}}/execute-graph", responses=REFUSED, summary="Show a job's execution graph")
async def execute_graph(
    project: ProjectGiven, job: JobIdGiven, language: LanguageGiven, queries: QueriesGiven
) -> wire.Graph:
    """Flink's own description of the job's latest run."""
    try:
        return wire.Graph(await queries.graph(project, job))
    except UnknownJob:
        raise DliError(Code.NO_GRAPH, id=job, why=NO_JOB) from None
    except NoGraph as error:
        why = GAPS[error.gap].say(language, {"cluster": error.cluster, "detail": error.detail})
        raise DliError(Code.NO_GRAPH, id=job, why=why) from None


@post(
    f"{BASE}/sql-jobs",
    status_code=200,
    dto=Json[wire.CreateSqlJob],
    return_dto=None,
    responses=REFUSED,
    summary="Create a SQL job",
)
async def create_sql_job(
    data: JSONBody[wire.CreateSqlJob],
    project: ProjectGiven,
    language: LanguageGiven,
    edit_jobs: EditJobsGiven,
    templates: TemplatesGiven,
    variables: VariablesGiven,
    retention_unit: RetentionUnitGiven,
    permit: PermitGiven,
) -> wire.Created:
    """Store a new job. Nothing is started."""
    draft = rules.create(await filled(data, project, templates), retention_unit)
    made = await editing.stored(edit_jobs, project, draft, permit.who)
    more = await notes.of_variables(variables, project, draft.spec.sql, language)
    return views.created(made, language, data, more)


@put(
    f"{BASE}/sql-jobs/{{job_id:str}}",
    dto=Json[wire.UpdateSqlJob],
    return_dto=None,
    responses=REFUSED,
    summary="Update a SQL job",
)
async def update_sql_job(
    data: JSONBody[wire.UpdateSqlJob],
    project: ProjectGiven,
    job: JobIdGiven,
    language: LanguageGiven,
    edit_jobs: EditJobsGiven,
    variables: VariablesGiven,
    retention_unit: RetentionUnitGiven,
    permit: PermitGiven,
) -> wire.Updated:
    """Change what the body names. Most of it only while the job does not run."""

    def change(stored: Job) -> JobDraft:
        return rules.update(stored, data, retention_unit)

    now = await editing.changed(edit_jobs, project, job, change, data.name, permit.who)
    more = await notes.of_variables(variables, project, data.sql_body or "", language)
    return views.updated(now, language, data, more)


HANDLERS: Final[list[HTTPRouteHandler]] = [
    stop,
    run,
    delete_many,
    delete_one,
    list_jobs,
    show,
    execute_graph,
    create_sql_job,
    update_sql_job,
    *buckets.HANDLERS,
    *templates.HANDLERS,
    *variables.HANDLERS,
    *tags.HANDLERS,
    *metrics.HANDLERS,
    *graph.HANDLERS,
    *edge.HANDLERS,
    *transfer.HANDLERS,
    *jar_routes.HANDLERS,
    *resource_routes.HANDLERS,
    *resource_tags.HANDLERS,
    *queues.HANDLERS,
    *savepoints.HANDLERS,
]


# --- what handlers are given ----------------------------------------------------------------------------------------


def _project(
    project_id: Annotated[
        str, PathParameter(description="1 to 64 letters and digits.", schema_extra={"pattern": PROJECT_PATTERN})
    ],
) -> str:
    return requests.project(project_id)


def _job(job_id: Annotated[str, PathParameter(description="A whole number above 0.", schema_extra=PathId)]) -> int:
    return requests.job_id(job_id)


def _language(request: Request[Any, Any, Any]) -> Language:
    return language_of(request)


def _list_query(  # noqa: PLR0917 - one for each parameter that DLI has
    job_type: Annotated[str, QueryParameter(schema_extra={"enum": ["", *requests.JOB_TYPES]})] = "",
    status: Annotated[str, QueryParameter(schema_extra={"enum": ["", *STATUSES, *sorted(NEVER_HERE)]})] = "",
    queue_name: FromQuery[str] = "",
    user_name: FromQuery[str] = "",
    sys_enterprise_project_name: FromQuery[str] = "",
    name: Annotated[str, QueryParameter(description="A part of the name.")] = "",
    tags: Annotated[str, QueryParameter(description=TAG_FILTER, schema_extra={"pattern": TAG_FILTER_PATTERN})] = "",
    order: Annotated[str, QueryParameter(schema_extra={"enum": ["", "asc", "desc"], "default": "desc"})] = "",
    limit: Annotated[str, QueryParameter(schema_extra=integer(0, 10, most=requests.MAX_LIMIT))] = "",
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


def _answer(
    verdicts: Sequence[Verdict], batch: Batch, language: Language, truth: Truth, refused_form: RefusedForm
) -> Response[list[wire.Outcome]]:
    accepted, answers = views.outcomes(verdicts, batch, language, truth)
    if accepted:
        return Response(cast("list[wire.Outcome]", answers), status_code=200)
    first = answers[0]
    whole = refused_form == "array"
    pointers = {HEADER: help_for(str(each.error_code) for each in (answers if whole else [first]))}
    return Response(cast("list[wire.Outcome]", answers if whole else first), status_code=400, headers=pointers)


def _now() -> datetime:
    return datetime.now(UTC)


def routes(
    refused_form: RefusedForm = "array",
    savepoint_format: SavepointFormat | None = None,
    retention_unit: RetentionUnit = "auto",
    stop_at_rest: StopAtRest = "refuse",
    resume_anyway: frozenset[Allowed] = frozenset(),
) -> list[Router]:
    """All paths. `refused_form` says how a batch is answered whose every position is refused: as the cloud does, with
    an array, or with the first error alone, which SDK users can read the code of. `savepoint_format` is that of all
    savepoints, None for whichever does each job no harm. `retention_unit` is what idle_state_retention counts,
    `stop_at_rest` what becomes of the stop of a job that does not run, `resume_anyway` what a resume takes although
    rows are written twice then.

    The use cases are dependencies of the application, each under its own name.
    """

    router = Router(
        path="/",
        route_handlers=[no_options(HANDLERS), *HANDLERS],
        dependencies={
            "project": Provide(_project, sync_to_thread=False),
            "job": Provide(_job, sync_to_thread=False),
            "language": Provide(_language, sync_to_thread=False),
            "truth": Provide(truth_for, sync_to_thread=False),
            "filters": Provide(_list_query, sync_to_thread=False),
            "refused_form": Provide(lambda: refused_form, sync_to_thread=False),
            "savepoint_format": Provide(lambda: savepoint_format, sync_to_thread=False),
            "retention_unit": Provide(lambda: retention_unit, sync_to_thread=False),
            "stop_at_rest": Provide(lambda: stop_at_rest, sync_to_thread=False),
            "resume_anyway": Provide(lambda: resume_anyway, sync_to_thread=False),
            **templates.DEPENDENCIES,
            **tags.DEPENDENCIES,
        },
        exception_handlers=FOR_ROUTES,
        request_max_body_size=MAX_BODY,
        tags=["DLI"],
    )
    return [router]
