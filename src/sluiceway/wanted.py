"""Blocking work in a thread that ends soon after nobody waits for it any more.

A thread cannot be ended from outside. `asyncio.to_thread` leaves it to go on when its caller is cancelled, with all the
memory that it holds, while the next one begins.
"""

import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
Beat = Callable[[], object]  # called between small pieces of work; raises `Abandoned`

ALWAYS: Final[Beat] = int  # for work that somebody certainly waits for


class Abandoned(Exception):
    """Nobody waits for this work any more."""


async def in_thread(work: Callable[[Beat], T]) -> T:
    """Do blocking work in a thread. Raises what it raises.

    Whoever is cancelled here waits for the thread to end, at its next beat: what keeps others from such work until this
    one is over goes on doing so.
    """
    over = False

    def beat() -> None:
        if over:
            raise Abandoned

    def begin() -> T:
        beat()  # it may have waited for its thread
        return work(beat)

    thread = asyncio.ensure_future(asyncio.to_thread(begin))
    try:
        return await asyncio.shield(thread)
    finally:
        over = True
        await asyncio.wait({thread})
        thread.exception()  # nobody may be left to hear of it
