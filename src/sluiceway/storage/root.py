"""Roots: what a directory and an object store have in common, as far as we need it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final, NamedTuple, Protocol

from sluiceway.storage.threads import Pulse

STORAGE_ROOT: Final = "storage root"
FURTHER_ROOT: Final = "read root"
MOST_LISTED: Final = 100_000  # files of one directory


class Found(NamedTuple):
    """A file."""

    key: str
    size: int  # bytes
    modified: float  # seconds since 1970


class Content(Protocol):
    """What is in a file. Both methods may return less than is wanted only at its end."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...

    def read(self, at: int, size: int) -> bytes:
        """A part of it."""
        ...

    def chunks(self) -> Iterator[bytes]:
        """All of it, from its beginning, once."""
        ...


class Heads(NamedTuple):
    """The savepoints and checkpoints under a directory."""

    metadata: Sequence[Found]  # their `_metadata` files
    sizes: Mapping[str, int]  # of the files that were seen on the way
    begun: bool  # a directory of a savepoint lies in it, with a `_metadata` or without
    read: Mapping[str, bytes] = {}  # what is in the first of them, where it was read on the way


class Readable(Protocol):
    """Where states lie. Keys are paths under it, without a slash at either end.

    Only plain files count, and no link is followed on the way to one. All methods but `key` block, and raise what the
    system or the object store raises; those that are given a pulse may take long, and beat. All that take a key raise
    `BehindLink`.
    """

    @property
    def uri(self) -> str:
        """What Flink reads, without a slash at the end."""
        ...

    def key(self, text: str) -> str | None:
        """The key that a path or URI of Flink's means; None when it is not under this root."""
        ...

    def real(self) -> str:
        """Its URI, without links on the way to it."""
        ...

    def check_present(self) -> None:
        """Raises `StorageUnreadable` where the root itself cannot be seen: that something is missing proves nothing."""
        ...

    def head(self, key: str) -> Found | None:
        """A file; None where there is none."""
        ...

    def sizes(self, keys: Sequence[str], pulse: Pulse) -> Mapping[str, int | None]:
        """The size of each of these files, None of one that is not there. Those behind links are left out."""
        ...

    def open(self, key: str) -> AbstractContextManager[Content]:
        """The content of a file. Raises `FileNotFoundError`."""
        ...

    def heads(self, key: str, pulse: Pulse, *, small: int = 0) -> Heads:
        """The savepoints and checkpoints under a directory. Raises `StorageUnreadable` where there is far too much.

        Where that spares a way, the first `_metadata` is read at once, if it has no more than `small` bytes.
        """
        ...


class Root(Readable, Protocol):
    """The storage root, in which things are written and removed, too."""

    def check(self) -> None:
        """Look for the root once, at the start.

        Raises `BadStorage` where it certainly is not there, `StorageUnreadable` where nobody can tell.
        """
        ...

    def list(self, key: str, pulse: Pulse) -> Sequence[Found]:
        """The files right in a directory, in no order; none where there is no such directory.

        Raises `StorageUnreadable` where there are too many.
        """
        ...

    def write(self, key: str, chunks: Iterable[bytes]) -> None:
        """Write a file, in place of one that is there. It is visible whole or not at all, and to its owner alone."""
        ...

    def delete(self, key: str) -> None:
        """Delete a file. Raises `FileNotFoundError`."""
        ...

    def remove(self, key: str, pulse: Pulse) -> None:
        """Remove a savepoint's directory. Raises `NotASavepoint`, `StorageUnreadable`."""
        ...

    def why_unwritable(self, key: str) -> str | None:
        """What is known to keep a cluster from writing there; None when nothing is known."""
        ...
