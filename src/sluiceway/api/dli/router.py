"""Puts all paths of DLI's API together, with what their handlers need."""

from typing import Annotated, Any, Final

from litestar import Request, Router
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter

from sluiceway.api.dli import buckets, parameters, queues, unsupported
from sluiceway.api.dli.answers import Truth
from sluiceway.api.dli.fields import PROJECT_PATTERN, PathId
from sluiceway.api.dli.jars import routes as jars
from sluiceway.api.dli.jobs import batch_routes, graph_routes, metrics_routes, savepoint_routes, sql_routes
from sluiceway.api.dli.jobs import routes as job_routes
from sluiceway.api.dli.jobs.verdicts import RefusedForm
from sluiceway.api.dli.resources import routes as resources
from sluiceway.api.dli.tags import resource_routes as resource_tags
from sluiceway.api.dli.tags import routes as tags
from sluiceway.api.dli.templates import routes as templates
from sluiceway.api.dli.transfer import routes as transfer
from sluiceway.api.dli.variables import routes as variables
from sluiceway.api.errors.handlers import FOR_ROUTES, language_of
from sluiceway.api.errors.language import Language
from sluiceway.api.no_options import no_options
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.way_back import Allowed
from sluiceway.settings import MAX_BODY, RetentionUnit, StopAtRest

HANDLERS: Final[list[HTTPRouteHandler]] = [
    handler
    for part in (
        batch_routes,
        job_routes,
        sql_routes,
        buckets,
        templates,
        variables,
        tags,
        metrics_routes,
        graph_routes,
        unsupported,
        transfer,
        jars,
        resources,
        resource_tags,
        queues,
        savepoint_routes,
    )
    for handler in part.HANDLERS
]


def _project(
    project_id: Annotated[
        str, PathParameter(description="1 to 64 letters and digits.", schema_extra={"pattern": PROJECT_PATTERN})
    ],
) -> str:
    return parameters.project(project_id)


def _job(job_id: Annotated[str, PathParameter(description="A whole number above 0.", schema_extra=PathId)]) -> int:
    return parameters.job_id(job_id)


def _language(request: Request[Any, Any, Any]) -> Language:
    return language_of(request)


def _truth(request: Request[Any, Any, Any]) -> Truth:
    return Truth(request.headers.get("user-agent", ""))


def routes(
    refused_form: RefusedForm = "array",
    savepoint_format: SavepointFormat | None = None,
    retention_unit: RetentionUnit = "auto",
    stop_at_rest: StopAtRest = "refuse",
    resume_anyway: frozenset[Allowed] = frozenset(),
) -> list[Router]:
    """All paths. The use cases are dependencies of the application, each under its own name.

    `refused_form` is how a batch is answered when every position is refused: with an array, as the cloud does, or with
    the first error alone, whose code users of the SDK can read. `savepoint_format` is that of all savepoints; None
    picks one for each job that does it no harm. `retention_unit` is what idle_state_retention counts, `stop_at_rest`
    how a stop treats a job that does not run, `resume_anyway` what a resume takes although it writes rows twice.
    """
    router = Router(
        path="/",
        route_handlers=[no_options(HANDLERS), *HANDLERS],
        dependencies={
            "project": Provide(_project, sync_to_thread=False),
            "job": Provide(_job, sync_to_thread=False),
            "language": Provide(_language, sync_to_thread=False),
            "truth": Provide(_truth, sync_to_thread=False),
            "refused_form": Provide(lambda: refused_form, sync_to_thread=False),
            "savepoint_format": Provide(lambda: savepoint_format, sync_to_thread=False),
            "retention_unit": Provide(lambda: retention_unit, sync_to_thread=False),
            "stop_at_rest": Provide(lambda: stop_at_rest, sync_to_thread=False),
            "resume_anyway": Provide(lambda: resume_anyway, sync_to_thread=False),
            **job_routes.DEPENDENCIES,
            **templates.DEPENDENCIES,
            **tags.DEPENDENCIES,
        },
        exception_handlers=FOR_ROUTES,
        request_max_body_size=MAX_BODY,
        tags=["DLI"],
    )
    return [router]
