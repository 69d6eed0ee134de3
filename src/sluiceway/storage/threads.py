"""Threads for storage's blocking calls, of storage's own: what hangs here holds up nothing else.

A thread cannot be ended from outside, and a disk that is gone can hold one for ever. So work has a pulse: each piece
that gets done is a beat, and whoever waits goes away when there is none for too long. The thread is left to itself
then; it ends with the process, which does not wait for it.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any, Final, Generic, TypeVar

from sluiceway.storage.errors import StorageUnreadable
from sluiceway.wanted import Abandoned

PATIENCE: Final = 30.0  # seconds without any progress
MOST: Final = 32  # threads
_IDLE: Final = 5.0  # seconds until a thread without work ends
_YIELD: Final = 0.0002  # seconds in which others may have the interpreter

_T = TypeVar("_T")


class Pulse:
    """How work shows that it gets on, and learns that nobody waits for it any more."""

    __slots__ = ("_abandoned", "_at")

    def __init__(self) -> None:
        """It has beaten just now."""
        self._at = time.monotonic()
        self._abandoned = False

    def beat(self) -> None:
        """Something was done. Raises `Abandoned`."""
        if self._abandoned:
            raise Abandoned
        self._at = time.monotonic()

    def pause(self) -> None:
        """Something was done that keeps others from the interpreter: let them have it. Raises `Abandoned`."""
        self.beat()
        time.sleep(_YIELD)

    def abandon(self) -> None:
        """Nobody waits any more."""
        self._abandoned = True

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits any more."""
        return self._abandoned

    @property
    def silence(self) -> float:
        """Seconds since the last beat."""
        return time.monotonic() - self._at


class _Work(Generic[_T]):
    """A call, its pulse, and who waits for it."""

    def __init__(self, call: Callable[[Pulse], _T]) -> None:
        self.pulse = Pulse()
        self._call = call
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[_T] = self._loop.create_future()

    def __call__(self) -> None:
        try:
            self.pulse.beat()
            told = partial(self._tell, self.future.set_result, self._call(self.pulse))
        except BaseException as error:
            told = partial(self._tell, self.future.set_exception, error)
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            self._loop.call_soon_threadsafe(told)

    def _tell(self, settle: Callable[[Any], None], outcome: object) -> None:
        if not self.pulse.abandoned and not self.future.done():
            settle(outcome)


class Threads:
    """At most `MOST` threads. They are started as they are needed, and end when they have nothing to do."""

    def __init__(self, patience: float = PATIENCE) -> None:
        """`patience` is seconds without any progress after which nobody waits any longer."""
        self.patience = patience
        self._changed = threading.Condition()
        self._waiting: deque[_Work[Any]] = deque()
        self._running: set[_Work[Any]] = set()
        self._alive = 0
        self._idle = 0

    async def run(self, call: Callable[[Pulse], _T]) -> _T:
        """Do blocking work, which gives up at its next beat when nobody waits for it any more.

        Raises what it raises, and `StorageUnreadable` when it does not get on, or when all threads hang.
        """
        if self.hanging >= MOST:
            raise StorageUnreadable(f"storage does not answer; {MOST} earlier questions wait for it")
        work = _Work(call)
        self._put(work)
        try:
            while (left := self.patience - work.pulse.silence) > 0:
                done, _ = await asyncio.wait({work.future}, timeout=left)
                if done:
                    return work.future.result()
            raise StorageUnreadable("no answer in time")
        finally:
            work.pulse.abandon()

    @property
    def hanging(self) -> int:
        """How many threads are held by work that has not got on for too long."""
        with self._changed:
            return sum(work.pulse.silence > self.patience for work in self._running)

    def _put(self, work: _Work[Any]) -> None:
        with self._changed:
            self._waiting.append(work)
            if self._alive < MOST and self._idle < len(self._waiting):
                self._start()
            self._changed.notify()

    def _start(self) -> None:
        try:
            # Not of a pool of the standard library's: the interpreter waits for its threads when it ends.
            threading.Thread(target=self._serve, name="storage", daemon=True).start()
        except RuntimeError as error:
            if not self._alive:
                self._waiting.clear()
                raise StorageUnreadable("this machine has no thread left for storage") from error
        else:
            self._alive += 1

    def _serve(self) -> None:
        while (work := self._next()) is not None:
            work()
            with self._changed:
                self._running.discard(work)
            del work  # it may hold much

    def _next(self) -> _Work[Any] | None:
        """The next work that somebody waits for; None when there has been nothing to do for a while."""
        with self._changed:
            while True:
                if not self._waiting:
                    self._idle += 1
                    woken = self._changed.wait(_IDLE)
                    self._idle -= 1
                    if not woken and not self._waiting:
                        self._alive -= 1
                        return None
                    continue
                work = self._waiting.popleft()
                if not work.pulse.abandoned:
                    self._running.add(work)
                    return work
