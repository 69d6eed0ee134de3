"""Zip files that hold documents, small ones of known names. What comes out of one is bounded, whatever it claims."""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sluiceway import zips
from sluiceway.wanted import ALWAYS, Beat

_MORE: Final = 100  # entries that are directories, and the first of those that are too many
_CHUNK: Final = 1 << 16  # bytes
# What the standard library raises for one that is damaged.
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    NotImplementedError,
    RuntimeError,
)
_ENCRYPTED: Final = 1  # in the flags of an entry
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


class BrokenArchive(Exception):
    """A file that is no zip file, or is not taken for what is in it."""


@dataclass(slots=True)
class Allowance:
    """What may still come out of archives. One that is shared bounds them together."""

    entries: int
    each: int  # bytes of one entry
    total: int  # bytes

    def take(self, name: str, size: int) -> None:
        """Spend some of it on an entry. Raises `BrokenArchive`."""
        self.entries -= 1
        self.total -= size
        if self.entries < 0:
            raise BrokenArchive("there are too many entries")
        if size > self.each:
            raise BrokenArchive(f"{name} has more than {self.each} bytes")
        if self.total < 0:
            raise BrokenArchive("there is too much in it")


class Packing:
    """A zip file in the making. What was added is in memory only as it is packed."""

    def __init__(self) -> None:
        self._packed = io.BytesIO()
        self._archive = zipfile.ZipFile(self._packed, "w", zipfile.ZIP_DEFLATED)

    def add(self, documents: Mapping[str, bytes]) -> None:
        """Add documents, in their order."""
        for name, document in documents.items():
            self._archive.writestr(zipfile.ZipInfo(name), document, zipfile.ZIP_DEFLATED)

    def end(self) -> bytes:
        """The file."""
        self._archive.close()
        return self._packed.getvalue()


def unpack(data: bytes, allowance: Allowance, beat: Beat = ALWAYS) -> dict[str, bytes]:
    """The documents of a zip file, by name. Nothing is written anywhere, so a name can do no harm.

    `beat` is called for each piece, and may raise to end it. Raises `BrokenArchive`, also for what goes beyond the
    allowance: at most that much is ever unpacked.
    """
    try:
        zips.count(io.BytesIO(data), allowance.entries + _MORE, beat)
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.filename.endswith("/")]
            for entry in entries:  # before anything is unpacked
                _check(entry)
                allowance.take(shown(entry.filename), entry.file_size)
            if len({entry.filename for entry in entries}) < len(entries):
                raise BrokenArchive("it has two entries of one name")
            return {entry.filename: _read(archive, entry, beat) for entry in entries}
    except zips.BadZip as error:
        raise BrokenArchive(str(error)) from error
    except _UNREADABLE as error:
        raise BrokenArchive(f"it is no zip file that can be read: {str(error)[:200]}") from error


def _check(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED:
        raise BrokenArchive(f"{shown(entry.filename)} is encrypted")
    if entry.compress_type not in _METHODS:
        raise BrokenArchive(f"{shown(entry.filename)} is compressed in a way that is not taken")


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, beat: Beat) -> bytes:
    """An entry, of which no more is unpacked than its head says it has."""
    content = bytearray()
    with archive.open(entry) as stream:
        while chunk := stream.read(_CHUNK):
            beat()
            content += chunk
            if len(content) > entry.file_size:
                raise BrokenArchive(f"{shown(entry.filename)} is longer than it says")
    if len(content) < entry.file_size:
        raise BrokenArchive(f"{shown(entry.filename)} is cut short")
    return bytes(content)


def shown(name: str) -> str:
    """The name of an entry, fit to be read by people."""
    return name[:100] if name.isprintable() else ascii(name[:100])[1:-1]
