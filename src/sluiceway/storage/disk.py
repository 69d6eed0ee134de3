"""A storage root that is a directory, which this service and every Flink machine see at the same place."""

import os
import shutil
from pathlib import Path
from typing import Final

from obstore.exceptions import BaseError
from obstore.store import LocalStore, ObjectStore

from sluiceway.storage.errors import BadPath, BadStorage, NotASavepoint, StorageUnreadable
from sluiceway.storage.paths import METADATA, has_scheme, local_path

_MADE_HERE: Final = ".sluiceway"  # no bucket can be called so
_LITTLE: Final = 1 << 20  # bytes; a disk with less left takes no savepoint


class Disk:
    """See `Root`. URIs are written and read as Flink does it: nothing is escaped, a space is a space and %20 is %20."""

    def __init__(self, root: str) -> None:
        """Open a root, given as a path or a `file:` URI; it is made when it is missing. Raises `BadStorage`."""
        try:
            self._path = _local_path(root)
            _make(self._path)
            self.store: ObjectStore = LocalStore(self._path)
        except (OSError, ValueError, RuntimeError, BaseError) as error:
            raise BadStorage(f"The storage root {root} cannot be used: {error}") from error
        self.uri = f"file://{str(self._path).rstrip('/')}"

    def key(self, text: str) -> str | None:
        """See `Root`."""
        path = local_path(text)
        if path is None or not path.startswith("/"):
            return None
        # Flink takes every ".." out of a path before it follows any link.
        inner = f"file://{os.path.normpath(path)}".removeprefix(f"{self.uri}/")
        return inner if inner and not inner.startswith("file://") else None

    def confine(self, key: str) -> None:
        """See `Root`. Whoever can write under the root, as every job can, could else have the service read any file."""
        if self._leads_out(key):
            raise BadPath(f"{key} is behind a link, and links under the storage root are not followed.")

    def check(self) -> None:
        """See `Root`. It was made."""

    def check_present(self) -> None:
        """See `Root`."""
        if not any(self._path.iterdir()):
            raise StorageUnreadable("the storage root is empty; is it mounted?")

    def remove(self, key: str) -> None:
        """See `Root`. `_metadata` goes last, so that what is left of a removal cut off is known for what it is."""
        place = self._path / key
        try:
            place.lstat()
        except (FileNotFoundError, NotADirectoryError):
            self.check_present()
            return
        if not place.is_dir() or self._leads_out(key):
            raise NotASavepoint(f"{key} is not a directory under the storage root")
        others = [entry for entry in place.iterdir() if entry.name != METADATA]
        head = place / METADATA
        if others and not head.is_file():
            raise NotASavepoint(f"{key} has no {METADATA}; look what it is, and remove it by hand")
        for entry in others:
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()
        head.unlink(missing_ok=True)
        place.rmdir()

    def why_unwritable(self, key: str) -> str | None:
        """See `Root`."""
        place = self._path / key
        while not place.exists():
            place = place.parent
        inside = place != self._path and place.is_relative_to(self._path)
        told = str(place.relative_to(self._path)) if inside else "The storage root"
        if not place.is_dir():
            return f"{told} is not a directory."
        if not os.access(place, os.W_OK | os.X_OK):
            return f"{told} is not writable for this service."
        free = os.statvfs(place)
        return "The disk of the storage root is full." if free.f_bavail * free.f_frsize < _LITTLE else None

    def _leads_out(self, key: str) -> bool:
        try:
            return (self._path / key).resolve() != self._path.resolve() / key
        except (OSError, RuntimeError):  # links in a circle
            return True


def _make(path: Path) -> None:
    """Make a root that is missing, and mark it, so that it is not taken for one that is not mounted."""
    try:
        path.mkdir(parents=True)
    except FileExistsError:
        path.mkdir(exist_ok=True)  # raises for a file
    else:
        (path / _MADE_HERE).touch()


def _local_path(root: str) -> Path:
    path = local_path(root)
    if path is None:
        raise BadStorage(
            f"The storage root {root} is of a kind that is not supported; give a directory, or a file: URI, "
            "that this service and every Flink machine see at the same place, or s3://bucket/prefix."
        )
    # Flink takes every ".." out of a path before it follows any link.
    return Path(os.path.normpath((Path(path) if has_scheme(root) else Path(path).expanduser()).absolute()))
