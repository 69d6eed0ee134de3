"""Questions that may outlast a turn, so that one slow answer holds up nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Hashable, Mapping
from typing import Generic, TypeVar

import structlog

log = structlog.get_logger()

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

PATIENCE = 0.5  # seconds that a turn waits for what it has just asked


class Errands(Generic[K, T]):
    """What was asked and is not answered yet. A turn waits a little; what comes later is told to a later turn."""

    def __init__(self, what: str, limit: float) -> None:
        """`what` is the name in the log; after `limit` seconds a question is given up."""
        self._what = what
        self._limit = limit
        self._tasks: dict[K, asyncio.Task[T]] = {}

    def __contains__(self, key: object) -> bool:
        """Whether it is being asked."""
        return key in self._tasks

    async def answers(self, asked: Mapping[K, Callable[[], Awaitable[T]]], keep: Collection[K] = ()) -> dict[K, T]:
        """Ask what is not being asked already; what has been answered by now, each told once.

        A question that is neither asked nor kept is given up. One that fails has no answer.
        """
        for key in self._tasks.keys() - asked.keys() - set(keep):
            _give_up(self._tasks.pop(key))
        new = {key: asyncio.create_task(self._ask(ask)) for key, ask in asked.items() if key not in self._tasks}
        self._tasks |= new
        if new:
            await asyncio.wait(new.values(), timeout=PATIENCE)
        done = {key: task for key, task in self._tasks.items() if task.done()}
        self._tasks = {key: task for key, task in self._tasks.items() if key not in done}
        return {key: task.result() for key, task in done.items() if self._succeeded(key, task)}

    async def close(self) -> None:
        """Give up everything. What was sent stays sent."""
        tasks = list(self._tasks.values())
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask(self, question: Callable[[], Awaitable[T]]) -> T:
        async with asyncio.timeout(self._limit):
            return await question()

    def _succeeded(self, key: K, task: asyncio.Task[T]) -> bool:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error(f"{self._what}_failed", about=str(key), exc_info=error)
        return error is None and not task.cancelled()


def _give_up(task: "asyncio.Task[T]") -> None:
    task.cancel()
    # One that fails while it is canceled is not worth a line in the log.
    task.add_done_callback(lambda over: over.cancelled() or over.exception())
