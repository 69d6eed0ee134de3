"""The API as a page to try it out on. The service sends its scripts itself: many users have no other network."""

import asyncio
import threading
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIHeader,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    RequestBody,
    Schema,
    SecurityScheme,
)
from litestar.openapi.spec.base import BaseSchemaObject
from litestar.openapi.spec.enums import OpenAPIType
from litestar.response import File
from msgspec import StructMeta

from sluiceway import __version__
from sluiceway.api.auth.actions import Open, need_of
from sluiceway.api.native import cluster_wire, job_checks, move_wire, register_wire, resume_wire, savepoint_wire, wire

_ASSETS = ("swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css")
_STATIC = Path(str(files("swagger_ui"))) / "static"
_COMPLETED, _COMPLETING = "description_completed", threading.Lock()

_REQUEST_ID = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.STRING), description="The id of the request in the service's log.", required=True
)
_RETRY_AFTER = OpenAPIHeader(
    schema=Schema(type=OpenAPIType.INTEGER), description="Seconds to wait before the next request."
)


# The names under which clients know types of the same name, whatever modules these are in by now.
_SCHEMAS = {
    "dli_jobs_wire_StopRequest": "dli_wire_StopRequest",
    "dli_resources_wire_ResourceList": "dli_resource_wire_ResourceList",
    "jobs_savepoint_routes_ImportRequest": "savepoints_ImportRequest",
    "transfer_wire_ImportRequest": "transfer_ImportRequest",
}


def _api_of(handler: HTTPRouteHandler) -> str:
    """The package below `api` that a handler is in; `api` for one in none."""
    return handler.fn.__module__.split(".")[1:-1][:2][-1]


def described() -> OpenAPIConfig:
    """How an application describes itself. It does so when first asked, as that takes a fifth of a second."""
    return OpenAPIConfig(
        title="Sluiceway",
        version=__version__,
        description="Stops Flink jobs in bulk, keeps a verified savepoint of each, and brings them back. "
        "The paths under /v1.0 are Huawei Cloud DLI's; those under /api/v1 are our own.",
        components=Components(
            security_schemes={
                "token": SecurityScheme(type="apiKey", name="X-Auth-Token", security_scheme_in="header"),
                "bearer": SecurityScheme(type="http", scheme="bearer", bearer_format="JWT"),
            }
        ),
        security=[{"token": []}, {"bearer": []}],
        operation_id_creator=lambda handler, _method, _path: f"{_api_of(handler)}_{handler.handler_name}",
        render_plugins=[
            SwaggerRenderPlugin(
                path=["/", "/swagger"],
                js_url="/assets/swagger-ui-bundle.js",
                css_url="/assets/swagger-ui.css",
                standalone_preset_js_url="/assets/swagger-ui-standalone-preset.js",
                favicon='<link rel="icon" href="data:,">',
            )
        ],
        openapi_router=Router("/docs", route_handlers=[], include_in_schema=False, before_request=_complete_first),
    )


async def _complete_first(request: Request[Any, Any, Any]) -> None:
    await asyncio.to_thread(completed, request.app)


def completed(app: Litestar) -> Litestar:
    """The application, with a description that also has what routes do not know: the gate before them, and headers.

    Its paths are in the same order every time. It takes its time when called first.
    """
    with _COMPLETING:
        if not app.state.get(_COMPLETED):
            _complete_all(app)
            app.state[_COMPLETED] = True
    return app


def _complete_all(app: Litestar) -> None:
    schema = app.openapi_schema
    schema.paths = dict(sorted((schema.paths or {}).items()))
    for path, item in schema.paths.items():
        for method in ("get", "post", "put", "patch", "delete"):
            operation: Operation | None = getattr(item, method)
            if operation is not None:
                _complete(operation, need_of(method.upper(), path) is Open.TO_ALL)
    for node in _nodes(schema):
        _any_of(node)
        _refer_by_known_name(node)
    schemas = {_SCHEMAS.get(name, name): found for name, found in (schema.components.schemas or {}).items()}
    schema.components.schemas = dict(sorted(schemas.items()))
    _close(schema.components.schemas)


_GATE = {
    "400": "The token is for another project.",
    "401": "The caller is not signed in.",
    "403": "The caller has no right to it.",
}
_ANYWHERE = {
    "429": "The caller sends too many requests.",
    "500": "A fault of the service.",
    "503": "The service has too much to do, or cannot store anything now.",
}
_WITH_BODY = {"413": "The body is too long. Nothing was done."}


def _complete(operation: Operation, open_to_all: bool) -> None:
    if open_to_all:
        operation.security = []
    if isinstance(operation.request_body, RequestBody) and _may_be_null(operation.request_body):
        operation.request_body.required = False
    refused = _ANYWHERE | ({} if open_to_all else _GATE) | (_WITH_BODY if operation.request_body else {})
    responses = operation.responses = dict(operation.responses or {})
    for status, why in refused.items():
        responses.setdefault(status, _refused(why))
    for status, response in responses.items():
        assert isinstance(response, OpenAPIResponse)
        response.headers = {**(response.headers or {}), "X-Request-Id": _REQUEST_ID}
        if status in {"429", "503"}:
            response.headers["Retry-After"] = _RETRY_AFTER


def _refused(why: str) -> OpenAPIResponse:
    error = Reference(ref="#/components/schemas/ErrorBody")
    return OpenAPIResponse(why, content={"application/json": OpenAPIMediaType(schema=error)})


def _may_be_null(body: RequestBody) -> bool:
    schema = body.content["application/json"].schema if "application/json" in body.content else None
    null = OpenAPIType.NULL
    return isinstance(schema, Schema) and any(isinstance(s, Schema) and s.type is null for s in schema.one_of or ())


def _nodes(node: object) -> Iterator[BaseSchemaObject]:
    """All parts of a description, each before its own parts."""
    if isinstance(node, BaseSchemaObject):
        yield node
    for value in vars(node).values() if isinstance(node, BaseSchemaObject) else _items(node):
        yield from _nodes(value)


def _any_of(node: BaseSchemaObject) -> None:
    """Say of a union that a value is of any of its types. Litestar says of exactly one, and some types share values."""
    if isinstance(node, Schema) and node.one_of:
        node.any_of, node.one_of = node.one_of, None


def _refer_by_known_name(node: BaseSchemaObject) -> None:
    if isinstance(node, Reference):
        place, _, name = node.ref.rpartition("/")
        node.ref = f"{place}/{_SCHEMAS.get(name, name)}"


def _close(schemas: dict[str, Schema]) -> None:
    """Say which bodies may hold no unknown fields: some of our own API. DLI's API ignores such fields."""
    for kind in (
        kind
        for module in (wire, cluster_wire, job_checks, move_wire, resume_wire, register_wire, savepoint_wire)
        for kind in vars(module).values()
    ):
        if isinstance(kind, StructMeta) and kind.__struct_config__.forbid_unknown_fields:
            name = kind.__name__
            schemas[name if name in schemas else f"native_wire_{name}"].additional_properties = False


def _items(node: object) -> Iterable[object]:
    return node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()


@get("/openapi.json", include_in_schema=False, sync_to_thread=True)
def schema(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The OpenAPI description, where clients look for it."""
    return completed(request.app).openapi_schema.to_schema()


def assets() -> Router:
    """The files that the page needs."""
    return Router(path="/assets", route_handlers=[_asset(name) for name in _ASSETS])


def _asset(name: str) -> HTTPRouteHandler:
    @get(f"/{name}", include_in_schema=False, sync_to_thread=False, name=name)
    def asset() -> File:
        return File(_STATIC / name, filename=name, content_disposition_type="inline")

    return asset
