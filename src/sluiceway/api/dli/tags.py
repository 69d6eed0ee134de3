"""The tag service, as far as it is about Flink jobs."""

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation
from msgspec import Struct

from sluiceway.api.dli import requests, tag_rules
from sluiceway.api.dli.boundary import Json
from sluiceway.api.dli.errors import Code, DliError, bad
from sluiceway.api.dli.fields import TAGS_LIMIT, PathId, described
from sluiceway.api.dli.given import REFUSED, LanguageGiven, ProjectGiven, integer
from sluiceway.api.dli.language import Text
from sluiceway.api.dli.wire import Done, Tag
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import TooMany, UnknownJob
from sluiceway.control.tags import Tags

TAGS: Final = "/v3/{project_id:str}/dli_flink_job/{resource_id:str}/tags"

CHANGED: Final = Text("The tags of the job are changed.", "作业标签已更新。")

TagsGiven = NamedDependency[SkipValidation[Tags]]
ResourceGiven = NamedDependency[SkipValidation[int]]


class AddTags(Struct, frozen=True):
    """Tags that a job is to have besides its others."""

    tags: Annotated[list[Tag], described(minItems=1, maxItems=TAGS_LIMIT)]


class TagToRemove(Struct, frozen=True):
    """A tag by its key; with a value, only if it has that."""

    key: Annotated[str, described(minLength=1)]
    value: str | None = None


class RemoveTags(Struct, frozen=True):
    """Tags that a job is no longer to have."""

    tags: Annotated[list[TagToRemove], described(minItems=1, maxItems=TAGS_LIMIT)]


class TagsShown(Struct, frozen=True):
    """The tags of a job; the count is of all that it has."""

    tags: Sequence[Tag]
    count: int


@get(TAGS, responses=REFUSED, summary="Show a job's tags")
async def show_tags(
    project: ProjectGiven,
    resource: ResourceGiven,
    job_tags: TagsGiven,
    limit: Annotated[str, QueryParameter(schema_extra=integer(0, 100, most=requests.MAX_LIMIT))] = "",
    offset: Annotated[str, QueryParameter(schema_extra=integer(0, 0))] = "",
) -> TagsShown:
    """The tags of a job, by key."""
    first, most = requests.offset(offset), requests.limit(limit or str(requests.MAX_LIMIT))
    try:
        found = await job_tags.show(project, resource)
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=resource) from None
    return TagsShown([Tag(key, value) for key, value in found.items()][first : first + most], len(found))


@post(
    f"{TAGS}/create",
    status_code=200,
    dto=Json[AddTags],
    return_dto=None,
    responses=REFUSED,
    summary="Add tags to a job",
)
async def add_tags(
    data: JSONBody[AddTags],
    project: ProjectGiven,
    resource: ResourceGiven,
    language: LanguageGiven,
    job_tags: TagsGiven,
    permit: PermitGiven,
) -> Done:
    """Give a job more tags. A key that it has already gets the new value."""
    if not data.tags:
        raise bad("tags", "it is empty", "不能为空")
    try:
        await job_tags.add(project, resource, tag_rules.checked(data.tags), permit.who)
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=resource) from None
    except TooMany:
        raise tag_rules.too_many() from None
    return Done(CHANGED.in_(language))


@post(
    f"{TAGS}/delete",
    status_code=200,
    dto=Json[RemoveTags],
    return_dto=None,
    responses=REFUSED,
    summary="Remove tags from a job",
)
async def remove_tags(
    data: JSONBody[RemoveTags],
    project: ProjectGiven,
    resource: ResourceGiven,
    language: LanguageGiven,
    job_tags: TagsGiven,
    permit: PermitGiven,
) -> Done:
    """Take tags from a job. One that it has not is no error."""
    if not data.tags or not all(tag.key for tag in data.tags):
        raise bad("tags", "it is empty, or one of its keys is", "不能为空，其中的 key 也不能为空")
    tag_rules.few(len(data.tags))
    try:
        await job_tags.remove(project, resource, [(tag.key, tag.value or None) for tag in data.tags], permit.who)
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=resource) from None
    return Done(CHANGED.in_(language))


HANDLERS: Final[list[HTTPRouteHandler]] = [show_tags, add_tags, remove_tags]


def _resource(resource_id: Annotated[str, PathParameter(description="The id of a job.", schema_extra=PathId)]) -> int:
    return requests.job_id(resource_id)


DEPENDENCIES: Final = {"resource": Provide(_resource, sync_to_thread=False)}
