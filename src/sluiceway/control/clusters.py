"""Registering clusters. They serve all projects, so only administrators of the whole service change them."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Final

from sluiceway.control.errors import (
    BadCluster,
    ClusterChanged,
    ClusterElsewhere,
    ClusterExists,
    ClusterInUse,
    SecretsUnusable,
    UnknownCluster,
)
from sluiceway.control.roster import Roster, opened, sealed
from sluiceway.control.vault import BadKeyFile, Vault
from sluiceway.domain import clusters as rules
from sluiceway.domain.clusters import Cluster, Credentials, Health, Kind, Listed, Source
from sluiceway.engines.jobmanager.doors import BadCertificate, tls_context
from sluiceway.store import clusters as store
from sluiceway.store.clusters import ClusterNameInUse, ClustersFull, Stored
from sluiceway.store.database import Database

MOST: Final = 5000  # that are registered by the API

Change = Callable[[Cluster, Credentials], tuple[Cluster, Credentials]]


@dataclass(frozen=True, slots=True)
class Seen:
    """A registered cluster as people see it."""

    listed: Listed
    health: Health | None  # None: nobody has looked yet
    runs: int  # of jobs of this service, that may live there
    default: bool  # jobs that name no queue go there
    kind: Kind | None  # that its JobManager has said it is of; None: nobody was told


@dataclass(frozen=True, slots=True)
class Clusters:
    """The use cases around registered clusters."""

    db: Database
    roster: Roster
    vault: Vault
    clock: Callable[[], datetime]

    async def list(self, project: str | None) -> list[Seen]:
        """Those that a project may use, or all, the default one first."""
        listed = self._visible(project)
        health, runs = await store.health(self.db), await store.live_runs_of_all(self.db)
        kinds = await store.kinds_seen(self.db, list(listed))
        return [_seen(each, listed, health, runs, kinds) for each in listed.values()]

    async def show(self, project: str | None, name: str) -> Seen:
        """One of them. Raises `UnknownCluster`."""
        listed = self._visible(project)
        if name not in listed:
            raise UnknownCluster(name)
        health, kinds = await store.health(self.db, [name]), await store.kinds_seen(self.db, [name])
        return _seen(listed[name], listed, health, {name: await store.live_runs(self.db, name)}, kinds)

    async def add(self, new: Cluster, credentials: Credentials, who: str) -> Seen:
        """Register one; it is worked on at once. Raises `BadCluster`, `ClusterExists`, `SecretsUnusable`."""
        new = await checked(new, credentials)
        if new.name in self.roster.listed:
            raise ClusterExists(f"A cluster is registered as {new.name} already.")
        kept = await self._sealed(new.name, credentials)
        try:
            await store.add(self.db, new, kept, MOST, self.clock(), who)
        except ClusterNameInUse as error:
            raise ClusterExists(f"A cluster is registered as {new.name} already.") from error
        except ClustersFull as error:
            raise BadCluster(f"{MOST} clusters are registered, and more are not taken.") from error
        await self.roster.read()
        return await self.show(None, new.name)

    async def edit(self, name: str, change: Change, version: int | None, who: str) -> Seen:
        """Change one, by what `change` makes of it; with a version only if it is still that.

        Raises `UnknownCluster`, `ClusterElsewhere`, `ClusterChanged`, `BadCluster`, `SecretsUnusable`.
        """
        while True:
            seen = await self._own(name)
            if version not in {None, seen.listed.version}:
                raise ClusterChanged(f"{name} is at version {seen.listed.version}, and not at {version} any more.")
            known = await self._opened(seen)
            after, credentials = change(seen.listed.cluster, known)
            after = await checked(after, credentials)
            told = _told(seen.listed.cluster, after, secrets=credentials != known)
            kept = seen.sealed if credentials == known else await self._sealed(name, credentials)
            if not told or await store.change(self.db, seen, after, kept, self.clock(), who, told):
                await self.roster.read()
                return await self.show(None, name)

    async def remove(self, name: str, who: str, *, force: bool = False) -> Seen:
        """End a registration; history stays, and with `force` so does what is open there, which says why it waits.

        Raises `UnknownCluster`, `ClusterElsewhere`, `ClusterInUse`.
        """
        while True:
            seen = await self._own(name)
            gone = await self.show(None, name)
            if gone.runs and not force:
                raise ClusterInUse(
                    f"{gone.runs} jobs may run on {name}. Stop them first (sluiceway stop --queue {name}), or remove it"
                    " with force: they run on, and nobody follows them until it is registered again."
                )
            if await store.remove(self.db, seen, self.clock(), who):
                await self.roster.read()
                return gone

    async def credentials_of(self, name: str) -> Credentials:
        """What opens a registered cluster. Raises `SecretsUnusable`."""
        listed = self.roster.listed.get(name)
        if listed is None or listed.source is not Source.DATABASE:
            return self.roster.credentials_of(name)
        stored = await store.cluster(self.db, name)
        return await self._opened(stored) if stored else Credentials()

    async def _own(self, name: str) -> Stored:
        """One that is registered by the API. Raises `UnknownCluster`, `ClusterElsewhere`."""
        listed = self.roster.listed.get(name)
        if listed is not None and listed.source is not Source.DATABASE:
            raise ClusterElsewhere(_where(listed))
        found = await store.cluster(self.db, name)
        if found is None:
            raise UnknownCluster(name)
        return found

    def _visible(self, project: str | None) -> Mapping[str, Listed]:
        listed = self.roster.listed
        return {name: each for name, each in listed.items() if project is None or each.cluster.serves(project)}

    async def _opened(self, stored: Stored) -> Credentials:
        try:
            return await asyncio.to_thread(opened, self.vault, stored) or Credentials()
        except BadKeyFile as error:
            raise SecretsUnusable(str(error)) from error

    async def _sealed(self, name: str, credentials: Credentials) -> str | None:
        try:
            return await asyncio.to_thread(sealed, self.vault, name, credentials)
        except BadKeyFile as error:
            raise SecretsUnusable(str(error)) from error


async def checked(cluster: Cluster, credentials: Credentials) -> Cluster:
    """The same cluster in plain form, telling how it is protected. Raises `BadCluster`."""
    return await asyncio.to_thread(_checked, cluster, credentials)


def _checked(cluster: Cluster, credentials: Credentials) -> Cluster:
    try:
        rules.check_credentials(credentials)
        tls_context(credentials)
        return rules.checked(replace(cluster, guards=credentials.guards))
    except (rules.BadCluster, BadCertificate) as error:
        raise BadCluster(str(error)) from error


def _told(before: Cluster, after: Cluster, *, secrets: bool) -> str:
    """What the audit has of a change; empty for none."""
    told = [_change(f.name, before, after) for f in fields(Cluster) if f.name not in {"name", "guards"}]
    if secrets or before.guards != after.guards:
        told.append("what opens it was changed")
    return "; ".join(filter(None, told))


def _change(field: str, before: Cluster, after: Cluster) -> str:
    was, now = getattr(before, field), getattr(after, field)
    return "" if was == now else f"{field} {_plain(was)} -> {_plain(now)}"


def _plain(value: object) -> str:
    if isinstance(value, tuple | frozenset):
        return ", ".join(sorted(map(str, value))) or "all"
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in sorted(value.items())) or "none"
    return "default" if value is None else str(value)


def _where(listed: Listed) -> str:
    name = listed.cluster.name
    if listed.source is Source.FILE:
        return f"{name} stands in {listed.origin}; change it there."
    if listed.source is Source.EMBEDDED:
        return f"{name} is the Flink that the service runs itself; --no-embedded ends that."
    return f"{name} is registered by the settings of the service (--cluster); change it there, and start it again."


def _seen(
    listed: Listed,
    visible: Mapping[str, Listed],
    health: Mapping[str, Health],
    runs: Mapping[str, int],
    kinds: Mapping[str, Kind],
) -> Seen:
    name = listed.cluster.name
    return Seen(listed, health.get(name), runs.get(name, 0), name == next(iter(visible), None), kinds.get(name))
