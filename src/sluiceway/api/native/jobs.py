"""The health of jobs, beside their status."""

from typing import Annotated

from litestar import get
from litestar.params import Parameter

from sluiceway.api.native import wire
from sluiceway.api.native.answers import shown
from sluiceway.api.native.dependencies import JobDiffsGiven, Project, QueriesGiven, id_bounds, refusals
from sluiceway.api.native.selections import (
    ClusterSelectorGiven,
    ClustersGiven,
    HealthGiven,
    MatchGiven,
    NameGiven,
    ReadsGiven,
    SelectorGiven,
    StatusGiven,
    WritesGiven,
    meant_by,
)
from sluiceway.domain.adoption import start_again
from sluiceway.domain.health import Health
from sluiceway.domain.selection import EVERYTHING
from sluiceway.store.fares import Fare, Which


@get("/jobs", tags=["jobs"], summary="How jobs fare", responses=refusals(404))
async def list_jobs(
    project_id: Project,
    queries: QueriesGiven,
    *,
    job_id: Annotated[
        list[wire.JobId] | None,
        Parameter(
            max_items=100,
            required=False,
            description="Only these; may be repeated.",
            schema_extra={"type": "array", "items": wire.ID_SCHEMA, "one_of": None},
        ),
    ] = None,
    ailing: Annotated[bool, Parameter(description="Only jobs that restart, or lack slots.")] = False,
    leaving: Annotated[
        bool, Parameter(description="Only jobs that were deleted, and that Flink has yet to end.")
    ] = False,
    name: NameGiven = None,
    selector: SelectorGiven = None,
    cluster: ClustersGiven = None,
    cluster_selector: ClusterSelectorGiven = None,
    status: StatusGiven = None,
    health: HealthGiven = None,
    match: MatchGiven = None,
    reads: ReadsGiven = None,
    writes: WritesGiven = None,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    before: Annotated[
        int | None, Parameter(**id_bounds(), required=False, description="Only jobs with lower ids.")
    ] = None,
) -> wire.JobViews:
    """Jobs with their health, the highest ids first. Ids that are not known are left out."""
    given = wire.Selection(
        name=name,
        selector=selector,
        clusters=cluster,
        cluster_selector=cluster_selector,
        status=status,
        health=health,
        match=match,
        reads=reads,
        writes=writes,
    )
    chosen = EVERYTHING if given == wire.Selection() else meant_by(given)
    which = Which(job_id or (), ailing, leaving, chosen)
    found = await queries.fares(project_id, which, limit, before)
    rest = found[-1].job_id if len(found) == limit else None
    if before is not None:
        return wire.JobViews([_view(fare) for fare in found], rest, None, None)
    total = len(found) if rest is None else await queries.count(project_id, which)
    unjudged = await queries.unjudged(project_id, which.selection)
    return wire.JobViews([_view(fare) for fare in found], rest, total, unjudged)


@get(
    "/jobs/{job_id:int}/diff",
    tags=["jobs"],
    summary="What has changed since its state was made",
    responses=refusals(404),
)
async def job_diff(
    project_id: Project,
    job_id: Annotated[int, Parameter(**id_bounds(), description="The id of the job.")],
    job_diffs: JobDiffsGiven,
) -> wire.JobDiff:
    """The job as it was in the run that made the state that a resume would take now, and as it is now."""
    found = await job_diffs(project_id, job_id)
    changes = [wire.JobChange(change.name, change.before, change.now) for change in found.changes]
    same = None if found.sql_before is None else found.sql_before == found.sql_now and not changes
    return wire.JobDiff(job_id, found.path, found.run_id, same, found.sql_before, found.sql_now, changes)


def _view(fare: Fare) -> wire.JobView:
    return wire.JobView(
        job_id=fare.job_id,
        name=fare.name,
        queue=fare.queue,
        status=shown(fare.status),
        why=fare.why,
        flink_job_id=fare.flink_job_id,
        savepoint=fare.savepoint,
        restored_from=fare.restored_from,
        note=fare.note,
        started_at=fare.started_at,
        ended_at=fare.ended_at,
        deleted_at=fare.deleted_at,
        health=None if fare.health is None else _health(fare.health),
        adopted=_adopted(fare),
        silence=None if fare.silent is None else wire.Silence(fare.silent.since, fare.silent.reason),
        tags=dict(fare.tags),
    )


def _adopted(fare: Fare) -> wire.AdoptedJob | None:
    if fare.adopted_as is None:
        return None
    again = start_again(fare.savepoint, fare.way) if fare.savepoint and fare.program_unknown else None
    return wire.AdoptedJob(fare.adopted_as, again)


def _health(health: Health) -> wire.Health:
    return wire.Health(
        condition=health.condition.value,
        since=health.since,
        tasks=health.tasks,
        running_tasks=health.running,
        restarts=health.restarts,
        cause=health.cause,
        slots_wanted=health.slots_wanted,
        slots_free=health.slots_free,
        unwell=health.unwell,
        proof=health.proof.value,
        up_at=health.up_at,
    )
