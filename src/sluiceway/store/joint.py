"""Joins what is asked for at one moment into one transaction: a thousand clusters do not wait for a thousand."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Final, Generic, TypeVar

from sqlalchemy.exc import OperationalError

from sluiceway.store.trouble import DatabaseUnavailable

P = TypeVar("P")
R = TypeVar("R")

MOST: Final = 200  # parts of one transaction


def _one(_: object) -> int:
    return 1


class Joint(Generic[P, R]):
    """Does parts together, each with an answer of its own. What cannot be done of one fails for that one alone."""

    def __init__(
        self,
        do: Callable[[Sequence[P]], Awaitable[Sequence[R]]],
        key: Callable[[P], Hashable],
        weight: Callable[[P], int] = _one,
        most: int = MOST,
    ) -> None:
        """`do` is one transaction, and answers in the order of the parts. It never gets two of one key.

        Nor does it get more than weigh `most` together, unless a single one does: what it takes in memory has a bound.
        """
        self._do = do
        self._key = key
        self._weight = weight
        self._most = most
        self._waiting: list[tuple[P, asyncio.Future[R]]] = []
        self._task: asyncio.Task[None] | None = None

    async def __call__(self, part: P) -> R:
        """Do it, with whatever else waits by then. Whoever is canceled does not know whether it was done."""
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((part, answer))
        if self._task is None:
            self._task = asyncio.create_task(self._do_all(), name="joint")
        return await answer

    async def _do_all(self) -> None:
        try:
            while taken := self._take():
                await self._do_these(taken)
        finally:
            self._task = None
            for _, answer in self._waiting:
                answer.cancel()
            self._waiting = []

    def _take(self) -> dict[Hashable, tuple[P, "asyncio.Future[R]"]]:
        taken: dict[Hashable, tuple[P, asyncio.Future[R]]] = {}
        left, room = [], self._most
        for part, answer in self._waiting:
            if answer.done():
                continue  # nobody waits for it any more
            weight = self._weight(part)
            if (weight <= room or not taken) and (key := self._key(part)) not in taken:
                taken[key], room = (part, answer), room - weight
            else:
                left.append((part, answer))
                room = min(room, 0) if weight > room else room
        self._waiting = left
        return taken

    async def _do_these(self, taken: dict[Hashable, tuple[P, "asyncio.Future[R]"]]) -> None:
        parts = [part for part, _ in taken.values()]
        try:
            answers = await self._do(parts)
        except asyncio.CancelledError:
            for _, future in taken.values():
                future.cancel()
            raise
        except Exception as error:
            if len(taken) > 1 and not isinstance(error, DatabaseUnavailable | OperationalError):
                for key, each in taken.items():
                    await self._do_these({key: each})
                return
            for _, future in taken.values():
                if not future.done():
                    future.set_exception(error)
            return
        for (_, future), answer in zip(taken.values(), answers, strict=True):
            if not future.done():
                future.set_result(answer)
