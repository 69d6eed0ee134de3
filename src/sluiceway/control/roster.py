"""Which clusters this process knows: those of settings, of the database and of files, read anew when they change."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import msgspec
import structlog

from sluiceway.control import discovery
from sluiceway.control.discovery import ClusterFile, Discovery
from sluiceway.control.queues import Queues, unregistered
from sluiceway.control.vault import BadKeyFile, Vault
from sluiceway.domain import clusters as rules
from sluiceway.domain.clusters import Credentials, Listed, Source
from sluiceway.domain.place import Place
from sluiceway.store import clusters as store
from sluiceway.store.clusters import Stored
from sluiceway.store.database import Database
from sluiceway.store.trouble import DatabaseUnavailable

LOOK_EVERY: Final = 1.0  # seconds between two looks at whether anything has changed
REST_EVERY: Final = 60.0  # seconds between two looks at whether clusters that are gone have work left

log = structlog.get_logger(__name__)

Locate = Callable[[str], Place | None]
Follow = Callable[[Collection[str]], None]


@dataclass(frozen=True, slots=True)
class Fixed:
    """The clusters of settings, which do not change while the service runs; the default one first."""

    listed: Sequence[Listed] = ()
    locate: Locate = lambda _: None


class Roster:
    """The clusters as they were last read. Others see what it reads through the `Queues` that it publishes to."""

    def __init__(self, db: Database, vault: Vault, fixed: Fixed, discovery: Discovery | None = None) -> None:
        """Knows the clusters of settings, and no others before it has `begun`."""
        self._discovery = discovery
        self._db = db
        self.vault = vault
        self._fixed = fixed
        self._places: dict[str, Place] = {}
        self._credentials: dict[str, Credentials] = {}  # by the key of their place
        self._queues: Queues | None = None
        self._follow: Sequence[Follow] = ()
        self._number: int | None = None  # of the changes that were read
        self._gone: frozenset[str] = frozenset()  # not registered any more, with work left
        self._left_out: frozenset[str] = frozenset()
        self._reading = asyncio.Lock()
        self.listed: Mapping[str, Listed] = {each.cluster.name: each for each in fixed.listed}

    # What is known. ---------------------------------------------------------------------------------------------------

    @property
    def names(self) -> tuple[str, ...]:
        """Those that are registered, the default one first."""
        return tuple(self.listed)

    @property
    def worked_on(self) -> frozenset[str]:
        """Those that need a worker: also some that are gone, while runs may live there or operations are open."""
        return self._gone.union(self.listed)

    @property
    def files(self) -> Sequence[ClusterFile]:
        """The files that clusters are read from."""
        return list(self._discovery.files.values()) if self._discovery else []

    def locate(self, name: str) -> Place | None:
        """Where a cluster is; None where it is nowhere to be reached now."""
        if name in self._places:
            return self._places[name]
        return self._fixed.locate(name) if name in self.listed else None

    def credentials(self, key: str) -> Credentials | None:
        """What opens a place, by its key; None where that has been changed or taken away since."""
        return self._credentials.get(key)

    def credentials_of(self, name: str) -> Credentials:
        """What opens a cluster that a file names."""
        place = self._places.get(name)
        return (self._credentials.get(place.key) if place else None) or Credentials()

    def why_absent(self, name: str) -> str:
        """Why a cluster is nowhere to be reached."""
        listed = self.listed.get(name)
        if listed is None:
            return unregistered(name)
        return f"cluster {name} cannot be reached now" + (f": {listed.trouble}" if listed.trouble else "")

    def labels(self, name: str) -> Mapping[str, str]:
        """The labels of a cluster; none where it is not registered."""
        listed = self.listed.get(name)
        return listed.cluster.labels if listed else {}

    # Reading. ---------------------------------------------------------------------------------------------------------

    def publish_to(self, queues: Queues, *follow: Follow) -> None:
        """Tell of what is read from now on: use cases by the queues, workers and connections by `follow`."""
        self._queues, self._follow = queues, follow
        self._publish()

    async def read(self) -> None:
        """Read all that is registered now. Raises `DatabaseUnavailable`."""
        async with self._reading:
            number = self._db.changes(store.ALL)  # before: what changes meanwhile is read again
            stored = await store.registered(self._db)
            opened = await asyncio.to_thread(self._opened, stored)
            found = self._discovery.listed if self._discovery else []
            listed, left_out = rules.merged(self._fixed.listed, [each for each, _ in opened.values()], found)
            secrets = self._secrets(stored, opened)
            self._credentials = dict(filter(None, secrets.values()))
            self._places = {
                name: each.cluster.place((secrets.get(name) or ("", None))[0])
                for name, each in listed.items()
                if each.source in {Source.DATABASE, Source.FILE} and not each.trouble
            }
            self._tell(listed, left_out)
            self._gone = frozenset(await store.with_open_work(self._db)) - listed.keys()
            self.listed, self._number = listed, number
        self._publish()

    async def begin(self) -> None:
        """Read everything for the first time. Raises `DatabaseUnavailable`."""
        if self._discovery is not None:
            await self._discovery.look()
        await self.read()

    async def run(self) -> None:
        """Read again whenever something has changed, for as long as the service runs."""
        loop = asyncio.get_running_loop()
        read_at = looked_at = loop.time()
        stale = False
        while True:
            await asyncio.sleep(LOOK_EVERY)
            try:
                if self._discovery is not None and loop.time() - looked_at >= discovery.LOOK_EVERY:
                    looked_at = loop.time()
                    stale |= await self._discovery.look()
                stale |= self._db.changes(store.ALL) not in {self._number, None}
                stale |= bool(self._gone) and loop.time() - read_at >= REST_EVERY
                if stale:
                    await self.read()
                    read_at, stale = loop.time(), False
            except DatabaseUnavailable:
                pass  # the database has told of it; the next look is in a second
            except Exception:
                log.exception("clusters_unread")

    def _publish(self) -> None:
        if self._queues is not None:
            self._queues.publish({name: each.cluster for name, each in self.listed.items()})
        for follow in self._follow:
            follow(self.worked_on)

    def _secrets(
        self, stored: Iterable[Stored], opened: Mapping[str, tuple[Listed, Credentials | None]]
    ) -> dict[str, tuple[str, Credentials] | None]:
        """What opens each cluster, by its name, with the key of its place."""
        found: dict[str, tuple[str, Credentials] | None] = {}
        found |= self._discovery.credentials() if self._discovery else {}
        for each in stored:
            secret = opened[each.name][1]
            found[each.name] = (each.key, secret) if secret else None
        return found

    def _tell(self, listed: Mapping[str, Listed], left_out: Sequence[Listed]) -> None:
        """Log what has come and gone, and what is left out as long as another has its name."""
        for name in sorted(listed.keys() - self.listed.keys()):
            log.info("cluster_registered", cluster=name, source=listed[name].source.value)
        for name in sorted(self.listed.keys() - listed.keys()):
            log.info("cluster_no_longer_registered", cluster=name)
        names = frozenset(each.cluster.name for each in left_out)
        for name in sorted(names - self._left_out):
            log.warning("cluster_left_out", cluster=name, why=f"{listed[name].source.value} names one like that")
        self._left_out = names

    def _opened(self, stored: Iterable[Stored]) -> dict[str, tuple[Listed, Credentials | None]]:
        """Each with what opens it. One that cannot be opened is nowhere to be reached, and says why."""
        found: dict[str, tuple[Listed, Credentials | None]] = {}
        for each in stored:
            try:
                found[each.name] = (each.listed, opened(self.vault, each))
            except BadKeyFile as error:
                found[each.name] = (replace(each.listed, trouble=f"its secrets cannot be opened: {error}"), None)
        return found


def opened(vault: Vault, stored: Stored) -> Credentials | None:
    """What opens a cluster; None where nothing has to. Raises `BadKeyFile`."""
    if stored.sealed is None:
        return None
    return msgspec.json.decode(vault.open(stored.sealed, _bound(stored.name)), type=Credentials)


def sealed(vault: Vault, name: str, credentials: Credentials) -> str | None:
    """The same for the database. Raises `BadKeyFile`."""
    if not credentials:
        return None
    return vault.seal(msgspec.json.encode(credentials).decode(), _bound(name))


def _bound(name: str) -> str:
    """What sealed secrets are bound to, so that none can be put in the place of another's."""
    return f"cluster {name}"
