"""The handlers of our own API. They translate; the use cases decide."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.exceptions import ClientException, HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.params import JSONBody, Parameter, SkipValidation
from litestar.status_codes import HTTP_202_ACCEPTED

from sluiceway.api.native import wire
from sluiceway.api.native.body import Json
from sluiceway.control.errors import ControlError, UnknownBatch, UnknownQueue
from sluiceway.control.queries import Queries
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.stop import SETTLED
from sluiceway.settings import MAX_BODY
from sluiceway.store import views

StopJobsGiven = NamedDependency[SkipValidation[StopJobs]]
StartJobsGiven = NamedDependency[SkipValidation[StartJobs]]
QueriesGiven = NamedDependency[SkipValidation[Queries]]
Project = Annotated[str, Parameter(pattern="^[A-Za-z0-9]{1,64}$", description="The project's id.")]
BatchId = Annotated[int, Parameter(ge=1, le=2**63 - 1, description="The id that the stop was accepted under.")]

_WORDS = {
    Refusal.UNKNOWN: "There is no such job in this project.",
    Refusal.WRONG_STATE: "Its status ({status}) does not allow it.",
    Refusal.NO_SAVEPOINT: "Neither a savepoint nor a checkpoint of it is known; run it without resuming. {note}",
    Refusal.NO_QUEUE: "Its queue {note} is not registered with this service.",
    Refusal.NOT_STOPPED: "This stop has no savepoint of it: {note}",
    Refusal.SUPERSEDED: "It has been started and stopped otherwise since; run it with its newest savepoint instead.",
}


@post(
    "/stops",
    status_code=HTTP_202_ACCEPTED,
    dto=Json[wire.StopRequest],
    return_dto=None,
    tags=["stops"],
    summary="Stop jobs, each with a savepoint",
)
async def stop(project_id: Project, data: JSONBody[wire.StopRequest], stop_jobs: StopJobsGiven) -> wire.Accepted:
    """Accept the stop of each job that may be stopped. When the answer comes, it is stored and no crash loses it."""
    wide = data.all or data.queue is not None
    if data.job_ids is None and not wide:
        raise ClientException("Say which jobs to stop: job_ids, or all, or a queue.")
    if data.job_ids is not None and wide:
        raise ClientException("Give either job_ids, or all or a queue, not both.")
    job_ids = data.job_ids or await stop_jobs.select(project_id, data.queue)
    batch = await stop_jobs(project_id, job_ids, savepoint=data.savepoint, reason=data.reason)
    answers = [_answer(job, verdict) for job, verdict in zip(job_ids, batch.verdicts, strict=True)]
    return wire.Accepted(batch.id, *_count(answers), answers)


@get("/stops", tags=["stops"], summary="The latest stops")
async def list_stops(
    project_id: Project, queries: QueriesGiven, limit: Annotated[int, Parameter(ge=1, le=1000)] = 20
) -> wire.BatchList:
    """The latest requests to stop jobs, newest first."""
    batches = await queries.batches(project_id, limit)
    return wire.BatchList([wire.BatchHead(b.id, b.savepoint, b.reason, b.created_at) for b in batches])


@get("/stops/{stop_id:int}", tags=["stops"], summary="What became of each job of a stop")
async def show_stop(project_id: Project, stop_id: BatchId, queries: QueriesGiven) -> wire.Batch:
    """One request to stop jobs, with every job's phase, savepoint and reason."""
    batch = await queries.batch(project_id, stop_id)
    return wire.Batch(
        id=batch.id,
        savepoint=batch.savepoint,
        reason=batch.reason,
        created_at=batch.created_at,
        settled=all(entry.stop.phase in SETTLED for entry in batch.entries),
        phases=dict(Counter(entry.stop.phase.value for entry in batch.entries)),
        jobs=[_view(entry) for entry in batch.entries],
    )


@post("/stops/{stop_id:int}/resume", status_code=HTTP_202_ACCEPTED, tags=["stops"], summary="Bring them back")
async def resume(project_id: Project, stop_id: BatchId, start_jobs: StartJobsGiven) -> wire.Resumed:
    """Start exactly the jobs that this stop has stopped with savepoints, each from its own."""
    verdicts = await start_jobs.resume_batch(project_id, stop_id)
    answers = [_answer(job, verdict) for job, verdict in sorted(verdicts.items())]
    return wire.Resumed(*_count(answers), answers)


def routes() -> Router:
    """Everything under `/api/v1/projects/{project_id}`."""
    return Router(
        path="/api/v1/projects/{project_id:str}",
        route_handlers=[stop, list_stops, show_stop, resume],
        exception_handlers={
            HTTPException: _http_error,
            RequestEntityTooLarge: _too_large,
            UnknownBatch: _unknown("unknown_stop"),
            UnknownQueue: _unknown("unknown_queue"),
        },
    )


def _answer(job_id: int, verdict: Verdict) -> wire.JobAnswer:
    if verdict.refusal is None:
        return wire.JobAnswer(job_id, True, message=verdict.note)
    words = _WORDS[verdict.refusal].format(status=verdict.status, note=verdict.note)
    return wire.JobAnswer(job_id, False, verdict.refusal.value, words.rstrip())


def _count(answers: Iterable[wire.JobAnswer]) -> tuple[int, int]:
    counts = Counter(answer.accepted for answer in answers)
    return counts[True], counts[False]


def _view(entry: views.BatchEntry) -> wire.StopView:
    stop = entry.stop
    return wire.StopView(
        job_id=entry.job_id,
        name=entry.name,
        queue=entry.cluster,
        job_status=entry.status.value,
        phase=stop.phase.value,
        attempt=stop.attempt,
        savepoint=stop.savepoint_path,
        size=stop.savepoint_size,
        verified=stop.verified,
        reason=stop.reason,
        accepted_at=entry.begun_at,
        sent_at=stop.sent_at,
        settled_at=stop.settled_at,
        deadline=stop.deadline,
    )


def _unknown(code: str) -> Callable[[Request[Any, Any, Any], ControlError], Response[wire.Error]]:
    def answer(_: Request[Any, Any, Any], error: ControlError) -> Response[wire.Error]:
        return Response(wire.Error(code, str(error)), status_code=404)

    return answer


def _http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[wire.Error]:
    extra = error.extra if isinstance(error.extra, list) else []
    found = {str(e.get("key")): str(e.get("message")) for e in extra if isinstance(e, dict)}
    if "data" in found:
        found = {"body": "it is missing; send a JSON object"}
    text = "; ".join(f"{key}: {why}" for key, why in found.items()) or error.detail
    return Response(wire.Error("bad_request", text), status_code=error.status_code)


def _too_large(_: Request[Any, Any, Any], error: RequestEntityTooLarge) -> Response[wire.Error]:
    text = f"The body is longer than {MAX_BODY} bytes. Send fewer jobs in one request."
    return Response(wire.Error("too_large", text), status_code=error.status_code)
