"""The refusals of use cases. Each API puts these into its own words."""

from collections.abc import Sequence
from enum import Enum
from typing import Final

from sluiceway.domain.job import JobStatus
from sluiceway.domain.plan import Difference

SHOWN: Final = 10  # differences of a plan in one message


class ControlError(Exception):
    """The request cannot be carried out as it is."""


class UnknownJob(ControlError):
    """No such job in this project."""


class UnknownBatch(ControlError):
    """No such batch of stops in this project."""


class UnknownResume(ControlError):
    """No such way back in this project."""


class UnknownMove(ControlError):
    """The project has no such move."""


class NotResumed(ControlError):
    """A retry of a way back, where there was no way back."""


class UnknownSavepoint(ControlError):
    """No such savepoint in this project."""


class SavepointNeeded(ControlError):
    """A job still needs the savepoint."""


class SavepointRemoved(ControlError):
    """The savepoint has been removed already."""


class Unremovable(ControlError):
    """The service may not remove what lies there."""


class UnusablePath(ControlError):
    """A path that names nothing under the storage root, or under one that is read."""


class NotWhole(ControlError):
    """There is no savepoint in a directory, or it is not whole."""


class Unverifiable(NotWhole):
    """A savepoint is too large to verify."""


class AnotherJobs(ControlError):
    """A state belongs to another job of the project."""


class StorageTrouble(ControlError):
    """Storage cannot be read or changed from here now, which says nothing about the savepoint."""


class Forbidden(ControlError):
    """The caller has no right to it on a queue that it concerns."""


class KeyReused(ControlError):
    """The Idempotency-Key was given to another request before."""

    def __init__(self, key: str) -> None:
        """`key` is as the caller gave it."""
        super().__init__(f"The Idempotency-Key {key} was given to another request before; use a new one.")


class UnknownPlan(ControlError):
    """No such dry run is kept, or it is of another kind."""


class PlanOutdated(ControlError):
    """The jobs no longer match what a dry run has shown."""

    def __init__(self, plan: int, found: Sequence[Difference]) -> None:
        """`found` is how each job differs."""
        told = "; ".join(f"job {one.job_id} was {one.was}, and is {one.now}" for one in found[:SHOWN])
        more = f"; and {len(found) - SHOWN} more" if len(found) > SHOWN else ""
        super().__init__(
            f"Plan {plan} no longer holds, and nothing was done: {told}{more}. Make the dry run again, and run that."
        )
        self.found = found


class TooManyStreams(ControlError):
    """The caller follows as many stops as one may."""

    def __init__(self, most: int) -> None:
        super().__init__(f"You follow {most} stops already, and more are not allowed. Close a stream first.")


class NameTaken(ControlError):
    """Another job, or template, of the project has this name."""


class UnknownTemplate(ControlError):
    """No such template in this project."""


class UnknownVariable(ControlError):
    """No such variable in this project."""


class NoExport(ControlError):
    """The file to import does not exist, or is no export of jobs."""

    def __init__(self, file: str, why: str) -> None:
        """`file` is the one that is not taken."""
        super().__init__(why)
        self.file = file


class TooMany(ControlError):
    """The limit is reached."""


class UnknownQueue(ControlError):
    """No cluster of this name is registered."""

    def __init__(self, queue: str) -> None:
        """`queue` is the name that was asked for."""
        super().__init__(f"No cluster is registered as {queue}.")
        self.queue = queue


class UnknownCluster(ControlError):
    """No cluster of this name is registered, as far as the project may see."""

    def __init__(self, name: str) -> None:
        """`name` is as it was asked for."""
        super().__init__(f"No cluster is registered as {name[:128]}.")


class ClusterExists(ControlError):
    """A cluster of this name is registered already."""


class ClusterElsewhere(ControlError):
    """A cluster is registered by settings or a file, and is changed there."""


class ClusterChanged(ControlError):
    """Somebody else has changed the cluster since it was looked at."""


class ClusterInUse(ControlError):
    """Jobs may run on the cluster."""


class BadCluster(ControlError):
    """A cluster cannot be like that; the message says which part of it."""


class SecretsUnusable(ControlError):
    """The file of the key that secrets are sealed with cannot be used."""


class WrongState(ControlError):
    """The job's status does not allow it."""

    def __init__(self, status: JobStatus) -> None:
        """`status` is the one that stands in the way."""
        super().__init__(f"the job is {status}")
        self.status = status


class NoProgram(ControlError):
    """The jar of a job does not exist."""

    def __init__(self, file: str) -> None:
        """`file` is as the caller named it."""
        super().__init__(f"There is no {file}.")
        self.file = file


class UnknownResource(ControlError):
    """No such resource in this project."""


class BadResource(ControlError):
    """A resource cannot have this name, or this kind."""


class ResourceTooLarge(ControlError):
    """A resource has too many bytes."""


class Gap(Enum):
    """Why there is no execution graph."""

    NEVER_RUN = "the job has never been run"
    UNREACHABLE = "its cluster cannot be reached now"
    SILENT = "its cluster does not answer"
    FORGOTTEN = "its cluster does not know the latest run"


class NoLog(ControlError):
    """There are no failures or logs to show now, or not to this caller. Its text says why."""


class NoGraph(ControlError):
    """There is no execution graph to show."""

    def __init__(self, gap: Gap, cluster: str = "", detail: str = "") -> None:
        """`detail` is what the cluster, or the network, has to say."""
        super().__init__(gap.value)
        self.gap = gap
        self.cluster = cluster
        self.detail = detail
