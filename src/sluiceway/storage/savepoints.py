"""Finding savepoints and checkpoints on storage, and reading whether Flink finished them."""

import asyncio
import os
import re
import struct
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import BaseError, NotFoundError
from obstore.store import LocalStore

from sluiceway.domain.facts import Absent, Broken, Complete, Evidence, Unreadable

if TYPE_CHECKING:
    from obstore import ObjectMeta

MAGIC = 0x4960672D  # the first four bytes of every `_metadata` (Flink contract, "JobManager lost")
FORMATS = range(3, 7)  # Flink 1.8 to 2.3
_HEADER = struct.Struct(">II")
_METADATA = "_metadata"
_CHECKPOINT = re.compile(r"chk-(\d+)$")
AT_ONCE = 32  # looks under way
PATIENCE = 10.0  # seconds for finding a checkpoint
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):")


class BadStorage(Exception):  # noqa: N818 - a finding about a setting
    """The storage root cannot be used."""


class StorageUnreadable(Exception):  # noqa: N818 - a finding, like the one above
    """Storage could not be read, so nobody can say what lies there."""


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
        self.uri = f"file://{self._path}"
        self._gate = asyncio.Semaphore(AT_ONCE)

    @property
    def savepoints(self) -> str:
        """The directory (URI) that holds the savepoints of all jobs."""
        return f"{self.uri}/jobs/savepoint"

    @property
    def checkpoints(self) -> str:
        """The directory (URI) that holds the checkpoints of all jobs."""
        return f"{self.uri}/jobs/checkpoint"

    async def look(self, target: str) -> Evidence:
        """What lies in one attempt's directory: its newest complete savepoint, or why there is none.

        Flink makes a directory of a random name in the target, and writes its `_metadata` last.
        """
        prefix = self._inside(target)
        if prefix is None:
            return Unreadable(target, "it is not under this service's storage root")
        try:
            async with self._gate:
                return await self._look(target, prefix)
        except (OSError, ValueError, BaseError) as error:
            return Unreadable(target, _first_line(error))

    async def newest_checkpoint(self, job_id: int, flink_job_id: str) -> str | None:
        """The newest complete checkpoint that a run has left (URI); None when there is none.

        Raises `StorageUnreadable`: a checkpoint that cannot be read now may well be there.
        """
        prefix = f"jobs/checkpoint/{job_id}/{flink_job_id}/"
        try:
            async with asyncio.timeout(PATIENCE), self._gate:
                return await self._newest(prefix)
        except (OSError, ValueError, BaseError) as error:
            why = _first_line(error) or "no answer in time"
            raise StorageUnreadable(f"{self.uri}/{prefix} could not be read: {why}") from error

    async def _newest(self, prefix: str) -> str | None:
        heads = [meta for meta in await self._list(prefix) if meta["path"].endswith(f"/{_METADATA}")]
        for head in sorted(heads, key=_number, reverse=True):
            if _number(head) >= 0 and await self._fault(head) is None:
                return f"{self.uri}/{_parent(head)}"
        return None

    async def _look(self, target: str, prefix: str) -> Evidence:
        found = await self._list(prefix)
        heads = sorted((m for m in found if m["path"].endswith(f"/{_METADATA}")), key=_modified, reverse=True)
        broken: Broken | None = None
        for head in heads:
            directory = _parent(head)
            fault = await self._fault(head)
            if fault is None:
                size = sum(meta["size"] for meta in found if meta["path"].startswith(f"{directory}/"))
                return Complete(f"{self.uri}/{directory}", size)
            broken = broken or Broken(f"{self.uri}/{directory}", fault)
        if broken is None and await self._begun(prefix):
            broken = Broken(target, f"it was begun, and has no {_METADATA}")
        return broken or Absent(target)

    async def _list(self, prefix: str) -> "Sequence[ObjectMeta]":
        return await obstore.list(self._store, prefix).collect_async()

    async def _fault(self, meta: "ObjectMeta") -> str | None:
        """Why a `_metadata` is not what Flink writes; None when it is."""
        if meta["size"] < _HEADER.size:
            return f"{_METADATA} is cut short"
        try:
            head = bytes(await obstore.get_range_async(self._store, meta["path"], start=0, length=_HEADER.size))
        except (NotFoundError, FileNotFoundError):
            return f"{_METADATA} vanished"
        magic, version = _HEADER.unpack(head)
        if magic != MAGIC:
            return f"{_METADATA} does not begin like one of Flink's"
        return None if version in FORMATS else f"{_METADATA} has the unknown format version {version}"

    async def _begun(self, prefix: str) -> bool:
        # Directories without files show in no other listing.
        found = await obstore.list_with_delimiter_async(self._store, prefix)
        return any(path.rsplit("/", 1)[-1].startswith("savepoint-") for path in found["common_prefixes"])

    def _inside(self, uri: str) -> str | None:
        path = uri.removeprefix(f"{self.uri}/").strip("/")
        return f"{path}/" if path and uri.startswith(f"{self.uri}/") else None


def _local_path(root: str) -> Path:
    scheme = _SCHEME.match(root)
    path = root[scheme.end() :] if scheme else root
    if path.startswith("//"):
        host, _, path = path[2:].partition("/")
        path = f"/{path}" if host in {"", "localhost"} else ""
    # Flink reads a backslash as a slash, and takes every ".." out of a path before it follows any link.
    if not path or "\\" in path or (scheme and scheme[1].lower() != "file"):
        raise BadStorage(
            f"The storage root {root} is of a kind that is not supported; give a directory, or a file: URI, "
            "that this service and every Flink machine see at the same place."
        )
    return Path(os.path.normpath((Path(path) if scheme else Path(path).expanduser()).absolute()))


def _parent(meta: "ObjectMeta") -> str:
    return meta["path"].rsplit("/", 1)[0]


def _number(meta: "ObjectMeta") -> int:
    match = _CHECKPOINT.search(_parent(meta))
    return int(match[1]) if match else -1


def _modified(meta: "ObjectMeta") -> datetime:
    return meta["last_modified"]


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0][:200]
