"""Stops of many jobs as one thing: accepting them, looking at them, taking them back, and trying them again."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.params import JSONBody, Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import resume_wire, wire
from sluiceway.api.native.answers import count, job_answer, told_again
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
from sluiceway.domain.access import Action
from sluiceway.domain.batch import Kind
from sluiceway.domain.orders import Key, Placed, StopOrder
from sluiceway.domain.plan import PlanKind
from sluiceway.store.answers import AnsweredBefore


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
        accepted = _accepted(await stop_jobs(_order(project_id, meant, permit, named), permit.on(Action.STOP)))
        return msgspec.structs.replace(accepted, unjudged=meant.unjudged)
    except AnsweredBefore as before:
        return told_again(before, _accepted, wire.Accepted)


def _check_target(meant: Meant, permit: Permit) -> None:
    if meant.target is not None and not permit.may(Action.TARGET):
        raise Forbidden("Only an admin may have savepoints written outside of the storage root. Leave out target.")


async def _looked_at(preflight: PreflightGiven, project: str, meant: Meant, permit: Permit) -> list[Finding]:
    window = seconds(meant.data.window_seconds)
    return await preflight(_order(project, meant, permit), permit.on(Action.STOP), window=window)


async def _shown(
    plans: PlansGiven, project: str, meant: Meant, findings: Sequence[Finding], permit: Permit
) -> wire.Accepted:
    """The answer to a dry run, which is kept as a plan."""
    answers = [finding_of(finding, meant.waves.get(finding.job_id, 0)) for finding in findings]
    asked = resume_wire.Planned(stop=msgspec.structs.replace(meant.data, dry_run=False), waves=dict(meant.waves))
    request = msgspec.json.encode(asked).decode()
    plan = await plans.keep(project, PlanKind.STOP, permit.who, request, kept_plans.of_stop(findings))
    return wire.Accepted(None, *count(answers), answers, dry_run=True, plan=plan, unjudged=meant.unjudged)


def _held(meant: Meant, findings: Sequence[Finding]) -> Meant:
    """Exactly the jobs that the plan would stop. Raises `PlanOutdated` where the jobs no longer match."""
    assert meant.plan is not None, "it is a plan's"
    kept_plans.hold(meant.plan.ref, meant.plan.jobs, kept_plans.of_stop(findings))
    shown = {one.job_id: one.subject for one in meant.plan.jobs if one.accepted}
    return replace(meant, job_ids=list(shown), shown=shown)


def _order(project: str, meant: Meant, permit: Permit, key: Key | None = None) -> StopOrder:
    return StopOrder(
        project,
        meant.job_ids,
        savepoint=meant.data.savepoint,
        reason=meant.data.reason,
        policy=meant.policy,
        limits=meant.limits,
        target=meant.target,
        waves=meant.waves,
        who=permit.who,
        stopped_is_done=True,
        after_savepoint=True,
        plan=meant.plan.ref if meant.plan else None,
        shown=meant.shown,
        key=key,
    )


def _accepted(placed: Placed) -> wire.Accepted:
    verdicts = zip(placed.jobs, placed.verdicts, strict=True)
    answers = [job_answer(job, verdict, placed.waves.get(job, 0)) for job, verdict in verdicts]
    return wire.Accepted(placed.id, *count(answers), answers)


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


@get("/stops/{stop_id:int}", tags=["stops"], summary="The outcome of each job of a stop", responses=refusals(404))
async def show_stop(project_id: Project, stop_id: BatchId, queries: QueriesGiven) -> wire.Batch:
    """One request to stop jobs, with every job's phase, savepoint and reason."""
    batch = await queries.batch(project_id, stop_id)
    stories = await queries.stories(Kind.STOP, [batch.first])
    return wire.Batch(
        **msgspec.structs.asdict(head(batch, stories)),
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
    """Take back the stops that were not sent yet; those jobs run on. Sent stops go on."""
    aborted = await stop_jobs.abort(project_id, stop_id, who=permit.who, right=permit.on(Action.STOP))
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
    """Continue a stop that `abort_when` has paused, whatever has failed so far."""
    was = await stop_jobs.proceed(project_id, stop_id, who=permit.who, right=permit.on(Action.STOP))
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
    digest = hashlib.sha256(request.url.path.encode()).hexdigest()
    named = None if key is None else Key(key, digest, permit.who)
    try:
        right = permit.on(Action.STOP)
        _, placed = await retry_stops(project_id, stop_id, who=permit.who, right=right, key=named)
        return _accepted(placed)
    except AnsweredBefore as before:
        return told_again(before, _accepted, wire.Accepted)
