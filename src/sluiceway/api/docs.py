"""The API as a page to try it out on. Its scripts come from this service: many who need it have no other network."""

from importlib.resources import files
from pathlib import Path
from typing import Any

from litestar import Litestar, Request, Router, get
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import SwaggerRenderPlugin
from litestar.openapi.spec import (
    Components,
    OpenAPIMediaType,
    OpenAPIResponse,
    Operation,
    Reference,
    SecurityScheme,
)
from litestar.response import File

from sluiceway import __version__
from sluiceway.api.auth.actions import Open, need_of

_ASSETS = ("swagger-ui-bundle.js", "swagger-ui-standalone-preset.js", "swagger-ui.css")
_STATIC = Path(str(files("swagger_ui"))) / "static"


def _api_of(handler: HTTPRouteHandler) -> str:
    return handler.fn.__module__.split(".")[-2]


openapi = OpenAPIConfig(
    title="Sluiceway",
    version=__version__,
    description="Stops Flink jobs in bulk, keeps a verified savepoint of each, and brings them back. "
    "The paths under /v1.0 are Huawei Cloud DLI's; those under /api/v1 are our own.",
    path="/docs",
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
)


def in_order(app: Litestar) -> Litestar:
    """The application, with its paths listed in the same order every time, and what the gate before them may answer."""
    schema = app.openapi_schema
    schema.paths = dict(sorted((schema.paths or {}).items()))
    for path, item in schema.paths.items():
        for method in ("get", "post", "put", "delete"):
            operation: Operation | None = getattr(item, method)
            if operation is None:
                continue
            if need_of(method.upper(), path) is Open.TO_ALL:
                operation.security = []
                continue
            responses = operation.responses = dict(operation.responses or {})
            for status, why in _GATE.items():
                responses.setdefault(status, _refused(why))
    return app


_GATE = {
    "400": "The token is for another project.",
    "401": "The caller is not signed in.",
    "403": "The caller has no right to it.",
}


def _refused(why: str) -> OpenAPIResponse:
    error = Reference(ref="#/components/schemas/ErrorBody")
    return OpenAPIResponse(why, content={"application/json": OpenAPIMediaType(schema=error)})


@get("/openapi.json", include_in_schema=False, sync_to_thread=False)
def schema(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """The OpenAPI description, where clients look for it."""
    return request.app.openapi_schema.to_schema()


def assets() -> Router:
    """The files that the page needs."""
    return Router(path="/assets", route_handlers=[_asset(name) for name in _ASSETS])


def _asset(name: str) -> HTTPRouteHandler:
    @get(f"/{name}", include_in_schema=False, sync_to_thread=False, name=name)
    def asset() -> File:
        return File(_STATIC / name, filename=name, content_disposition_type="inline")

    return asset
