"""Java's primitive values, read from bytes that may be anything: every read is checked against what is left."""

import struct
from typing import Final, NoReturn

LONGEST: Final = 300  # characters of a reason, which may quote the file

_SHORT: Final = struct.Struct(">H")
_INT: Final = struct.Struct(">i")
_LONG: Final = struct.Struct(">q")


class BrokenMetadata(Exception):  # noqa: N818 - a finding about a file
    """These bytes are not a `_metadata` that Flink writes. The text says at which byte, and what was expected there."""

    def __init__(self, at: int, why: str) -> None:
        """`at` counts bytes from the beginning of the file."""
        super().__init__(f"at byte {at}: {why[:LONGEST]}")
        self.at = at


class Reader:
    """A place in the bytes, moving forwards. Nothing is copied but the texts that are asked for.

    All methods raise `BrokenMetadata`; `what` names what is read, for people.
    """

    def __init__(self, data: memoryview) -> None:
        """Begin at the first byte."""
        self.at = 0
        self._data = data
        self._size = len(data)

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return self._size - self.at

    def broken(self, why: str, at: int | None = None) -> NoReturn:
        """Give up, here or at an earlier byte."""
        raise BrokenMetadata(self.at if at is None else at, why)

    def byte(self, what: str) -> int:
        """An unsigned byte."""
        return self._data[self._step(1, what)]

    def short(self, what: str) -> int:
        """An unsigned number of two bytes."""
        value: int = _SHORT.unpack_from(self._data, self._step(2, what))[0]
        return value

    def integer(self, what: str) -> int:
        """A signed number of four bytes."""
        value: int = _INT.unpack_from(self._data, self._step(4, what))[0]
        return value

    def long(self, what: str) -> int:
        """A signed number of eight bytes."""
        value: int = _LONG.unpack_from(self._data, self._step(8, what))[0]
        return value

    def size(self, what: str) -> int:
        """A number of eight bytes that cannot be negative."""
        value = self.long(what)
        if value < 0:
            self.broken(f"{what} is {value}", self.at - 8)
        return value

    def count(self, what: str, least: int = 1) -> int:
        """How many `what` follow. Each takes `least` bytes, so the bytes that are left bound the number."""
        value = self.integer(f"the number of {what}")
        if value < 0 or value * least > self.left:
            self.broken(f"{value} {what} cannot follow in the {self.left} bytes that are left", self.at - 4)
        return value

    def skip(self, size: int, what: str) -> None:
        """Step over `size` bytes."""
        self._step(size, what)

    def skip_longs(self, what: str) -> None:
        """Step over a list of numbers of eight bytes."""
        self.skip(8 * self.count(what, 8), what)

    def hexadecimal(self, size: int, what: str) -> str:
        """`size` bytes as hex digits."""
        start = self._step(size, what)
        return self._data[start : self.at].hex()

    def text(self, what: str) -> str:
        """A text in Java's own UTF-8: NUL takes two bytes, and what lies beyond 16 bits is a pair of surrogates."""
        size = self.short(f"the length of {what}")
        start = self._step(size, what)
        raw = bytes(self._data[start : self.at])
        if raw.isascii():
            return raw.decode("ascii")
        if max(raw) >= 0xF0:  # the beginning of four bytes, as others write what Java writes as a pair
            self.broken(f"{what} is not in Java's UTF-8", start)
        try:
            halves = raw.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.broken(f"{what} is not in Java's UTF-8", start)
        return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def skip_text(self, what: str) -> None:
        """Step over a text that nobody wants, after a look at whether it is one."""
        self.text(what)

    def _step(self, size: int, what: str) -> int:
        start = self.at
        if size > self._size - start:
            self.broken(f"{what} is cut off; {size} bytes were expected and {self.left} are left")
        self.at = start + size
        return start
