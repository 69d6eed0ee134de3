"""How much a zip file lists, found out before anybody makes a list of it.

The standard library makes an object of some 700 bytes for each entry of an archive that it opens, so an archive of
some megabytes can take a gigabyte. Its directory is looked through here in steps, and nothing of it is kept.

The layout is that of PKWARE's APPNOTE 6.3, sections 4.3.12 to 4.3.16.
"""

import struct
from collections.abc import Callable
from typing import IO, Final

_END: Final = struct.Struct("<4s4H2LH")  # end of central directory
_END_64: Final = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64: Final = struct.Struct("<4sLQL")
_ENTRY: Final = 46  # bytes, and then its name, an extra part and a comment
_LENGTHS: Final = struct.Struct("<3H").unpack_from  # of these three, at byte 28
_LONGEST_COMMENT: Final = 1 << 16
_LONGEST_ENTRY: Final = _ENTRY + 3 * 0xFFFF
_STEP: Final = 1 << 20  # bytes that are read at once
_DAMAGED: Final = "it is no zip file that can be read: its directory is damaged"


class BadZip(Exception):
    """A file that is no zip file, or one that lists more than is taken."""


def count(file: IO[bytes], most: int, pause: Callable[[], object] = int) -> int:
    """How many entries a zip file has; at most `most`. The file has to be one in which one can move about.

    `pause` is called again and again, and may raise to end it. Raises `BadZip`.
    """
    at, length, listed = _directory(file, file.seek(0, 2))
    if listed > most:  # what is said of their number is believed only when it is too much
        raise BadZip(f"it has more than {most} entries")
    file.seek(at)
    found, window, here = 0, b"", 0
    while length > 0:
        if len(window) - here < min(_LONGEST_ENTRY, length):
            pause()
            window, here = window[here:] + file.read(_STEP), 0
            if len(window) < _ENTRY:
                raise BadZip(_DAMAGED)
        if window[here : here + 4] != b"PK\1\2":
            raise BadZip(_DAMAGED)
        name, extra, comment = _LENGTHS(window, here + 28)
        size = _ENTRY + name + extra + comment
        here, length, found = here + size, length - size, found + 1
        if found > most:
            raise BadZip(f"it has more than {most} entries")
    return found


def _directory(file: IO[bytes], size: int) -> tuple[int, int, int]:
    """Where the central directory begins, how many bytes it has, and how many entries it is said to have."""
    end_at, end = _end(file, size)
    _, _, _, _, listed, length, _, _ = _END.unpack(end)
    if (wide := _wide(file, end_at)) is not None:
        end_at, length, listed = wide
    if length > end_at:
        raise BadZip("it is no zip file: its directory does not fit into it")
    return end_at - length, length, listed


def _end(file: IO[bytes], size: int) -> tuple[int, bytes]:
    """The end of the central directory, where the standard library finds it: the last one, before a comment."""
    file.seek(max(0, size - _LONGEST_COMMENT - _END.size))
    tail = file.read(_LONGEST_COMMENT + _END.size)
    last = tail[-_END.size :]
    bare = last.startswith(b"PK\x05\x06") and last.endswith(b"\0\0")
    found = len(tail) - _END.size if bare else tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) - found < _END.size:
        raise BadZip("it is no zip file")
    return size - len(tail) + found, tail[found : found + _END.size]


def _wide(file: IO[bytes], end_at: int) -> tuple[int, int, int] | None:
    """The same of an archive with 64 bit sizes; None for another."""
    at = end_at - _LOCATOR_64.size - _END_64.size
    if at < 0:
        return None
    file.seek(at)
    record = file.read(_END_64.size + _LOCATOR_64.size)
    if len(record) < _END_64.size + _LOCATOR_64.size or not record.startswith(b"PK\x06\x07", _END_64.size):
        return None
    signature, *_, listed, length, _ = _END_64.unpack(record[: _END_64.size])
    return (at, length, listed) if signature == b"PK\x06\x06" else None
