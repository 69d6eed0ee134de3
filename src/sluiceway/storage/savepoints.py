"""Finding savepoints and checkpoints on storage, and reading whether they are whole."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Final

import obstore
from obstore.exceptions import BaseError, NotFoundError

from sluiceway.domain.facts import Absent, Broken, Complete, Evidence, Unreadable
from sluiceway.storage.disk import Disk
from sluiceway.storage.errors import NotASavepoint, StorageUnreadable, reason_of
from sluiceway.storage.files import JOBS, Files
from sluiceway.storage.inspection import Inspection, compare
from sluiceway.storage.metadata import BrokenMetadata, Metadata, Reference, parse
from sluiceway.storage.paths import METADATA, has_scheme, scheme_of
from sluiceway.storage.root import PATIENCE, Root
from sluiceway.storage.s3 import ANYWHERE, S3, SCHEMES, S3Access

if TYPE_CHECKING:
    from obstore import ObjectMeta

LARGEST: Final = 1 << 30  # bytes of a `_metadata` that is read
AT_ONCE: Final = 32  # looks under way
_CHECKPOINT: Final = re.compile(r"chk-(\d+)$")
_SMALL: Final = 1 << 20  # bytes of a `_metadata` of which any number may be in memory
_LARGE_AT_ONCE: Final = 2
_LANES: Final = 8  # for the sizes of the files of one savepoint


class Storage:
    """The root under which Flink writes and we read.

    The state of a job lies in `jobs/savepoint/…` and `jobs/checkpoint/…`, or in these of its bucket's directory.
    """

    def __init__(self, root: str, access: S3Access = ANYWHERE) -> None:
        """Open a root: a directory, given as a path or a `file:` URI and made when missing, or `s3://bucket/prefix`.

        Raises `BadStorage`. An object store is not asked before `check`.
        """
        self._root: Root = S3(root, access) if scheme_of(root) in SCHEMES else Disk(root)
        self._store = self._root.store
        self.uri = self._root.uri
        self.files = Files(self._root)
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._large = asyncio.Semaphore(_LARGE_AT_ONCE)

    async def check(self) -> None:
        """Look for the root once. Raises `BadStorage` where it is not there, `StorageUnreadable` where nobody knows."""
        await asyncio.to_thread(self._root.check)

    def home(self, bucket: str | None) -> str:
        """The directory (URI) that the jobs of a bucket have their `jobs` directory in; the root for those of none."""
        return f"{self.uri}/{bucket}" if bucket else self.uri

    def checkpoints(self, bucket: str | None, job_id: int) -> str:
        """The directory (URI) that a job's checkpoints go to, each run's into one called like its Flink job id."""
        return f"{self.home(bucket)}/jobs/checkpoint/{job_id}"

    def place(self, text: str) -> str:
        """The URI of a directory that is given as Flink has it, or by name (`obs://bucket/dir`). Raises `BadPath`."""
        key = self._root.key(text.rstrip("/"))
        return self.files.uri(text) if key is None else f"{self.uri}/{key}"

    def owner(self, uri: str) -> str | None:
        """The id of the job whose state lies there; empty where it is not one job's, None where no job has its state.

        Jobs have it in `jobs` directories, of which the root has one and each bucket another.
        """
        parts = uri.removeprefix(f"{self.uri}/").split("/")
        if JOBS not in parts[:2]:
            return None
        return [*parts[parts.index(JOBS) + 2 :], ""][0]

    async def look(self, target: str) -> Evidence:
        """What lies in one attempt's directory: its newest whole savepoint, or why there is none.

        Flink makes a directory of a random name in the target, and writes its `_metadata` last.
        """
        key = self._root.key(target)
        if key is None:
            return Unreadable(target, "it is not under this service's storage root")
        try:
            async with self._gate:
                return await self._look(target, f"{key}/")
        except (OSError, ValueError, BaseError, StorageUnreadable) as error:
            return Unreadable(target, reason_of(error))

    async def inspect(self, path: str) -> Inspection:
        """Read one savepoint or checkpoint, given as its directory or its `_metadata`, and look for all its files.

        Raises `StorageUnreadable`, also for what does not lie under the root.
        """
        key = self._root.key(path)
        if key is None:
            raise StorageUnreadable(f"{path} is not under the storage root")
        try:
            async with self._gate:
                head = await asyncio.to_thread(lambda: self._head(key) or self._head(f"{key}/{METADATA}"))
                if head is None:
                    await asyncio.to_thread(self._root.check_present)
                    return Inspection(f"{self.uri}/{key}", None, (f"there is no {METADATA}",), 0)
                return await self._inspect(head, {})
        except (OSError, ValueError, BaseError) as error:
            raise StorageUnreadable(f"{key} could not be read: {reason_of(error)}") from error

    async def remove(self, path: str) -> None:
        """Remove one savepoint: its own directory, and nothing beside it. It can be repeated.

        Raises `NotASavepoint`, `StorageUnreadable`.
        """
        key = self._root.key(path)
        if key is None:
            raise NotASavepoint(f"{path} is not under the storage root; remove it where it lies")
        try:
            await asyncio.to_thread(self._root.remove, key)
        except (OSError, BaseError) as error:
            raise StorageUnreadable(f"{key} could not be removed: {reason_of(error)}; try again") from error

    async def why_unwritable(self, target: str | None) -> str | None:
        """What is known to keep a cluster from writing savepoints there; None when nothing is known.

        Flink may run as another user than this service, so None is no promise.
        """
        key = "jobs/savepoint" if target is None else self._root.key(target)
        return None if key is None else await asyncio.to_thread(self._root.why_unwritable, key)

    async def newest_state(self, checkpoints: str, roots: Sequence[str]) -> str | None:
        """The newest whole state that a run has left (URI); None when there is none.

        It is one of its `checkpoints`, or a savepoint in one of the `roots` (URIs, those of the run's stops): a stop
        can fail although its savepoint is complete (FLINK-33522). A job counts both with the same numbers, so the
        highest is the newest. Roots outside of this storage are not looked at.

        Raises `StorageUnreadable`: what cannot be read now may well be there.
        """
        own = self._root.key(checkpoints)
        if own is None:
            raise StorageUnreadable(f"{checkpoints} is not under the storage root")
        keys = [f"{key}/" for root in roots if (key := self._root.key(root)) is not None]
        try:
            async with asyncio.timeout(PATIENCE), self._gate:
                return await self._newest(f"{own}/", keys)
        except (OSError, ValueError, BaseError) as error:
            raise StorageUnreadable(f"{own} could not be read: {reason_of(error)}") from error

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
            broken = Broken(target, f"it was begun, and has no {METADATA}")
        return broken or Absent(target)

    async def _inspect(self, head: "ObjectMeta", listed: Mapping[str, int]) -> Inspection:
        """`listed` has the sizes of files that have been seen already."""
        directory = _parent(head)
        uri = f"{self.uri}/{directory}"
        try:
            metadata = await self._read(head)
        except BrokenMetadata as error:
            return Inspection(uri, None, (f"{METADATA} cannot be read to its end: {error}",), head["size"])
        except (NotFoundError, FileNotFoundError):
            return Inspection(uri, None, (f"{METADATA} vanished",), 0)
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
        return self._root.key(f"{self.uri}/{directory}/{reference.path}" if beside else reference.path)


def _heads(found: "Sequence[ObjectMeta]") -> "list[ObjectMeta]":
    return [meta for meta in found if meta["path"].endswith(f"/{METADATA}")]


def _sizes(found: "Sequence[ObjectMeta]") -> dict[str, int]:
    return {meta["path"]: meta["size"] for meta in found}


def _parent(meta: "ObjectMeta") -> str:
    return meta["path"].rsplit("/", 1)[0]


def _number(meta: "ObjectMeta") -> int:
    match = _CHECKPOINT.search(_parent(meta))
    return int(match[1]) if match else -1


def _modified(meta: "ObjectMeta") -> datetime:
    return meta["last_modified"]
