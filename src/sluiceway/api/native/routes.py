"""Where our own API lies, and how it says no."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router
from litestar.exceptions import HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from sluiceway.api.native import events, resources, savepoints, stops, wire
from sluiceway.api.no_options import no_options
from sluiceway.control.errors import (
    BadResource,
    ControlError,
    Forbidden,
    KeyReused,
    ResourceTooLarge,
    SavepointNeeded,
    SavepointRemoved,
    StorageTrouble,
    UnknownBatch,
    UnknownQueue,
    UnknownResource,
    UnknownSavepoint,
    Unremovable,
    UnusablePath,
)
from sluiceway.settings import MAX_BODY

_HANDLERS = [
    stops.stop,
    stops.list_stops,
    stops.show_stop,
    stops.abort,
    stops.proceed,
    stops.resume,
    events.follow_stop,
    events.list_events,
    savepoints.list_savepoints,
    savepoints.take_savepoints,
    savepoints.show_savepoint,
    savepoints.verify_savepoint,
    savepoints.delete_savepoint,
    resources.upload_resource,
    resources.list_resources,
    resources.delete_resource,
]


def routes() -> Router:
    """Everything under `/api/v1/projects/{project_id}`."""
    return Router(
        path="/api/v1/projects/{project_id:str}",
        route_handlers=[no_options(_HANDLERS), *_HANDLERS],
        exception_handlers={
            HTTPException: _http_error,
            RequestEntityTooLarge: _too_large,
            Forbidden: _no("APIGW.0302", 403),
            UnknownBatch: _no("unknown_stop", 404),
            UnknownQueue: _no("unknown_queue", 404),
            UnknownSavepoint: _no("unknown_savepoint", 404),
            UnknownResource: _no("unknown_resource", 404),
            BadResource: _no("bad_request", 400),
            ResourceTooLarge: _no("too_large", 413),
            SavepointNeeded: _no("savepoint_needed", 409),
            SavepointRemoved: _no("savepoint_removed", 409),
            Unremovable: _no("savepoint_unremovable", 409),
            UnusablePath: _no("unusable_path", 400),
            StorageTrouble: _no("storage_unreadable", 503),
            KeyReused: _no("idempotency_key_reused", 422),
        },
    )


def _no(code: str, status: int) -> Callable[[Request[Any, Any, Any], ControlError], Response[wire.Error]]:
    def answer(_: Request[Any, Any, Any], error: ControlError) -> Response[wire.Error]:
        return Response(wire.Error(code, str(error)), status_code=status)

    return answer


def _http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[wire.Error]:
    extra = error.extra if isinstance(error.extra, list) else []
    found = {str(e.get("key")): str(e.get("message")) for e in extra if isinstance(e, dict)}
    if "data" in found:
        found = {"body": "it is missing; send a JSON object"}
    text = "; ".join(f"{key}: {why}" for key, why in found.items()) or error.detail
    return Response(wire.Error("bad_request", text), status_code=error.status_code)


def _too_large(_: Request[Any, Any, Any], error: RequestEntityTooLarge) -> Response[wire.Error]:
    text = f"The body is longer than {MAX_BODY} bytes. Send fewer jobs in one request."
    return Response(wire.Error("too_large", text), status_code=error.status_code)
