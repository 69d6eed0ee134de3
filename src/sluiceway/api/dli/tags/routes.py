"""The tag service, as far as it is about Flink jobs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Self

from litestar import get, post
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation
from msgspec import Struct

from sluiceway.api.dli import parameters as requests
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, ProjectGiven, integer
from sluiceway.api.dli.fields import TAGS_LIMIT, PathId, described
from sluiceway.api.dli.jobs.wire import Tag
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import TooMany, UnknownJob
from sluiceway.control.tags import Tags

TAGS: Final = "/v3/{project_id:str}/dli_flink_job/{resource_id:str}/tags"

TagsGiven = NamedDependency[SkipValidation[Tags]]
ResourceGiven = NamedDependency[SkipValidation[int]]
Limit = Annotated[str, QueryParameter(schema_extra=integer(0, 100, most=requests.MAX_LIMIT))]
Offset = Annotated[str, QueryParameter(schema_extra=integer(0, 0))]


class AddTags(Struct, frozen=True):
    """Tags to have besides others."""

    tags: Annotated[list[Tag], described(minItems=1, maxItems=TAGS_LIMIT)]


class TagToRemove(Struct, frozen=True):
    """A tag by its key; with a value, only if it has that."""

    key: Annotated[str, described(minLength=1)]
    value: str | None = None


class RemoveTags(Struct, frozen=True):
    """Tags no longer to have."""

    tags: Annotated[list[TagToRemove], described(minItems=1, maxItems=TAGS_LIMIT)]


class TagsShown(Struct, frozen=True):
    """One page of tags; the count is of all that there are."""

    tags: Sequence[Tag]
    count: int


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the tags to show."""

    first: int
    most: int

    @classmethod
    def of(cls, offset: str, limit: str) -> Self:
        """The page that a query asks for. Raises `DliError`."""
        return cls(requests.offset(offset), requests.limit(limit or str(requests.MAX_LIMIT)))

    def shown(self, tags: Mapping[str, str]) -> TagsShown:
        """That part of them."""
        wanted = [Tag(key, value) for key, value in tags.items()]
        return TagsShown(wanted[self.first : self.first + self.most], len(tags))


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
    try:
        return page.shown(await job_tags.show(project, resource))
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=resource) from None


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
        await job_tags.add(project, resource, to_add(data), permit.who)
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=resource) from None
    except TooMany:
        raise tag_rules.too_many() from None


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
    try:
        await job_tags.remove(project, resource, to_remove(data), permit.who)
    except UnknownJob:
        raise DliError(Code.SHOW_UNKNOWN, id=resource) from None


def to_add(data: AddTags) -> Mapping[str, str]:
    """The tags of a body by key. Raises `DliError`."""
    if not data.tags:
        raise bad("tags", "it is empty", "不能为空")
    return tag_rules.checked(data.tags)


def to_remove(data: RemoveTags) -> Sequence[tuple[str, str | None]]:
    """The tags of a body by key, with the value that they must have to go, if any. Raises `DliError`."""
    if not data.tags or not all(tag.key for tag in data.tags):
        raise bad("tags", "it is empty, or one of its keys is", "不能为空，其中的 key 也不能为空")
    tag_rules.few(len(data.tags))
    return [(tag.key, tag.value or None) for tag in data.tags]


HANDLERS: Final[list[HTTPRouteHandler]] = [show_tags, add_tags, remove_tags]


def _resource(resource_id: Annotated[str, PathParameter(description="The id of a job.", schema_extra=PathId)]) -> int:
    return requests.job_id(resource_id)


DEPENDENCIES: Final = {"resource": Provide(_resource, sync_to_thread=False)}
