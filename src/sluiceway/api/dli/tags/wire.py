"""The wire form of tags."""

from collections.abc import Sequence
from typing import Annotated

from msgspec import Struct

from sluiceway.api.dli.fields import TAGS_LIMIT, TagKey, TagValue, described


class Tag(Struct, frozen=True):
    """A label of a job."""

    key: TagKey
    value: TagValue = ""


Tags = Annotated[list[Tag] | None, described(maxItems=TAGS_LIMIT)]


class AddTags(Struct, frozen=True):
    """Tags to have besides others."""

    tags: Annotated[list[Tag], described(minItems=1, maxItems=TAGS_LIMIT)]


class TagToRemove(Struct, frozen=True):
    """A tag by its key; with a value, only if it has that."""

    key: Annotated[str, described(minLength=1)]
    value: str | None = None


class RemoveTags(Struct, frozen=True):
    """Tags no longer to have."""

    tags: Annotated[list[TagToRemove], described(minItems=1, maxItems=TAGS_LIMIT)]


class TagsShown(Struct, frozen=True):
    """One page of tags; the count is of all that there are."""

    tags: Sequence[Tag]
    count: int
