"""Trying a cluster: what works there. The service asks the addresses it is given, so only its administrators may."""

from litestar import post
from litestar.di import NamedDependency
from litestar.params import JSONBody, SkipValidation

from sluiceway.api.native import cluster_wire as wire
from sluiceway.api.native.body import Json
from sluiceway.api.native.clusters import Name, check_administers, credentials
from sluiceway.api.native.dependencies import Project, refusals
from sluiceway.api.permit import PermitGiven
from sluiceway.control.try_clusters import TryClusters
from sluiceway.domain.clusters import Cluster
from sluiceway.domain.probe import Probe

TryClustersGiven = NamedDependency[SkipValidation[TryClusters]]


@post(
    "/clusters/test",
    status_code=200,
    dto=Json[wire.ClusterToTry],
    return_dto=None,
    tags=["clusters"],
    summary="Try a cluster that need not be registered",
    responses=refusals(413),
)
async def try_cluster(
    project_id: Project,  # noqa: ARG001 - checked; a cluster is not of one project
    data: JSONBody[wire.ClusterToTry],
    try_clusters: TryClustersGiven,
    permit: PermitGiven,
) -> wire.Tried:
    """Ask a cluster once what works there; nothing is stored. Needs the role admin in every project."""
    check_administers(permit)
    cluster = Cluster(name="tried", addresses=tuple(data.addresses))
    return _view(await try_clusters.unregistered(cluster, credentials(data)))


@post(
    "/clusters/{name:str}/test",
    status_code=200,
    tags=["clusters"],
    summary="Try a registered cluster",
    responses=refusals(404, 503),
)
async def try_registered_cluster(
    project_id: Project,  # noqa: ARG001 - as above
    name: Name,
    try_clusters: TryClustersGiven,
    permit: PermitGiven,
) -> wire.Tried:
    """Ask a registered cluster once what works there. Needs the role admin in every project."""
    check_administers(permit)
    return _view(await try_clusters.registered(name))


def _view(found: Probe) -> wire.Tried:
    return wire.Tried(
        answers=found.answers,
        addresses=[
            wire.TriedAddress(at.address, at.answers, at.why, at.flink_version, at.high_availability, at.jobs)
            for at in found.addresses
        ],
        same_cluster=found.same,
        flink_version=found.flink_version,
        kind="application" if found.application else "session",
        submits=found.submits,
        taskmanagers=found.taskmanagers,
        slots=found.slots,
        free_slots=found.free_slots,
        storage=found.storage.value,
        storage_reason=found.storage_why,
    )
