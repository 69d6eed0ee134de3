"""A bounded cache."""

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")


def digest(*parts: str) -> bytes:
    """A key for these texts in this order, and for no others."""
    digest = hashlib.sha256()
    for part in parts:
        encoded = part.encode(errors="surrogatepass")
        digest.update(len(encoded).to_bytes(8, "big"))
        digest.update(encoded)
    return digest.digest()


@dataclass(slots=True)
class Kept(Generic[T]):
    """The items used last, within bounds of number and size."""

    most: int
    most_bytes: int
    items: OrderedDict[bytes, tuple[T, int]] = field(default_factory=OrderedDict)
    size: int = 0  # of all of them

    def get(self, key: bytes) -> T | None:
        """Return what is kept under this key."""
        if key not in self.items:
            return None
        self.items.move_to_end(key)
        return self.items[key][0]

    def keep(self, key: bytes, item: T, size: int) -> None:
        """Keep an item of this size, and drop the items not used for the longest."""
        self.size += size - (self.items.pop(key)[1] if key in self.items else 0)
        self.items[key] = (item, size)
        while len(self.items) > self.most or self.size > self.most_bytes:
            _, (_, gone) = self.items.popitem(last=False)
            self.size -= gone
