"""The catalogue of savepoints, taking them of jobs that run on, and registering those of others."""

from datetime import timedelta
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.exceptions import ClientException
from litestar.params import JSONBody, Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import register_wire, savepoint_wire
from sluiceway.api.native.answers import count, job_answer
from sluiceway.api.native.body import Json
from sluiceway.api.native.dependencies import (
    Before,
    Project,
    QueriesGiven,
    RegisterSavepointGiven,
    SavepointsGiven,
    TakeSavepointsGiven,
    id_bounds,
    refusals,
)
from sluiceway.api.native.selections import chosen_by
from sluiceway.api.permit import PermitGiven
from sluiceway.control.register_savepoint import Registered, Wish
from sluiceway.control.savepoints import needed_by
from sluiceway.domain.admission import RUNS
from sluiceway.domain.orders import SaveOrder
from sluiceway.domain.policy import SavepointFormat
from sluiceway.storage.metadata import Metadata
from sluiceway.store.catalogue import Savepoint, Which

SavepointId = Annotated[int, Parameter(**id_bounds(), description="The id that lists show it under.")]
MaybeId = Annotated[int | None, Parameter(**id_bounds(), required=False)]


@get("/savepoints", tags=["savepoints"], summary="The latest savepoints", responses=refusals())
async def list_savepoints(
    project_id: Project,
    savepoints: SavepointsGiven,
    job_id: MaybeId = None,
    stop_id: MaybeId = None,
    removed: Annotated[bool, Parameter(description="Also those whose files are gone.")] = False,
    limit: Annotated[int, Parameter(ge=1, le=1000)] = 100,
    before: Before = None,
) -> savepoint_wire.SavepointList:
    """The savepoints that were kept or registered, the newest first; with `removed` also those whose files are gone."""
    found = await savepoints.list(project_id, Which(job_id, stop_id, removed), limit, before)
    return savepoint_wire.SavepointList([_view(savepoint) for savepoint in found])


@post(
    "/savepoints",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[savepoint_wire.SavepointRequest],
    return_dto=None,
    tags=["savepoints"],
    summary="Take savepoints of running jobs",
    responses=refusals(404, 413),
)
async def take_savepoints(
    project_id: Project,
    data: JSONBody[savepoint_wire.SavepointRequest],
    take_savepoints: TakeSavepointsGiven,
    queries: QueriesGiven,
    permit: PermitGiven,
) -> savepoint_wire.SavepointsAccepted:
    """Accept a savepoint of each job that runs, and runs on. The events and the list show the outcome."""
    wish = None if data.format == "auto" else SavepointFormat(data.format)
    chosen = await chosen_by(queries, project_id, data.job_ids, data.select, RUNS)
    placed = await take_savepoints(SaveOrder(project_id, chosen.jobs, data.target, permit.who, wish))
    answers = [job_answer(job, verdict) for job, verdict in zip(chosen.jobs, placed.verdicts, strict=True)]
    return savepoint_wire.SavepointsAccepted(*count(answers), answers, chosen.unjudged)


@post(
    "/savepoints/register",
    status_code=200,
    dto=Json[register_wire.RegisterRequest],
    return_dto=None,
    tags=["savepoints"],
    summary="Register a savepoint of others",
    responses=refusals(404, 409, 503),
)
async def register_savepoint(
    project_id: Project,
    data: JSONBody[register_wire.RegisterRequest],
    register_savepoint: RegisterSavepointGiven,
    permit: PermitGiven,
) -> register_wire.Registered:
    """Read a savepoint or retained checkpoint that lies in the storage, and put it into the catalogue for a job.

    The answer names the newer states that the job has. It can be repeated; then only how long it is kept changes.
    """
    if data.keep_seconds is not None and not data.protect:
        raise ClientException("keep_seconds is for how long it is protected; it goes with protect.")
    keep = None if data.keep_seconds is None else timedelta(seconds=data.keep_seconds)
    wish = Wish(data.protect, keep, data.choose, data.dry_run)
    found = await register_savepoint(project_id, data.job_id, data.path, wish, who=permit.who)
    return _registered(found, wish)


@get("/savepoints/{savepoint_id:int}", tags=["savepoints"], summary="One savepoint", responses=refusals(404))
async def show_savepoint(
    project_id: Project, savepoint_id: SavepointId, savepoints: SavepointsGiven
) -> savepoint_wire.Savepoint:
    """One savepoint: its origin, its condition, and the job that needs it."""
    return _view(await savepoints.show(project_id, savepoint_id))


@post(
    "/savepoints/{savepoint_id:int}/verify",
    status_code=200,
    tags=["savepoints"],
    summary="Read a savepoint",
    responses=refusals(404, 409, 503),
)
async def verify_savepoint(
    project_id: Project, savepoint_id: SavepointId, savepoints: SavepointsGiven, permit: PermitGiven
) -> savepoint_wire.Verification:
    """Read its `_metadata` to the end, look for every file that it references, and remember what was found."""
    verified = await savepoints.verify(project_id, savepoint_id, who=permit.who)
    seen = verified.inspection
    return savepoint_wire.Verification(
        savepoint=_view(verified.savepoint),
        whole=not seen.wrong and not seen.unchecked,
        wrong=list(seen.wrong),
        more_wrong=seen.more_wrong,
        unchecked=seen.unchecked,
        contents=None if seen.metadata is None else _contents(seen.metadata),
    )


@delete(
    "/savepoints/{savepoint_id:int}",
    status_code=200,
    tags=["savepoints"],
    summary="Remove a savepoint's files",
    responses=refusals(404, 409, 503),
)
async def delete_savepoint(
    project_id: Project,
    savepoint_id: SavepointId,
    savepoints: SavepointsGiven,
    permit: PermitGiven,
    force: Annotated[bool, Parameter(description="Also where a job still needs it.")] = False,
) -> savepoint_wire.Savepoint:
    """Remove its directory; `force` also where a job still needs it. The savepoint stays known as removed."""
    return _view(await savepoints.delete(project_id, savepoint_id, force=force, who=permit.who))


def _view(savepoint: Savepoint) -> savepoint_wire.Savepoint:
    return savepoint_wire.Savepoint(
        id=savepoint.id,
        job_id=savepoint.job_id,
        job_name=savepoint.job_name,
        run_id=savepoint.run_id,
        stop_id=savepoint.batch_id,
        path=savepoint.path,
        bytes=savepoint.size,
        format=savepoint.format,
        format_reason=savepoint.format_why,
        drained=savepoint.drained,
        flink_version=savepoint.flink_version,
        reason=savepoint.reason,
        created_at=savepoint.created_at,
        verified_at=savepoint.verified_at,
        fault=savepoint.fault,
        unproven=savepoint.unproven,
        removed_at=savepoint.removed_at,
        needed=savepoint.need is not None,
        needed_by=needed_by(savepoint),
        kind=savepoint.kind,
        registered_at=savepoint.registered_at,
        protected=savepoint.protected,
        protected_until=savepoint.protected_until,
    )


def _registered(made: Registered, wish: Wish) -> register_wire.Registered:
    found, metadata = made.found, made.found.metadata
    return register_wire.Registered(
        id=made.id,
        job_id=made.job_id,
        path=found.path,
        kind=made.kind.value,
        format=metadata.format.value if metadata and metadata.format else "",
        bytes=found.size,
        drained=bool(metadata and metadata.drained),
        kept_at=made.at,
        run_id=made.run_id,
        fresh=made.fresh,
        protected=wish.protect,
        protected_until=made.until,
        whole=not found.unchecked,
        unchecked=found.unchecked,
        contents=None if metadata is None else _contents(metadata),
        chosen=made.chosen,
        message=" ".join(filter(None, (made.why, made.behind.told))),
        behind_seconds=round(made.behind.by.total_seconds(), 3),
        newer=[register_wire.Newer(one.path, one.kind or "", one.at) for one in made.behind.newer],
        only_read=made.only_read,
        dry_run=wish.dry_run,
    )


def _contents(metadata: Metadata) -> savepoint_wire.Contents:
    operators = [
        msgspec.convert(operator, savepoint_wire.Operator, from_attributes=True) for operator in metadata.operators
    ]
    return savepoint_wire.Contents(metadata.version, metadata.checkpoint_id, len(metadata.references), operators)
