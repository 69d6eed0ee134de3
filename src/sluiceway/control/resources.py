"""Resources: jars and files that jobs name instead of a path. They lie in storage, as all files of jobs do."""

import asyncio
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog

from sluiceway.control.errors import BadResource, NoProgram, ResourceTooLarge, StorageTrouble, UnknownResource
from sluiceway.settings import MAX_RESOURCE
from sluiceway.storage.errors import BadPath, StorageUnreadable
from sluiceway.storage.files import Files, key_of
from sluiceway.store import kept, resources
from sluiceway.store.database import Database
from sluiceway.store.resources import Resource

log = structlog.get_logger(__name__)

JAR: Final = "jar"
KINDS: Final = (JAR, "pyFile", "file", "modelFile")
BUCKET: Final = "obs://sluiceway-resources"  # where uploaded content lies; every upload has a directory of its own
_GROUP: Final = re.compile(r"[A-Za-z0-9._\-]{0,64}")
_NAME: Final = re.compile(r"(?!\.{1,2}$)[^/\\\x00-\x1f\x7f]{1,128}")


@dataclass(frozen=True, slots=True)
class Resources:
    """The use cases around them."""

    db: Database
    files: Files
    clock: Callable[[], datetime]
    directory: Path  # for uploads under way
    limit: int = MAX_RESOURCE  # bytes of an upload

    async def register(
        self,
        project: str,
        group: str,
        kind: str,
        paths: Sequence[str],
        who: str,
        tags: Mapping[str, str] | None = None,
    ) -> Sequence[Resource]:
        """Give names to files of storage, which must be there. A name that is taken passes on, and with it its tags,
        unless others are given.

        Raises `BadResource`, `NoProgram`, `StorageTrouble`.
        """
        now = self.clock()
        given: list[Resource] = []
        for path in paths:
            name = name_of(path)
            _check(group, name, kind)
            await self._require(path)
            # One spelling for each file: whether another name leads to it is asked by its path.
            given.append(Resource(group, name, kind, f"obs://{key_of(path)}", who, now, now))
        stored, replaced = await resources.put(self.db, project, given, who, tags)
        await self._clear(replaced)
        return stored

    async def upload(self, project: str, group: str, name: str, content: AsyncIterator[bytes], who: str) -> Resource:
        """Store content under a name; a reused name points to it from then on.

        Raises `BadResource`, `ResourceTooLarge`, `StorageTrouble`.
        """
        kind = JAR if name.lower().endswith(".jar") else "pyFile" if name.endswith(".py") else "file"
        _check(group, name, kind)
        path = f"{BUCKET}/{project}/{secrets.token_hex(8)}/{name}"
        with _taken_in():
            await asyncio.to_thread(self.directory.mkdir, mode=0o700, parents=True, exist_ok=True)
            descriptor, part = await asyncio.to_thread(tempfile.mkstemp, dir=self.directory)
        try:
            with _taken_in():
                sha256, size = await self._receive(descriptor, content)
            await self._keep(path, Path(part))
        finally:
            await asyncio.to_thread(os.unlink, part)
        now = self.clock()
        [stored], replaced = await resources.put(
            self.db, project, [Resource(group, name, kind, path, who, now, now, sha256, size)], who
        )
        await self._clear(replaced)
        return stored

    async def list(
        self, project: str, kind: str | None = None, tags: Mapping[str, str] | None = None
    ) -> Sequence[Resource]:
        """All resources of a project, perhaps of one kind or with certain tags, by group and name."""
        return await resources.of_project(self.db, project, kind, tags)

    async def show(self, project: str, group: str, name: str) -> Resource:
        """One resource. Raises `UnknownResource`."""
        found = await resources.one(self.db, project, group, name)
        if found is None:
            raise UnknownResource(_unknown(group, name))
        return found

    async def remove(self, project: str, group: str, name: str, who: str) -> None:
        """Forget a resource, and remove its content where it was uploaded. Raises `UnknownResource`.

        Jobs that run have their copy; those that name it cannot be started until it is there again.
        """
        gone = await resources.remove(self.db, project, group, name, self.clock(), who)
        if gone is None:
            raise UnknownResource(_unknown(group, name))
        await self._clear([gone])

    async def give(self, project: str, group: str, name: str | None, owner: str, who: str) -> None:
        """Give a resource, or without a name a whole group, to another owner. Raises `UnknownResource`."""
        if not await resources.give(self.db, project, group, name, owner, self.clock(), who):
            raise UnknownResource(_unknown(group, name or "*"))

    async def _receive(self, descriptor: int, content: AsyncIterator[bytes]) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        with os.fdopen(descriptor, "wb") as file:
            async for chunk in content:
                size += len(chunk)
                if size > self.limit:
                    raise ResourceTooLarge(f"A resource has at most {self.limit} bytes.")
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
        return digest.hexdigest(), size

    async def _keep(self, path: str, part: Path) -> None:
        kept.keep()  # what is stored also gets its name
        try:
            await self.files.store(path, part)
        except BadPath as error:
            raise BadResource(str(error)) from error
        except StorageUnreadable as error:
            raise StorageTrouble(str(error)) from error

    async def _require(self, path: str) -> None:
        try:
            there = await self.files.exists(path)
        except BadPath as error:
            raise BadResource(str(error)) from error
        except StorageUnreadable as error:
            raise StorageTrouble(str(error)) from error
        if not there:
            raise NoProgram(path)

    async def _clear(self, gone: Sequence[Resource]) -> None:
        """Remove uploaded content without a name. A fault of storage leaves it there."""
        uploaded = [resource for resource in gone if resource.sha256 is not None]
        for resource in await resources.unnamed(self.db, uploaded):
            try:
                await self.files.remove(resource.path)
            except StorageUnreadable as error:
                log.warning("resource_left_behind", path=resource.path, why=str(error))


@contextmanager
def _taken_in() -> Iterator[None]:
    """Turns a fault of the disk where uploads arrive into `StorageTrouble`."""
    try:
        yield
    except (ConnectionError, TimeoutError):
        raise  # who uploads has hung up
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StorageTrouble(
            f"The service cannot store the upload on its disk: {why}. Nothing of it is kept."
        ) from error


def name_of(path: str) -> str:
    """The name of a file of storage as a resource."""
    return path.rstrip("/").rpartition("/")[2]


def _check(group: str, name: str, kind: str) -> None:
    if not _GROUP.fullmatch(group):
        raise BadResource("A group's name has up to 64 letters, digits, dots, hyphens and underscores.")
    if not _NAME.fullmatch(name):
        raise BadResource("A resource's name has 1 to 128 characters, without slashes and control characters.")
    if kind == JAR and not name.lower().endswith(".jar"):
        raise BadResource(f"{name} is not a jar: its name must end with .jar.")


def _unknown(group: str, name: str) -> str:
    return f"There is no resource {f'{group}/' if group else ''}{name} in this project."
