"""The roots of a service: its storage root, and further ones of which states are only ever read."""

import asyncio
from collections.abc import Sequence
from typing import Final

from obstore.exceptions import BaseError

from sluiceway.storage.disk import Disk
from sluiceway.storage.errors import BadStorage, StorageUnreadable, reason_of
from sluiceway.storage.paths import METADATA, scheme_of
from sluiceway.storage.reader import Reader
from sluiceway.storage.root import FURTHER_ROOT, Readable
from sluiceway.storage.s3 import S3, SCHEMES, S3Access

_PROBE: Final = 5.0  # seconds


class Roots:
    """Picks the root that a path lies under. None of them is, or lies under, another."""

    def __init__(self, own: Readable, further: Sequence[str], access: S3Access) -> None:
        """`own` is the storage root; `further` ones are given as it is. Raises `BadStorage`."""
        self.own = Reader(own)
        roots = [own]
        for text in further:
            root = S3(text, access, kind=FURTHER_ROOT) if scheme_of(text) in SCHEMES else Disk(text, kind=FURTHER_ROOT)
            for other in roots:
                _refuse_one_in_another(root, other)
            roots.append(root)
        self.further = tuple(Reader(root, further=True) for root in roots[1:])

    def key(self, text: str) -> str | None:
        """The key of a path or URI of Flink's; None when it lies under no root."""
        readers = (self.own, *self.further)
        return next((key for reader in readers if (key := reader.key(text)) is not None), None)

    def at(self, *keys: str) -> Reader:
        """The root of a key; of several a further one, so that nothing of the storage root's waits for it."""
        return next((reader for reader in self.further if any(map(reader.has, keys))), self.own)

    def only_read(self, text: str) -> bool:
        """Whether a path or URI lies under a further root."""
        return any(reader.key(text) is not None for reader in self.further)

    async def check(self) -> list[str]:
        """Look for the further roots once: why some cannot be read now.

        Raises `BadStorage` where one is, by a link, the same place as another.
        """
        found = await asyncio.gather(*(self._check(reader) for reader in self.further))
        return [why for why in found if why]

    async def _check(self, reader: Reader) -> str:
        def look(_: object) -> None:
            self._refuse_links_to_roots(reader)
            reader.check_present()

        try:
            async with asyncio.timeout(_PROBE):
                await reader.threads.run(look)
        except (OSError, BaseError, StorageUnreadable) as error:
            return f"The {FURTHER_ROOT} {reader.uri} cannot be read: {reason_of(error)}"
        return ""

    def _refuse_links_to_roots(self, reader: Reader) -> None:
        """What is refused under one root is not to be had by way of another."""
        real = f"{reader.real()}/"
        for other in (self.own, *self.further):
            place = f"{other.real()}/"
            if other is not reader and (real.startswith(place) or place.startswith(real)):
                raise BadStorage(f"The {FURTHER_ROOT} {reader.uri} leads to the same place as {other.uri}.")


def _refuse_one_in_another(one: Readable, other: Readable) -> None:
    if one.key(f"{other.uri}/{METADATA}") is not None or other.key(f"{one.uri}/{METADATA}") is not None:
        raise BadStorage(
            f"The {FURTHER_ROOT} {one.uri} is {other.uri}, or one of the two lies in the other; name one that lies "
            "beside it."
        )
