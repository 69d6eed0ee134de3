"""The wire form of templates. `is_success` is a boolean here."""

from collections.abc import Sequence
from typing import Annotated, Final

from msgspec import Struct

from sluiceway.api.dli.fields import Desc, Sql, SqlType, described
from sluiceway.api.dli.tags.wire import Tags

NAME_LIMIT: Final = 64  # characters

TemplateName = Annotated[str, described(minLength=1, maxLength=NAME_LIMIT, pattern=r"\S")]


class CreateTemplate(Struct, frozen=True):
    """A new template."""

    name: TemplateName
    desc: Desc = None
    sql_body: Sql = None
    tags: Tags = None
    job_type: SqlType = None


class UpdateTemplate(Struct, frozen=True):
    """What to change of a template; what is absent stays."""

    name: TemplateName | None = None
    desc: Desc = None
    sql_body: Sql = None


class TemplateHead(Struct, frozen=True):
    """A template just made."""

    template_id: int
    name: str
    desc: str
    create_time: int
    job_type: str


class TemplateItem(Struct, frozen=True):
    """A template in a list. Times are epoch milliseconds."""

    template_id: int
    name: str
    desc: str
    create_time: int
    update_time: int
    sql_body: str
    job_type: str


class TemplateId(Struct, frozen=True):
    """A template that is gone."""

    template_id: int


class TemplateList(Struct, frozen=True):
    """One page of templates; the count is of all that match."""

    total_count: int
    templates: Sequence[TemplateItem]


class TemplateCreated(Struct, frozen=True):
    """Answer to create."""

    message: str
    template: TemplateHead
    is_success: bool = True


class TemplateUpdated(Struct, frozen=True):
    """Answer to update."""

    message: str
    is_success: bool = True


class TemplateDeleted(Struct, frozen=True):
    """Answer to delete."""

    message: str
    template: TemplateId
    is_success: bool = True


class TemplatesListed(Struct, frozen=True):
    """Answer to list."""

    template_list: TemplateList
    message: str = ""
    is_success: bool = True
