"""The catalogue of savepoints, and taking them of jobs that run on."""

from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import JSONBody, Parameter
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import wire
from sluiceway.api.native.answers import count, job_answer
from sluiceway.api.native.body import Json
from sluiceway.api.native.given import Project, SavepointsGiven, TakeSavepointsGiven, id_bounds, refusals
from sluiceway.api.permit import PermitGiven
from sluiceway.control.savepoints import needed_by
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
    before: Annotated[
        int | None,
        Parameter(**id_bounds(), required=False, description="Only older ones."),
    ] = None,
) -> wire.SavepointList:
    """The savepoints that stops have kept, the newest first; with `removed` also those whose files are gone."""
    found = await savepoints.list(project_id, Which(job_id, stop_id, removed), limit, before)
    return wire.SavepointList([_view(savepoint) for savepoint in found])


@post(
    "/savepoints",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[wire.SavepointRequest],
    return_dto=None,
    tags=["savepoints"],
    summary="Take savepoints of running jobs",
    responses=refusals(413),
)
async def take_savepoints(
    project_id: Project,
    data: JSONBody[wire.SavepointRequest],
    take_savepoints: TakeSavepointsGiven,
    permit: PermitGiven,
) -> wire.SavepointsAccepted:
    """Accept a savepoint of each job that runs, and runs on. What becomes of it is seen in the events and the list."""
    wish = None if data.format == "auto" else SavepointFormat(data.format)
    verdicts = await take_savepoints(project_id, data.job_ids, path=data.target, who=permit.who, wish=wish)
    answers = [job_answer(job, verdict) for job, verdict in zip(data.job_ids, verdicts, strict=True)]
    return wire.SavepointsAccepted(*count(answers), answers)


@get("/savepoints/{savepoint_id:int}", tags=["savepoints"], summary="One savepoint", responses=refusals(404))
async def show_savepoint(project_id: Project, savepoint_id: SavepointId, savepoints: SavepointsGiven) -> wire.Savepoint:
    """Where a savepoint came from, what is known of it, and who needs it."""
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
) -> wire.Verification:
    """Read its `_metadata` to the end, look for every file that it references, and remember what was found."""
    verified = await savepoints.verify(project_id, savepoint_id, who=permit.who)
    seen = verified.inspection
    return wire.Verification(
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
) -> wire.Savepoint:
    """Remove its directory; `force` also where a job still needs it. The savepoint stays known as removed."""
    return _view(await savepoints.delete(project_id, savepoint_id, force=force, who=permit.who))


def _view(savepoint: Savepoint) -> wire.Savepoint:
    return wire.Savepoint(
        id=savepoint.id,
        job_id=savepoint.job_id,
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
    )


def _contents(metadata: Metadata) -> wire.Contents:
    operators = [msgspec.convert(operator, wire.Operator, from_attributes=True) for operator in metadata.operators]
    return wire.Contents(metadata.version, metadata.checkpoint_id, len(metadata.references), operators)
