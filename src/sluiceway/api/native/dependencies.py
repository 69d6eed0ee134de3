"""What handlers of the native API have in common: their dependencies, parameters and refusals."""

from typing import Annotated, Any

from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.params import HeaderParameter, Parameter, SkipValidation

from sluiceway.api.native import wire
from sluiceway.control.following import Following
from sluiceway.control.job_diff import JobDiffs
from sluiceway.control.kept_plans import KeptPlans
from sluiceway.control.move_jobs import MoveJobs
from sluiceway.control.preflight import Preflight
from sluiceway.control.queries import Queries
from sluiceway.control.register_savepoint import RegisterSavepoint
from sluiceway.control.resume_jobs import ResumeJobs
from sluiceway.control.retry_stops import RetryStops
from sluiceway.control.savepoints import Savepoints
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.control.take_savepoints import TakeSavepoints

StopJobsGiven = NamedDependency[SkipValidation[StopJobs]]
ResumeJobsGiven = NamedDependency[SkipValidation[ResumeJobs]]
MoveJobsGiven = NamedDependency[SkipValidation[MoveJobs]]
RetryStopsGiven = NamedDependency[SkipValidation[RetryStops]]
QueriesGiven = NamedDependency[SkipValidation[Queries]]
FollowingGiven = NamedDependency[SkipValidation[Following]]
SavepointsGiven = NamedDependency[SkipValidation[Savepoints]]
RegisterSavepointGiven = NamedDependency[SkipValidation[RegisterSavepoint]]
TakeSavepointsGiven = NamedDependency[SkipValidation[TakeSavepoints]]
JobDiffsGiven = NamedDependency[SkipValidation[JobDiffs]]
PlansGiven = NamedDependency[SkipValidation[KeptPlans]]
PreflightGiven = NamedDependency[SkipValidation[Preflight]]
Project = Annotated[str, Parameter(pattern="^[A-Za-z0-9]{1,64}$", description="The project's id.")]


def id_bounds(least: int = 1) -> dict[str, Any]:
    """Between what an id is. Litestar itself would describe the bounds as fractions, and the upper one wrongly."""
    return {"ge": least, "le": 2**63 - 1, "schema_extra": wire.ID_SCHEMA | {"minimum": least}}


Before = Annotated[int | None, Parameter(**id_bounds(), required=False, description="Only older ones.")]
BatchId = Annotated[
    int,
    Parameter(**id_bounds(), description="The id that the stop was accepted under."),
]


ResumeId = Annotated[
    int,
    Parameter(**id_bounds(), description="The id that the resume was accepted under."),
]

MoveId = Annotated[
    int,
    Parameter(**id_bounds(), description="The id that the move was accepted under."),
]

IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        min_length=1,
        max_length=200,
        required=False,
        description="Names the request; sent again within 7 days it gets the first answer, and nothing is done twice.",
    ),
]


def refusals(*statuses: int) -> dict[int, ResponseSpec]:
    """The refusals of a path, for its description."""
    return {status: ResponseSpec(wire.Error, False, _WHY[status]) for status in (400, *statuses)}


_WHY = {
    400: "The request is not understood. Nothing was done.",
    404: "There is no such job, stop, resume, move, savepoint, resource, cluster, queue or plan.",
    409: "The savepoint was removed, is still needed, is not the service's to remove, or is another job's; the job may "
    "be running; a plan no longer holds; nothing was resumed yet; or the cluster exists already, is registered by "
    "settings or a file, was changed since, or is in use; or there is no log.",
    413: "The body is too long. Nothing was done.",
    429: "The caller sends too many requests, or follows as many stops as one may.",
    422: "The Idempotency-Key belongs to another request. Nothing was done.",
    503: "Storage cannot be read or changed now, which says nothing about what lies there; or nothing can be stored.",
}
