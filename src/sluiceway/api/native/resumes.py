"""Ways back of many jobs as one thing: accepting them, looking at them, steering them, and trying them again.

Each may be looked at first, and then carried out as that look, a plan, has shown it.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.exceptions import ClientException
from litestar.params import JSONBody, Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import resume_wire, wire
from sluiceway.api.native.answers import count, job_answer, shown, state_shown, story_view, told_again
from sluiceway.api.native.body import Json, OptionalJson
from sluiceway.api.native.dependencies import (
    BatchId,
    Before,
    IdempotencyKey,
    PlansGiven,
    Project,
    QueriesGiven,
    ResumeId,
    ResumeJobsGiven,
    refusals,
)
from sluiceway.api.native.selections import chosen_by
from sluiceway.api.native.stop_orders import abort_when, seconds
from sluiceway.api.permit import Permit, PermitGiven
from sluiceway.control import kept_plans
from sluiceway.control.resume_jobs import ResumeJobs
from sluiceway.domain.access import Action
from sluiceway.domain.batch import Kind
from sluiceway.domain.coming_back import BackWish
from sluiceway.domain.job import JobStatus
from sluiceway.domain.orders import Key, Placed, ResumeOrder
from sluiceway.domain.plan import PlanKind
from sluiceway.domain.way_back import Allowed
from sluiceway.store.answers import AnsweredBefore
from sluiceway.store.back_views import BackEntry, Resume
from sluiceway.store.stories import Story

NOTHING_SAID = resume_wire.ResumeRequest()
_RESTING = frozenset({JobStatus.STOPPED})  # that a selection means, unless it names statuses


@post(
    "/stops/{stop_id:int}/resume",
    status_code=HTTP_202_ACCEPTED,
    dto=OptionalJson[resume_wire.ResumeRequest],
    return_dto=None,
    tags=["resumes"],
    summary="Bring back what a stop has stopped",
    responses=refusals(404, 409, 422),
)
async def resume_stop(
    project_id: Project,
    stop_id: BatchId,
    resume_jobs: ResumeJobsGiven,
    plans: PlansGiven,
    permit: PermitGiven,
    request: Request[Any, Any, Any],
    data: JSONBody[resume_wire.ResumeRequest | None] = None,
    key: IdempotencyKey = None,
) -> resume_wire.Resumed:
    """Start exactly the jobs that this stop, and retries of it, have stopped, each from its own savepoint.

    The last wave comes first. The body may be left out.

    With `failed`, only those that are parked or have failed on the last way back, each from its newest state. With
    `dry_run` no job is touched: the answer shows the way back of each, and names a plan.
    """
    asked = resume_wire.Planned(stop_id=stop_id, resume=data or NOTHING_SAID)
    named = await key_of(key, request, permit)
    return await _looked_at_or_begun(resume_jobs, plans, project_id, asked, permit, named)


@post(
    "/resumes",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[resume_wire.JobsResumeRequest],
    return_dto=None,
    tags=["resumes"],
    summary="Bring back single jobs, or carry out a plan",
    responses=refusals(404, 409, 413, 422),
)
async def resume_some(
    project_id: Project,
    data: JSONBody[resume_wire.JobsResumeRequest],
    resume_jobs: ResumeJobsGiven,
    queries: QueriesGiven,
    plans: PlansGiven,
    permit: PermitGiven,
    request: Request[Any, Any, Any],
    key: IdempotencyKey = None,
) -> resume_wire.Resumed:
    """Start each of these jobs from its newest savepoint or checkpoint.

    With `dry_run` no job is touched. With `plan` exactly the jobs are started that a dry run has shown, each from the
    state that it has shown, and as it was asked for; nothing is done where anything has changed since.
    """
    if data.failed:
        raise ClientException("`failed` is about an earlier resume; leave it out, or name that.")
    if data.plan is not None:
        if data != resume_wire.JobsResumeRequest(plan=data.plan):
            raise ClientException("A plan already says which jobs to bring back and how; give nothing beside it.")
        named = await key_of(key, request, permit)
        return await _carry_out(resume_jobs, plans, project_id, data.plan, permit, named)
    chosen = await chosen_by(queries, project_id, data.job_ids, data.select, _RESTING)
    asked = resume_wire.Planned(
        job_ids=list(chosen.jobs), resume=msgspec.convert(data, resume_wire.ResumeRequest, from_attributes=True)
    )
    named = await key_of(key, request, permit)
    answer = await _looked_at_or_begun(resume_jobs, plans, project_id, asked, permit, named)
    return msgspec.structs.replace(answer, unjudged=chosen.unjudged)


@get("/resumes", tags=["resumes"], summary="The latest resumes", responses=refusals())
async def list_resumes(
    project_id: Project,
    queries: QueriesGiven,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 20,
    before: Before = None,
) -> resume_wire.ResumeList:
    """The latest requests to bring jobs back, newest first."""
    found = await queries.resumes(project_id, limit, before)
    stories = await queries.stories(Kind.RESUME, [resume.first for resume in found])
    return resume_wire.ResumeList([_head(resume, stories) for resume in found])


@get(
    "/resumes/{resume_id:int}",
    tags=["resumes"],
    summary="The progress of each job",
    responses=refusals(404),
)
async def show_resume(project_id: Project, resume_id: ResumeId, queries: QueriesGiven) -> resume_wire.Resume:
    """One request to bring jobs back, with every job's phase and what stands in its way."""
    resume = await queries.resume(project_id, resume_id)
    head = _head(resume, await queries.stories(Kind.RESUME, [resume.first]))
    return resume_wire.Resume(**msgspec.structs.asdict(head), jobs=[_view(entry) for entry in resume.entries])


@post(
    "/resumes/{resume_id:int}/retry",
    status_code=HTTP_202_ACCEPTED,
    dto=OptionalJson[resume_wire.ResumeRequest],
    return_dto=None,
    tags=["resumes"],
    summary="Bring back what did not come back",
    responses=refusals(404, 422),
)
async def retry_resume(
    project_id: Project,
    resume_id: ResumeId,
    resume_jobs: ResumeJobsGiven,
    plans: PlansGiven,
    permit: PermitGiven,
    request: Request[Any, Any, Any],
    data: JSONBody[resume_wire.ResumeRequest | None] = None,
    key: IdempotencyKey = None,
) -> resume_wire.Resumed:
    """Start exactly those jobs of a resume, or of the last retry of it, that are parked or have failed, each from its
    newest state. What the body leaves open is as it was in that. The body may be left out."""
    asked = resume_wire.Planned(resume_id=resume_id, resume=data or NOTHING_SAID)
    named = await key_of(key, request, permit)
    return await _looked_at_or_begun(resume_jobs, plans, project_id, asked, permit, named)


@post(
    "/resumes/{resume_id:int}/abort",
    status_code=HTTP_202_ACCEPTED,
    tags=["resumes"],
    summary="Withdraw what was not sent",
    responses=refusals(404),
)
async def abort_resume(
    project_id: Project, resume_id: ResumeId, resume_jobs: ResumeJobsGiven, permit: PermitGiven
) -> wire.Aborted:
    """Take back the starts that were not sent yet; those jobs stay stopped. Sent starts go on."""
    withdrawn = await resume_jobs.abort(project_id, resume_id, who=permit.who, right=permit.on(Action.START))
    return wire.Aborted(sorted(withdrawn.jobs))


@post(
    "/resumes/{resume_id:int}/proceed",
    status_code=HTTP_202_ACCEPTED,
    tags=["resumes"],
    summary="Go on after a pause",
    responses=refusals(404),
)
async def proceed_resume(
    project_id: Project, resume_id: ResumeId, resume_jobs: ResumeJobsGiven, permit: PermitGiven
) -> wire.Proceeded:
    """Continue a resume that `abort_when` has paused, whatever has failed so far."""
    was = await resume_jobs.proceed(project_id, resume_id, who=permit.who, right=permit.on(Action.START))
    return wire.Proceeded(was.value)


async def _looked_at_or_begun(
    resume_jobs: ResumeJobs,
    plans: PlansGiven,
    project: str,
    asked: resume_wire.Planned,
    permit: Permit,
    key: Key | None,
) -> resume_wire.Resumed:
    how, order = asked.resume, _order(project, asked, permit)
    if not how.dry_run:
        return await _answered(resume_jobs, replace(order, key=key), permit)
    placed = await resume_jobs(replace(order, dry_run=True), permit.on(Action.START))
    request = msgspec.json.encode(msgspec.structs.replace(asked, resume=msgspec.structs.replace(how, dry_run=False)))
    shown_ = kept_plans.of_starts(placed.by_job)
    plan = await plans.keep(project, PlanKind.RESUME, permit.who, request.decode(), shown_)
    return msgspec.structs.replace(answer(placed), dry_run=True, plan=plan)


async def _carry_out(
    resume_jobs: ResumeJobs, plans: PlansGiven, project: str, plan_id: int, permit: Permit, key: Key | None
) -> resume_wire.Resumed:
    plan = await plans.find(project, plan_id, PlanKind.RESUME)
    order = _order(project, msgspec.json.decode(plan.request, type=resume_wire.Planned), permit)
    return await _answered(resume_jobs, replace(order, plan=plan.ref, shown=plan.jobs, key=key), permit)


async def key_of(key: str | None, request: Request[Any, Any, Any], permit: Permit) -> Key | None:
    """The request by its name, with all that it says: one that says something else is another one."""
    if key is None:
        return None
    said = request.url.path.encode() + b"\n" + await request.body()
    return Key(key, hashlib.sha256(said).hexdigest(), permit.who)


async def _answered(resume_jobs: ResumeJobs, order: ResumeOrder, permit: Permit) -> resume_wire.Resumed:
    try:
        return answer(await resume_jobs(order, permit.on(Action.START)))
    except AnsweredBefore as before:
        return told_again(before, answer, resume_wire.Resumed)


def _order(project: str, asked: resume_wire.Planned, permit: Permit) -> ResumeOrder:
    """Raises `ClientException`."""
    how = asked.resume
    return ResumeOrder(
        project,
        asked.job_ids,
        stop=asked.stop_id,
        failed=how.failed,
        retry_of=asked.resume_id,
        wish=wish(how),
        who=permit.who,
        allow=frozenset(map(Allowed, how.allow)),
    )


def wish(data: resume_wire.ResumeRequest) -> BackWish:
    """What a request wishes for a way back. Raises `ClientException`."""
    when = abort_when(data.abort_when)
    if not data.park and not (data.park_after_seconds is None and data.park_restarts is None):
        raise ClientException("Without parking there is no park_after_seconds and no park_restarts.")
    after = seconds(data.park_after_seconds)
    return BackWish(data.max_parallel, when.failures, when.share, data.pace, data.park, after, data.park_restarts)


def answer(placed: Placed) -> resume_wire.Resumed:
    """What became of a request to bring jobs back."""
    answers = [job_answer(job, verdict) for job, verdict in sorted(placed.by_job.items())]
    return resume_wire.Resumed(placed.id, *count(answers), answers)


def _head(resume: Resume, stories: Mapping[int, Story]) -> resume_wire.ResumeHead:
    told, policy = stories.get(resume.first), resume.policy
    return resume_wire.ResumeHead(
        id=resume.id,
        stop_id=resume.source,
        retry_of=resume.retry_of,
        plan=resume.plan_id,
        planned_by=resume.planned_by,
        retried_by=told.retried_by.get(resume.id) if told else None,
        story=story_view(told),
        who=resume.who,
        created_at=resume.created_at,
        state=state_shown(resume.state, settled=resume.settled == resume.jobs),
        state_reason=resume.state_why,
        max_parallel=policy.limits.max_parallel,
        pace=policy.pace,
        park_after_seconds=None if policy.bound.after is None else policy.bound.after.total_seconds(),
        park_restarts=policy.bound.restarts,
        jobs_total=resume.jobs,
        jobs_settled=resume.settled,
        settled=resume.settled == resume.jobs,
        phases={phase.value: number for phase, number in resume.phases.items()},
    )


def _view(entry: BackEntry) -> resume_wire.BackView:
    return resume_wire.BackView(
        job_id=entry.job_id,
        name=entry.name,
        queue=entry.cluster,
        job_status=shown(entry.status),
        phase=entry.phase.value,
        why=entry.why,
        wave=entry.wave,
        restored_from=entry.run.restore,
        restarts=entry.run.health.restarts,
        accepted_at=entry.accepted_at,
        released_at=entry.released_at,
        running_at=entry.run.started_at,
        proven_at=entry.run.health.up_at,
        unwell=entry.run.health.unwell and entry.run.live,
    )
