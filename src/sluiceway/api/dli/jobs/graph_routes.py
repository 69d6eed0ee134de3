"""The graphs of jobs: that of the latest run, and that of SQL that somebody is still writing."""

from collections.abc import Mapping
from typing import Annotated, Final

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct

from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import BASE, REFUSED, JobIdGiven, LanguageGiven, ProjectGiven, QueriesGiven
from sluiceway.api.dli.fields import SQL_LIMIT, Cu, ManagerCu, Parallelism, Slots, TaskManagerCu, among, described
from sluiceway.api.dli.jobs import rules, wire
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Text
from sluiceway.control.errors import Gap, NoGraph, UnknownJob
from sluiceway.control.graphs import Graphs
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.variables import Unfilled
from sluiceway.engines.planning.sql import SqlRefused, SqlSyntax

GRAPH_TYPES: Final = ("simple_graph", "job_graph")

NO_JOB: Final = Text("there is no such job in this project", "该项目中不存在此作业")
GAPS: Final[Mapping[Gap, Text]] = {
    Gap.NEVER_RUN: Text("the job has never been run", "作业从未运行"),
    Gap.UNREACHABLE: Text("cluster {cluster} cannot be reached now", "当前无法访问集群 {cluster}"),
    Gap.SILENT: Text("cluster {cluster} does not answer: {detail}", "集群 {cluster} 没有响应：{detail}"),
    Gap.FORGOTTEN: Text(
        "cluster {cluster} does not know the job's latest run", "集群 {cluster} 中没有该作业最近一次运行的记录"
    ),
}

GraphsGiven = NamedDependency[SkipValidation[Graphs]]


class GraphRequest(Struct, frozen=True, kw_only=True):
    """SQL, and what it would run with. The estimates are taken and not made."""

    sql_body: Annotated[str, described(maxLength=SQL_LIMIT, pattern=r"\S")]
    cu_number: Cu = None
    manager_cu_number: ManagerCu = None
    parallel_number: Parallelism = None
    tm_cus: TaskManagerCu = None
    tm_slot_num: Slots = None
    operator_config: str | None = None
    static_estimator: bool | None = None
    static_estimator_config: str | None = None
    job_type: Annotated[str | None, among(rules.DEFAULT_TYPE)] = None
    graph_type: Annotated[str | None, among(*GRAPH_TYPES)] = None
    flink_version: str | None = None


class GraphDrawn(Struct, frozen=True):
    """Answer to gen-graph: JSON as text."""

    stream_graph: str
    message: str = ""
    error_code: str = ""
    is_success: bool = True


@post(
    "/v3/{project_id:str}/streaming/jobs/{job_id:str}/gen-graph",
    status_code=200,
    dto=Json[GraphRequest],
    return_dto=None,
    responses=REFUSED,
    summary="Draw the graph of SQL",
)
async def generate_graph(
    data: JSONBody[GraphRequest], project: ProjectGiven, job: JobIdGiven, graphs: GraphsGiven
) -> GraphDrawn:
    """Flink's own plan of the SQL. Nothing runs, and the job stays as it is."""
    kind = data.graph_type or GRAPH_TYPES[0]
    if kind not in GRAPH_TYPES:
        raise bad("graph_type", f"it must be one of {', '.join(GRAPH_TYPES)}", f"必须为 {'、'.join(GRAPH_TYPES)} 之一")
    if (data.job_type or rules.DEFAULT_TYPE) != rules.DEFAULT_TYPE:
        raise bad("job_type", f"it must be {rules.DEFAULT_TYPE}", f"必须为 {rules.DEFAULT_TYPE}")
    if not data.sql_body.strip():
        raise bad("sql_body", "it is empty", "不能为空")
    spec = rules.create(_job(data)).spec
    try:
        return GraphDrawn(await graphs(project, job, spec, chained=kind == "job_graph"))
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=job) from None
    except SqlSyntax as error:
        raise DliError(Code.SQL_SYNTAX, why=str(error)) from None
    except (SqlRefused, Unfilled) as error:
        raise DliError(Code.SQL_SEMANTICS, why=str(error)) from None
    except Unreachable as error:
        raise DliError(Code.UNAVAILABLE, why=str(error)) from None


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


HANDLERS: Final[list[HTTPRouteHandler]] = [execute_graph, generate_graph]


def _job(data: GraphRequest) -> wire.CreateSqlJob:
    """The job that this would make, so that the same rules judge it."""
    return wire.CreateSqlJob(
        name="graph",
        sql_body=data.sql_body,
        cu_number=data.cu_number,
        manager_cu_number=data.manager_cu_number,
        parallel_number=data.parallel_number,
        tm_cus=data.tm_cus,
        tm_slot_num=data.tm_slot_num,
    )
