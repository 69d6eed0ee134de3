"""The paths of DLI's API about resources: files of storage under names that jobs can give."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import groupby
from typing import Annotated, Final

from litestar import delete, get, post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from sluiceway.api.dli.answers import millis
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import REFUSED, LanguageGiven, ProjectGiven, absent
from sluiceway.api.dli.fields import KIND_PATTERN, TAG_FILTER, TAG_FILTER_PATTERN
from sluiceway.api.dli.resources import rules as resource_rules
from sluiceway.api.dli.resources.wire import (
    Given,
    GiveResource,
    GroupView,
    Removed,
    ResourceList,
    ResourceView,
    UploadGroup,
    UploadResources,
)
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Text
from sluiceway.api.errors.refusing import refusing
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import BadResource, NoProgram, StorageTrouble, UnknownResource
from sluiceway.control.resources import Resources
from sluiceway.store.resources import Resource

BASE: Final = "/v2.0/{project_id:str}/resources"
GIVEN: Final = Text("The owner is changed.", "所有者已修改。")

UNFIT: Final = (
    "路径为 obs://bucket/directory/name；名称最多 128 个字符，jar 包以 .jar 结尾；"
    "分组最多 64 个字母、数字、点、中划线和下划线"
)

ResourcesGiven = NamedDependency[SkipValidation[Resources]]
NameInPath = Annotated[str, PathParameter(description="The name of the resource.")]
KindAsked = Annotated[
    str, QueryParameter(description="Only those of this kind.", schema_extra={"pattern": f"^$|{KIND_PATTERN}"})
]
TagsAsked = Annotated[str, QueryParameter(description=TAG_FILTER, schema_extra={"pattern": TAG_FILTER_PATTERN})]
GroupAsked = Annotated[str, QueryParameter(description="Its group; empty for none.")]

_ABSENT = absent("resource")


@post(BASE, status_code=200, dto=Json[UploadResources], return_dto=None, responses=REFUSED, summary="Name files")
async def upload_resources(
    data: JSONBody[UploadResources], project: ProjectGiven, resources: ResourcesGiven, permit: PermitGiven
) -> GroupView:
    """Make files of storage known by their names."""
    tags = tag_rules.checked(data.tags) if data.tags else None
    return await _register(resources, project, data.group, data.kind, data.paths, permit.who, tags)


@post(f"{BASE}/jars", status_code=200, dto=Json[UploadGroup], return_dto=None, responses=REFUSED, summary="Name jars")
async def upload_jars(
    data: JSONBody[UploadGroup], project: ProjectGiven, resources: ResourcesGiven, permit: PermitGiven
) -> GroupView:
    """Make jars of storage known by their names, perhaps in a group."""
    return await _register(resources, project, data.group, "jar", data.paths, permit.who)


@post(
    f"{BASE}/pyfiles",
    status_code=200,
    dto=Json[UploadGroup],
    return_dto=None,
    responses=REFUSED,
    summary="Name Python files",
)
async def upload_python_files(
    data: JSONBody[UploadGroup], project: ProjectGiven, resources: ResourcesGiven, permit: PermitGiven
) -> GroupView:
    """Make Python files of storage known by their names, perhaps in a group."""
    return await _register(resources, project, data.group, "pyFile", data.paths, permit.who)


@post(
    f"{BASE}/files",
    status_code=200,
    dto=Json[UploadGroup],
    return_dto=None,
    responses=REFUSED,
    summary="Name other files",
)
async def upload_files(
    data: JSONBody[UploadGroup], project: ProjectGiven, resources: ResourcesGiven, permit: PermitGiven
) -> GroupView:
    """Make files of storage known by their names, perhaps in a group."""
    return await _register(resources, project, data.group, "file", data.paths, permit.who)


@get(BASE, responses=REFUSED, summary="List resources")
async def list_resources(
    project: ProjectGiven,
    resources: ResourcesGiven,
    kind: KindAsked = "",
    tags: TagsAsked = "",
) -> ResourceList:
    """All resources of the project."""
    wanted, of_kind = tag_rules.filtered(tags), resource_rules.kind(kind) if kind else None
    found = [] if wanted is None else await resources.list(project, of_kind, wanted)
    groups = {name: list(members) for name, members in groupby(found, key=lambda resource: resource.group)}
    loose = groups.pop("", [])
    return ResourceList(
        resources=[_view(resource) for resource in loose],
        groups=[_group(name, members) for name, members in groups.items()],
        total=len(found),
    )


@get(f"{BASE}/{{resource_name:str}}", responses=REFUSED | _ABSENT, summary="Show a resource")
async def show_resource(
    project: ProjectGiven, resources: ResourcesGiven, resource_name: NameInPath, group: GroupAsked = ""
) -> ResourceView:
    """One resource."""
    with _known(group, resource_name):
        return _view(await resources.show(project, group, resource_name))


@delete(f"{BASE}/{{resource_name:str}}", status_code=200, responses=REFUSED | _ABSENT, summary="Delete a resource")
async def delete_resource(
    project: ProjectGiven,
    resources: ResourcesGiven,
    resource_name: NameInPath,
    permit: PermitGiven,
    group: GroupAsked = "",
) -> Removed:
    """Forget a resource. A file that lies in a bucket stays there."""
    with _known(group, resource_name):
        await resources.remove(project, group, resource_name, permit.who)
    return Removed()


@put(
    f"{BASE}/owner",
    dto=Json[GiveResource],
    return_dto=None,
    responses=REFUSED | _ABSENT,
    summary="Give a resource to another owner",
)
async def give_resource(
    data: JSONBody[GiveResource],
    project: ProjectGiven,
    language: LanguageGiven,
    resources: ResourcesGiven,
    permit: PermitGiven,
) -> Given:
    """Change whose a resource is, or a whole group."""
    group, name = data.group_name or "", data.resource_name or None
    if not group and name is None:
        raise bad("resource_name", "neither a resource nor a group is named", "未指定资源或分组")
    with _known(group, name or "*"):
        await resources.give(project, group, name, resource_rules.owner(data.new_owner), permit.who)
    return Given(GIVEN.in_(language))


async def _register(
    resources: Resources,
    project: str,
    group: str | None,
    kind: str,
    paths: Sequence[str],
    who: str,
    tags: Mapping[str, str] | None = None,
) -> GroupView:
    wanted = resource_rules.paths(paths)
    try:
        stored = await resources.register(project, group or "", resource_rules.kind(kind), wanted, who, tags)
    except BadResource as error:
        raise bad("paths", str(error).rstrip("."), UNFIT) from None
    except NoProgram as error:
        raise DliError(
            Code.NO_OBJECT,
            what=Text(f"There is no file {error.file} in storage.", f"存储中不存在文件 {error.file}。"),
        ) from None
    except StorageTrouble as error:
        raise DliError(Code.UNAVAILABLE, why=str(error)) from None
    return _group(group or "", stored)


def _view(resource: Resource) -> ResourceView:
    return ResourceView(
        create_time=millis(resource.created_at),
        update_time=millis(resource.updated_at),
        resource_type=resource.kind,
        resource_name=resource.name,
        underlying_name=resource.full_name,
        owner=resource.owner,
    )


def _group(name: str, members: Sequence[Resource]) -> GroupView:
    return GroupView(
        group_name=name,
        module_name=name,
        module_type=members[0].kind,
        resources=[resource.name for resource in members],
        resource_names=[resource.name for resource in members],
        details=[_view(resource) for resource in members],
        create_time=min(millis(resource.created_at) for resource in members),
        update_time=max(millis(resource.updated_at) for resource in members),
        owner=members[0].owner,
    )


def _known(group: str, name: str) -> AbstractContextManager[None]:
    return refusing({UnknownResource: Code.NOT_FOUND}, name=f"{group}/{name}" if group else name)


HANDLERS: Final[list[HTTPRouteHandler]] = [
    upload_resources,
    upload_jars,
    upload_python_files,
    upload_files,
    list_resources,
    give_resource,
    show_resource,
    delete_resource,
]
