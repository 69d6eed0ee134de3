"""Stops of many jobs as one thing: accepting them, looking at them, taking them back, and trying them again."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import JSONBody, Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import resume_wire, wire
from sluiceway.api.native.answers import count, job_answer
from sluiceway.api.native.body import Json
from sluiceway.api.native.dependencies import (
    BatchId,
    Before,
    IdempotencyKey,
    PlansGiven,
    PreflightGiven,
    Project,
    QueriesGiven,
    RetryStopsGiven,
    StopJobsGiven,
    refusals,
)
from sluiceway.api.native.stop_orders import Meant, meant_by, seconds
from sluiceway.api.native.stop_views import finding_of, head, view
from sluiceway.api.permit import Permit, PermitGiven
from sluiceway.control import kept_plans
from sluiceway.control.errors import Forbidden
from sluiceway.control.preflight import Finding
from sluiceway.control.retry_stops import Retry
from sluiceway.control.stop_jobs import StopBatch, StopJobs, StopOrder
from sluiceway.domain.access import Action
from sluiceway.domain.batch import Kind
from sluiceway.domain.plan import PlanKind, PlanRef
from sluiceway.store import views
from sluiceway.store.answers import AnsweredBefore, Key


@post(
    "/stops",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[wire.StopRequest],
    return_dto=None,
    tags=["stops"],
    summary="Stop jobs, each with a savepoint",
    responses=refusals(404, 409, 413, 422),
)
async def stop(
    project_id: Project,
    data: JSONBody[wire.StopRequest],
    request: Request[Any, Any, Any],
    stop_jobs: StopJobsGiven,
    preflight: PreflightGiven,
    plans: PlansGiven,
    permit: PermitGiven,
    key: IdempotencyKey = None,
) -> wire.Accepted:
    """Accept the stop of each job that may be stopped. When the answer comes, it is stored and no crash loses it.

    With `dry_run` no job is touched; each is looked at instead, and the answer names a plan. With `plan` exactly the
    jobs are stopped that a dry run has shown; nothing is done where anything has changed since.
    """
    named = None if key is None else Key(key, hashlib.sha256(await request.body()).hexdigest(), permit.who)
    try:
        if named is not None and data.plan is not None:
            await stop_jobs.check_key(project_id, named)  # what was carried out must look changed by now
        meant = await meant_by(stop_jobs, plans, project_id, data)
        _check_target(meant, permit)
        if data.dry_run or data.plan is not None:
            findings = await _looked_at(preflight, project_id, meant, permit)
            if data.dry_run:
                return await _shown(plans, project_id, meant, findings, permit)
            meant = _held(meant, findings)
        return await _stopped(stop_jobs, project_id, meant, permit, named)
    except AnsweredBefore as before:
        return msgspec.json.decode(before.answer, type=wire.Accepted)


def _check_target(meant: Meant, permit: Permit) -> None:
    if meant.target is not None and not permit.may(Action.TARGET):
        raise Forbidden("Only an admin may have savepoints written outside of the storage root. Leave out target.")


async def _looked_at(preflight: PreflightGiven, project: str, meant: Meant, permit: Permit) -> list[Finding]:
    return await preflight(
        project,
        meant.job_ids,
        savepoint=meant.data.savepoint,
        target=meant.target,
        wish=meant.policy.format,
        allowed=permit.on(Action.STOP),
        window=seconds(meant.data.window_seconds),
        drain=meant.policy.drain,
    )


async def _shown(
    plans: PlansGiven, project: str, meant: Meant, findings: Sequence[Finding], permit: Permit
) -> wire.Accepted:
    """The answer to a dry run, which is kept as a plan."""
    answers = [finding_of(finding, meant.waves.get(finding.job_id, 0)) for finding in findings]
    asked = resume_wire.Planned(stop=msgspec.structs.replace(meant.data, dry_run=False), waves=dict(meant.waves))
    request = msgspec.json.encode(asked).decode()
    plan = await plans.keep(project, PlanKind.STOP, permit.who, request, kept_plans.of_stop(findings))
    return wire.Accepted(None, *count(answers), answers, dry_run=True, plan=plan)


def _held(meant: Meant, findings: Sequence[Finding]) -> Meant:
    """Exactly what the plan shows as to be stopped. Raises `PlanOutdated` where anything else would be shown now."""
    assert meant.plan is not None, "it is a plan's"
    kept_plans.hold(meant.plan, kept_plans.of_stop(findings))
    shown = {one.job_id: one.subject for one in meant.plan.jobs if one.accepted}
    return replace(meant, job_ids=list(shown), shown=shown)


async def _stopped(stop_jobs: StopJobs, project: str, meant: Meant, permit: Permit, key: Key | None) -> wire.Accepted:
    waves, job_ids = meant.waves, meant.job_ids

    def answer(batch: StopBatch) -> wire.Accepted:
        answers = [job_answer(job, v, waves.get(job, 0)) for job, v in zip(job_ids, batch.verdicts, strict=True)]
        return wire.Accepted(batch.id, *count(answers), answers)

    order = StopOrder(
        after_savepoint=True,
        policy=meant.policy,
        limits=meant.limits,
        target=meant.target,
        waves=waves,
        who=permit.who,
        allowed=permit.on(Action.STOP),
        stopped_is_done=True,
        plan=PlanRef(meant.plan.id, meant.plan.who) if meant.plan else None,
        shown=meant.shown,
        key=key,
        answer=lambda batch: msgspec.json.encode(answer(batch)).decode(),
    )
    return answer(
        await stop_jobs(project, job_ids, savepoint=meant.data.savepoint, reason=meant.data.reason, order=order)
    )


@get("/stops", tags=["stops"], summary="The latest stops", responses=refusals())
async def list_stops(
    project_id: Project,
    queries: QueriesGiven,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 20,
    before: Before = None,
) -> wire.BatchList:
    """The latest requests to stop jobs, newest first."""
    found = await queries.batches(project_id, limit, before)
    stories = await queries.stories(Kind.STOP, [batch.first for batch in found])
    return wire.BatchList([head(batch, stories) for batch in found])


@get("/stops/{stop_id:int}", tags=["stops"], summary="What became of each job of a stop", responses=refusals(404))
async def show_stop(project_id: Project, stop_id: BatchId, queries: QueriesGiven) -> wire.Batch:
    """One request to stop jobs, with every job's phase, savepoint and reason."""
    batch = await queries.batch(project_id, stop_id)
    stories = await queries.stories(Kind.STOP, [batch.first])
    return wire.Batch(
        **msgspec.structs.asdict(head(batch, stories)),
        phases=dict(Counter(entry.stop.phase.value for entry in batch.entries)),
        jobs=[view(entry) for entry in batch.entries],
    )


@post(
    "/stops/{stop_id:int}/abort",
    status_code=HTTP_202_ACCEPTED,
    tags=["stops"],
    summary="Withdraw what was not sent",
    responses=refusals(404),
)
async def abort(project_id: Project, stop_id: BatchId, stop_jobs: StopJobsGiven, permit: PermitGiven) -> wire.Aborted:
    """Take back whatever of this stop was not sent yet; those jobs run on. What was sent goes on."""
    aborted = await stop_jobs.abort(project_id, stop_id, who=permit.who, allowed=permit.on(Action.STOP))
    return wire.Aborted(sorted(aborted.withdrawn))


@post(
    "/stops/{stop_id:int}/proceed",
    status_code=HTTP_202_ACCEPTED,
    tags=["stops"],
    summary="Go on after a pause",
    responses=refusals(404),
)
async def proceed(
    project_id: Project, stop_id: BatchId, stop_jobs: StopJobsGiven, permit: PermitGiven
) -> wire.Proceeded:
    """Let a stop that `abort_when` has paused go on, whatever has failed so far."""
    was = await stop_jobs.proceed(project_id, stop_id, who=permit.who, allowed=permit.on(Action.STOP))
    return wire.Proceeded(was.value)


@post(
    "/stops/{stop_id:int}/retry",
    status_code=HTTP_202_ACCEPTED,
    tags=["stops"],
    summary="Stop again what did not stop",
    responses=refusals(404, 422),
)
async def retry(
    project_id: Project,
    stop_id: BatchId,
    request: Request[Any, Any, Any],
    retry_stops: RetryStopsGiven,
    permit: PermitGiven,
    key: IdempotencyKey = None,
) -> wire.Accepted:
    """Stop exactly those jobs of a stop, or of the last retry of it, that did not stop: in the same waves, and as the
    stop before was asked for."""

    def answer(failed: Sequence[views.BatchEntry], batch: StopBatch) -> wire.Accepted:
        answers = [job_answer(e.job_id, v, e.wave) for e, v in zip(failed, batch.verdicts, strict=True)]
        return wire.Accepted(batch.id, *count(answers), answers)

    asked = Retry(
        permit.who,
        permit.on(Action.STOP),
        None if key is None else Key(key, hashlib.sha256(request.url.path.encode()).hexdigest(), permit.who),
        lambda failed, batch: msgspec.json.encode(answer(failed, batch)).decode(),
    )
    try:
        return answer(*await retry_stops(project_id, stop_id, asked))
    except AnsweredBefore as before:
        return msgspec.json.decode(before.answer, type=wire.Accepted)
