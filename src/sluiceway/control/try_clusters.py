"""Trying a cluster: what works there, before or after it is registered."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Final

import structlog

from sluiceway.control.clusters import Clusters, checked
from sluiceway.control.errors import UnknownCluster
from sluiceway.domain.clusters import Cluster, Credentials, Source
from sluiceway.domain.probe import Probe, Seen, Trace
from sluiceway.storage.errors import BadPath, StorageUnreadable
from sluiceway.storage.files import Files

DIRECTORY: Final = "sluiceway-probe"  # under the storage root

Probes = Callable[[Cluster, Credentials, Trace | None], Awaitable[Probe]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Glance:
    """A cluster at a glance."""

    found: Probe
    runs: int  # of jobs of this service, that may live there


@dataclass(frozen=True, slots=True)
class TryClusters:
    """The use cases. Only administrators call them: the service asks whatever address it is given."""

    clusters: Clusters
    files: Files
    probe: Probes

    async def unregistered(self, cluster: Cluster, credentials: Credentials) -> Probe:
        """What works at a cluster that need not be registered. Raises `BadCluster`."""
        return await self._tried(await checked(cluster, credentials), credentials)

    async def registered(self, name: str) -> Probe:
        """What works at a registered one. Raises `UnknownCluster`, `SecretsUnusable`."""
        return await self._tried(self._cluster(name), await self.clusters.credentials_of(name))

    async def glance(self, name: str) -> Glance:
        """The same without a look at its storage. Raises `UnknownCluster`, `SecretsUnusable`."""
        found = await self.probe(self._cluster(name), await self.clusters.credentials_of(name), None)
        return Glance(found, (await self.clusters.show(None, name)).runs)

    def _cluster(self, name: str) -> Cluster:
        listed = self.clusters.roster.listed.get(name)
        if listed is None:
            raise UnknownCluster(name)
        if listed.source is not Source.EMBEDDED:
            return listed.cluster
        place = self.clusters.roster.locate(name)
        return replace(listed.cluster, addresses=place.urls if place else ())

    async def _tried(self, cluster: Cluster, credentials: Credentials) -> Probe:
        async with self._trace() as (trace, trouble):
            found = await self.probe(cluster, credentials, trace)
        return replace(found, storage=Seen.UNKNOWN, storage_why=trouble) if trouble else found

    @asynccontextmanager
    async def _trace(self) -> AsyncIterator[tuple[Trace | None, str]]:
        """A file for the cluster to find, which is gone afterwards; or why there is none."""
        name = f"{DIRECTORY}/{secrets.token_hex(8)}"
        trace = Trace(self.files.uri(name), 1_000_000 + secrets.randbelow(1_000_000_000))
        try:
            await self.files.write(name, trace.content)
        except (StorageUnreadable, BadPath) as error:
            yield None, f"the service cannot write there: {error}"
            return
        try:
            yield trace, ""
        finally:
            try:
                await self.files.remove(name)
            except StorageUnreadable as error:
                log.warning("probe_left_behind", file=name, why=str(error))
