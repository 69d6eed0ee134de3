"""The paths of the tag service about Flink jobs."""

from typing import Annotated, Final

from litestar import get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from sluiceway.api.dli import parameters
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, ProjectGiven, integer
from sluiceway.api.dli.fields import PathId
from sluiceway.api.dli.tags.rules import Page, to_add, to_remove, too_many
from sluiceway.api.dli.tags.wire import AddTags, RemoveTags, TagsShown
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.refusing import refusing
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import TooMany, UnknownJob
from sluiceway.control.tags import Tags

TAGS: Final = "/v3/{project_id:str}/dli_flink_job/{resource_id:str}/tags"

TagsGiven = NamedDependency[SkipValidation[Tags]]
ResourceGiven = NamedDependency[SkipValidation[int]]
Limit = Annotated[str, QueryParameter(schema_extra=integer(0, 100, most=parameters.MAX_LIMIT))]
Offset = Annotated[str, QueryParameter(schema_extra=integer(0, 0))]


@get(TAGS, responses=REFUSED, summary="Show a job's tags")
async def show_tags(
    project: ProjectGiven,
    resource: ResourceGiven,
    job_tags: TagsGiven,
    limit: Limit = "",
    offset: Offset = "",
) -> TagsShown:
    """The tags of a job, by key."""
    page = Page.of(offset, limit)
    with refusing({UnknownJob: Code.SHOW_UNKNOWN}, id=resource):
        return page.shown(await job_tags.show(project, resource))


@post(
    f"{TAGS}/create",
    status_code=204,
    dto=Json[AddTags],
    return_dto=None,
    responses=REFUSED,
    summary="Add tags to a job",
)
async def add_tags(
    data: JSONBody[AddTags],
    project: ProjectGiven,
    resource: ResourceGiven,
    job_tags: TagsGiven,
    permit: PermitGiven,
) -> None:
    """Give a job more tags. A key that it has already gets the new value."""
    try:
        with refusing({UnknownJob: Code.SHOW_UNKNOWN}, id=resource):
            await job_tags.add(project, resource, to_add(data), permit.who)
    except TooMany:
        raise too_many() from None


@post(
    f"{TAGS}/delete",
    status_code=204,
    dto=Json[RemoveTags],
    return_dto=None,
    responses=REFUSED,
    summary="Remove tags from a job",
)
async def remove_tags(
    data: JSONBody[RemoveTags],
    project: ProjectGiven,
    resource: ResourceGiven,
    job_tags: TagsGiven,
    permit: PermitGiven,
) -> None:
    """Take tags from a job. One that it has not is no error."""
    with refusing({UnknownJob: Code.SHOW_UNKNOWN}, id=resource):
        await job_tags.remove(project, resource, to_remove(data), permit.who)


HANDLERS: Final[list[HTTPRouteHandler]] = [show_tags, add_tags, remove_tags]


def _resource(resource_id: Annotated[str, PathParameter(description="The id of a job.", schema_extra=PathId)]) -> int:
    return parameters.job_id(resource_id)


DEPENDENCIES: Final = {"resource": Provide(_resource, sync_to_thread=False)}
