"""The paths of DLI's API that stop, start and delete jobs: one answer for each position."""

from collections.abc import Sequence
from typing import Final, cast

from litestar import Response, delete, post
from litestar.datastructures import ResponseHeader
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import ResponseSpec
from litestar.params import JSONBody, SkipValidation

from sluiceway.api.dli import parameters
from sluiceway.api.dli.answers import Done, Truth
from sluiceway.api.dli.body import Json
from sluiceway.api.dli.dependencies import (
    BASE,
    REFUSED,
    FormatGiven,
    JobIdGiven,
    LanguageGiven,
    ProjectGiven,
    TruthGiven,
)
from sluiceway.api.dli.jobs import wire
from sluiceway.api.dli.jobs.editing import EditJobsGiven
from sluiceway.api.dli.jobs.verdicts import Batch, RefusedForm, done, outcomes, refusal
from sluiceway.api.errors.dli_error import ErrorBody
from sluiceway.api.errors.language import Language
from sluiceway.api.errors.links import HEADER, help_for
from sluiceway.api.permit import PermitGiven
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.access import Action
from sluiceway.domain.admission import Verdict
from sluiceway.domain.orders import StartOrder, StopOrder
from sluiceway.domain.policy import PLAIN, StopPolicy
from sluiceway.domain.way_back import Allowed
from sluiceway.settings import StopAtRest

STOP_HEADER: Final = "X-Sluiceway-Stop"  # the id of the batch, for our own API

StopJobsGiven = NamedDependency[SkipValidation[StopJobs]]
StartJobsGiven = NamedDependency[SkipValidation[StartJobs]]
RefusedFormGiven = NamedDependency[SkipValidation[RefusedForm]]
StopAtRestGiven = NamedDependency[SkipValidation[StopAtRest]]
ResumeAnywayGiven = NamedDependency[SkipValidation[frozenset[Allowed]]]

_ALL_REFUSED = {
    400: ResponseSpec(
        list[ErrorBody] | ErrorBody,
        description="Every position was refused, or the request itself. Nothing was done.",
        generate_examples=False,
    )
}


@post(
    f"{BASE}/jobs/stop",
    status_code=200,
    dto=Json[wire.StopRequest],
    return_dto=None,
    responses=_ALL_REFUSED,
    response_headers=[
        ResponseHeader(STOP_HEADER, description="The id of the stop in our own API.", documentation_only=True)
    ],
    summary="Stop jobs",
)
async def stop(
    data: JSONBody[wire.StopRequest],
    project: ProjectGiven,
    *,
    language: LanguageGiven,
    truth: TruthGiven,
    refused_form: RefusedFormGiven,
    stop_at_rest: StopAtRestGiven,
    stop_jobs: StopJobsGiven,
    permit: PermitGiven,
    savepoint_format: FormatGiven,
) -> Response[list[wire.Outcome]]:
    """Accept the stop of each job, with a savepoint if that is asked for. One answer for each position."""
    ids = parameters.job_ids(data.job_ids)
    savepoint = bool(data.trigger_savepoint)
    policy = StopPolicy(format=savepoint_format) if savepoint else PLAIN
    done = stop_at_rest == "accept"
    order = StopOrder(project, ids, savepoint=savepoint, policy=policy, who=permit.who, at_rest_is_done=done)
    batch = await stop_jobs(order, permit.on(Action.STOP))
    answer = _answer(batch.verdicts, Batch.STOP, language, truth, refused_form)
    if batch.id is not None:
        answer.set_header(STOP_HEADER, str(batch.id))
    return answer


@post(
    f"{BASE}/jobs/run",
    status_code=200,
    dto=Json[wire.RunRequest],
    return_dto=None,
    responses=_ALL_REFUSED,
    summary="Start jobs",
)
async def run(
    data: JSONBody[wire.RunRequest],
    project: ProjectGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    refused_form: RefusedFormGiven,
    start_jobs: StartJobsGiven,
    permit: PermitGiven,
    resume_anyway: ResumeAnywayGiven,
) -> Response[list[wire.Outcome]]:
    """Accept the start of each job, from its newest savepoint if that is asked for. One answer for each position.

    Where nothing is said about that, a job with `resume_checkpoint` that has failed starts from its newest checkpoint.
    """
    ids = parameters.job_ids(data.job_ids)
    order = StartOrder(project, ids, resume=data.resume_savepoint, who=permit.who, allow=resume_anyway)
    placed = await start_jobs(order, permit.on(Action.START))
    return _answer(placed.verdicts, Batch.RUN, language, truth, refused_form)


@post(
    f"{BASE}/jobs/delete",
    status_code=200,
    dto=Json[wire.DeleteRequest],
    return_dto=None,
    responses=_ALL_REFUSED,
    summary="Delete jobs",
)
async def delete_many(
    data: JSONBody[wire.DeleteRequest],
    project: ProjectGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    refused_form: RefusedFormGiven,
    edit_jobs: EditJobsGiven,
    permit: PermitGiven,
) -> Response[list[wire.Outcome]]:
    """Delete each job; one that runs is stopped first, without a savepoint. One answer for each position."""
    ids = parameters.job_ids(data.job_ids)
    verdicts = await edit_jobs.delete(project, ids, permit.who, permit.on(Action.STOP))
    return _answer(verdicts, Batch.DELETE, language, truth, refused_form)


@delete(f"{BASE}/jobs/{{job_id:str}}", status_code=200, responses=REFUSED, summary="Delete a job")
async def delete_one(
    project: ProjectGiven,
    job: JobIdGiven,
    language: LanguageGiven,
    truth: TruthGiven,
    edit_jobs: EditJobsGiven,
    permit: PermitGiven,
) -> Done:
    """Delete a job; if it runs it is stopped first, without a savepoint."""
    (verdict,) = await edit_jobs.delete(project, [job], permit.who, permit.on(Action.STOP))
    if error := refusal(verdict, Batch.DELETE):
        raise error
    return done(language, truth)


HANDLERS: Final[list[HTTPRouteHandler]] = [stop, run, delete_many, delete_one]


def _answer(
    verdicts: Sequence[Verdict], batch: Batch, language: Language, truth: Truth, refused_form: RefusedForm
) -> Response[list[wire.Outcome]]:
    accepted, answers = outcomes(verdicts, batch, language, truth)
    if accepted:
        return Response(cast("list[wire.Outcome]", answers), status_code=200)
    first = answers[0]
    whole = refused_form == "array"
    pointers = {HEADER: help_for(str(each.error_code) for each in (answers if whole else [first]))}
    return Response(cast("list[wire.Outcome]", answers if whole else first), status_code=400, headers=pointers)
