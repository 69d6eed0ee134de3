"""One of the roots that are read. Each has threads and bounds of its own: where one hangs, no other does."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Final

from sluiceway.storage.errors import BehindLink, OnlyRead
from sluiceway.storage.paths import METADATA
from sluiceway.storage.root import Content, Found, Heads, Readable
from sluiceway.storage.threads import Pulse, Threads

AT_ONCE: Final = 32  # looks under way
NO_HEAD: Final = f"there is no {METADATA}"
_SMALL: Final = 1 << 18  # bytes of a `_metadata` that is read in some hundredths of a second
_SMALL_AT_ONCE: Final = 4


class Reader:
    """A root as it is read. Its keys tell it from others: those of a further root are URIs, and no path is one.

    What takes a pulse or a key blocks, and is for one of its threads.
    """

    def __init__(self, root: Readable, *, further: bool = False) -> None:
        """`further` is a root that is not the storage root."""
        self.uri = root.uri
        self.threads = Threads()
        self.gate = asyncio.Semaphore(AT_ONCE)
        self._root = root
        self._head = f"{root.uri}/" if further else ""
        self._small = asyncio.Semaphore(_SMALL_AT_ONCE)
        self._large = asyncio.Semaphore(1)

    def key(self, text: str) -> str | None:
        """The key that a path or URI of Flink's means; None when it is not under this root."""
        key = self._root.key(text)
        return None if key is None else self._head + key

    def has(self, key: str) -> bool:
        """Whether it is a key of this root, where this is a further one."""
        return key.startswith(self._head)

    def uri_of(self, key: str) -> str:
        """What Flink reads."""
        return key if self._head else f"{self.uri}/{key}"

    def find(self, key: str) -> Found | None:
        """The `_metadata` that a key means, or that lies right there; None where there is certainly none."""
        inner = key.removeprefix(self._head)
        found = self._root.head(inner) or self._root.head(f"{inner}/{METADATA}")
        if found is None:
            self._root.check_present()
            return None
        return found._replace(key=self._head + found.key)

    def open(self, key: str) -> AbstractContextManager[Content]:
        """See `Readable`."""
        return self._root.open(key.removeprefix(self._head))

    def sizes(self, keys: Sequence[str], pulse: Pulse) -> Mapping[str, int | None]:
        """See `Readable`. A further root may not be there, while what names its files is."""
        if not self._head:
            return self._root.sizes(keys, pulse)
        found = self._root.sizes([key.removeprefix(self._head) for key in keys], pulse)
        if None in found.values():
            self._root.check_present()
        return {self._head + key: size for key, size in found.items()}

    def heads(self, key: str, pulse: Pulse, *, small: int = 0) -> Heads:
        """See `Readable`; of a further root nothing is read on the way."""
        found = self._root.heads(key.removeprefix(self._head), pulse, small=0 if self._head else small)
        if not self._head:
            return found
        metadata = [head._replace(key=self._head + head.key) for head in found.metadata]
        return Heads(metadata, {self._head + name: size for name, size in found.sizes.items()}, found.begun)

    def real(self) -> str:
        """See `Readable`."""
        return self._root.real()

    def check_present(self) -> None:
        """See `Readable`."""
        self._root.check_present()

    def refuse_removal(self, key: str) -> None:
        """Raises `OnlyRead` where something lies there, `StorageUnreadable` where nobody can tell."""
        try:
            gone = self.find(key) is None
        except BehindLink:
            gone = False
        if not gone:
            raise OnlyRead(
                f"{key} lies under {self.uri}, which this service only reads (--read-root): nothing is removed there. "
                "Remove it where it lies, and then here"
            )

    def lane(self, head: Found) -> asyncio.Semaphore:
        """One at a time where they are large: they are much work, and may take much memory."""
        return self._small if head.size <= _SMALL else self._large
