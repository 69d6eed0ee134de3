"""Zip files of documents, made at once."""

from collections.abc import Mapping

from sluiceway.storage.archive import Packing


def pack(documents: Mapping[str, bytes]) -> bytes:
    """A zip file of these documents, in their order."""
    packing = Packing()
    packing.add(documents)
    return packing.end()
