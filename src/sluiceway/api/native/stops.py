"""Stops of many jobs as one thing: accepting them, looking at them, taking them back, and trying them again."""

import hashlib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.exceptions import ClientException
from litestar.params import JSONBody, Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import resume_wire, wire
from sluiceway.api.native.answers import concerns, count, job_answer, shown, story_view, told_again
from sluiceway.api.native.body import Json
from sluiceway.api.native.given import (
    BatchId,
    IdempotencyKey,
    PlansGiven,
    PreflightGiven,
    Project,
    QueriesGiven,
    RetryStopsGiven,
    StopJobsGiven,
    id_bounds,
    refusals,
)
from sluiceway.api.permit import Permit, PermitGiven
from sluiceway.control import kept_plans
from sluiceway.control.errors import Forbidden
from sluiceway.control.preflight import Finding
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.access import Action
from sluiceway.domain.batch import Kind, Limits
from sluiceway.domain.job import JobStatus
from sluiceway.domain.orders import Key, Placed, StopOrder
from sluiceway.domain.plan import Plan, PlanKind
from sluiceway.domain.policy import IfNotRunning, Resort, SavepointFormat, StopPolicy
from sluiceway.domain.stop import SETTLED
from sluiceway.store import views
from sluiceway.store.answers import AnsweredBefore
from sluiceway.store.stories import Story
from sluiceway.store.views import JobSelector

_TARGET = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S+")


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
        meant = await _meant(stop_jobs, plans, project_id, data)
        _check_target(meant, permit)
        if data.dry_run or data.plan is not None:
            findings = await _looked_at(preflight, project_id, meant, permit)
            if data.dry_run:
                return await _shown(plans, project_id, meant, findings, permit)
            meant = _held(meant, findings)
        return _accepted(await stop_jobs(_order(project_id, meant, permit, named), permit.on(Action.STOP)))
    except AnsweredBefore as before:
        return told_again(before, _accepted, wire.Accepted)


@dataclass(frozen=True, slots=True)
class _Meant:
    """A request to stop jobs, with the jobs that it means."""

    data: wire.StopRequest
    job_ids: Sequence[int]
    waves: Mapping[int, int]
    policy: StopPolicy
    limits: Limits
    target: str | None
    plan: Plan | None = None
    shown: Mapping[int, str] | None = None  # of a plan's jobs: the Flink jobs


async def _meant(stop_jobs: StopJobs, plans: PlansGiven, project: str, data: wire.StopRequest) -> _Meant:
    """Raises `ClientException`, `UnknownQueue`, `UnknownPlan`."""
    if data.window_seconds is not None and not data.dry_run:
        raise ClientException("window_seconds tells a dry run how long the jobs are to stay stopped: it needs dry_run.")
    if data.plan is None:
        policy, limits, target = _policy(data), _limits(data), _target(data.target)
        return _Meant(data, *await _jobs(stop_jobs, project, data), policy, limits, target)
    if data != wire.StopRequest(plan=data.plan, reason=data.reason):
        raise ClientException("A plan says itself which jobs to stop and how; give nothing but a reason beside it.")
    plan = await plans.find(project, data.plan, PlanKind.STOP)
    asked = msgspec.json.decode(plan.request, type=resume_wire.Planned)
    assert asked.stop is not None, "it is a plan of a stop"
    was = msgspec.structs.replace(asked.stop, reason=data.reason or asked.stop.reason)
    job_ids = [shown.job_id for shown in plan.jobs]
    return _Meant(was, job_ids, asked.waves, _policy(was), _limits(was), _target(was.target), plan)


def _check_target(meant: _Meant, permit: Permit) -> None:
    if meant.target is not None and not permit.may(Action.TARGET):
        raise Forbidden("Only an admin may have savepoints written outside of the storage root. Leave out target.")


async def _looked_at(preflight: PreflightGiven, project: str, meant: _Meant, permit: Permit) -> list[Finding]:
    window = _seconds(meant.data.window_seconds)
    return await preflight(_order(project, meant, permit), permit.on(Action.STOP), window=window)


async def _shown(
    plans: PlansGiven, project: str, meant: _Meant, findings: Sequence[Finding], permit: Permit
) -> wire.Accepted:
    """The answer to a dry run, which is kept as a plan."""
    answers = [_finding(finding, meant.waves.get(finding.job_id, 0)) for finding in findings]
    asked = resume_wire.Planned(stop=msgspec.structs.replace(meant.data, dry_run=False), waves=dict(meant.waves))
    request = msgspec.json.encode(asked).decode()
    plan = await plans.keep(project, PlanKind.STOP, permit.who, request, kept_plans.of_stop(findings))
    return wire.Accepted(None, *count(answers), answers, dry_run=True, plan=plan)


def _held(meant: _Meant, findings: Sequence[Finding]) -> _Meant:
    """Exactly what the plan shows as to be stopped. Raises `PlanOutdated` where anything else would be shown now."""
    assert meant.plan is not None, "it is a plan's"
    kept_plans.hold(meant.plan.ref, meant.plan.jobs, kept_plans.of_stop(findings))
    shown = {one.job_id: one.subject for one in meant.plan.jobs if one.accepted}
    return replace(meant, job_ids=list(shown), shown=shown)


def _order(project: str, meant: _Meant, permit: Permit, key: Key | None = None) -> StopOrder:
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
    before: Annotated[
        int | None,
        Parameter(**id_bounds(), required=False, description="Only older ones."),
    ] = None,
) -> wire.BatchList:
    """The latest requests to stop jobs, newest first."""
    found = await queries.batches(project_id, limit, before)
    stories = await queries.stories(Kind.STOP, [batch.first for batch in found])
    return wire.BatchList([_head(batch, stories) for batch in found])


@get("/stops/{stop_id:int}", tags=["stops"], summary="What became of each job of a stop", responses=refusals(404))
async def show_stop(project_id: Project, stop_id: BatchId, queries: QueriesGiven) -> wire.Batch:
    """One request to stop jobs, with every job's phase, savepoint and reason."""
    batch = await queries.batch(project_id, stop_id)
    stories = await queries.stories(Kind.STOP, [batch.first])
    return wire.Batch(
        **msgspec.structs.asdict(_head(batch, stories)),
        phases=dict(Counter(entry.stop.phase.value for entry in batch.entries)),
        jobs=[_view(entry) for entry in batch.entries],
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
    """Let a stop that `abort_when` has paused go on, whatever has failed so far."""
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


async def _jobs(stop_jobs: StopJobs, project: str, data: wire.StopRequest) -> tuple[Sequence[int], dict[int, int]]:
    """The jobs that a request means, and their waves. Raises `ClientException`, `UnknownQueue`."""
    chosen = [name for name in ("queue", "name", "tags", "status") if getattr(data, name) is not None]
    if data.job_ids is not None and (chosen or data.all):
        raise ClientException("Give either job_ids, or what the jobs have in common, not both.")
    if data.all and chosen:
        raise ClientException(f"`all` leaves nothing to choose; leave out {', '.join(chosen)}, or `all`.")
    if data.job_ids is None and not data.all and not chosen and not data.waves:
        raise ClientException("Say which jobs to stop: job_ids, or queue, name, tags, status, or all, or waves.")
    groups = [_group(wave) for wave in data.waves or ()]
    job_ids: Sequence[int] | None = data.job_ids
    if chosen or data.all:
        statuses = [status for status in JobStatus if shown(status) in (data.status or ())]
        which = JobSelector(data.queue, data.name, data.tags or {}, statuses)
        job_ids = await stop_jobs.select(project, which)
    return await stop_jobs.arrange(project, job_ids, groups)


def _group(wave: wire.Wave) -> JobSelector | Sequence[int]:
    common = wave.queue is not None or wave.tags is not None
    if (wave.job_ids is not None) == common:
        raise ClientException("A wave is given either by job_ids, or by queue and tags.")
    return wave.job_ids if wave.job_ids is not None else JobSelector(queue=wave.queue, tags=wave.tags or {})


def _policy(data: wire.StopRequest) -> StopPolicy:
    failing = data.on_savepoint_failure
    keeping = failing.action == "cancel_keeping_checkpoint"
    if keeping != (failing.max_checkpoint_age_seconds is not None):
        raise ClientException("max_checkpoint_age_seconds goes with cancel_keeping_checkpoint, which needs it.")
    plain = not data.drain and data.format == "auto" and data.target is None and data.if_not_running is None
    if not data.savepoint and not (plain and failing == wire.OnSavepointFailure()):
        what = "drain, format, target, if_not_running or on_savepoint_failure"
        raise ClientException(f"Without a savepoint there is no {what}.")
    return StopPolicy(
        drain=data.drain,
        format=None if data.format == "auto" else SavepointFormat(data.format),
        attempts=failing.attempts,
        backoff=_seconds(failing.backoff_seconds),
        resort=Resort(failing.action),
        checkpoint_age=_seconds(failing.max_checkpoint_age_seconds),
        if_not_running=None if data.if_not_running is None else IfNotRunning(data.if_not_running),
        timeout=_seconds(data.timeout_seconds),
    )


def _limits(data: wire.StopRequest) -> Limits:
    when = data.abort_when or wire.AbortWhen()
    if data.abort_when is not None and (when.failures is None) == (when.share is None):
        raise ClientException("abort_when takes either failures or share.")
    return Limits(data.max_parallel, when.failures, when.share)


def _target(target: str | None) -> str | None:
    if target is None:
        return None
    if target.startswith("/"):
        target = f"file://{target}"
    if not _TARGET.fullmatch(target) or not target.isprintable():
        raise ClientException(
            "target is a directory as an absolute path or a URI, for example file:///mnt/flink/tonight."
        )
    return target.rstrip("/")


def _seconds(given: float | None) -> timedelta | None:
    return None if given is None else timedelta(seconds=given)


def _finding(finding: Finding, wave: int) -> wire.JobAnswer:
    survey = finding.survey
    last = survey.checkpoint if survey else None
    shown = None if last is None else wire.LastCheckpoint(last.at, last.duration.total_seconds(), last.size)
    told = wire.Finding(
        state=survey.state.value if survey else "",
        tasks=survey.tasks if survey else 0,
        running_tasks=survey.running if survey else 0,
        batch=survey.batch if survey else False,
        operation=(survey.operation or "") if survey else "",
        last_checkpoint=shown,
        estimate_seconds=None if finding.estimate is None else round(finding.estimate.total_seconds(), 3),
        timeout_seconds=survey.timeout.total_seconds() if survey and survey.timeout else None,
        format=(finding.choice.format or "") if finding.choice else "",
        format_reason=finding.choice.why if finding.choice else "",
        if_savepoint_fails=finding.failing[0].value if finding.failing else "",
        if_savepoint_fails_reason=finding.failing[1] if finding.failing else "",
        problems=list(finding.problems),
        way_back=concerns(finding.way_back),
    )
    return msgspec.structs.replace(job_answer(finding.job_id, finding.verdict, wave), finding=told)


def _head(batch: views.Batch, stories: Mapping[int, Story]) -> wire.BatchHead:
    told = stories.get(batch.first)
    return wire.BatchHead(
        id=batch.id,
        retry_of=batch.retry_of,
        retried_by=told.retried_by.get(batch.id) if told else None,
        story=story_view(told),
        savepoint=batch.savepoint,
        reason=batch.reason,
        who=batch.who,
        created_at=batch.created_at,
        state=batch.state.value,
        state_reason=batch.state_why,
        jobs_total=batch.jobs,
        jobs_settled=batch.settled,
        settled=batch.settled == batch.jobs,
        plan=batch.plan_id,
        planned_by=batch.planned_by,
    )


def _view(entry: views.BatchEntry) -> wire.StopView:
    stop = entry.stop
    return wire.StopView(
        job_id=entry.job_id,
        name=entry.name,
        queue=entry.cluster,
        job_status=shown(entry.status),
        phase=stop.phase.value,
        wave=entry.wave,
        held=stop.held,
        attempt=stop.attempt,
        savepoint=stop.savepoint_path,
        checkpoint=stop.checkpoint_path if stop.phase in SETTLED else None,
        unproven=stop.unproven,
        size=stop.savepoint_size,
        format=(stop.format or "") if stop.savepoint else "",
        format_reason=stop.format_why if stop.savepoint else "",
        verified=stop.verified,
        reason=stop.reason,
        accepted_at=entry.begun_at,
        sent_at=stop.sent_at,
        settled_at=stop.settled_at,
        deadline=stop.deadline,
    )
