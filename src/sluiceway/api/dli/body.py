"""Where HTTP meets DLI's rules: bodies are decoded strictly, and every failure leaves in DLI's envelope."""

import re
from typing import TYPE_CHECKING, Any, Final, TypeVar

import msgspec
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

from sluiceway.api import body_bounds
from sluiceway.api.body_bounds import TooManyValues
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, ErrorBody, bad, unavailable
from sluiceway.api.errors.language import Language, Text
from sluiceway.api.errors.links import COME_AGAIN, pointing
from sluiceway.api.request_id import request_id
from sluiceway.api.strict_body import StrictBody
from sluiceway.settings import MAX_BODY
from sluiceway.store.trouble import DatabaseUnavailable

if TYPE_CHECKING:
    from litestar.types import ExceptionHandlersMap

MAX_BODY_MB: Final = MAX_BODY // 2**20

T = TypeVar("T")
AnyRequest = Request[Any, Any, Any]

_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`(?: - at `\$\.?(?P<at>[^`]*)`)?")
_PLACE = re.compile(r"\(byte ([0-9]+)\)")
_WRONG = re.compile(r"Expected `(?P<want>[^`]+)`, got `(?P<got>[^`]+)`(?: - at `\$\.?(?P<at>[^`]*)`)?")

log = structlog.get_logger(__name__)


def decode(body: bytes, wanted: type[T]) -> T:
    """A body as its type, without conversions: a text is no boolean. Raises `DliError`."""
    try:
        body_bounds.check(body, wanted)
        return msgspec.json.decode(body, type=wanted)
    except TooManyValues as many:
        _check_syntax(body)
        raise _too_many(many) from None
    except msgspec.ValidationError as error:
        _check_syntax(body)  # a wrong type may stand before a broken end
        raise _type_error(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _syntax_error(error) from None


def _too_many(many: TooManyValues) -> DliError:
    if many.ids:
        return DliError(Code.TOO_MANY, count=many.count, limit=many.most)
    return bad(many.field, f"it holds more than {many.most} items", f"不能超过 {many.most} 项")


def _check_syntax(body: bytes) -> None:
    """Makes nothing of it, which would take up to fifty times the memory of the body."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
        body.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise _syntax_error(error) from None


def _syntax_error(error: Exception) -> DliError:
    place = _PLACE.search(str(error))
    where = f"第 {place[1]} 字节处" if place else ""
    return DliError(Code.NOT_JSON, why=Text(str(error)[:200], f"{where}无法解析"))


def _type_error(message: str) -> DliError:
    if missing := _MISSING.search(message):
        return bad(_path(missing["at"], missing["field"]), "it is missing", "缺少该参数")
    if wrong := _WRONG.search(message):
        want, got = wrong["want"], wrong["got"]
        return bad(_path(wrong["at"]), f"{want} is expected, not {got}", f"应为 {want}，而不是 {got}")
    return bad("body", message, message)


def _path(at: str | None, field: str = "") -> str:
    return ".".join(filter(None, (at, field))) or "body"


class Json(StrictBody[T]):
    """Decodes a request body by `decode`."""

    def decode_bytes(self, value: bytes) -> T:
        """The body as the handler's type."""
        return decode(value, self.model_type)


# --- failures -------------------------------------------------------------------------------------------------------


def language_of(request: AnyRequest) -> Language:
    """The language that the client wants to be answered in."""
    return Language.of(request.headers.get("x-language"))


def refused(request: AnyRequest, error: DliError) -> Response[ErrorBody]:
    """A refusal of ours."""
    return Response(error.body(language_of(request)), status_code=error.status, headers=pointing(error.code))


def unknown_route(request: AnyRequest, _: Exception) -> Response[ErrorBody]:
    """No such path, or not with this method: both are the same to DLI's gateway."""
    return from_gateway(request, DliError(Code.UNKNOWN_PATH, method=request.method, path=request.url.path[:200]))


def too_large(request: AnyRequest, _: Exception) -> Response[ErrorBody]:
    """The body is over the limit; the rest of it is not read."""
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
        return refused(request, DliError(Code.SERVER_FAULT, request_id=ours))  # nobody is left to read it
    log.error("request failed", request_id=ours, method=request.method, path=request.url.path, exc_info=error)
    return refused(request, DliError(Code.SERVER_FAULT, request_id=ours))


def stores_nothing(request: AnyRequest, error: DatabaseUnavailable) -> Response[ErrorBody]:
    """The database takes nothing now, which it has told the log."""
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
