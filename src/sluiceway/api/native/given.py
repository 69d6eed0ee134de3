"""What the handlers of our own API are given."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import Parameter, SkipValidation

from sluiceway.control.preflight import Preflight
from sluiceway.control.queries import Queries
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.stop_jobs import StopJobs

StopJobsGiven = NamedDependency[SkipValidation[StopJobs]]
StartJobsGiven = NamedDependency[SkipValidation[StartJobs]]
QueriesGiven = NamedDependency[SkipValidation[Queries]]
PreflightGiven = NamedDependency[SkipValidation[Preflight]]
Project = Annotated[str, Parameter(pattern="^[A-Za-z0-9]{1,64}$", description="The project's id.")]
BatchId = Annotated[int, Parameter(ge=1, le=2**63 - 1, description="The id that the stop was accepted under.")]
