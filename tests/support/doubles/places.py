"""Storage roots to run the same tests on: a directory, and an object store."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NoReturn, Protocol

import pytest
from tests.support.doubles.object_store import REGION, ObjectStore

from sluiceway.storage.s3 import S3Access
from sluiceway.storage.savepoints import Storage

SOME_TIME = 1_700_000_000
DENIED = "Permission denied"

What = Literal["all", "read", "list", "look"]


def _denied(*_: object, **__: object) -> NoReturn:
    raise PermissionError(13, DENIED)


class Place(Protocol):
    """A root, and how Flink or anybody else would change it."""

    @property
    def storage(self) -> Storage: ...

    def put(self, key: str, content: bytes, at: float = 0) -> None:
        """Write a file, as if so many seconds after some time."""

    def delete(self, key: str) -> None:
        """Remove a file."""

    def everything(self) -> list[str]:
        """The keys of all files."""
        ...

    def flink(self, key: str) -> str:
        """How Flink names a file in what it writes."""
        ...

    def fails(self, patch: pytest.MonkeyPatch, what: What = "all") -> None:
        """Let nothing be read, or nothing be listed, or nothing at all work, because of `DENIED`."""


class DiskPlace:
    """A directory."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(parents=True, exist_ok=True)  # one that the service makes is not empty
        self.storage = Storage(str(directory))

    def put(self, key: str, content: bytes, at: float = 0) -> None:
        file = self._directory / key
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        os.utime(file, (SOME_TIME + at,) * 2)

    def delete(self, key: str) -> None:
        (self._directory / key).unlink()

    def everything(self) -> list[str]:
        files = (path for path in self._directory.rglob("*") if path.is_file())
        return sorted(str(file.relative_to(self._directory)) for file in files)

    def flink(self, key: str) -> str:
        return f"file:{self._directory}/{key}"

    def fails(self, patch: pytest.MonkeyPatch, what: What = "all") -> None:
        places = {"all": "Disk._open_root", "read": "os.pread", "list": "_entries", "look": "Disk._look"}
        patch.setattr(f"sluiceway.storage.disk.{places[what]}", _denied)


class S3Place:
    """A part of a bucket, with something else beside it."""

    def __init__(self, store: ObjectStore, prefix: str = "flink/state") -> None:
        self._store, self.bucket = store, store.bucket()
        self._head = f"{prefix}/" if prefix else ""
        self.storage = Storage(f"s3://{self.bucket}/{prefix}", S3Access(store.endpoint, REGION))
        store.put(self.bucket, "flink/jobs/savepoint/7/t/savepoint-of-others/_metadata", b"?")

    def put(self, key: str, content: bytes, at: float = 0) -> None:
        time = datetime.fromtimestamp(SOME_TIME + at, UTC)
        self._store.put(self.bucket, self._head + key, content, time)

    def delete(self, key: str) -> None:
        self._store.client.delete_object(Bucket=self.bucket, Key=self._head + key)

    def everything(self) -> list[str]:
        found = self._store.everything(self.bucket)
        return [key.removeprefix(self._head) for key in found if key.startswith(self._head)]

    def flink(self, key: str) -> str:
        return f"s3://{self.bucket}/{self._head}{key}"

    def fails(self, patch: pytest.MonkeyPatch, what: What = "all") -> None:
        read, listed = ("get", "get_range"), ("list", "list_with_delimiter")
        names = {"read": read, "list": listed, "look": ("head",), "all": (*read, *listed, "head", "put", "delete")}
        for name in names[what]:
            patch.setattr(f"obstore.{name}", _denied)
