"""A storage root that is a directory, which this service and every Flink machine see at the same place.

Whoever can write under the root, as every job can, could make links there to have the service read, overwrite or remove
any file of its machine or of another project; or files that are none, which hold whoever opens them for ever. So each
step of a path is opened by itself, from the one before, and never through a link; and only plain files are opened.
"""

import os
import shutil
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import groupby
from pathlib import Path
from typing import Final

from sluiceway.storage.errors import BadStorage, BehindLink, NotASavepoint, StorageUnreadable
from sluiceway.storage.paths import METADATA, has_scheme, local_path
from sluiceway.storage.root import MOST_LISTED, STORAGE_ROOT, Found, Heads
from sluiceway.storage.threads import Pulse

_MADE_HERE: Final = ".sluiceway"  # no bucket can be called so
_PART: Final = ".sluiceway-"  # how files begin that are being written
_LITTLE: Final = 1 << 20  # bytes; a disk with less left takes no savepoint
_CHUNK: Final = 1 << 20  # bytes
_DEEPEST: Final = 6  # directories in one another in which savepoints are looked for
_MOST_DIRECTORIES: Final = 100_000  # in which they are
_BEAT: Final = 1000  # directory entries, or files
# A path is walked with descriptors that need no right to read what they are of.
_STEP: Final = os.O_DIRECTORY | os.O_CLOEXEC | getattr(os, "O_PATH", os.O_RDONLY)
_READ: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_WRITE: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Disk:
    """See `Root`. URIs are written and read as Flink does it: nothing is escaped, a space is a space and %20 is %20."""

    def __init__(self, root: str, *, kind: str = STORAGE_ROOT, links: bool = False) -> None:
        """Open a root, given as a path or a `file:` URI; a storage root is made when missing. Raises `BadStorage`.

        `kind` is what messages call it. `links` are followed only for people who look at their own disks.
        """
        try:
            self._path = _local_path(root, kind)
            if kind == STORAGE_ROOT:
                _make(self._path)
        except (OSError, ValueError, RuntimeError) as error:
            raise BadStorage(f"The {kind} {root} cannot be used: {error}") from error
        self.uri = f"file://{str(self._path).rstrip('/')}"
        self._kind = kind
        self._links = links

    def key(self, text: str) -> str | None:
        """See `Root`."""
        path = local_path(text)
        if path is None or not path.startswith("/") or "\0" in path:
            return None
        # Flink takes every ".." out of a path before it follows any link.
        inner = f"file://{os.path.normpath(path)}".removeprefix(f"{self.uri}/")
        return inner if inner and not inner.startswith("file://") else None

    def check(self) -> None:
        """See `Root`. It was made."""

    def real(self) -> str:
        """See `Readable`."""
        return f"file://{os.path.realpath(self._path).rstrip('/')}"

    def check_present(self) -> None:
        """See `Root`."""
        with os.scandir(self._path) as entries:
            if next(entries, None) is None:
                raise StorageUnreadable(f"the {self._kind} is empty; is it mounted?")

    # --- reading ------------------------------------------------------------------------------------------------------

    def head(self, key: str) -> Found | None:
        """See `Root`."""
        with suppress(FileNotFoundError, NotADirectoryError), self._place(key) as (directory, name):
            return _found(key, self._look(directory, name, key))
        return None

    def sizes(self, keys: Sequence[str], pulse: Pulse) -> Mapping[str, int | None]:
        """See `Root`. Each directory is opened once for all of its files."""
        sizes: dict[str, int | None] = {}
        for parent, group in groupby(sorted(keys), key=_parent):
            inside = list(group)
            try:
                with self._directory(parent) as directory:
                    for key in inside:
                        sizes |= self._size(directory, key)
                        if len(sizes) % _BEAT == 0:
                            pulse.pause()
            except (FileNotFoundError, NotADirectoryError):
                sizes |= dict.fromkeys(inside)
            except BehindLink:
                pulse.beat()
        return sizes

    def _size(self, directory: int, key: str) -> dict[str, int | None]:
        """Nothing where it is a link."""
        try:
            found = _found(key, self._look(directory, key.rpartition("/")[2], key))
        except FileNotFoundError:
            found = None
        except BehindLink:
            return {}
        return {key: found and found.size}

    @contextmanager
    def open(self, key: str) -> Iterator["_File"]:
        """See `Root`."""
        with self._place(key) as (directory, name):
            _plain(self._look(directory, name, key))  # a device may do something when it is opened
            descriptor = os.open(name, _READ | self._no_link, dir_fd=directory)
        try:
            yield _File(descriptor, _plain(os.fstat(descriptor)).st_size)
        finally:
            os.close(descriptor)

    def list(self, key: str, pulse: Pulse) -> Sequence[Found]:
        """See `Root`."""
        found: list[Found] = []
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            self._directory(key) as directory,
            _entries(directory) as entries,
        ):
            for number, entry in enumerate(entries):
                if number % _BEAT == 0:
                    pulse.beat()
                if entry.is_file(follow_symlinks=self._links) and not entry.name.startswith(_PART):
                    with suppress(FileNotFoundError):
                        details = entry.stat(follow_symlinks=self._links)
                        found.append(Found(f"{key}/{entry.name}", details.st_size, details.st_mtime))
                        if len(found) > MOST_LISTED:
                            raise StorageUnreadable(f"it has more than {MOST_LISTED} files in it")
        return found

    def heads(self, key: str, pulse: Pulse, *, small: int = 0) -> Heads:
        """See `Root`. From here one step leads to a `_metadata`, and from the root there are many."""
        found: list[Found] = []
        read: dict[str, bytes] = {}
        begun = False
        with suppress(FileNotFoundError, NotADirectoryError), self._directory(key) as directory:
            seen = 0
            for depth, name, head, inside in self._walk(directory, key, 0, pulse):
                if head is not None and not found and head.size <= small:
                    read |= self._read_at_once(inside, head)
                seen += head is None
                if seen > _MOST_DIRECTORIES:
                    raise StorageUnreadable(f"{key} has more than {_MOST_DIRECTORIES} directories in it")
                begun = begun or (depth == 0 and head is None and name.startswith("savepoint-"))
                found += [head] if head else []
        return Heads(found, {}, begun, read)

    def _read_at_once(self, directory: int, head: Found) -> Mapping[str, bytes]:
        """What is in a small `_metadata`; nothing where it is not as it was seen, which is told by who opens it."""
        with suppress(OSError):
            descriptor = os.open(METADATA, _READ | self._no_link, dir_fd=directory)
            try:
                if _plain(os.fstat(descriptor)).st_size == head.size:
                    return {head.key: os.pread(descriptor, head.size, 0)}
            finally:
                os.close(descriptor)
        return {}

    def _walk(self, directory: int, key: str, depth: int, pulse: Pulse) -> Iterator[tuple[int, str, Found | None, int]]:
        """All directories under one, and what each has for a `_metadata`, with how deep they lie, and in what."""
        inner: list[str] = []
        with _entries(directory) as entries:
            for number, entry in enumerate(entries):
                if number % _BEAT == 0:
                    pulse.beat()
                if entry.is_dir(follow_symlinks=self._links):
                    inner.append(entry.name)
                    yield depth, entry.name, None, directory
                elif entry.name == METADATA and entry.is_file(follow_symlinks=self._links):
                    with suppress(FileNotFoundError):
                        head = _found(f"{key}/{METADATA}", entry.stat(follow_symlinks=self._links))
                        yield depth, METADATA, head, directory
        for name in inner if depth < _DEEPEST else ():
            with suppress(FileNotFoundError, NotADirectoryError, BehindLink):  # it was there a moment ago
                descriptor = self._step(directory, name, key)
                try:
                    yield from self._walk(descriptor, f"{key}/{name}", depth + 1, pulse)
                finally:
                    os.close(descriptor)

    # --- writing ------------------------------------------------------------------------------------------------------

    def write(self, key: str, chunks: Iterable[bytes]) -> None:
        """See `Root`. Whatever the umask: nobody but this service reads it, nor what lies beside it."""
        parent, _, name = key.rpartition("/")
        with self._directory(parent, make=True) as directory:
            with suppress(FileNotFoundError):
                self._look(directory, name, key)
            part = f"{_PART}{os.urandom(8).hex()}"
            try:
                with os.fdopen(os.open(part, _WRITE, 0o600, dir_fd=directory), "wb") as file:
                    os.fchmod(file.fileno(), 0o600)
                    file.writelines(chunks)
                os.rename(part, name, src_dir_fd=directory, dst_dir_fd=directory)
            except BaseException:
                with suppress(FileNotFoundError):
                    os.unlink(part, dir_fd=directory)
                raise

    def delete(self, key: str) -> None:
        """See `Root`."""
        with self._place(key) as (directory, name):
            self._look(directory, name, key)
            os.unlink(name, dir_fd=directory)

    def remove(self, key: str, pulse: Pulse) -> None:
        """See `Root`. `_metadata` goes last, so that what is left of a removal cut off is known for what it is."""
        try:
            with self._directory(key):
                pass
        except FileNotFoundError:
            self.check_present()
            return
        except (NotADirectoryError, BehindLink) as error:
            raise NotASavepoint(f"{key} is not a directory under the storage root") from error
        with self._place(key) as (above, name):
            with self._directory(name, above=above, whole=key) as directory:
                _clear(directory, key, pulse)
            os.rmdir(name, dir_fd=above)

    def why_unwritable(self, key: str) -> str | None:
        """See `Root`. What is not there yet is made by Flink, so the nearest directory above it tells."""
        try:
            with self._directory(key) as directory:
                return _unwritable(directory, key or "The storage root")
        except FileNotFoundError:
            return self.why_unwritable(key.rpartition("/")[0])
        except NotADirectoryError:
            return self._what_is_no_directory(key)
        except StorageUnreadable as error:
            return str(error)

    def _what_is_no_directory(self, key: str) -> str:
        while True:
            with suppress(NotADirectoryError), self._place(key) as (directory, name):
                self._look(directory, name, key)
                return f"{key} is not a directory."
            key = key.rpartition("/")[0]

    # --- the way to a file --------------------------------------------------------------------------------------------

    @property
    def _no_link(self) -> int:
        return 0 if self._links else os.O_NOFOLLOW

    @contextmanager
    def _place(self, key: str) -> Iterator[tuple[int, str]]:
        """The directory that something lies in, and what it is called there."""
        with self._directory(_parent(key)) as directory:
            yield directory, key.rpartition("/")[2]

    @contextmanager
    def _directory(self, key: str, *, make: bool = False, above: int | None = None, whole: str = "") -> Iterator[int]:
        """A directory, opened; perhaps made. Raises `FileNotFoundError`, `NotADirectoryError`."""
        descriptor = self._open_root() if above is None else os.dup(above)
        try:
            for number, name in enumerate(key.split("/") if key else ()):
                if make:
                    with suppress(FileExistsError):
                        # Flink has to write into buckets, as whatever user.
                        os.mkdir(name, 0o700 if number else 0o777, dir_fd=descriptor)
                inner = self._step(descriptor, name, whole or key)
                os.close(descriptor)
                descriptor = inner
            yield descriptor
        finally:
            os.close(descriptor)

    def _open_root(self) -> int:
        try:
            return os.open(self._path, _STEP)
        except (FileNotFoundError, NotADirectoryError) as error:
            raise StorageUnreadable(f"the {self._kind} is not there; is it mounted?") from error

    def _step(self, directory: int, name: str, key: str) -> int:
        try:
            return os.open(name, _STEP | self._no_link, dir_fd=directory)
        except NotADirectoryError:
            self._look(directory, name, key)  # it may be a link
            raise

    def _look(self, directory: int, name: str, key: str) -> os.stat_result:
        """What something is. Raises `BehindLink`."""
        details = os.stat(name, dir_fd=directory, follow_symlinks=self._links)
        if stat.S_ISLNK(details.st_mode):
            raise BehindLink(f"{key} is behind a link, and links under the {self._kind} are not followed.")
        return details


class _File:
    """See `Content`."""

    def __init__(self, descriptor: int, size: int) -> None:
        self._descriptor = descriptor
        self.size = size

    def read(self, at: int, size: int) -> bytes:
        return os.pread(self._descriptor, size, at)

    def chunks(self) -> Iterator[bytes]:
        at = 0
        while chunk := os.pread(self._descriptor, _CHUNK, at):
            yield chunk
            at += len(chunk)


def _parent(key: str) -> str:
    return key.rpartition("/")[0]


def _found(key: str, details: os.stat_result) -> Found | None:
    return Found(key, details.st_size, details.st_mtime) if stat.S_ISREG(details.st_mode) else None


def _plain(details: os.stat_result) -> os.stat_result:
    if not stat.S_ISREG(details.st_mode):
        raise FileNotFoundError("it is not a file")
    return details


@contextmanager
def _entries(directory: int) -> Iterator["Iterator[os.DirEntry[str]]"]:
    """What is in a directory. The descriptor that it is walked with cannot be read."""
    readable = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=directory)
    try:
        with os.scandir(readable) as entries:
            yield entries
    finally:
        os.close(readable)


def _clear(directory: int, key: str, pulse: Pulse) -> None:
    """Remove what is in a savepoint's directory. Raises `NotASavepoint`."""
    with _entries(directory) as entries:
        inside = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
    head = inside.pop(METADATA, None)
    if inside and head is not False:
        raise NotASavepoint(f"{key} has no {METADATA}; look what it is, and remove it by hand")
    for name, is_directory in inside.items():
        pulse.beat()
        if is_directory:
            shutil.rmtree(name, dir_fd=directory)
        else:
            os.unlink(name, dir_fd=directory)
    if head is not None:
        os.unlink(METADATA, dir_fd=directory)


def _unwritable(directory: int, told: str) -> str | None:
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=directory):
        return f"{told} is not writable for this service."
    readable = os.open(".", os.O_RDONLY | os.O_CLOEXEC, dir_fd=directory)
    try:
        free = os.statvfs(readable)
    finally:
        os.close(readable)
    return "The disk of the storage root is full." if free.f_bavail * free.f_frsize < _LITTLE else None


def _make(path: Path) -> None:
    """Make a root that is missing, and mark it, so that it is not taken for one that is not mounted."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        path.mkdir(exist_ok=True)  # raises for a file
    else:
        (path / _MADE_HERE).touch()


def _local_path(root: str, kind: str) -> Path:
    path = local_path(root)
    if path is None:
        raise BadStorage(
            f"The {kind} {root} is of a kind that is not supported; give a directory, or a file: URI, "
            "that this service and every Flink machine see at the same place, or s3://bucket/prefix."
        )
    # Flink takes every ".." out of a path before it follows any link.
    return Path(os.path.normpath((Path(path) if has_scheme(root) else Path(path).expanduser()).absolute()))
