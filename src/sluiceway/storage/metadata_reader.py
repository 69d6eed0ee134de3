"""Java's primitive values, read from bytes that may be anything: every read is checked against what is left."""

import struct
from collections.abc import Callable
from typing import Final, NoReturn, Protocol

LONGEST: Final = 300  # characters of a reason, which may quote the file
WINDOW: Final = 1 << 14  # bytes in memory, or one text: some two milliseconds of work at most
MOST_ELEMENTS: Final = 2_000_000  # handles, subtasks and whatever else is in lists, of one file

_INT: Final = struct.Struct(">i").unpack_from
_LONG: Final = struct.Struct(">q").unpack_from


class BrokenMetadata(Exception):
    """These bytes are not a `_metadata` that Flink writes. The text says at which byte, and what was expected there."""

    def __init__(self, at: int, why: str) -> None:
        """`at` counts bytes from the beginning of the file."""
        super().__init__(f"at byte {at}: {why[:LONGEST]}")
        self.at = at


class TooMuchMetadata(Exception):
    """There is more in a `_metadata` than is read, so nobody knows whether it is whole."""


class Source(Protocol):
    """Where bytes come from."""

    @property
    def size(self) -> int:
        """How many there are."""
        ...

    def read(self, at: int, size: int) -> bytes:
        """Some of them; less only at the end."""
        ...


class Reader:
    """A place in the bytes, moving forwards. There is a window of them in memory, and what is skipped is not read.

    All methods raise `BrokenMetadata`; `what` names what is read, for people. Those that many millions of calls come to
    look into the window themselves.
    """

    def __init__(self, source: Source, pause: Callable[[], object]) -> None:
        """Begin at the first byte. `pause` is called for every window that is read, and may raise to end it."""
        self._source = source
        self._pause = pause
        self._size = source.size
        self._first = 0  # where the window begins
        self._window = b""
        self._end = 0  # bytes in the window
        self._at = 0  # in the window, or beyond it
        self._elements = 0

    @property
    def at(self) -> int:
        """How many bytes have been read."""
        return self._first + self._at

    @property
    def left(self) -> int:
        """How many bytes have not been read."""
        return self._size - self._first - self._at

    def rest(self) -> bytes | None:
        """All that has not been read, without moving there; None where the end is not in the window."""
        return self._window[self._at :] if self._first + self._end == self._size else None

    def broken(self, why: str, at: int | None = None) -> NoReturn:
        """Give up, here or at an earlier byte."""
        raise BrokenMetadata(self.at if at is None else at, why)

    def byte(self, what: str) -> int:
        """An unsigned byte."""
        at = self._at
        if at >= self._end:
            at = self._more(1, what)
        self._at = at + 1
        return self._window[at]

    def short(self, what: str) -> int:
        """An unsigned number of two bytes."""
        at = self._at
        if at + 2 > self._end:
            at = self._more(2, what)
        self._at = at + 2
        return self._window[at] << 8 | self._window[at + 1]

    def integer(self, what: str) -> int:
        """A signed number of four bytes."""
        at = self._at
        if at + 4 > self._end:
            at = self._more(4, what)
        self._at = at + 4
        value: int = _INT(self._window, at)[0]
        return value

    def long(self, what: str) -> int:
        """A signed number of eight bytes."""
        at = self._at
        if at + 8 > self._end:
            at = self._more(8, what)
        self._at = at + 8
        value: int = _LONG(self._window, at)[0]
        return value

    def size(self, what: str) -> int:
        """A number of eight bytes that cannot be negative."""
        value = self.long(what)
        if value < 0:
            self.broken(f"{what} is {value}", self.at - 8)
        return value

    def length(self, what: str, least: int = 1) -> int:
        """How many `what` follow that are skipped. Each takes `least` bytes, so what is left bounds the number."""
        value = self.integer(what)
        if value < 0 or value * least > self.left:
            self.broken(f"{value} {what} cannot follow in the {self.left} bytes that are left", self.at - 4)
        return value

    def count(self, what: str, least: int = 1) -> int:
        """How many `what` follow that are looked at one by one. Raises `TooMuchMetadata` before the first of them."""
        value = self.length(what, least)
        self.expect(value)
        return value

    def expect(self, elements: int) -> None:
        """So many elements follow. Raises `TooMuchMetadata`."""
        self._elements += elements
        if self._elements > MOST_ELEMENTS:
            raise TooMuchMetadata(f"it has more than {MOST_ELEMENTS} state handles and the like")

    def skip(self, size: int, what: str) -> None:
        """Step over `size` bytes."""
        if size > self._size - self._first - self._at:
            self._cut_off(size, what)
        self._at += size

    def skip_longs(self, what: str) -> None:
        """Step over a list of numbers of eight bytes."""
        self.skip(8 * self.length(what, 8), what)

    def zeros(self, size: int) -> bool:
        """Step over so many bytes if all of them are 0; whether they are. They may be more than are left."""
        at = self._at
        if self._window[at : at + size] != bytes(size):
            return False
        self._at = at + size
        return True

    def hexadecimal(self, size: int, what: str) -> str:
        """`size` bytes as hex digits."""
        return self._raw(size, what).hex()

    def text(self, what: str) -> str:
        """A text in Java's own UTF-8: NUL takes two bytes, and what lies beyond 16 bits is a pair of surrogates."""
        raw = self._raw(self.short(what), what)
        if raw.isascii():
            return raw.decode("ascii")
        if max(raw) >= 0xF0:  # the beginning of four bytes, as others write what Java writes as a pair
            self.broken(f"{what} is not in Java's UTF-8", self.at - len(raw))
        try:
            halves = raw.replace(b"\xc0\x80", b"\0").decode("utf-8", "surrogatepass")
        except UnicodeDecodeError:
            self.broken(f"{what} is not in Java's UTF-8", self.at - len(raw))
        return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def skip_text(self, what: str) -> None:
        """Step over a text that nobody wants, after a look at whether it is one."""
        at = self._at
        if at + 2 > self._end:
            at = self._more(2, what)
        end = at + 2 + (self._window[at] << 8 | self._window[at + 1])
        if end <= self._end and self._window[at + 2 : end].isascii():
            self._at = end
        else:
            self._at = at
            self.text(what)

    def _raw(self, size: int, what: str) -> bytes:
        at = self._at
        if at + size > self._end:
            at = self._more(size, what)
        self._at = at + size
        return self._window[at : at + size]

    def _more(self, size: int, what: str) -> int:
        """Move the window here, and see that `size` bytes are in it; the place in it."""
        if size > self.left:
            self._cut_off(size, what)
        self._pause()
        self._first += self._at
        self._at = 0
        self._window = self._source.read(self._first, max(size, WINDOW))
        self._end = len(self._window)
        if size > self._end:  # the file has become shorter meanwhile
            self._cut_off(size, what)
        return 0

    def _cut_off(self, size: int, what: str) -> NoReturn:
        self.broken(f"{what} is cut off; {size} bytes were expected and {self.left} are left")
