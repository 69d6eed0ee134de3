"""Ends the service: in order at the first signal, within `WITHIN` whatever hangs, at once at the second signal."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final, NoReturn

import structlog

WITHIN: Final = 9.0  # seconds from the first signal to the end of the process
REQUESTS: Final = 5  # of them for requests under way
_IDLE: Final = "concurrent.futures.thread._worker"  # a thread of a pool that has nothing to do
_TO_LOG: Final = 0.5  # seconds: the reader of the log may hang, too

log = structlog.get_logger(__name__)


class Shutdown:
    """Watches for SIGTERM and SIGINT. A thread that hangs keeps Python from ending, so this does not wait for it."""

    def __init__(self, within: float = WITHIN) -> None:
        self._within = within
        self._begun = False
        self._loop = asyncio.get_running_loop()
        task = asyncio.current_task()
        assert task is not None
        self._end: Callable[[], object] = task.cancel

    def watch(self) -> None:
        """Take over signals. Until `by` says otherwise, the first one cancels the task that made this."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._told)

    def by(self, end: Callable[[], object]) -> None:
        """How to end from here on."""
        self._end = end

    def _told(self, number: int, _: FrameType | None) -> None:
        # Not by the loop's own handlers: they wait until the loop has time.
        if self._begun:
            _leave(f"told to end twice, by {signal.Signals(number).name}", 128 + number)
        self._begun = True
        watchdog = threading.Timer(self._within, self._give_up)
        watchdog.daemon = True
        watchdog.start()
        with contextlib.suppress(RuntimeError):  # the loop has ended, and something else has not
            self._loop.call_soon_threadsafe(self._begin)

    def _begin(self) -> None:
        self._end()

    def _give_up(self) -> None:
        _leave(f"not ended within {self._within:g} s; still at work: {still_at_work(self._loop)}", 1)


def still_at_work(loop: asyncio.AbstractEventLoop) -> str:
    """The threads that keep the process from ending, each with the function that it is in, and the loop's tasks."""
    frames = sys._current_frames()  # noqa: SLF001 - it is documented
    threads = [thread for thread in threading.enumerate() if not thread.daemon and thread.ident in frames]
    places = [(thread.name, _place(frames[thread.ident])) for thread in threads if thread.ident]
    found = [f"thread {name} in {place}" for name, place in places if place != _IDLE]
    tasks = [] if loop.is_closed() else sorted(task.get_name() for task in asyncio.all_tasks(loop))
    return ", ".join([*found, *(f"task {name}" for name in tasks)][:20])


def _place(frame: FrameType) -> str:
    return f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}"


def _leave(why: str, code: int) -> NoReturn:
    """End the process now. What was accepted is stored; the next start carries it on."""
    telling = threading.Thread(target=lambda: log.error("ended_by_force", why=why), daemon=True)
    telling.start()  # in a thread: the interrupted code may hold the locks of the log
    telling.join(_TO_LOG)
    os._exit(code)
