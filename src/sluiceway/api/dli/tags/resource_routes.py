"""The paths of the tag service about packages: the resources that jobs are made of."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Final, TypeVar

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, SkipValidation

from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, ProjectGiven, absent
from sluiceway.api.dli.tags.routes import Limit, Offset
from sluiceway.api.dli.tags.rules import Page, named, to_add, to_remove, too_many
from sluiceway.api.dli.tags.wire import AddTags, RemoveTags, TagsShown
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import TooMany, UnknownResource
from sluiceway.control.tags import ResourceTags

TAGS: Final = "/v3/{project_id:str}/dli_package_resource/{resource_id:str}/tags"

T = TypeVar("T")

ResourceTagsGiven = NamedDependency[SkipValidation[ResourceTags]]
Package = Annotated[
    str, PathParameter(description="The name of a resource, or its group and name: group#name, with # as %23.")
]

_ABSENT = absent("resource")


@get(TAGS, responses=REFUSED | _ABSENT, summary="Show a resource's tags")
async def show_resource_tags(
    project: ProjectGiven,
    resource_id: Package,
    resource_tags: ResourceTagsGiven,
    limit: Limit = "",
    offset: Offset = "",
) -> TagsShown:
    """The tags of a resource, by key."""
    page = Page.of(offset, limit)
    return page.shown(await _of(resource_id, partial(resource_tags.show, project)))


@post(
    f"{TAGS}/create",
    status_code=204,
    dto=Json[AddTags],
    return_dto=None,
    responses=REFUSED | _ABSENT,
    summary="Add tags to a resource",
)
async def add_resource_tags(
    data: JSONBody[AddTags],
    project: ProjectGiven,
    resource_id: Package,
    resource_tags: ResourceTagsGiven,
    permit: PermitGiven,
) -> None:
    """Give a resource more tags. A key that it has already gets the new value."""
    tags = to_add(data)
    try:
        await _of(resource_id, lambda group, name: resource_tags.add(project, group, name, tags, permit.who))
    except TooMany:
        raise too_many() from None


@post(
    f"{TAGS}/delete",
    status_code=204,
    dto=Json[RemoveTags],
    return_dto=None,
    responses=REFUSED | _ABSENT,
    summary="Remove tags from a resource",
)
async def remove_resource_tags(
    data: JSONBody[RemoveTags],
    project: ProjectGiven,
    resource_id: Package,
    resource_tags: ResourceTagsGiven,
    permit: PermitGiven,
) -> None:
    """Take tags from a resource. One that it has not is no error."""
    tags = to_remove(data)
    await _of(resource_id, lambda group, name: resource_tags.remove(project, group, name, tags, permit.who))


HANDLERS: Final[list[HTTPRouteHandler]] = [show_resource_tags, add_resource_tags, remove_resource_tags]


async def _of(resource_id: str, act: Callable[[str, str], Awaitable[T]]) -> T:
    """What `act` gives for the first group and name that the id may mean. Raises `DliError` where none exists."""
    for group, name in named(resource_id):
        try:
            return await act(group, name)
        except UnknownResource:
            continue
    raise DliError(Code.NOT_FOUND, name=resource_id)
