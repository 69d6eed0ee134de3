"""The tag service, as far as it is about packages: the resources that jobs are made of."""

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, PathParameter, SkipValidation

from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, ProjectGiven
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.dli.tags.routes import AddTags, Limit, Offset, Page, RemoveTags, TagsShown, to_add, to_remove
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, ErrorBody
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import TooMany, UnknownResource
from sluiceway.control.tags import ResourceTags

TAGS: Final = "/v3/{project_id:str}/dli_package_resource/{resource_id:str}/tags"

ResourceTagsGiven = NamedDependency[SkipValidation[ResourceTags]]
Package = Annotated[
    str, PathParameter(description="The name of a resource, or its group and name: group#name, with # as %23.")
]

_ABSENT = {404: ResponseSpec(ErrorBody, description="There is no such resource.", generate_examples=False)}


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
    for group, name in named(resource_id):
        try:
            return page.shown(await resource_tags.show(project, group, name))
        except UnknownResource:
            continue
    raise DliError(Code.NOT_FOUND, name=resource_id)


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
    for group, name in named(resource_id):
        try:
            return await resource_tags.add(project, group, name, tags, permit.who)
        except TooMany:
            raise tag_rules.too_many() from None
        except UnknownResource:
            continue
    raise DliError(Code.NOT_FOUND, name=resource_id)


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
    for group, name in named(resource_id):
        try:
            return await resource_tags.remove(project, group, name, tags, permit.who)
        except UnknownResource:
            continue
    raise DliError(Code.NOT_FOUND, name=resource_id)


HANDLERS: Final[list[HTTPRouteHandler]] = [show_resource_tags, add_resource_tags, remove_resource_tags]


def named(resource_id: str) -> Sequence[tuple[str, str]]:
    """The groups and names that an id may mean, the likeliest first.

    Go's clients write a blank of the path as a plus, as in a query. A name may hold a # itself.
    """
    found = []
    for text in dict.fromkeys((resource_id, resource_id.replace("+", " "))):
        group, hash_, name = text.partition("#")
        found += [(group, name)] if hash_ else []
        found.append(("", text))
    return found
