"""Registered clusters: everybody sees those of their project, and administrators of the whole service change them."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Final, TypeVar

from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.params import JSONBody, Parameter, SkipValidation
from msgspec import UNSET, UnsetType

from sluiceway.api.native import cluster_wire as wire
from sluiceway.api.native.body import Json
from sluiceway.api.native.dependencies import Project, refusals
from sluiceway.api.permit import Permit, PermitGiven
from sluiceway.control.cluster_jars import ClusterJars, JarsUnknown
from sluiceway.control.clusters import Clusters, Seen
from sluiceway.control.errors import Forbidden
from sluiceway.domain.access import Action
from sluiceway.domain.clusters import Cluster, Credentials, Health, Kind, Source

T = TypeVar("T")
ClustersGiven = NamedDependency[SkipValidation[Clusters]]
ClusterJarsGiven = NamedDependency[SkipValidation[ClusterJars]]
Name = Annotated[str, Parameter(description="The name that it is registered under.")]
_KINDS: Final[Mapping[Kind, wire.Kind]] = {Kind.SESSION: "session", Kind.APPLICATION: "application"}


@get("/clusters", tags=["clusters"], summary="Registered clusters", responses=refusals())
async def list_clusters(project_id: Project, clusters: ClustersGiven, permit: PermitGiven) -> wire.ClusterList:
    """The clusters that the project may use, the default one first; for administrators of the service all of them."""
    which = _sees(project_id, permit)
    files = clusters.roster.files if which is None else []
    return wire.ClusterList(
        [_view(seen) for seen in await clusters.list(which)],
        [wire.ClusterFile(file.path, len(file.entries), file.trouble, file.since) for file in files],
    )


@get("/clusters/{name:str}", tags=["clusters"], summary="Show a cluster", responses=refusals(404))
async def show_cluster(project_id: Project, name: Name, clusters: ClustersGiven, permit: PermitGiven) -> wire.Cluster:
    """One cluster, with what was last seen of it."""
    return _view(await clusters.show(_sees(project_id, permit), name))


@get("/clusters/{name:str}/jars", tags=["clusters"], summary="The jars that it has", responses=refusals(404))
async def list_cluster_jars(
    project_id: Project, name: Name, clusters: ClustersGiven, cluster_jars: ClusterJarsGiven, permit: PermitGiven
) -> wire.ClusterJars:
    """What a job can be made of whose program nobody brought here: see `entrypoint` of Jar jobs."""
    await clusters.show(_sees(project_id, permit), name)
    try:
        found = await cluster_jars(name)
    except JarsUnknown as error:
        return wire.ClusterJars([], str(error))
    return wire.ClusterJars([wire.ClusterJar(j.id, j.name, j.uploaded_at, list(j.classes)) for j in found], "")


@post(
    "/clusters",
    status_code=201,
    dto=Json[wire.NewCluster],
    return_dto=None,
    tags=["clusters"],
    summary="Register a cluster",
    responses=refusals(409, 413, 503),
)
async def add_cluster(
    project_id: Project,  # noqa: ARG001 - checked; a cluster serves all projects, or those that it names
    data: JSONBody[wire.NewCluster],
    clusters: ClustersGiven,
    permit: PermitGiven,
) -> wire.Cluster:
    """Register a cluster; jobs may be put there at once. Needs the role admin in every project."""
    check_administers(permit)
    return _view(await clusters.add(_new(data), credentials(data), permit.who))


@patch(
    "/clusters/{name:str}",
    dto=Json[wire.ClusterChange],
    return_dto=None,
    tags=["clusters"],
    summary="Change a cluster",
    responses=refusals(404, 409, 413, 503),
)
async def edit_cluster(
    project_id: Project,  # noqa: ARG001 - as above
    name: Name,
    data: JSONBody[wire.ClusterChange],
    clusters: ClustersGiven,
    permit: PermitGiven,
) -> wire.Cluster:
    """Change what is given of a cluster; it holds at once, in every service on the database."""
    check_administers(permit)
    version = None if data.version is UNSET else data.version
    return _view(await clusters.edit(name, lambda old, secret: _changed(data, old, secret), version, permit.who))


@delete(
    "/clusters/{name:str}",
    status_code=200,
    tags=["clusters"],
    summary="Remove a cluster",
    responses=refusals(404, 409, 503),
)
async def remove_cluster(
    project_id: Project,  # noqa: ARG001 - as above
    name: Name,
    clusters: ClustersGiven,
    permit: PermitGiven,
    force: Annotated[bool, Parameter(description="Also while jobs may run there.")] = False,
) -> wire.Cluster:
    """End a registration. Jobs keep their history, and what is open there waits until the name is registered again."""
    check_administers(permit)
    return _view(await clusters.remove(name, permit.who, force=force))


def _sees(project: str, permit: Permit) -> str | None:
    """The project whose clusters the caller sees; None: all of them."""
    return None if permit.caller.may_everywhere(Action.CLUSTERS) else project


def check_administers(permit: Permit) -> None:
    """Raises `Forbidden`. The gate has asked for the right in the project; a cluster is not of one project."""
    if not permit.may_everywhere(Action.CLUSTERS):
        raise Forbidden("Only who is admin in every project may change the clusters of the service.")


def _new(data: wire.NewCluster) -> Cluster:
    return Cluster(
        name=data.name,
        addresses=tuple(data.addresses),
        kind=Kind(data.kind),
        labels=data.labels,
        projects=frozenset(data.projects),
        max_savepoints=data.max_savepoints,
        draining=data.draining,
    )


def credentials(data: wire.NewCluster | wire.ClusterToTry) -> Credentials:
    """What opens a cluster, of a request."""
    user, password = (data.basic.user, data.basic.password) if data.basic else ("", "")
    return Credentials(data.headers, user, password, data.ca or "", data.certificate or "", data.key or "")


def _changed(data: wire.ClusterChange, old: Cluster, secret: Credentials) -> tuple[Cluster, Credentials]:
    changed = replace(
        old,
        addresses=tuple(_or(data.addresses, old.addresses)),
        kind=Kind(_or(data.kind, old.kind)),
        labels=_or(data.labels, old.labels),
        projects=frozenset(_or(data.projects, old.projects)),
        max_savepoints=_or(data.max_savepoints, old.max_savepoints),
        draining=_or(data.draining, old.draining),
    )
    return changed, _rekeyed(data, secret)


def _rekeyed(data: wire.ClusterChange, old: Credentials) -> Credentials:
    basic = _or(data.basic, wire.Basic(old.user, old.password))
    return Credentials(
        headers=_or(data.headers, old.headers),
        user=basic.user if basic else "",
        password=basic.password if basic else "",
        ca=_or(data.ca, old.ca) or "",
        certificate=_or(data.certificate, old.certificate) or "",
        key=_or(data.key, old.key) or "",
    )


def _or(given: T | UnsetType, old: T) -> T:
    """What is given, else what there was."""
    return old if isinstance(given, UnsetType) else given


def _view(seen: Seen) -> wire.Cluster:
    listed, cluster = seen.listed, seen.listed.cluster
    guards = cluster.guards
    return wire.Cluster(
        name=cluster.name,
        addresses=list(cluster.addresses),
        kind=_KINDS[cluster.kind],
        kind_seen=_KINDS[seen.kind] if seen.kind else None,
        labels=dict(cluster.labels),
        projects=sorted(cluster.projects),
        max_savepoints=cluster.max_savepoints,
        draining=cluster.draining,
        guards=wire.Guards(list(guards.headers), guards.user, guards.ca, guards.certificate),
        source=listed.source.value,
        origin=listed.origin,
        default=seen.default,
        runs=seen.runs,
        trouble=listed.trouble,
        health=_health(seen.health),
        version=listed.version if listed.source is Source.DATABASE else None,
        created_at=listed.created_at,
        updated_at=listed.updated_at,
        created_by=listed.user,
    )


def _health(health: Health | None) -> wire.ClusterHealth | None:
    if health is None:
        return None
    return wire.ClusterHealth(health.answers, health.since, health.reason, health.flink_version)
