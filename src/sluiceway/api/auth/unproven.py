"""Room for bodies that are in memory before anybody has proven who they are: a signature covers the body."""

from collections import Counter
from typing import Final

SMALL: Final = 64 << 10  # bytes of a body that needs no room: there are only so many connections
OF_ONE: Final = 48 << 20  # bytes for one address: four of the largest bodies
IN_ALL: Final = 4 * OF_ONE


class NoRoom(Exception):
    """As many large bodies are being read as may be."""


class Room:
    """Bytes of such bodies, by the address that they come from."""

    def __init__(self, of_one: int = OF_ONE, in_all: int = IN_ALL) -> None:
        self._of_one = of_one
        self._left = in_all
        self._taken: Counter[str] = Counter()

    def take(self, address: str, size: int) -> None:
        """Raises `NoRoom`."""
        if size > self._left or self._taken[address] + size > self._of_one:
            raise NoRoom
        self._left -= size
        self._taken[address] += size

    def give_back(self, address: str, size: int) -> None:
        """What was taken."""
        self._left += size
        self._taken[address] -= size
        if not self._taken[address]:
            del self._taken[address]
