"""Turns at something for one caller at a time: fair between addresses, and between names at one address."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

AT_ADDRESS: Final = 8  # who may wait at one address
WAITING: Final = 64  # and in all

_Waiting = OrderedDict[str, deque["asyncio.Future[None]"]]  # by name; the next one first


class NoTurn(Exception):
    """Too many wait already."""


class Turns:
    """Addresses take turns, whatever number waits at each; at an address its names do.

    So who sends many makes those at other addresses wait for one turn each, and no longer.
    """

    def __init__(self, at_address: int = AT_ADDRESS, waiting: int = WAITING) -> None:
        self._at_address = at_address
        self._most = waiting
        self._taken = False
        self._addresses: OrderedDict[str, _Waiting] = OrderedDict()  # the next one first

    @asynccontextmanager
    async def turn(self, address: str, name: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it. Raises `NoTurn`."""
        if self._taken:
            await self._wait(address, name)
        self._taken = True
        try:
            yield
        finally:
            self._pass_on()

    async def _wait(self, address: str, name: str) -> None:
        self._check_room(address)
        mine: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._addresses.setdefault(address, OrderedDict()).setdefault(name, deque()).append(mine)
        try:
            await mine
        except asyncio.CancelledError:
            if mine.done() and not mine.cancelled() and mine.exception() is None:
                self._pass_on()  # it was our turn, and nobody is here to have it
            self._forget(address, name, mine)
            raise

    def _check_room(self, address: str) -> None:
        """Where all places are taken, the latest waiter of the busiest address goes. Raises `NoTurn`."""
        here = self._count(address)
        if here >= self._at_address:
            raise NoTurn
        if sum(map(self._count, self._addresses)) < self._most:
            return
        fullest = max(self._addresses, key=self._count)
        if self._count(fullest) <= here + 1:
            raise NoTurn
        name = next(reversed(self._addresses[fullest]))
        last = self._addresses[fullest][name][-1]
        self._forget(fullest, name, last)
        if not last.done():
            last.set_exception(NoTurn())

    def _count(self, address: str) -> int:
        return sum(map(len, self._addresses.get(address, {}).values()))

    def _pass_on(self) -> None:
        """Hand the turn to the next one; it is never free, so nobody slips in between."""
        while self._addresses:
            address, names = next(iter(self._addresses.items()))
            name, queue = next(iter(names.items()))
            following = queue.popleft()
            names.move_to_end(name)
            self._addresses.move_to_end(address)
            self._tidy(address, name)
            if not following.done():
                following.set_result(None)
                return
        self._taken = False

    def _forget(self, address: str, name: str, which: "asyncio.Future[None]") -> None:
        queue = self._addresses.get(address, OrderedDict()).get(name)
        if queue is not None and which in queue:
            queue.remove(which)
            self._tidy(address, name)

    def _tidy(self, address: str, name: str) -> None:
        names = self._addresses[address]
        if not names[name]:
            del names[name]
        if not names:
            del self._addresses[address]
