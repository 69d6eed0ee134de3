"""Templates of jobs: the paths, the wire form and the rules. `is_success` is a boolean here."""

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation
from msgspec import Struct
from msgspec.structs import replace

from sluiceway.api import pages
from sluiceway.api.dli import parameters as requests
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import BASE, REFUSED, LanguageGiven, ProjectGiven, integer
from sluiceway.api.dli.fields import (
    MAX_ID,
    SQL_LIMIT,
    TAG_FILTER,
    TAG_FILTER_PATTERN,
    Desc,
    PathId,
    Sql,
    SqlType,
    described,
)
from sluiceway.api.dli.jobs.views import millis
from sluiceway.api.dli.jobs.wire import CreateSqlJob, Tags
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, bad
from sluiceway.api.errors.language import Text
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import NameTaken, TooMany, UnknownTemplate
from sluiceway.control.templates import MOST, Template, TemplateDraft, TemplateFilter, Templates

NAME_LIMIT: Final = 64
DESC_LIMIT: Final = 2048
TYPES: Final = ("flink_sql_job", "flink_opensource_sql_job")

CREATED: Final = Text("The template is created.", "模板已创建。")
UPDATED: Final = Text("The template is updated.", "模板已更新。")
DELETED: Final = Text("The template is deleted.", "模板已删除。")

TemplatesGiven = NamedDependency[SkipValidation[Templates]]
TemplateIdGiven = NamedDependency[SkipValidation[int]]


# --- the wire form --------------------------------------------------------------------------------------------------


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


# --- the paths ------------------------------------------------------------------------------------------------------


@post(
    f"{BASE}/job-templates",
    status_code=200,
    dto=Json[CreateTemplate],
    return_dto=None,
    responses=REFUSED,
    summary="Create a template",
)
async def create_template(
    data: JSONBody[CreateTemplate],
    project: ProjectGiven,
    language: LanguageGiven,
    templates: TemplatesGiven,
    permit: PermitGiven,
) -> TemplateCreated:
    """Keep some SQL under a name. A project has 100 templates at most."""
    draft = _draft(data)
    try:
        made = await templates.create(project, draft, permit.who)
    except NameTaken:
        raise DliError(Code.TEMPLATE_NAME_EXISTS, name=draft.name) from None
    except TooMany:
        raise DliError(Code.TEMPLATES_FULL, limit=MOST) from None
    head = TemplateHead(made.id, draft.name, draft.desc, millis(made.created_at), draft.kind)
    return TemplateCreated(CREATED.in_(language), head)


@get(f"{BASE}/job-templates", responses=REFUSED, summary="List templates")
async def list_templates(
    project: ProjectGiven,
    templates: TemplatesGiven,
    name: Annotated[str, QueryParameter(description="A part of the name.")] = "",
    tags: Annotated[str, QueryParameter(description=TAG_FILTER, schema_extra={"pattern": TAG_FILTER_PATTERN})] = "",
    order: Annotated[str, QueryParameter(schema_extra={"enum": ["", "asc", "desc"], "default": "desc"})] = "",
    limit: Annotated[str, QueryParameter(schema_extra=integer(0, 10, most=requests.MAX_LIMIT))] = "",
    offset: Annotated[str, QueryParameter(schema_extra=integer(0, 0))] = "",
) -> Response[TemplatesListed]:
    """One page of the templates that match, the newest first unless asked otherwise."""
    first, most = _page(offset, limit)
    descending = requests.descending(order)
    wanted = tag_rules.filtered(tags)
    if wanted is None or "\0" in name:
        return Response(TemplatesListed(TemplateList(0, [])))
    where = TemplateFilter(name, wanted)
    count, sizes = await templates.sizes(project, where, offset=first, limit=most, descending=descending)

    def frame(items: Sequence[TemplateItem]) -> TemplatesListed:
        return TemplatesListed(TemplateList(count, items))

    async def read(ids: Sequence[int]) -> Sequence[TemplateItem]:
        return [_item(each) for each in await templates.some(project, ids)]

    return await pages.answer(frame, read, sizes)


@put(
    f"{BASE}/job-templates/{{template_id:str}}",
    dto=Json[UpdateTemplate],
    return_dto=None,
    responses=REFUSED,
    summary="Update a template",
)
async def update_template(
    data: JSONBody[UpdateTemplate],
    project: ProjectGiven,
    template: TemplateIdGiven,
    language: LanguageGiven,
    templates: TemplatesGiven,
    permit: PermitGiven,
) -> TemplateUpdated:
    """Change what the body names."""
    changes = {} if data.name is None else {"name": _name(data.name)}
    changes |= {} if data.desc is None else {"desc": _desc(data.desc)}
    changes |= {} if data.sql_body is None else {"sql": _sql(data.sql_body)}
    try:
        await templates.update(project, template, changes, permit.who)
    except UnknownTemplate:
        raise DliError(Code.UPDATE_TEMPLATE_UNKNOWN, id=template) from None
    except NameTaken:
        raise DliError(Code.TEMPLATE_NAME_EXISTS, name=data.name or "-") from None
    return TemplateUpdated(UPDATED.in_(language))


@delete(f"{BASE}/job-templates/{{template_id:str}}", status_code=200, responses=REFUSED, summary="Delete a template")
async def delete_template(
    project: ProjectGiven,
    template: TemplateIdGiven,
    language: LanguageGiven,
    templates: TemplatesGiven,
    permit: PermitGiven,
) -> TemplateDeleted:
    """Take a template away. Jobs that were made of it keep their SQL."""
    try:
        await templates.delete(project, template, permit.who)
    except UnknownTemplate:
        raise DliError(Code.TEMPLATE_UNKNOWN, id=template) from None
    return TemplateDeleted(DELETED.in_(language), TemplateId(template))


HANDLERS: Final[list[HTTPRouteHandler]] = [create_template, list_templates, update_template, delete_template]


def _template(
    template_id: Annotated[str, PathParameter(description="A whole number above 0.", schema_extra=PathId)],
) -> int:
    return _id(template_id)


DEPENDENCIES: Final = {"template": Provide(_template, sync_to_thread=False)}


async def filled(body: CreateSqlJob, project: str, templates: Templates) -> CreateSqlJob:
    """A new job with the SQL of its template, if it names one and brings no SQL of its own."""
    if body.sql_body or body.template_id in {None, "", 0}:
        return body
    template_id = _id(str(body.template_id))
    try:
        template = await templates.show(project, template_id)
    except UnknownTemplate:
        raise DliError(Code.TEMPLATE_UNKNOWN, id=template_id) from None
    return replace(body, sql_body=template.draft.sql)


# --- the rules ------------------------------------------------------------------------------------------------------


def _draft(body: CreateTemplate) -> TemplateDraft:
    kind = body.job_type or TYPES[0]
    if kind not in TYPES:
        raise DliError(Code.TEMPLATE_TYPE, fitting=", ".join(TYPES))
    tags = tag_rules.checked(body.tags or [])
    return TemplateDraft(_name(body.name), _desc(body.desc or ""), kind, _sql(body.sql_body or ""), tags)


def _name(name: str) -> str:
    if not name.strip():
        raise DliError(Code.TEMPLATE_NAME_EMPTY)
    if len(name) > NAME_LIMIT:
        raise DliError(Code.TEMPLATE_NAME_TOO_LONG, size=len(name), limit=NAME_LIMIT)
    if not name.isprintable():
        raise bad("name", "it holds control characters", "包含控制字符")
    return name


def _desc(desc: str) -> str:
    if len(desc) > DESC_LIMIT:
        raise DliError(Code.TEMPLATE_DESC_TOO_LONG, size=len(desc), limit=DESC_LIMIT)
    return _text("desc", desc)


def _sql(sql: str) -> str:
    if len(sql) > SQL_LIMIT:
        raise DliError(Code.TEMPLATE_SQL_TOO_LONG, size=len(sql), limit=SQL_LIMIT)
    return _text("sql_body", sql)


def _text(field: str, text: str) -> str:
    if "\0" in text:
        raise bad(field, "it holds a NUL character", "包含 NUL 字符")
    return text


def _id(segment: str) -> int:
    number = requests.number(segment)
    if number is None or not 0 < number <= MAX_ID:
        raise DliError(Code.TEMPLATE_BAD_ID, id=segment[:40])
    return number


def _page(offset: str, limit: str) -> tuple[int, int]:
    first, most = requests.number(offset or "0"), requests.number(limit or str(requests.DEFAULT_LIMIT))
    if first is None or most is None or not 0 <= first <= MAX_ID or most < 0:
        raise DliError(Code.BAD_TEMPLATE_PAGE)
    return first, min(most, requests.MAX_LIMIT)


def _item(template: Template) -> TemplateItem:
    draft = template.draft
    times = millis(template.created_at), millis(template.updated_at)
    return TemplateItem(template.id, draft.name, draft.desc, *times, draft.sql, draft.kind)
