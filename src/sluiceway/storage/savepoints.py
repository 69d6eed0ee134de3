"""Finding savepoints and checkpoints on storage, and reading whether they are whole."""

import asyncio
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore

from sluiceway.domain.facts import Absent, Broken, Complete, Evidence, Unreadable
from sluiceway.storage.inspection import Inspection, compare
from sluiceway.storage.metadata import BrokenMetadata, Metadata, Reference, parse
from sluiceway.storage.paths import has_scheme, local_path

if TYPE_CHECKING:
    from obstore import ObjectMeta

LARGEST: Final = 1 << 30  # bytes of a `_metadata` that is read
AT_ONCE: Final = 32  # looks under way
PATIENCE: Final = 10.0  # seconds for finding a checkpoint
_LITTLE: Final = 1 << 20  # bytes; a disk with less left takes no savepoint
_METADATA: Final = "_metadata"
_CHECKPOINT: Final = re.compile(r"chk-(\d+)$")
_SMALL: Final = 1 << 20  # bytes of a `_metadata` of which any number may be in memory
_LARGE_AT_ONCE: Final = 2
_LANES: Final = 8  # for the sizes of the files of one savepoint


class BadStorage(Exception):  # noqa: N818 - a finding about a setting
    """The storage root cannot be used."""


class StorageUnreadable(Exception):  # noqa: N818 - a finding, like the one above
    """Storage could not be read, so nobody can say what lies there."""


class NotASavepoint(Exception):  # noqa: N818 - a finding, like the ones above
    """What lies at a path is not a savepoint under the root, and is not touched."""


class Storage:
    """The root under which Flink writes and we read: `jobs/savepoint/…` and `jobs/checkpoint/…`."""

    def __init__(self, root: str) -> None:
        """Open a root, given as a path or a `file:` URI; it is made when it is missing. Raises `BadStorage`.

        URIs are written and read as Flink does it: nothing in them is escaped, a space is a space and %20 is %20.
        """
        try:
            self._path = _local_path(root)
            self._path.mkdir(parents=True, exist_ok=True)
            self._store = LocalStore(self._path)
        except (OSError, ValueError, RuntimeError, BaseError) as error:
            raise BadStorage(f"The storage root {root} cannot be used: {error}") from error
        self.uri = f"file://{str(self._path).rstrip('/')}"
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    @property
    def savepoints(self) -> str:
        """The directory (URI) that holds the savepoints of all jobs."""
        return f"{self.uri}/jobs/savepoint"

    @property
    def checkpoints(self) -> str:
        """The directory (URI) that holds the checkpoints of all jobs."""
        return f"{self.uri}/jobs/checkpoint"

    async def look(self, target: str) -> Evidence:
        """What lies in one attempt's directory: its newest whole savepoint, or why there is none.

        Flink makes a directory of a random name in the target, and writes its `_metadata` last.
        """
        key = self._key(target)
        if key is None:
            return Unreadable(target, "it is not under this service's storage root")
        try:
            async with self._gate:
                return await self._look(target, f"{key}/")
        except (OSError, ValueError, BaseError, StorageUnreadable) as error:
            return Unreadable(target, _first_line(error))

    async def inspect(self, path: str) -> Inspection:
        """Read one savepoint or checkpoint, given as its directory or its `_metadata`, and look for all its files.

        Raises `StorageUnreadable`, also for what does not lie under the root.
        """
        key = self._key(path)
        if key is None:
            raise StorageUnreadable(f"{path} is not under the storage root {self.uri}")
        try:
            async with self._gate:
                head = await asyncio.to_thread(lambda: self._head(key) or self._head(f"{key}/{_METADATA}"))
                if head is None:
                    await asyncio.to_thread(self._check_mounted)
                    return Inspection(f"{self.uri}/{key}", None, (f"there is no {_METADATA}",), 0)
                return await self._inspect(head, {})
        except (OSError, ValueError, BaseError) as error:
            raise StorageUnreadable(f"{path} could not be read: {_first_line(error)}") from error

    async def remove(self, path: str) -> None:
        """Remove one savepoint: its own directory, and nothing beside it. It can be repeated.

        Raises `NotASavepoint`, `StorageUnreadable`. `_metadata` goes last, so that what is left of a removal that was
        cut off is still known for what it is.
        """
        key = self._key(path)
        if key is None:
            raise NotASavepoint(f"{path} is not under the storage root {self.uri}; remove it where it lies")
        try:
            await asyncio.to_thread(self._remove, self._path / key)
        except OSError as error:
            raise StorageUnreadable(f"{path} could not be removed: {_first_line(error)}; try again") from error

    def _remove(self, place: Path) -> None:
        try:
            place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            self._check_mounted()
            return
        # A link on the way may lead out of the root.
        if not place.is_dir() or place.resolve() != self._path.resolve() / place.relative_to(self._path):
            raise NotASavepoint(f"{place} is not a directory under the storage root")
        others = [entry for entry in place.iterdir() if entry.name != _METADATA]
        head = place / _METADATA
        if others and not head.is_file():
            raise NotASavepoint(f"{place} has no {_METADATA}; look what it is, and remove it by hand")
        for entry in others:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        head.unlink(missing_ok=True)
        place.rmdir()

    def _check_mounted(self) -> None:
        """Raises `StorageUnreadable` for an empty root: that something is missing there proves nothing."""
        if not any(self._path.iterdir()):
            raise StorageUnreadable(f"the storage root {self._path} is empty; is it mounted?")

    async def why_unwritable(self, target: str | None) -> str | None:
        """What is known to keep a cluster from writing savepoints there; None when nothing is known.

        Flink may run as another user than this service, so None is no promise.
        """
        key = "jobs/savepoint" if target is None else self._key(target)
        return None if key is None else await asyncio.to_thread(self._why_unwritable, key)

    def _why_unwritable(self, key: str) -> str | None:
        place = self._path / key
        while not place.exists():
            place = place.parent
        if not place.is_dir():
            return f"{place} is not a directory."
        if not os.access(place, os.W_OK | os.X_OK):
            return f"{place} is not writable for this service."
        free = os.statvfs(place)
        return f"The disk of {place} is full." if free.f_bavail * free.f_frsize < _LITTLE else None

    async def newest_state(self, job_id: int, flink_job_id: str, roots: Sequence[str]) -> str | None:
        """The newest whole state that a run has left (URI); None when there is none.

        It is a checkpoint, or a savepoint in one of the `roots` (URIs, those of the run's stops): a stop can fail
        although its savepoint is complete (FLINK-33522). A job counts both with the same numbers, so the highest is
        the newest. Roots outside of this storage are not looked at.

        Raises `StorageUnreadable`: what cannot be read now may well be there.
        """
        prefix = f"jobs/checkpoint/{job_id}/{flink_job_id}/"
        keys = [f"{key}/" for root in roots if (key := self._key(root)) is not None]
        try:
            async with asyncio.timeout(PATIENCE), self._gate:
                return await self._newest(prefix, keys)
        except (OSError, ValueError, BaseError) as error:
            why = _first_line(error) or "no answer in time"
            raise StorageUnreadable(f"{self.uri}/{prefix} could not be read: {why}") from error

    async def _newest(self, prefix: str, roots: Sequence[str]) -> str | None:
        found = await self._list(prefix)
        numbered = [(number, head) for head in _heads(found) if (number := _number(head)) >= 0]
        for root in roots:
            inside = await self._list(root)
            numbered += [(await self._checkpoint_id(head), head) for head in _heads(inside)]
            found = [*found, *inside]
        sizes = _sizes(found)
        for _, head in sorted(numbered, key=itemgetter(0), reverse=True):
            inspection = await self._inspect(head, sizes)
            if not inspection.wrong:
                return inspection.path
        return None

    async def _checkpoint_id(self, head: "ObjectMeta") -> int:
        """The number of a savepoint; -1 for one that is not whole."""
        try:
            return (await self._read(head)).checkpoint_id
        except (BrokenMetadata, NotFoundError, FileNotFoundError):
            return -1

    async def _look(self, target: str, prefix: str) -> Evidence:
        found = await self._list(prefix)
        heads = sorted(_heads(found), key=_modified, reverse=True)
        sizes = _sizes(found)
        broken: Broken | None = None
        for head in heads:
            inspection = await self._inspect(head, sizes)
            if not inspection.wrong:
                return Complete(inspection.path, inspection.size, inspection.unchecked)
            broken = broken or Broken(inspection.path, inspection.why)
        if broken is None and await self._begun(prefix):
            broken = Broken(target, f"it was begun, and has no {_METADATA}")
        return broken or Absent(target)

    async def _inspect(self, head: "ObjectMeta", listed: Mapping[str, int]) -> Inspection:
        """`listed` has the sizes of files that have been seen already."""
        directory = _parent(head)
        uri = f"{self.uri}/{directory}"
        try:
            metadata = await self._read(head)
        except BrokenMetadata as error:
            return Inspection(uri, None, (f"{_METADATA} cannot be read to its end: {error}",), head["size"])
        except (NotFoundError, FileNotFoundError):
            return Inspection(uri, None, (f"{_METADATA} vanished",), 0)
        places = {r: key for r in metadata.references if (key := self._place(r, directory)) is not None}
        # A file that was written while the listing was made may not be in it.
        unseen = [key for key in dict.fromkeys(places.values()) if key not in listed]
        return compare(uri, metadata, head["size"], places, {**listed, **await self._sizes_of(unseen)})

    async def _read(self, head: "ObjectMeta") -> Metadata:
        size = head["size"]
        if size > LARGEST:
            raise StorageUnreadable(f"{head['path']} has {size} bytes, and {LARGEST} are read at most")
        if size <= _SMALL:
            return await asyncio.to_thread(self._parse, head)
        async with self._large:
            return await asyncio.to_thread(self._parse, head)

    async def _sizes_of(self, keys: Sequence[str]) -> dict[str, int | None]:
        lanes = [keys[lane::_LANES] for lane in range(min(_LANES, len(keys)))]
        found = await asyncio.gather(*(asyncio.to_thread(self._look_for, lane) for lane in lanes))
        return {key: head and head["size"] for heads in found for key, head in heads.items()}

    # Run in threads, with the store's blocking calls: its own threads may still be at work when a command ends, and
    # then take the interpreter down with them.

    def _parse(self, head: "ObjectMeta") -> Metadata:
        size = head["size"]
        return parse(memoryview(obstore.get_range(self._store, head["path"], start=0, length=size)) if size else b"")

    def _look_for(self, keys: Sequence[str]) -> "dict[str, ObjectMeta | None]":
        return {key: self._head(key) for key in keys}

    def _head(self, key: str) -> "ObjectMeta | None":
        try:
            return obstore.head(self._store, key)
        except (NotFoundError, FileNotFoundError):
            return None

    async def _list(self, prefix: str) -> "Sequence[ObjectMeta]":
        return await obstore.list(self._store, prefix).collect_async()

    async def _begun(self, prefix: str) -> bool:
        # Directories without files show in no other listing.
        found = await obstore.list_with_delimiter_async(self._store, prefix)
        return any(path.rsplit("/", 1)[-1].startswith("savepoint-") for path in found["common_prefixes"])

    def _place(self, reference: Reference, directory: str) -> str | None:
        """Where a referenced file lies under the root; None when it does not."""
        beside = reference.relative and not has_scheme(reference.path)
        return self._key(f"{self.uri}/{directory}/{reference.path}" if beside else reference.path)

    def _key(self, text: str) -> str | None:
        """The place under the root that a path or URI means; None when there is none."""
        path = local_path(text)
        if path is None or not path.startswith("/"):
            return None
        # Flink takes every ".." out of a path before it follows any link.
        inner = f"file://{os.path.normpath(path)}".removeprefix(f"{self.uri}/")
        return inner if inner and not inner.startswith("file://") else None


def _local_path(root: str) -> Path:
    path = local_path(root)
    if path is None:
        raise BadStorage(
            f"The storage root {root} is of a kind that is not supported; give a directory, or a file: URI, "
            "that this service and every Flink machine see at the same place."
        )
    # Flink takes every ".." out of a path before it follows any link.
    return Path(os.path.normpath((Path(path) if has_scheme(root) else Path(path).expanduser()).absolute()))


def _heads(found: "Sequence[ObjectMeta]") -> "list[ObjectMeta]":
    return [meta for meta in found if meta["path"].endswith(f"/{_METADATA}")]


def _sizes(found: "Sequence[ObjectMeta]") -> dict[str, int]:
    return {meta["path"]: meta["size"] for meta in found}


def _parent(meta: "ObjectMeta") -> str:
    return meta["path"].rsplit("/", 1)[0]


def _number(meta: "ObjectMeta") -> int:
    match = _CHECKPOINT.search(_parent(meta))
    return int(match[1]) if match else -1


def _modified(meta: "ObjectMeta") -> datetime:
    return meta["last_modified"]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
