"""Decodes bodies strictly, and says in DLI's words what is wrong with one."""

import re
from typing import TypeVar

import msgspec

from sluiceway.api import body_bounds
from sluiceway.api.body_bounds import TooManyValues
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Text

T = TypeVar("T")

_MISSING = re.compile(r"missing required field `(?P<field>[^`]+)`(?: - at `\$\.?(?P<at>[^`]*)`)?")
_PLACE = re.compile(r"\(byte ([0-9]+)\)")
_WRONG = re.compile(r"Expected `(?P<want>[^`]+)`, got `(?P<got>[^`]+)`(?: - at `\$\.?(?P<at>[^`]*)`)?")


def decode(body: bytes, wanted: type[T]) -> T:
    """Decode a body as its type, without conversions: a text is no boolean. Raises `DliError`."""
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
    """Builds no objects of it: those would take up to fifty times the memory of the body."""
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
