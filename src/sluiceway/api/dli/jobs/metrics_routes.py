"""The path of DLI's API that shows records and rates of jobs. `is_success` is a boolean here."""

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation
from msgspec import Struct

from sluiceway.api.dli import parameters
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import BASE, REFUSED, LanguageGiven, ProjectGiven
from sluiceway.api.dli.fields import IdIn, of_ids
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.language import Text
from sluiceway.control.errors import UnknownJob
from sluiceway.control.metrics import Metrics
from sluiceway.domain.engine import Flow, Traffic

MOST: Final = 100  # jobs in one request: Flink is asked about each

SILENT: Final = Text(
    "The clusters of these jobs do not answer, so their metrics are unknown: {jobs}.",
    "以下作业所在的集群没有响应，无法获取其监控指标：{jobs}。",
)

MetricsGiven = NamedDependency[SkipValidation[Metrics]]


class MetricsRequest(Struct, frozen=True):
    """Which jobs to look at."""

    job_ids: Annotated[list[IdIn], of_ids(MOST)]


class FlowView(Struct, frozen=True):
    """A source or a sink."""

    name: str
    records: int
    corrupted_records: int


class TrafficView(Struct, frozen=True):
    """What flows through a job. Rates are records a second."""

    sources: Sequence[FlowView]
    sinks: Sequence[FlowView]
    total_read_rate: float
    total_write_rate: float


class JobMetrics(Struct, frozen=True):
    """A job; without metrics when its cluster does not answer."""

    job_id: int
    metrics: TrafficView | None


class AllMetrics(Struct, frozen=True):
    """The jobs that were asked about, each once."""

    jobs: Sequence[JobMetrics]


class MetricsShown(Struct, frozen=True):
    """Answer to metrics."""

    metrics: AllMetrics
    message: str = ""
    is_success: bool = True


@post(
    f"{BASE}/jobs/metrics",
    status_code=200,
    dto=Json[MetricsRequest],
    return_dto=None,
    responses=REFUSED,
    summary="Show the metrics of jobs",
)
async def show_metrics(
    data: JSONBody[MetricsRequest], project: ProjectGiven, language: LanguageGiven, metrics: MetricsGiven
) -> MetricsShown:
    """Records and rates of the sources and sinks of each job, as Flink tells them."""
    ids = parameters.job_ids(data.job_ids, MOST)
    try:
        found = await metrics(project, ids)
    except UnknownJob as error:
        raise DliError(Code.SHOW_UNKNOWN, id=", ".join(map(str, error.args))) from None
    silent = ", ".join(str(job) for job, traffic in found.items() if traffic is None)
    message = SILENT.say(language, {"jobs": silent}) if silent else ""
    return MetricsShown(AllMetrics([JobMetrics(job, _traffic(traffic)) for job, traffic in found.items()]), message)


HANDLERS: Final[list[HTTPRouteHandler]] = [show_metrics]


def _traffic(traffic: Traffic | None) -> TrafficView | None:
    if traffic is None:
        return None
    read, written = (sum(flow.rate for flow in flows) for flows in (traffic.sources, traffic.sinks))
    return TrafficView(list(map(_flow, traffic.sources)), list(map(_flow, traffic.sinks)), read, written)


def _flow(flow: Flow) -> FlowView:
    return FlowView(flow.name, flow.records, flow.corrupted)
