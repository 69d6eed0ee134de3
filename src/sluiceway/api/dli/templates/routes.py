"""The paths of DLI's API about templates."""

from collections.abc import Sequence
from typing import Annotated, Final

from litestar import Response, delete, get, post, put
from litestar.di import NamedDependency, Provide
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, PathParameter, QueryParameter, SkipValidation

from sluiceway.api import pages
from sluiceway.api.dli import parameters
from sluiceway.api.dli.answers import millis
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import BASE, REFUSED, LanguageGiven, ProjectGiven, integer
from sluiceway.api.dli.fields import TAG_FILTER, TAG_FILTER_PATTERN, PathId
from sluiceway.api.dli.tags import rules as tag_rules
from sluiceway.api.dli.templates import rules
from sluiceway.api.dli.templates.wire import (
    CreateTemplate,
    TemplateCreated,
    TemplateDeleted,
    TemplateHead,
    TemplateId,
    TemplateItem,
    TemplateList,
    TemplatesListed,
    TemplateUpdated,
    UpdateTemplate,
)
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.language import Text
from sluiceway.api.errors.refusing import refusing
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import NameTaken, TooMany, UnknownTemplate
from sluiceway.control.templates import MOST, Template, TemplateFilter, Templates

CREATED: Final = Text("The template is created.", "模板已创建。")
UPDATED: Final = Text("The template is updated.", "模板已更新。")
DELETED: Final = Text("The template is deleted.", "模板已删除。")

TemplatesGiven = NamedDependency[SkipValidation[Templates]]
TemplateIdGiven = NamedDependency[SkipValidation[int]]


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
    """Store SQL under a name. A project has 100 templates at most."""
    draft = rules.draft(data)
    with refusing({NameTaken: Code.TEMPLATE_NAME_EXISTS, TooMany: Code.TEMPLATES_FULL}, name=draft.name, limit=MOST):
        made = await templates.create(project, draft, permit.who)
    head = TemplateHead(made.id, draft.name, draft.desc, millis(made.created_at), draft.kind)
    return TemplateCreated(CREATED.in_(language), head)


@get(f"{BASE}/job-templates", responses=REFUSED, summary="List templates")
async def list_templates(
    project: ProjectGiven,
    templates: TemplatesGiven,
    name: Annotated[str, QueryParameter(description="A part of the name.")] = "",
    tags: Annotated[str, QueryParameter(description=TAG_FILTER, schema_extra={"pattern": TAG_FILTER_PATTERN})] = "",
    order: Annotated[str, QueryParameter(schema_extra={"enum": ["", "asc", "desc"], "default": "desc"})] = "",
    limit: Annotated[str, QueryParameter(schema_extra=integer(0, 10, most=parameters.MAX_LIMIT))] = "",
    offset: Annotated[str, QueryParameter(schema_extra=integer(0, 0))] = "",
) -> Response[TemplatesListed]:
    """One page of the templates that match, the newest first unless asked otherwise."""
    first, most = rules.page(offset, limit)
    descending = parameters.descending(order)
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
    changes = rules.changes(data)
    codes = {UnknownTemplate: Code.UPDATE_TEMPLATE_UNKNOWN, NameTaken: Code.TEMPLATE_NAME_EXISTS}
    with refusing(codes, id=template, name=data.name or "-"):
        await templates.update(project, template, changes, permit.who)
    return TemplateUpdated(UPDATED.in_(language))


@delete(f"{BASE}/job-templates/{{template_id:str}}", status_code=200, responses=REFUSED, summary="Delete a template")
async def delete_template(
    project: ProjectGiven,
    template: TemplateIdGiven,
    language: LanguageGiven,
    templates: TemplatesGiven,
    permit: PermitGiven,
) -> TemplateDeleted:
    """Delete a template. Jobs that were made from it keep their SQL."""
    with refusing({UnknownTemplate: Code.TEMPLATE_UNKNOWN}, id=template):
        await templates.delete(project, template, permit.who)
    return TemplateDeleted(DELETED.in_(language), TemplateId(template))


HANDLERS: Final[list[HTTPRouteHandler]] = [create_template, list_templates, update_template, delete_template]


def _template(
    template_id: Annotated[str, PathParameter(description="A whole number above 0.", schema_extra=PathId)],
) -> int:
    return rules.template_id(template_id)


DEPENDENCIES: Final = {"template": Provide(_template, sync_to_thread=False)}


def _item(template: Template) -> TemplateItem:
    draft = template.draft
    times = millis(template.created_at), millis(template.updated_at)
    return TemplateItem(template.id, draft.name, draft.desc, *times, draft.sql, draft.kind)
