"""Bringing jobs back: what a stop has stopped, or single ones; looked at first, or as a plan has shown it."""

from collections.abc import Mapping
from functools import partial
from typing import Final

import msgspec
from litestar import post
from litestar.exceptions import ClientException
from litestar.params import JSONBody
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import resume_wire
from sluiceway.api.native.answers import count, job_answer
from sluiceway.api.native.body import Json
from sluiceway.api.native.given import BatchId, PlansGiven, Project, StartJobsGiven, refusals
from sluiceway.api.permit import Permit, PermitGiven
from sluiceway.control import kept_plans
from sluiceway.control.start_jobs import StartJobs, Terms
from sluiceway.domain.access import Action
from sluiceway.domain.admission import Verdict
from sluiceway.domain.plan import Plan, PlanKind, PlanRef
from sluiceway.domain.way_back import Allowed

_AS_ASKED: Final = resume_wire.ResumeRequest()


@post(
    "/stops/{stop_id:int}/resume",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[resume_wire.ResumeRequest],
    return_dto=None,
    tags=["resumes"],
    summary="Bring back what a stop has stopped",
    responses=refusals(404),
)
async def resume_stop(
    project_id: Project,
    stop_id: BatchId,
    start_jobs: StartJobsGiven,
    plans: PlansGiven,
    permit: PermitGiven,
    data: JSONBody[resume_wire.ResumeRequest] = _AS_ASKED,
) -> resume_wire.Resumed:
    """Start exactly the jobs that this stop has stopped, each from its own savepoint, the last wave first.

    With `dry_run` no job is touched: the answer says of each what its way back comes to, and names a plan.
    """
    asked = resume_wire.Planned(stop_id=stop_id, allow=data.allow)
    terms = Terms(_allowed(data.allow), dry_run=data.dry_run)
    verdicts = await _begun(start_jobs, project_id, asked, terms, permit)
    return _answer(verdicts, await _kept(plans, project_id, asked, verdicts, permit) if data.dry_run else None, terms)


@post(
    "/resumes",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[resume_wire.JobsResumeRequest],
    return_dto=None,
    tags=["resumes"],
    summary="Bring back single jobs, or carry out a plan",
    responses=refusals(404, 409, 413),
)
async def resume_some(
    project_id: Project,
    data: JSONBody[resume_wire.JobsResumeRequest],
    start_jobs: StartJobsGiven,
    plans: PlansGiven,
    permit: PermitGiven,
) -> resume_wire.Resumed:
    """Start each of these jobs from its newest savepoint or checkpoint.

    With `dry_run` no job is touched. With `plan` exactly the jobs are started that a dry run has shown, each from the
    state that it has shown; nothing is done where anything has changed since.
    """
    if data.plan is not None:
        return await _carry_out(start_jobs, plans, project_id, data, permit)
    if data.job_ids is None:
        raise ClientException("Say which jobs to bring back: job_ids, or a plan.")
    asked = resume_wire.Planned(job_ids=data.job_ids, allow=data.allow)
    terms = Terms(_allowed(data.allow), dry_run=data.dry_run)
    verdicts = await _begun(start_jobs, project_id, asked, terms, permit)
    return _answer(verdicts, await _kept(plans, project_id, asked, verdicts, permit) if data.dry_run else None, terms)


async def _carry_out(
    start_jobs: StartJobs, plans: PlansGiven, project: str, data: resume_wire.JobsResumeRequest, permit: Permit
) -> resume_wire.Resumed:
    if data != resume_wire.JobsResumeRequest(plan=data.plan) or data.plan is None:
        raise ClientException("A plan says itself which jobs to bring back and how; give nothing beside it.")
    plan = await plans.find(project, data.plan, PlanKind.RESUME)
    asked = msgspec.json.decode(plan.request, type=resume_wire.Planned)
    terms = Terms(_allowed(asked.allow), plan=PlanRef(plan.id, plan.who), approve=partial(_hold, plan))
    return _answer(await _begun(start_jobs, project, asked, terms, permit), None, terms)


def _hold(plan: Plan, verdicts: Mapping[int, Verdict]) -> None:
    kept_plans.hold(plan, kept_plans.of_starts(verdicts))


async def _begun(
    start_jobs: StartJobs, project: str, asked: resume_wire.Planned, terms: Terms, permit: Permit
) -> Mapping[int, Verdict]:
    """The verdicts, in the order of the request or of the ids."""
    allowed = permit.on(Action.START)
    if asked.stop_id is not None:
        found = await start_jobs.resume_batch(project, asked.stop_id, who=permit.who, allowed=allowed, terms=terms)
        return dict(sorted(found.items()))
    jobs = asked.job_ids
    verdicts = await start_jobs(project, jobs, resume=True, who=permit.who, allowed=allowed, terms=terms)
    return dict(zip(jobs, verdicts, strict=True))


async def _kept(
    plans: PlansGiven, project: str, asked: resume_wire.Planned, verdicts: Mapping[int, Verdict], permit: Permit
) -> int | None:
    request = msgspec.json.encode(asked).decode()
    return await plans.keep(project, PlanKind.RESUME, permit.who, request, kept_plans.of_starts(verdicts))


def _answer(verdicts: Mapping[int, Verdict], plan: int | None, terms: Terms) -> resume_wire.Resumed:
    answers = [job_answer(job, verdict) for job, verdict in verdicts.items()]
    return resume_wire.Resumed(*count(answers), answers, dry_run=terms.dry_run, plan=plan)


def _allowed(names: list[str] | resume_wire.Allow) -> frozenset[Allowed]:
    return frozenset(map(Allowed, names))
