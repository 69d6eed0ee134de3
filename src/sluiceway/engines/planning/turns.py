"""Shares out turns at something scarce, fairly between callers."""

import asyncio
from collections import Counter, OrderedDict, deque


class TooManyWaiting(Exception):
    """A caller has as many requests waiting as it may have."""


class FairTurns:
    """At most `most` turns at once, of which one caller has at most `each`; callers that wait take turns.

    Each caller gets its turns in the order of its requests. At most `waiting` requests of one caller wait.
    """

    def __init__(self, most: int, each: int, waiting: int) -> None:
        self._most = most
        self._each = each
        self._waiting = waiting
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()  # whose turn is next comes first
        self._taken: Counter[str] = Counter()  # turns that a caller has now

    async def take(self, caller: str) -> None:
        """Wait for a turn, to be given back by `give_back`. Raises `TooManyWaiting`."""
        queue = self._queues.setdefault(caller, deque())
        if len(queue) >= self._waiting:
            raise TooManyWaiting
        mine = asyncio.get_running_loop().create_future()
        queue.append(mine)
        self._admit()
        try:
            await mine
        except asyncio.CancelledError:
            if not mine.cancelled():  # it came at the very moment
                self.give_back(caller)
            elif mine in queue:
                queue.remove(mine)
            raise

    def give_back(self, caller: str) -> None:
        """End a turn of this caller."""
        self._taken[caller] -= 1
        self._taken += Counter()  # forgets who has none
        if caller in self._queues:
            self._queues.move_to_end(caller)  # behind those who waited meanwhile
        self._admit()

    def _admit(self) -> None:
        while self._taken.total() < self._most and (caller := self._next()) is not None:
            self._taken[caller] += 1
            self._queues[caller].popleft().set_result(None)
            self._queues.move_to_end(caller)

    def _next(self) -> str | None:
        for caller in [caller for caller, queue in self._queues.items() if not queue]:
            del self._queues[caller]
        return next((caller for caller in self._queues if self._taken[caller] < self._each), None)
