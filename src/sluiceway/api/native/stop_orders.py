"""What a request to stop jobs means: which jobs, in which waves, and under which policy."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import msgspec
from litestar.exceptions import ClientException

from sluiceway.api.native import resume_wire, wire
from sluiceway.api.native.selections import STOPS
from sluiceway.api.native.selections import meant_by as meant
from sluiceway.control.kept_plans import KeptPlans
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.batch import Limits
from sluiceway.domain.plan import Plan, PlanKind
from sluiceway.domain.policy import IfNotRunning, Resort, SavepointFormat, StopPolicy
from sluiceway.domain.selection import EVERYTHING, Selection

_TARGET = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*://\S+")


@dataclass(frozen=True, slots=True)
class Meant:
    """A request to stop jobs, with the jobs that it means."""

    data: wire.StopRequest
    job_ids: Sequence[int]
    waves: Mapping[int, int]
    policy: StopPolicy
    limits: Limits
    target: str | None
    plan: Plan | None = None
    shown: Mapping[int, str] | None = None  # of a plan's jobs: the Flink jobs
    unjudged: int = 0  # further jobs that may be meant


async def meant_by(stop_jobs: StopJobs, plans: KeptPlans, project: str, data: wire.StopRequest) -> Meant:
    """What a request means, or the plan that it names. Raises `ClientException`, `UnknownQueue`, `UnknownPlan`."""
    if data.window_seconds is not None and not data.dry_run:
        raise ClientException("window_seconds tells a dry run how long the jobs are to stay stopped: it needs dry_run.")
    if data.plan is None:
        policy, limits, target = _policy(data), _limits(data), _target(data.target)
        jobs, waves = await _jobs(stop_jobs, project, data)
        unjudged = 0 if data.select is None else await stop_jobs.unjudged(project, _selection(data))
        return Meant(data, jobs, waves, policy, limits, target, unjudged=unjudged)
    if data != wire.StopRequest(plan=data.plan, reason=data.reason):
        raise ClientException("A plan already says which jobs to stop and how; give nothing but a reason beside it.")
    plan = await plans.find(project, data.plan, PlanKind.STOP)
    asked = msgspec.json.decode(plan.request, type=resume_wire.Planned)
    assert asked.stop is not None, "it is a plan of a stop"
    was = msgspec.structs.replace(asked.stop, reason=data.reason or asked.stop.reason)
    job_ids = [shown.job_id for shown in plan.jobs]
    return Meant(was, job_ids, asked.waves, _policy(was), _limits(was), _target(was.target), plan)


async def _jobs(stop_jobs: StopJobs, project: str, data: wire.StopRequest) -> tuple[Sequence[int], dict[int, int]]:
    """The jobs that a request means, and their waves. Raises `ClientException`, `UnknownQueue`."""
    chosen = [name for name in ("queue", "name", "tags", "status", "select") if getattr(data, name) is not None]
    _check_choice(data, chosen)
    groups = [_group(wave) for wave in data.waves or ()]
    job_ids: Sequence[int] | None = data.job_ids
    if chosen or data.all:
        job_ids = await stop_jobs.select(project, _selection(data))
    return await stop_jobs.arrange(project, job_ids, groups)


def _check_choice(data: wire.StopRequest, chosen: Sequence[str]) -> None:
    if data.job_ids is not None and (chosen or data.all):
        raise ClientException("Give either job_ids, or what the jobs have in common, not both.")
    if data.all and chosen:
        raise ClientException(f"`all` leaves nothing to choose; leave out {', '.join(chosen)}, or `all`.")
    if data.select is not None and len(chosen) > 1:
        others = ", ".join(name for name in chosen if name != "select")
        raise ClientException(f"`select` says all about which jobs; put {others} into it.")
    if data.job_ids is None and not data.all and not chosen and not data.waves:
        raise ClientException("Say which jobs to stop: job_ids, or select, queue, name, tags, status, all, or waves.")


def _selection(data: wire.StopRequest) -> Selection:
    if data.all:
        return EVERYTHING
    if data.select is not None:
        return meant(data.select, STOPS)
    clusters = None if data.queue is None else [data.queue]
    return meant(wire.Selection(name=data.name, tags=data.tags, clusters=clusters, status=data.status), STOPS)


def _group(wave: wire.Wave) -> Selection | Sequence[int]:
    common = wave.queue is not None or wave.tags is not None
    if (wave.job_ids is not None) == common:
        raise ClientException("A wave is given either by job_ids, or by queue and tags.")
    if wave.job_ids is not None:
        return wave.job_ids
    return meant(wire.Selection(clusters=None if wave.queue is None else [wave.queue], tags=wave.tags))


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
        backoff=seconds(failing.backoff_seconds),
        resort=Resort(failing.action),
        checkpoint_age=seconds(failing.max_checkpoint_age_seconds),
        if_not_running=None if data.if_not_running is None else IfNotRunning(data.if_not_running),
        timeout=seconds(data.timeout_seconds),
    )


def abort_when(given: wire.AbortWhen | None) -> wire.AbortWhen:
    """The same, or never. Raises `ClientException`."""
    if given is None:
        return wire.AbortWhen()
    if (given.failures is None) == (given.share is None):
        raise ClientException("abort_when takes either failures or share.")
    return given


def _limits(data: wire.StopRequest) -> Limits:
    when = abort_when(data.abort_when)
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


def seconds(given: float | None) -> timedelta | None:
    """A time that may be left out."""
    return None if given is None else timedelta(seconds=given)
