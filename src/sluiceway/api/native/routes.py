"""The paths of our own API, and its refusals."""

from collections.abc import Callable
from typing import Any

from litestar import Request, Response, Router
from litestar.exceptions import ClientException, HTTPException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge

from sluiceway.api.errors.links import COME_AGAIN, pointing
from sluiceway.api.errors.native_codes import STATUS, Code
from sluiceway.api.native import (
    back_wire,
    cluster_tries,
    clusters,
    events,
    job_checks,
    job_logs,
    jobs,
    moves,
    resources,
    resumes,
    savepoints,
    stops,
    wire,
)
from sluiceway.api.native.answers import shown
from sluiceway.api.no_options import no_options
from sluiceway.control.errors import (
    AnotherJobs,
    BadCluster,
    BadResource,
    ClusterChanged,
    ClusterElsewhere,
    ClusterExists,
    ClusterInUse,
    ControlError,
    Forbidden,
    KeyReused,
    NoLog,
    NotResumed,
    NotWhole,
    PlanOutdated,
    ResourceTooLarge,
    SavepointNeeded,
    SavepointRemoved,
    SecretsUnusable,
    StorageTrouble,
    TooManyStreams,
    UnknownBatch,
    UnknownCluster,
    UnknownJob,
    UnknownMove,
    UnknownPlan,
    UnknownQueue,
    UnknownResource,
    UnknownResume,
    UnknownSavepoint,
    Unremovable,
    UnusablePath,
    Unverifiable,
    WrongState,
)
from sluiceway.store.trouble import DatabaseUnavailable, Trouble

_DIFFERENCES = 1000  # of a plan, in one answer
_HANDLERS = [
    clusters.list_clusters,
    clusters.add_cluster,
    clusters.show_cluster,
    clusters.list_cluster_jars,
    clusters.edit_cluster,
    clusters.remove_cluster,
    cluster_tries.try_cluster,
    cluster_tries.try_registered_cluster,
    jobs.list_jobs,
    jobs.job_diff,
    job_checks.check_job,
    job_logs.job_logs,
    stops.stop,
    stops.list_stops,
    stops.show_stop,
    stops.abort,
    stops.proceed,
    stops.retry,
    resumes.resume_stop,
    resumes.resume_some,
    resumes.list_resumes,
    resumes.show_resume,
    resumes.retry_resume,
    resumes.abort_resume,
    resumes.proceed_resume,
    moves.move,
    moves.list_moves,
    moves.show_move,
    moves.abort_move,
    moves.proceed_move,
    moves.move_back,
    events.follow_stop,
    events.follow_resume,
    events.follow_move,
    events.list_events,
    savepoints.list_savepoints,
    savepoints.take_savepoints,
    savepoints.register_savepoint,
    savepoints.show_savepoint,
    savepoints.verify_savepoint,
    savepoints.delete_savepoint,
    resources.upload_resource,
    resources.list_resources,
    resources.delete_resource,
]


def routes() -> Router:
    """Everything under `/api/v1/projects/{project_id}`."""
    return Router(
        path="/api/v1/projects/{project_id:str}",
        route_handlers=[no_options(_HANDLERS), *_HANDLERS],
        before_request=_plain_ids,
        exception_handlers={
            HTTPException: _http_error,
            RequestEntityTooLarge: _too_large,
            Forbidden: _no(Code.FORBIDDEN),
            UnknownJob: _no(Code.UNKNOWN_JOB),
            UnknownBatch: _no(Code.UNKNOWN_STOP),
            UnknownResume: _no(Code.UNKNOWN_RESUME),
            UnknownMove: _no(Code.UNKNOWN_MOVE),
            NotResumed: _no(Code.NOT_RESUMED),
            UnknownQueue: _no(Code.UNKNOWN_QUEUE),
            UnknownCluster: _no(Code.UNKNOWN_CLUSTER),
            ClusterExists: _no(Code.CLUSTER_EXISTS),
            ClusterElsewhere: _no(Code.CLUSTER_ELSEWHERE),
            ClusterChanged: _no(Code.CLUSTER_CHANGED),
            ClusterInUse: _no(Code.CLUSTER_IN_USE),
            BadCluster: _no(Code.BAD_REQUEST),
            SecretsUnusable: _no(Code.SECRETS_UNUSABLE),
            UnknownSavepoint: _no(Code.UNKNOWN_SAVEPOINT),
            UnknownResource: _no(Code.UNKNOWN_RESOURCE),
            BadResource: _no(Code.BAD_REQUEST),
            ResourceTooLarge: _no(Code.TOO_LARGE),
            SavepointNeeded: _no(Code.SAVEPOINT_NEEDED),
            SavepointRemoved: _no(Code.SAVEPOINT_REMOVED),
            Unremovable: _no(Code.SAVEPOINT_UNREMOVABLE),
            UnusablePath: _no(Code.UNUSABLE_PATH),
            Unverifiable: _no(Code.SAVEPOINT_TOO_LARGE),
            NotWhole: _no(Code.NO_WHOLE_SAVEPOINT),
            AnotherJobs: _no(Code.ANOTHER_JOBS),
            WrongState: _may_run,
            StorageTrouble: _no(Code.STORAGE_UNREADABLE),
            KeyReused: _no(Code.KEY_REUSED),
            UnknownPlan: _no(Code.UNKNOWN_PLAN),
            PlanOutdated: _outdated,
            DatabaseUnavailable: _stores_nothing,
            TooManyStreams: _no(Code.TOO_MANY_STREAMS),
            NoLog: _no(Code.NO_LOG),
        },
    )


async def _plain_ids(request: Request[Any, Any, Any]) -> None:
    """Refuse an id that is written in any other way than answers write it: 1_0 is not 10, whatever Python says."""
    segments = request.scope["path"].split("/")
    for name, value in request.path_params.items():
        if type(value) is int and str(value) not in segments:
            raise ClientException(f"{name}: it is not a whole number in digits")


def _no(code: Code) -> Callable[[Request[Any, Any, Any], ControlError], Response[wire.Error]]:
    def answer(_: Request[Any, Any, Any], error: ControlError) -> Response[wire.Error]:
        return _refused(code, str(error), STATUS[code])

    return answer


def _may_run(_: Request[Any, Any, Any], error: WrongState) -> Response[wire.Error]:
    text = f"The job is {shown(error.status)}, so nothing can be chosen for it. Stop it first, or do not choose."
    return _refused(Code.JOB_MAY_RUN, text, STATUS[Code.JOB_MAY_RUN])


def _outdated(_: Request[Any, Any, Any], error: PlanOutdated) -> Response[wire.Error]:
    told = [back_wire.Difference(one.job_id, one.was, one.now) for one in error.found[:_DIFFERENCES]]
    answer = wire.Error(Code.PLAN_OUTDATED, str(error), told)
    return Response(answer, status_code=STATUS[Code.PLAN_OUTDATED], headers=pointing(Code.PLAN_OUTDATED))


def _http_error(_: Request[Any, Any, Any], error: HTTPException) -> Response[wire.Error]:
    extra = error.extra if isinstance(error.extra, list) else []
    found = {str(e.get("key")): str(e.get("message")) for e in extra if isinstance(e, dict)}
    if found.pop("data", None) and not found:
        found = {"body": "it is missing; send a JSON object"}
    text = "; ".join(f"{key}: {why}" for key, why in found.items()) or error.detail
    return _refused(Code.BAD_REQUEST, text, error.status_code)


def _too_large(request: Request[Any, Any, Any], error: RequestEntityTooLarge) -> Response[wire.Error]:
    most = request.route_handler.resolve_request_max_body_size()
    text = f"The body is longer than {most} bytes, and no more is taken here. Send less in one request."
    return _refused(Code.TOO_LARGE, text, error.status_code)


def _stores_nothing(_: Request[Any, Any, Any], error: DatabaseUnavailable) -> Response[wire.Error]:
    room = (
        " Deleting jobs, savepoints and resources still works, and makes room." if error.trouble is Trouble.FULL else ""
    )
    text = (
        f"The service cannot store anything now: {error.trouble.value}.{room}"
        " Do not count on the request as done; send it again later."
    )
    answer = _refused(Code.DATABASE_UNAVAILABLE, text, STATUS[Code.DATABASE_UNAVAILABLE])
    answer.set_header("Retry-After", COME_AGAIN)
    return answer


def _refused(code: Code, text: str, status: int) -> Response[wire.Error]:
    return Response(wire.Error(code, text), status_code=status, headers=pointing(code))
