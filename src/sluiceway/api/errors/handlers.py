"""How a refusal or a fault leaves in DLI's envelope: for the whole application, and for DLI's routes."""

from typing import TYPE_CHECKING, Any, Final

import structlog
from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotFoundException,
    ValidationException,
)
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, ErrorBody, bad, unavailable
from sluiceway.api.errors.language import Language
from sluiceway.api.errors.links import COME_AGAIN, pointing
from sluiceway.api.request_id import request_id
from sluiceway.settings import MAX_BODY
from sluiceway.store.trouble import DatabaseUnavailable

if TYPE_CHECKING:
    from litestar.types import ExceptionHandlersMap

MAX_BODY_MB: Final = MAX_BODY // 2**20
AnyRequest = Request[Any, Any, Any]

log = structlog.get_logger(__name__)


def language_of(request: AnyRequest) -> Language:
    """The language that the client asks for."""
    return Language.of(request.headers.get("x-language"))


def refused(request: AnyRequest, error: DliError) -> Response[ErrorBody]:
    """A refusal of the service itself."""
    return Response(error.body(language_of(request)), status_code=error.status, headers=pointing(error.code))


def unknown_route(request: AnyRequest, _: Exception) -> Response[ErrorBody]:
    """No such path, or not with this method: both are the same to DLI's gateway."""
    return from_gateway(request, DliError(Code.UNKNOWN_PATH, method=request.method, path=request.url.path[:200]))


def too_large(request: AnyRequest, _: Exception) -> Response[ErrorBody]:
    """The body is over the limit. The service does not read the rest of it."""
    return from_gateway(request, DliError(Code.TOO_LARGE, limit=MAX_BODY_MB))


def invalid(request: AnyRequest, error: ValidationException) -> Response[ErrorBody]:
    """The request has no body; nothing else is left for Litestar to validate."""
    found = error.extra if isinstance(error.extra, list) else []
    fields = [str(each["key"]) for each in found if isinstance(each, dict) and each.get("key") not in {None, "data"}]
    if fields:
        return refused(request, bad(", ".join(fields), "it cannot be read", "无法解析"))
    return refused(request, bad("body", "it is missing; send a JSON object", "缺少请求体，请发送 JSON 对象"))


def failed(request: AnyRequest, error: Exception) -> Response[ErrorBody]:
    """A fault of the service. The trace goes to the log, its id to the client."""
    if isinstance(error, HTTPException) and error.status_code < 500:
        answer = refused(request, bad("request", error.detail, error.detail))
        answer.status_code = error.status_code
        return answer
    ours = request_id(request.scope)
    if isinstance(error, InternalServerException) and "disconnected" in error.detail:
        log.info("client hung up", request_id=ours, path=request.url.path)
        return refused(request, DliError(Code.SERVER_FAULT, request_id=ours))  # nobody reads it
    log.error("request failed", request_id=ours, method=request.method, path=request.url.path, exc_info=error)
    return refused(request, DliError(Code.SERVER_FAULT, request_id=ours))


def stores_nothing(request: AnyRequest, error: DatabaseUnavailable) -> Response[ErrorBody]:
    """The database takes nothing now; it has logged that itself."""
    answer = from_gateway(request, unavailable(error.trouble))
    answer.set_header("Retry-After", COME_AGAIN)
    return answer


def from_gateway(request: AnyRequest, error: DliError) -> Response[ErrorBody]:
    """A refusal as the gateway before DLI sends it."""
    body = error.body(language_of(request), request_id(request.scope))
    return Response(body, status_code=error.status, headers=pointing(error.code))


# Routes are looked up, and not found, before any router is asked.
FOR_APPLICATION: "ExceptionHandlersMap" = {
    NotFoundException: unknown_route,
    MethodNotAllowedException: unknown_route,
    DatabaseUnavailable: stores_nothing,
    Exception: failed,
}
FOR_ROUTES: "ExceptionHandlersMap" = {
    **FOR_APPLICATION,
    DliError: refused,
    RequestEntityTooLarge: too_large,
    ValidationException: invalid,
}
