"""The storage root: what a directory and an object store have in common, as far as we need it."""

from typing import Final, Protocol

from obstore.store import ObjectStore

PATIENCE: Final = 10.0  # seconds for one question


class Root(Protocol):
    """Where everything lies. Keys are paths under it, without a slash at either end. All methods block."""

    @property
    def uri(self) -> str:
        """What Flink reads, without a slash at the end."""
        ...

    @property
    def store(self) -> ObjectStore:
        """The store, of which every key is under the root."""
        ...

    def key(self, text: str) -> str | None:
        """The key that a path or URI of Flink's means; None when it is not under this root."""
        ...

    def confine(self, key: str) -> None:
        """Raises `BadPath` for a key that leads out of the root nevertheless, as links can."""
        ...

    def check(self) -> None:
        """Look for the root once, at the start.

        Raises `BadStorage` where it certainly is not there, `StorageUnreadable` where nobody can tell.
        """
        ...

    def check_present(self) -> None:
        """Raises `StorageUnreadable` where the root itself cannot be seen: that something is missing proves nothing."""
        ...

    def remove(self, key: str) -> None:
        """Remove a savepoint's directory. Raises `NotASavepoint`, `StorageUnreadable`."""
        ...

    def why_unwritable(self, key: str) -> str | None:
        """What is known to keep a cluster from writing there; None when nothing is known."""
        ...
