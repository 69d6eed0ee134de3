"""What tags may look like, in bodies and in the filters of lists. Pure."""

import re
from collections.abc import Sequence

from sluiceway.api.dli.errors import DliError, bad
from sluiceway.api.dli.fields import TAG_KEY_LIMIT, TAG_VALUE_LIMIT
from sluiceway.api.dli.wire import Tag
from sluiceway.domain.tags import MOST

_KEY = re.compile(r"[\w .:+\-@]+")
_VALUE = re.compile(r"[\w .:=+\-@]*")


def checked(given: Sequence[Tag]) -> dict[str, str]:
    """The tags by key. Raises `DliError` for those that a job may not have."""
    few(len(given))
    tags: dict[str, str] = {}
    for tag in given:
        value = tag.value or ""
        _check("key", tag.key, _KEY, TAG_KEY_LIMIT)
        _check("value", value, _VALUE, TAG_VALUE_LIMIT)
        if tag.key.startswith("_sys_"):
            raise bad("tags", "a key may not begin with _sys_", "key 不能以 _sys_ 开头")
        if tag.key in tags:
            raise bad("tags", f"the key {tag.key} is there twice", f"key {tag.key} 重复")
        tags[tag.key] = value
    return tags


def few(count: int) -> None:
    """Refuse more tags than there may be."""
    if count > MOST:
        raise too_many()


def too_many() -> DliError:
    """What more tags than there may be are refused with."""
    return bad("tags", f"there may be at most {MOST} of them", f"最多允许 {MOST} 个标签")


def filtered(text: str) -> dict[str, str] | None:
    """The tags of a filter `k=v,k2=v2`; None when nothing can have them all."""
    tags: dict[str, str] = {}
    for item in filter(None, (part.strip() for part in text.split(","))):
        key, equals, value = item.partition("=")
        if not equals or not key:
            raise _shapeless(item)
        if tags.setdefault(key, value) != value or "\0" in item:
            return None
    few(len(tags))
    return tags


def _check(what: str, text: str, allowed: re.Pattern[str], limit: int) -> None:
    if len(text) > limit:
        raise bad("tags", f"a {what} has more than {limit} characters", f"{what} 超过 {limit} 个字符")
    if not allowed.fullmatch(text) or text != text.strip(" "):
        raise bad(
            "tags",
            f"the {what} {text[:40]!r} is not of letters, digits, spaces within and _ . : + - @",
            f"{what} {text[:40]!r} 只能包含字母、数字、_ . : + - @ 和中间的空格",
        )


def _shapeless(item: str) -> DliError:
    return bad("tags", f"{item[:40]!r} is not of the form key=value", f"{item[:40]!r} 不是 key=value 的形式")
