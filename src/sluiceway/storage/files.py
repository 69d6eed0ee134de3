"""The files of the storage root, under the names that people give them: `obs://bucket/dir/file`.

The root holds buckets as directories, so that `obs://bucket/dir/file` is `{root}/bucket/dir/file`, wherever the root
is. Nothing outside of it can be named.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from obstore.exceptions import BaseError

from sluiceway.storage.errors import BadPath, FileTooLarge, NoSuchFile, StorageUnreadable, reason_of
from sluiceway.storage.root import Content, Root
from sluiceway.storage.threads import Pulse, Threads

JOBS: Final = "jobs"  # the directory of the jobs without a bucket, so no bucket is called like that
LONGEST: Final = 1024  # bytes of a path, as in object stores
_LONGEST_NAME: Final = 255  # bytes, as on disks
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*)://")
_BUCKET: Final = re.compile(r"(?!.*(\.\.|\.-|-\.))[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]")
_CHUNK: Final = 1 << 20  # bytes

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a directory."""

    path: str  # obs://…
    size: int  # bytes


class Files:
    """Reads and writes by name. `storage.files` is the one of the service.

    Every name may be given with `obs://` or `s3a://`, or without a scheme. All methods raise `BadPath` for a name that
    cannot be, and the asynchronous ones `StorageUnreadable`: nobody knows then whether the file is there. The state of
    jobs lies in `jobs` directories, and is no file for people: whatever is named there is a `BadPath` to the
    asynchronous ones.
    """

    def __init__(self, root: Root, threads: Threads) -> None:
        """The files under this root."""
        self._root = root
        self._threads = threads

    def uri(self, name: str) -> str:
        """What Flink reads (`file:///…` or `s3://…`), of a file or a directory."""
        return f"{self._root.uri}/{key_of(name)}"

    def check(self, name: str) -> None:
        """Raises `BadPath` for what no file, or directory, of people's is called."""
        _key_for_people(name)

    async def read(self, name: str, limit: int) -> bytes:
        """The content of a file of at most `limit` bytes. Raises `NoSuchFile`, `FileTooLarge`."""

        def read(key: str, pulse: Pulse) -> bytes:
            with self._root.open(key) as content:
                return b"".join(_bounded(name, content, limit, pulse))

        return await self._do(name, read)

    async def fetch(self, name: str, into: Path, limit: int) -> None:
        """Copy a file of at most `limit` bytes to a local one, which is there whole or not at all; so is its directory.

        Raises `NoSuchFile`, `FileTooLarge`.
        """

        def fetch(key: str, pulse: Pulse) -> None:
            with self._root.open(key) as content:
                chunks = _bounded(name, content, limit, pulse)
                into.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                part = into.with_name(f".{into.name}.{os.urandom(4).hex()}")
                try:
                    with part.open("wb") as file:
                        file.writelines(chunks)
                    part.replace(into)
                finally:
                    part.unlink(missing_ok=True)

        await self._do(name, fetch)

    async def write(self, name: str, data: bytes) -> None:
        """Write a file, in place of one that is there. It is visible whole or not at all, to this service alone."""
        await self._do(name, lambda key, pulse: self._root.write(key, _alive([data], pulse)))

    async def exists(self, name: str) -> bool:
        """Whether there is such a file (not a directory)."""

        def exists(key: str, _: Pulse) -> bool:
            there = self._root.head(key) is not None
            if not there:
                self._root.check_present()
            return there

        return await self._do(name, exists)

    async def store(self, name: str, source: Path) -> None:
        """Write a file as a local one is; see `write`."""

        def store(key: str, pulse: Pulse) -> None:
            with source.open("rb") as content:
                self._root.write(key, _alive(iter(partial(content.read, _CHUNK), b""), pulse))

        await self._do(name, store)

    async def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with suppress(NoSuchFile):
            await self._do(name, lambda key, _: self._root.delete(key))

    async def list(self, name: str) -> list[Entry]:
        """The files right in a directory, by name; none where there is no such directory."""
        found = await self._do(name, self._root.list)
        return sorted((Entry(f"obs://{each.key}", each.size) for each in found), key=lambda entry: entry.path)

    async def _do(self, name: str, work: Callable[[str, Pulse], _T]) -> _T:
        key = _key_for_people(name)

        def done(pulse: Pulse) -> _T:
            try:
                return work(key, pulse)
            except FileNotFoundError as error:
                self._root.check_present()
                raise NoSuchFile(f"There is no file {_shown(name)}.") from error

        try:
            return await self._threads.run(done)
        except BadPath:
            raise
        except (OSError, ValueError, BaseError, StorageUnreadable) as error:
            raise StorageUnreadable(f"{_shown(name)} could not be read or written: {reason_of(error)}") from error


def _key_for_people(name: str) -> str:
    key = key_of(name)
    if JOBS in key.split("/")[1:2]:
        raise BadPath(f"{_shown(name)} is where the state of jobs lies; name another directory.")
    return key


def _bounded(name: str, content: Content, limit: int, pulse: Pulse) -> Iterator[bytes]:
    """A content of at most `limit` bytes, whatever size it is said to have. Raises `FileTooLarge`."""
    if content.size > limit:
        raise _too_large(name, content.size, limit)
    return _counted(name, content, limit, pulse)


def _counted(name: str, content: Content, limit: int, pulse: Pulse) -> Iterator[bytes]:
    size = 0
    for chunk in _alive(content.chunks(), pulse):
        size += len(chunk)
        if size > limit:
            raise _too_large(name, size, limit)
        yield chunk


def _alive(chunks: Iterable[bytes], pulse: Pulse) -> Iterator[bytes]:
    """The same, as long as somebody waits for it."""
    for chunk in chunks:
        pulse.beat()
        yield chunk


def is_bucket(name: str) -> bool:
    """Whether a bucket can be called so: 3 to 63 lower-case letters, digits, hyphens and dots."""
    return _BUCKET.fullmatch(name) is not None and name != JOBS


def key_of(name: str) -> str:
    """The place under the root that a name means. Raises `BadPath`."""
    scheme = _SCHEME.match(name)
    if scheme is not None and scheme[1].lower() not in {"obs", "s3a"}:
        raise BadPath(f"{_shown(name)} is not a path in OBS; write obs://bucket/directory/file.")
    bucket, _, rest = name[scheme.end() if scheme else 0 :].partition("/")
    if not is_bucket(bucket):
        raise BadPath(f"{_shown(name)} does not begin with a bucket; write obs://bucket/directory/file.")
    rest = rest.removesuffix("/")
    if why := _fault(rest):
        raise BadPath(f"{_shown(name)} cannot be: {why}.")
    return f"{bucket}/{rest}" if rest else bucket


def _fault(path: str) -> str | None:
    """What keeps a path from being the same thing on a disk, in an object store, and for Flink."""
    try:
        if len(path.encode()) > LONGEST:
            return f"it has more than {LONGEST} bytes"
    except UnicodeEncodeError:
        return "it is not Unicode text"
    for segment in path.split("/") if path else ():
        if segment in {"", ".", ".."}:
            return "it has an empty directory name, or one of dots"
        if len(segment.encode()) > _LONGEST_NAME:
            return f"a name in it has more than {_LONGEST_NAME} bytes"
    if "\\" in path or not path.isprintable():
        return "it has a backslash, or a character that cannot be printed"
    return None


def _too_large(name: str, size: int, limit: int) -> FileTooLarge:
    return FileTooLarge(f"{_shown(name)} has {size} bytes, and at most {limit} are taken.")


def _shown(name: str) -> str:
    return ascii(name[:200])[1:-1] if not name.isprintable() else name[:200]
