"""The paths of DLI's API that make and change SQL jobs."""

from typing import Final

from litestar import post, put
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody, SkipValidation
from msgspec.structs import replace

from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import BASE, REFUSED, JobIdGiven, LanguageGiven, ProjectGiven
from sluiceway.api.dli.jobs import editing, notes, rules, views, wire
from sluiceway.api.dli.jobs.editing import EditJobsGiven
from sluiceway.api.dli.templates.routes import TemplatesGiven
from sluiceway.api.dli.templates.rules import template_id
from sluiceway.api.dli.variables.routes import VariablesGiven
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.refusing import refusing
from sluiceway.api.permit import PermitGiven
from sluiceway.control.errors import UnknownTemplate
from sluiceway.control.templates import Templates
from sluiceway.domain.job import Job, JobDraft
from sluiceway.settings import RetentionUnit

RetentionUnitGiven = NamedDependency[SkipValidation[RetentionUnit]]


@post(
    f"{BASE}/sql-jobs",
    status_code=200,
    dto=Json[wire.CreateSqlJob],
    return_dto=None,
    responses=REFUSED,
    summary="Create a SQL job",
)
async def create_sql_job(
    data: JSONBody[wire.CreateSqlJob],
    project: ProjectGiven,
    language: LanguageGiven,
    edit_jobs: EditJobsGiven,
    templates: TemplatesGiven,
    variables: VariablesGiven,
    retention_unit: RetentionUnitGiven,
    permit: PermitGiven,
) -> wire.Created:
    """Store a new job. Nothing is started."""
    draft = rules.create(await _filled(data, project, templates), retention_unit)
    made = await editing.stored(edit_jobs, project, draft, permit.who)
    more = await notes.of_variables(variables, project, draft.spec.sql, language)
    return views.created(made, language, data, more)


@put(
    f"{BASE}/sql-jobs/{{job_id:str}}",
    dto=Json[wire.UpdateSqlJob],
    return_dto=None,
    responses=REFUSED,
    summary="Update a SQL job",
)
async def update_sql_job(
    data: JSONBody[wire.UpdateSqlJob],
    project: ProjectGiven,
    job: JobIdGiven,
    language: LanguageGiven,
    edit_jobs: EditJobsGiven,
    variables: VariablesGiven,
    retention_unit: RetentionUnitGiven,
    permit: PermitGiven,
) -> wire.Updated:
    """Change what the body names. Most of it only while the job does not run."""

    def change(stored: Job) -> JobDraft:
        return rules.update(stored, data, retention_unit)

    now = await editing.changed(edit_jobs, project, job, change, data.name, permit.who)
    more = await notes.of_variables(variables, project, data.sql_body or "", language)
    return views.updated(now, language, data, more)


HANDLERS: Final[list[HTTPRouteHandler]] = [create_sql_job, update_sql_job]


async def _filled(body: wire.CreateSqlJob, project: str, templates: Templates) -> wire.CreateSqlJob:
    """The body with the SQL of the template that it names, if it brings no SQL of its own. Raises `DliError`."""
    if body.sql_body or body.template_id in {None, "", 0}:
        return body
    named = template_id(str(body.template_id))
    with refusing({UnknownTemplate: Code.TEMPLATE_UNKNOWN}, id=named):
        template = await templates.show(project, named)
    return replace(body, sql_body=template.draft.sql)
