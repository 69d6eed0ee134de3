"""Resources: jars and files that jobs name, uploaded as they are."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, delete, get, put
from litestar.di import NamedDependency
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import Parameter, SkipValidation

from sluiceway.api.errors.links import pointing
from sluiceway.api.errors.native_codes import STATUS, Code
from sluiceway.api.native import wire
from sluiceway.api.native.dependencies import Project, refusals
from sluiceway.api.permit import PermitGiven
from sluiceway.control.resources import Resources
from sluiceway.settings import MAX_BODY, MAX_RESOURCE
from sluiceway.store.resources import Resource

ResourcesGiven = NamedDependency[SkipValidation[Resources]]
Name = Annotated[str, Parameter(description="What jobs call it. A jar's name ends with .jar.")]
Group = Annotated[str, Parameter(description="Its group; empty for none. Jobs call it group/name then.")]


@dataclass
class _Upload(Operation):
    """Describes the body, which is read bit by bit and never as a whole."""

    def __post_init__(self) -> None:
        anything = Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY)
        self.request_body = RequestBody(
            content={"application/octet-stream": OpenAPIMediaType(schema=anything)},
            required=False,  # an empty file is one, too
        )


def _too_large(_: Request[Any, Any, Any], _error: RequestEntityTooLarge) -> Response[wire.Error]:
    text = (
        f"A resource has at most {MAX_RESOURCE} bytes, and a signed request {MAX_BODY}. Send larger ones with a token"
        " in X-Auth-Token in place of a signature."
    )
    code = Code.TOO_LARGE
    return Response(wire.Error(code, text), status_code=STATUS[code], headers=pointing(code))


@put(
    "/resources/{name:str}",
    status_code=200,
    tags=["resources"],
    summary="Upload a jar or file",
    operation_class=_Upload,
    request_max_body_size=MAX_RESOURCE,
    exception_handlers={RequestEntityTooLarge: _too_large},
    responses=refusals(413, 503),
)
async def upload_resource(
    request: Request[Any, Any, Any],
    project_id: Project,
    name: Name,
    resources: ResourcesGiven,
    permit: PermitGiven,
    group: Group = "",
) -> wire.Resource:
    """Store the body under a name, in place of what has that name. Running jobs keep what they were started with."""
    return _view(await resources.upload(project_id, group, name, request.stream(), permit.who))


@get("/resources", tags=["resources"], summary="All resources", responses=refusals())
async def list_resources(project_id: Project, resources: ResourcesGiven) -> wire.ResourceList:
    """All resources of the project, by group and name."""
    return wire.ResourceList([_view(resource) for resource in await resources.list(project_id)])


@delete(
    "/resources/{name:str}", status_code=200, tags=["resources"], summary="Delete a resource", responses=refusals(404)
)
async def delete_resource(
    project_id: Project, name: Name, resources: ResourcesGiven, permit: PermitGiven, group: Group = ""
) -> wire.Resource:
    """Forget a resource, and remove what was uploaded for it. Jobs that name it cannot be started until it is back."""
    gone = await resources.show(project_id, group, name)
    await resources.remove(project_id, group, name, permit.who)
    return _view(gone)


def _view(resource: Resource) -> wire.Resource:
    return wire.Resource(
        name=resource.name,
        group=resource.group,
        kind=resource.kind,
        path=resource.path,
        sha256=resource.sha256,
        size=resource.size,
        owner=resource.owner,
        created_at=resource.created_at,
        updated_at=resource.updated_at,
    )
