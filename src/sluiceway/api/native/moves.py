"""Moves of many jobs as one thing: accepting them, looking at them, steering them, and taking them back."""

from dataclasses import replace
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.exceptions import ClientException
from litestar.params import JSONBody, Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import move_wire, resume_wire, wire
from sluiceway.api.native.answers import count, job_answer, shown, told_again, words
from sluiceway.api.native.body import Json
from sluiceway.api.native.dependencies import (
    Before,
    IdempotencyKey,
    MoveId,
    MoveJobsGiven,
    PlansGiven,
    Project,
    QueriesGiven,
    refusals,
)
from sluiceway.api.native.resumes import answer, key_of, wish
from sluiceway.api.native.stop_orders import meant_by
from sluiceway.api.native.stop_views import finding_of
from sluiceway.api.permit import Permit, PermitGiven
from sluiceway.control.move_jobs import Rights
from sluiceway.domain.access import Action
from sluiceway.domain.moving import UNDER_WAY, Destination, MovePhase
from sluiceway.domain.orders import Placed, StopOrder
from sluiceway.domain.way_back import Allowed
from sluiceway.store.answers import AnsweredBefore
from sluiceway.store.move_views import Move, MoveEntry

# What a stop has of the same name, and means by it the same.
_OF_STOPS = frozenset(wire.StopRequest.__struct_fields__) & frozenset(move_wire.MoveRequest.__struct_fields__)
_OF_RESUMES = ("pace", "park", "park_after_seconds", "park_restarts")


@post(
    "/moves",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[move_wire.MoveRequest],
    return_dto=None,
    tags=["moves"],
    summary="Move jobs to another cluster",
    responses=refusals(404, 413, 422),
)
async def move(
    project_id: Project,
    data: JSONBody[move_wire.MoveRequest],
    request: Request[Any, Any, Any],
    move_jobs: MoveJobsGiven,
    plans: PlansGiven,
    permit: PermitGiven,
    key: IdempotencyKey = None,
) -> move_wire.MoveAccepted:
    """Stop each job with a savepoint where it is, and start it from that on another cluster, which is its own from then
    on. When the answer comes, it is stored, and no crash loses it.

    A job is started there once its stop is proven; one that does not stop runs on where it is. With `dry_run` no job is
    touched; each is looked at instead, and so is the cluster that they go to.
    """
    chosen = data.all or data.queue or data.name or data.tags or data.status or data.select
    if data.job_ids is None and not (chosen or data.waves):
        raise ClientException("Say which jobs to move: job_ids, or select, queue, name, tags, status, all, or waves.")
    named = await key_of(key, request, permit)
    asked = wire.StopRequest(**{name: getattr(data, name) for name in _OF_STOPS if name != "dry_run"})
    meant = await meant_by(move_jobs.stop_jobs, plans, project_id, asked)
    back = resume_wire.ResumeRequest(**{name: getattr(data, name) for name in _OF_RESUMES})
    order = StopOrder(
        project_id,
        meant.job_ids,
        reason=data.reason,
        policy=meant.policy,
        limits=meant.limits,
        waves=meant.waves,
        who=permit.who,
        after_savepoint=True,
        to=Destination(data.to, wish(back).over(), frozenset(map(Allowed, data.allow))),
    )
    if data.dry_run:
        looked = await move_jobs.look(order, _rights(permit))
        found = [finding_of(finding, meant.waves.get(finding.job_id, 0)) for finding in looked.findings]
        free, wanted = looked.slots_free, looked.slots_wanted or None
        return move_wire.MoveAccepted(None, *count(found), found, True, free, wanted, meant.unjudged)
    try:
        accepted = _accepted(await move_jobs(replace(order, key=named), _rights(permit)))
        return msgspec.structs.replace(accepted, unjudged=meant.unjudged)
    except AnsweredBefore as before:
        return told_again(before, _accepted, move_wire.MoveAccepted)


@get("/moves", tags=["moves"], summary="The latest moves", responses=refusals())
async def list_moves(
    project_id: Project,
    queries: QueriesGiven,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 20,
    before: Before = None,
) -> move_wire.MoveList:
    """The latest requests to move jobs, newest first."""
    return move_wire.MoveList([_head(each) for each in await queries.moves(project_id, limit, before)])


@get("/moves/{move_id:int}", tags=["moves"], summary="What has become of each job", responses=refusals(404))
async def show_move(project_id: Project, move_id: MoveId, move_jobs: MoveJobsGiven) -> move_wire.Move:
    """One request to move jobs, with every job's phase, its savepoint, and what stands in its way."""
    found = await move_jobs.find(project_id, move_id)
    return move_wire.Move(**msgspec.structs.asdict(_head(found)), jobs=[_view(entry) for entry in found.entries])


@post(
    "/moves/{move_id:int}/abort",
    status_code=HTTP_202_ACCEPTED,
    tags=["moves"],
    summary="Let nothing more of it begin",
    responses=refusals(404),
)
async def abort_move(
    project_id: Project, move_id: MoveId, move_jobs: MoveJobsGiven, permit: PermitGiven
) -> wire.Aborted:
    """Take back the stops and starts that were not sent yet, and start nothing more. What was sent goes on.

    A job whose stop was taken back runs on. One that has stopped already stays stopped: `back` starts it where it was.
    """
    withdrawn = await move_jobs.abort(project_id, move_id, _rights(permit), who=permit.who)
    return wire.Aborted(sorted(withdrawn))


@post(
    "/moves/{move_id:int}/proceed",
    status_code=HTTP_202_ACCEPTED,
    tags=["moves"],
    summary="Go on after a pause, and start again what was refused",
    responses=refusals(404),
)
async def proceed_move(
    project_id: Project, move_id: MoveId, move_jobs: MoveJobsGiven, permit: PermitGiven
) -> move_wire.MoveProceeded:
    """Continue a move that `abort_when` has paused, whatever has failed so far, and try again to start the jobs whose
    start was refused."""
    was, again = await move_jobs.proceed(project_id, move_id, _rights(permit), who=permit.who)
    return move_wire.MoveProceeded(was.value, again)


@post(
    "/moves/{move_id:int}/back",
    status_code=HTTP_202_ACCEPTED,
    return_dto=None,
    tags=["moves"],
    summary="Start what has not arrived where it was",
    responses=refusals(404, 422),
)
async def move_back(
    project_id: Project,
    move_id: MoveId,
    move_jobs: MoveJobsGiven,
    permit: PermitGiven,
    request: Request[Any, Any, Any],
    key: IdempotencyKey = None,
) -> resume_wire.Resumed:
    """Start the jobs of a move that are stopped, and not on their way, on the clusters where they were, each from the
    savepoint that it was stopped with. Nothing more of the move begins. What runs where it was to go stays there."""
    named = await key_of(key, request, permit)
    try:
        return answer(await move_jobs.back(project_id, move_id, _rights(permit), who=permit.who, key=named))
    except AnsweredBefore as before:
        return told_again(before, answer, resume_wire.Resumed)


def _rights(permit: Permit) -> Rights:
    return Rights(permit.on(Action.STOP), permit.on(Action.START))


def _accepted(placed: Placed) -> move_wire.MoveAccepted:
    verdicts = zip(placed.jobs, placed.verdicts, strict=True)
    answers = [job_answer(job, verdict, placed.waves.get(job, 0)) for job, verdict in verdicts]
    return move_wire.MoveAccepted(placed.id, *count(answers), answers)


def _head(move: Move) -> move_wire.MoveHead:
    return move_wire.MoveHead(
        id=move.id,
        to=move.to.cluster,
        stop_id=move.stop_id,
        resume_id=move.resume_id,
        who=move.who,
        reason=move.reason,
        created_at=move.created_at,
        state=move.state.value,
        state_reason=move.state_why,
        max_parallel=move.limits.max_parallel,
        pace=move.to.back.pace,
        jobs_total=move.jobs,
        jobs_settled=move.settled,
        settled=move.settled == move.jobs,
        phases={phase.value: number for phase, number in move.phases.items()},
    )


def _view(entry: MoveEntry) -> move_wire.MoveView:
    stop, run = entry.stop, entry.run
    return move_wire.MoveView(
        job_id=entry.job_id,
        name=entry.name,
        from_queue=entry.source,
        queue=entry.cluster,
        job_status=shown(entry.status),
        phase=entry.phase.value,
        why=_why(entry),
        wave=entry.wave,
        savepoint=stop.savepoint_path or stop.checkpoint_path,
        verified=stop.verified,
        accepted_at=entry.accepted_at,
        stopped_at=stop.settled_at,
        started_at=run.started_at if run else None,
        proven_at=run.health.up_at if run else None,
    )


def _why(entry: MoveEntry) -> str:
    if entry.refusal is None or entry.phase not in {MovePhase.STOPPED, MovePhase.NOT_STARTED}:
        return entry.why
    again = " It is tried again." if entry.phase in UNDER_WAY else ""
    return f"It could not be started: {words(entry.refusal)}{again}"
