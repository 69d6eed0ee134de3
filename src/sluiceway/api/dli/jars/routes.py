"""The paths of DLI's API that make and change Jar jobs."""

from typing import Final

from litestar import post, put
from litestar.handlers import HTTPRouteHandler
from litestar.params import JSONBody

from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import BASE, REFUSED, JobIdGiven, LanguageGiven, ProjectGiven
from sluiceway.api.dli.jars import rules as jar_rules
from sluiceway.api.dli.jars.wire import CreateJarJob, UpdateJarJob
from sluiceway.api.dli.jobs import editing, views, wire
from sluiceway.api.dli.jobs.editing import EditJobsGiven
from sluiceway.api.permit import PermitGiven
from sluiceway.domain.job import Job, JobDraft


@post(
    f"{BASE}/flink-jobs",
    status_code=200,
    dto=Json[CreateJarJob],
    return_dto=None,
    responses=REFUSED,
    summary="Create a Jar job",
)
async def create_jar_job(
    data: JSONBody[CreateJarJob],
    project: ProjectGiven,
    language: LanguageGiven,
    edit_jobs: EditJobsGiven,
    permit: PermitGiven,
) -> wire.Created:
    """Store a new job, whose jar must be there if it is named. Nothing is started."""
    draft = jar_rules.create(data)
    if data.entrypoint:
        with editing.no_such_jar():
            await edit_jobs.require_jar(project, data.entrypoint)
    return views.created(await editing.stored(edit_jobs, project, draft, permit.who), language, data)


@put(
    f"{BASE}/flink-jobs/{{job_id:str}}",
    dto=Json[UpdateJarJob],
    return_dto=None,
    responses=REFUSED,
    summary="Update a Jar job",
)
async def update_jar_job(
    data: JSONBody[UpdateJarJob],
    project: ProjectGiven,
    job: JobIdGiven,
    language: LanguageGiven,
    edit_jobs: EditJobsGiven,
    permit: PermitGiven,
) -> wire.Updated:
    """Change what the body names. Most of it only while the job does not run."""

    def change(stored: Job) -> JobDraft:
        return jar_rules.update(stored, data)

    return views.updated(await editing.changed(edit_jobs, project, job, change, data.name, permit.who), language, data)


HANDLERS: Final[list[HTTPRouteHandler]] = [create_jar_job, update_jar_job]
