"""Drops work that nobody waits for any more, unless it has begun to write. Then it ends normally."""

import asyncio
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Work:
    """The work for one request, by one task."""

    task: "asyncio.Task[Any]"
    writes: bool = False

    def drop(self) -> None:
        """Cancel it, unless it has begun to write: what is written is also told to the rest of the service."""
        if not self.writes:
            self.task.cancel()


_CURRENT: ContextVar[Work | None] = ContextVar("work", default=None)


def begin(work: Work) -> None:
    """From here on all that this task does belongs to `work`."""
    _CURRENT.set(work)


def keep() -> None:
    """Something is written or removed from here on, in the database or in storage: the work is dropped no more."""
    if (work := _CURRENT.get()) is not None:
        work.writes = True
