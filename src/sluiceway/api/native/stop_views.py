"""Stops, and what a dry run finds, in the words of the native API. Pure."""

from collections.abc import Mapping

import msgspec

from sluiceway.api.native import wire
from sluiceway.api.native.answers import concerns, job_answer, shown, state_shown, story_view
from sluiceway.control.preflight import Finding
from sluiceway.domain.adoption import start_again
from sluiceway.domain.operations.stop import SETTLED
from sluiceway.store.batch_views import Batch, BatchEntry
from sluiceway.store.stories import Story


def finding_of(finding: Finding, wave: int) -> wire.JobAnswer:
    """What a dry run found of a job."""
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


def head(batch: Batch, stories: Mapping[int, Story]) -> wire.BatchHead:
    """A stop without its jobs; `stories` are by the first stop of each."""
    told = stories.get(batch.first)
    return wire.BatchHead(
        id=batch.id,
        retry_of=batch.retry_of,
        retried_by=told.retried_by.get(batch.id) if told else None,
        story=story_view(told),
        savepoint=batch.savepoint,
        drain=batch.policy.drain,
        reason=batch.reason,
        who=batch.who,
        created_at=batch.created_at,
        state=state_shown(batch.state, settled=batch.settled == batch.jobs),
        state_reason=batch.state_why,
        jobs_total=batch.jobs,
        jobs_settled=batch.settled,
        phases={phase.value: number for phase, number in batch.phases.items()},
        settled=batch.settled == batch.jobs,
        plan=batch.plan_id,
        planned_by=batch.planned_by,
    )


def view(entry: BatchEntry) -> wire.StopView:
    """The outcome of one job of a stop."""
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
        start_again=_start_again(entry),
    )


def _start_again(entry: BatchEntry) -> str | None:
    path = entry.stop.savepoint_path
    return None if entry.adopted is None or path is None else start_again(path, entry.adopted)
