"""Checks the parameters that several resources take: projects, ids, pages, texts and lists. Pure."""

import re
from collections.abc import Sequence
from typing import Final, TypeVar

from sluiceway.api.dli.fields import MAX_ID, TEXT_LIMIT, IdIn
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.settings import MAX_JOB_IDS

DEFAULT_LIMIT: Final = 10
MAX_LIMIT: Final = 100

T = TypeVar("T")

_PROJECT = re.compile(r"[A-Za-z0-9]{1,64}")
_NUMBER = re.compile(r"[+-]?[0-9]{1,19}")


def project(segment: str) -> str:
    """The project that a path names."""
    if not _PROJECT.fullmatch(segment):
        raise DliError(Code.BAD_PROJECT)
    return segment


def job_id(segment: str) -> int:
    """The job that a path names."""
    found = number(segment)
    if found is None or not 0 < found <= MAX_ID:
        raise DliError(Code.BAD_ID, id=segment[:40])
    return found


def job_ids(given: Sequence[IdIn], most: int = MAX_JOB_IDS, field: str = "job_ids") -> list[int]:
    """The jobs that a batch names, in its order. Raises `DliError` for the first that is no id."""
    if not given:
        raise bad(field, "it is empty", "不能为空")
    if len(given) > most:
        raise DliError(Code.TOO_MANY, count=len(given), limit=most)
    ids = [item if type(item) is int else _id_in_text(str(item), field) for item in given]
    if max(ids) > MAX_ID:
        raise bad(field, f"{_short(max(ids))} is beyond 64 bits", f"{_short(max(ids))} 超出 64 位整数范围")
    if min(ids) < 1:
        raise DliError(Code.BAD_ID, id=_short(min(ids)))
    return ids


def descending(order: str) -> bool:
    """Whether a list begins with the newest, as it does by default."""
    return choice("order", order or "desc", ("desc", "asc")) == "desc"


def offset(given: str) -> int:
    """How many items of a list to skip."""
    found = number(given or "0")
    if found is None or not 0 <= found <= MAX_ID:
        raise DliError(Code.BAD_OFFSET)
    return found


def limit(given: str) -> int:
    """How many items of a list to show."""
    found = number(given or str(DEFAULT_LIMIT))
    if found is None or found < 0:
        raise bad("limit", f"it must be a whole number, 0 to {MAX_LIMIT}", f"必须为 0 到 {MAX_LIMIT} 的整数")
    return min(found, MAX_LIMIT)


def choice(field: str, given: str, choices: Sequence[str]) -> str:
    """The same text, if it is one of the choices."""
    if given not in choices:
        raise bad(field, f"it must be one of {', '.join(choices)}", f"必须为 {'、'.join(choices)} 之一")
    return given


def _id_in_text(text: str, field: str) -> int:
    found = number(text)
    if found is None:
        raise bad(field, f"{text[:40]!r} is not a 64-bit number", f"{text[:40]!r} 不是 64 位整数")
    return found


def number(text: str) -> int | None:
    """The whole number that a text is, if it is one of 64 bits or little more."""
    text = text.strip()
    return int(text) if _NUMBER.fullmatch(text) else None


def _short(number: int) -> str:
    return str(number)[:40]


def short_list(field: str, items: Sequence[T], limit: int) -> Sequence[T]:
    """The same list, if it is no longer than that."""
    if len(items) > limit:
        raise bad(field, f"it holds more than {limit} items", f"不能超过 {limit} 项")
    return items


def text_of(field: str, value: str, limit: int = TEXT_LIMIT) -> str:
    """The same text, if it can be stored."""
    if "\0" in value:
        raise bad(field, "it holds a NUL character", "包含 NUL 字符")
    if len(value) > limit:
        raise bad(field, f"it has more than {limit} characters", f"超过 {limit} 个字符")
    return value
