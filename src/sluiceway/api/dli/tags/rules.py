"""What tags may look like, in bodies and in the filters of lists, and whose they are. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from sluiceway.api.dli import parameters
from sluiceway.api.dli.fields import TAG_KEY_LIMIT, TAG_VALUE_LIMIT
from sluiceway.api.dli.tags.wire import AddTags, RemoveTags, Tag, TagsShown
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.domain.tags import MOST, RESERVED, is_key, is_value


def checked(given: Sequence[Tag]) -> dict[str, str]:
    """The tags by key. Raises `DliError` for those that a job may not have."""
    few(len(given))
    tags: dict[str, str] = {}
    for tag in given:
        value = tag.value or ""
        _check("key", tag.key, is_key, TAG_KEY_LIMIT)
        _check("value", value, is_value, TAG_VALUE_LIMIT)
        if tag.key.startswith(RESERVED):
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
    """Refuses more tags than there may be."""
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


def _check(what: str, text: str, allowed: Callable[[str], bool], limit: int) -> None:
    if len(text) > limit:
        raise bad("tags", f"a {what} has more than {limit} characters", f"{what} 超过 {limit} 个字符")
    if not allowed(text):
        raise bad(
            "tags",
            f"the {what} {text[:40]!r} is not of letters, digits, spaces within and _ . : + - @",
            f"{what} {text[:40]!r} 只能包含字母、数字、_ . : + - @ 和中间的空格",
        )


def _shapeless(item: str) -> DliError:
    return bad("tags", f"{item[:40]!r} is not of the form key=value", f"{item[:40]!r} 不是 key=value 的形式")


@dataclass(frozen=True, slots=True)
class Page:
    """Which part of the tags to show."""

    first: int
    most: int

    @classmethod
    def of(cls, offset: str, limit: str) -> Self:
        """The page that a query asks for. Raises `DliError`."""
        return cls(parameters.offset(offset), parameters.limit(limit or str(parameters.MAX_LIMIT)))

    def shown(self, tags: Mapping[str, str]) -> TagsShown:
        """That part of them."""
        wanted = [Tag(key, value) for key, value in tags.items()]
        return TagsShown(wanted[self.first : self.first + self.most], len(tags))


def to_add(data: AddTags) -> Mapping[str, str]:
    """The tags of a body by key. Raises `DliError`."""
    if not data.tags:
        raise bad("tags", "it is empty", "不能为空")
    return checked(data.tags)


def to_remove(data: RemoveTags) -> Sequence[tuple[str, str | None]]:
    """The tags of a body by key, with the value that they must have to go, if any. Raises `DliError`."""
    if not data.tags or not all(tag.key for tag in data.tags):
        raise bad("tags", "it is empty, or one of its keys is", "不能为空，其中的 key 也不能为空")
    few(len(data.tags))
    return [(tag.key, tag.value or None) for tag in data.tags]


def named(resource_id: str) -> Sequence[tuple[str, str]]:
    """The groups and names that an id may mean, the likeliest first.

    Go's clients write a blank of the path as a plus, as in a query. A name may hold a # itself.
    """
    found = []
    for text in dict.fromkeys((resource_id, resource_id.replace("+", " "))):
        group, hash_, name = text.partition("#")
        found += [(group, name)] if hash_ else []
        found.append(("", text))
    return found
