"""The storage of a simulated world, and how a service sees it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from sluiceway.domain.facts import Absent, Broken, Complete, Evidence, Unreadable
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.files import Files
from sluiceway.storage.inspection import Inspection, Newest
from sluiceway.storage.savepoints import Storage
from sluiceway.storage.threads import Threads
from sluiceway.testing.fake_failures import FAILURES, Failure

if TYPE_CHECKING:
    from tests.simulation.service import Service
    from tests.simulation.world import World

    from sluiceway.storage.root import Root

URI = "file:///storage"


@dataclass(slots=True)
class Folder:
    """One savepoint folder."""

    path: str  # without a scheme
    jid: str
    complete_at: float | None = None
    position: float = 0.0  # how many records the job had processed
    of_stop: bool = False


@dataclass(slots=True)
class Flow:
    """What a Flink job has processed: one record a second while it runs, with a checkpoint every so often."""

    job_id: int
    start: float = 0.0  # the position it was started from
    position: float = 0.0
    at: float = 0.0  # when the position was right
    flowing: bool = False
    last: float = 0.0  # when records last flowed
    kept: bool = True  # its checkpoints are still there
    checkpointed_at: float = 0.0  # when the newest of them was made
    proven: bool = False  # it has completed a checkpoint, which a restart from nothing may have undone
    directory: str = ""  # that its checkpoints are in

    def move(self, now: float, *, flowing: bool) -> None:
        """Bring the position up to date."""
        if self.flowing:
            before = self.checkpoint
            self.position += now - self.at
            self.last = now
            if self.checkpoint is not None and self.checkpoint != before:
                self.checkpointed_at = now - (self.position - self.checkpoint)
            self.proven = self.proven or self.checkpoint is not None
        self.at, self.flowing = now, flowing

    @property
    def checkpoint(self) -> float | None:
        """The position of the newest checkpoint."""
        # A job that was rolled back to a checkpoint stands exactly there; sums of floats do not.
        count = (self.position - self.start + HAIR) // EVERY
        return self.start + count * EVERY if count > 0 else None

    @property
    def checkpoint_name(self) -> str | None:
        """The directory of the newest checkpoint."""
        return None if self.checkpoint is None else f"chk-{round((self.checkpoint - self.start) / EVERY)}"

    def roll_back(self) -> None:
        """Go on from the newest checkpoint."""
        self.position = self.start if self.checkpoint is None else self.checkpoint


EVERY = 7.0  # records between checkpoints
HAIR = 1e-6  # records that arithmetic may lose


class SimDisk:
    """Every folder, by its target directory; see `Disk`."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.folders: dict[str, list[Folder]] = {}
        self.by_path: dict[str, Folder] = {}
        self.flows: dict[str, Flow] = {}  # by Flink job id
        self.full = False
        self.unreadable = False
        self.lag = 0.0  # seconds until a service sees a new file

    def begin(self, target: str, jid: str) -> str | Failure:
        """See `Disk`."""
        if self.full:
            return Failure(FAILURES["storage"].chain, target)
        path = f"{plain(target)}/savepoint-{jid[:6]}-{len(self.by_path):012x}"
        folder = self.by_path[path] = Folder(path, jid)
        self.folders.setdefault(plain(target), []).append(folder)
        return path

    def complete(self, folder: str, number: int, *, of_stop: bool = False) -> str:
        """See `Disk`."""
        found = self.by_path[folder]
        found.complete_at, found.of_stop = self._world.now, of_stop
        flow = self.flows[found.jid]
        flow.move(self._world.now, flowing=flow.flowing)
        found.position = flow.position
        return f"file:{folder}"

    def discard(self, folder: str) -> None:
        """See `Disk`."""
        found = self.by_path.pop(folder, None)
        if found is not None:
            self.folders[folder.rpartition("/")[0]].remove(found)

    def dispose(self, location: str) -> bool:
        """See `Disk`."""
        self.discard(plain(location))
        return True

    def whole(self, roots: Sequence[str], seen: float) -> list[Folder]:
        """The savepoints under these directories that were complete by then."""
        under = tuple(f"{plain(root)}/" for root in roots)
        found = (folder for folder in self.by_path.values() if folder.path.startswith(under))
        return [folder for folder in found if folder.complete_at is not None and folder.complete_at <= seen]

    def savepoints_of(self, job_id: int) -> list[str]:
        """Every whole savepoint of a job that lies where the service can see it."""
        mine = (f for f in self.by_path.values() if self.flows[f.jid].job_id == job_id and f.complete_at is not None)
        return [f"file://{folder.path}" for folder in mine if folder.path.startswith(plain(URI))]

    def position(self, restore: str | None) -> float:
        """How much a savepoint or a checkpoint holds."""
        if restore is None:
            return 0.0
        folder = self.by_path.get(plain(restore))
        if folder is not None:
            return folder.position
        jid, _, number = restore.rpartition("/chk-")
        flow = self.flows[jid.rpartition("/")[2]]
        return flow.start + int(number) * EVERY


class SimStorage(Storage):
    """The storage as a service reads it."""

    def __init__(self, disk: SimDisk, service: "Service") -> None:
        self.uri = URI
        self.files = Files(cast("Root", None), Threads())  # no job here is made of files
        self._disk = disk
        self._service = service

    async def why_unwritable(self, target: str | None) -> str | None:
        """See `Storage`."""
        return None

    async def look(self, target: str) -> Evidence:
        """See `Storage`."""
        await self._service.pause("look")
        why = await self._trouble()
        if why is not None:
            return Unreadable(target, why)
        seen = self._service.world.now - self._disk.lag
        place = plain(target)
        if not place.startswith(plain(URI)):
            return Unreadable(target, "it is not under this service's storage root")
        if place.startswith(f"{plain(URI)}/jobs/checkpoint/"):
            return self._checkpoint(place)
        one = self._disk.by_path.get(place)
        found = [one] if one else self._disk.folders.get(place, [])
        for folder in reversed(found):
            if folder.complete_at is not None and folder.complete_at <= seen:
                return Complete(f"file://{folder.path}", 1000, of_stop=folder.of_stop)
        if found:
            return Broken(target, "it was begun, and has no _metadata")
        return Absent(target)

    def _checkpoint(self, place: str) -> Evidence:
        """The newest checkpoint in the directory of a run."""
        flow = self._disk.flows.get(place.rpartition("/")[2])
        name = flow.checkpoint_name if flow and flow.kept else None
        return Absent(place) if name is None else Complete(f"file://{place}/{name}", 500)

    def place(self, text: str) -> str:
        """See `Storage`."""
        return text

    async def inspect(self, path: str) -> Inspection:
        """See `Storage`."""
        seen = await self.look(path)
        if isinstance(seen, Unreadable):
            raise StorageUnreadable(seen.why)
        return Inspection(path, None, () if isinstance(seen, Complete) else ("it is not whole",), 1000)

    async def newest_state(self, checkpoints: Sequence[str], roots: Sequence[str]) -> Newest:
        """See `Storage`."""
        await self._service.pause("look")
        if (why := await self._trouble()) is not None:
            raise StorageUnreadable(why)
        seen = self._service.world.now - self._disk.lag
        found = {f"file://{folder.path}": folder.complete_at or 0.0 for folder in self._disk.whole(roots, seen)}
        for place in checkpoints:
            flow = self._disk.flows.get(place.rpartition("/")[2])
            if flow is not None and flow.checkpoint is not None and flow.kept:
                found[f"{place}/{flow.checkpoint_name}"] = flow.checkpointed_at
        newest = max(found, key=found.__getitem__, default=None)
        return Newest(None if newest is None else Inspection(newest, None, (), 1000))

    async def _trouble(self) -> str | None:
        weather = self._service.world.weather
        if (seconds := weather.slow_look()) > 0:
            await self._service.sleep(seconds)
        return "Input/output error" if self._disk.unreadable or weather.unreadable() else None


def plain(uri: str) -> str:
    """A path without its scheme, however many slashes it has."""
    return "/" + uri.removeprefix("file:").lstrip("/")
