"""Where clusters are registered in a seed in which they come and go, and which cluster each name means."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sluiceway.control.cluster_files import Entry
from sluiceway.control.clusters import Clusters
from sluiceway.control.discovery import ClusterFile, Discovery
from sluiceway.control.roster import Fixed, Roster
from sluiceway.control.vault import Vault
from sluiceway.domain.clusters import Cluster, Credentials, Kind
from sluiceway.domain.place import Place
from sluiceway.store.rows import to_json

if TYPE_CHECKING:
    from tests.simulation.cluster import SimCluster
    from tests.simulation.scenario import Scenario
    from tests.simulation.world import World

PATH = "/clusters.yaml"
ME = "administrator"


def addresses(cluster: "SimCluster") -> tuple[str, ...]:
    """Of its JobManagers."""
    return tuple(f"http://{host}" for host in cluster.hosts)


class Registry:
    """What people have registered: in the database, or in a file."""

    def __init__(self, world: "World") -> None:
        """Every cluster is there under its own name."""
        self._world = world
        self.changes = 0
        self._named: dict[str, tuple[str, ...]] = {}  # addresses by name
        for cluster in world.clusters.values():
            self._register(cluster)

    def _register(self, cluster: "SimCluster") -> None:
        self._named[cluster.name] = addresses(cluster)
        if self._world.setting.registered == "database":
            row = [cluster.name, "session", to_json(addresses(cluster)), "{}", "[]", 0, "{}", "", 0, 0]
            self._world.memory.raw.execute(
                "INSERT INTO clusters (name, kind, addresses, labels, projects, draining, guards, user, created_at,"
                " updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are registered now, in order."""
        return tuple(self._now)

    def means(self, name: str) -> "SimCluster | None":
        """The cluster that a name means now."""
        found = self._now.get(name)
        return self._world.at(found[0].removeprefix("http://")) if found else None

    def reaches(self, name: str, jid: str) -> bool:
        """Whether a job is on the cluster that a name means now."""
        return self.means(name) is self._world.launched_in.get(jid)

    def misleads(self, name: str, jid: str) -> bool:
        """Whether a name means another cluster now than the one that a job is on."""
        return bool(self._world.setting.registered) and self.means(name) not in {None, self._world.launched_in.get(jid)}

    @property
    def _now(self) -> dict[str, tuple[str, ...]]:
        if self._world.setting.registered != "database":
            return self._named
        wanted = "SELECT name, addresses FROM clusters WHERE removed_at IS NULL ORDER BY id"
        found = self._world.memory.raw.execute(wanted).fetchall()
        return {name: tuple(text[2:-2].split('","')) for name, text in found}

    async def register(self, at: "Scenario", name: str, cluster: "SimCluster") -> None:
        """Have a name mean a cluster, whatever it meant before."""
        await self.move(at, name, addresses(cluster))

    async def move(self, at: "Scenario", name: str, to: tuple[str, ...]) -> None:
        """Have a name mean what is at these addresses."""
        self._world.note("registers", name, to)
        new = Cluster(name=name, addresses=to)
        if self._world.setting.registered == "file":
            self._named[name] = new.addresses
            self.changes += 1
        elif name in self.names:
            await at.ask(lambda s: s.clusters.edit(name, lambda was, known: (_moved(was, new), known), None, ME))
        else:
            await at.ask(lambda s: s.clusters.add(new, Credentials(), ME))

    async def remove(self, at: "Scenario", name: str) -> None:
        """Have a name mean nothing."""
        self._world.note("removes", name)
        if self._world.setting.registered == "file":
            self._named.pop(name, None)
            self.changes += 1
        else:
            await at.ask(lambda s: s.clusters.remove(name, ME, force=True))
        self._world.left_at[name] = self._world.now

    async def restore(self, at: "Scenario") -> None:
        """Have every cluster be found under its own name again."""
        for name, cluster in self._world.clusters.items():
            for _ in range(20):
                if self._now.get(name) == addresses(cluster):
                    break
                await self.register(at, name, cluster)
                await asyncio.sleep(3.0)

    def roster(self, db: Any, clock: Any) -> tuple[Roster, Clusters]:
        """What a service knows of it."""
        vault = Vault(Path("/nowhere"))  # no cluster here is protected
        files = _Files(self, clock) if self._world.setting.registered == "file" else None
        roster = Roster(db, vault, Fixed(), files)
        return roster, Clusters(db, roster, vault, clock)

    @property
    def fixed(self) -> dict[str, Place]:
        """The clusters where they do not come and go."""
        kinds = {
            name: Kind.APPLICATION if each.application else Kind.SESSION for name, each in self._world.clusters.items()
        }
        return {
            name: Cluster(name=name, addresses=given, kind=kinds[name]).place() for name, given in self._named.items()
        }

    def file(self) -> ClusterFile:
        """The file, as it can be read now."""
        entries = (Entry(Cluster(name=name, addresses=given), Credentials()) for name, given in self._named.items())
        return ClusterFile(PATH, tuple(entries), reading=self.changes)


def _moved(was: Cluster, new: Cluster) -> Cluster:
    return replace(was, addresses=new.addresses)


class _Files(Discovery):
    """Reads the file of the registry in place of a disk's."""

    def __init__(self, registry: Registry, clock: Any) -> None:
        super().__init__([PATH], clock)
        self._registry = registry

    def _look(self) -> dict[str, ClusterFile]:
        return {PATH: self._registry.file()}
