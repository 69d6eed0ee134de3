"""An event loop that never waits: when nothing is ready, its clock jumps to the next timer."""

import asyncio
from datetime import UTC, datetime
from typing import Any

EPOCH = 1_700_000_000.0
_UPTIME = 5_000.0  # what the monotonic clock shows at the beginning


class Stuck(Exception):
    """Nothing is ready and no timer is set: whoever waits, waits for ever."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Runs callbacks in the order in which they became ready, and timers in the order of their times."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0
        self._selector = self

    def time(self) -> float:
        """Virtual seconds since the beginning."""
        return self._now

    def select(self, timeout: float | None) -> list[Any]:
        """What a selector does: here nothing comes from outside, so all that passes is time."""
        if timeout is None:
            raise Stuck("nothing is left to happen")
        self._now += timeout
        return []

    def _process_events(self, _: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


class Time:
    """The clocks of a virtual world; stands in for the module `time` where the product reads it."""

    def __init__(self, loop: VirtualLoop) -> None:
        """At the beginning."""
        self._loop = loop
        self.skew = 0.0  # by how much the service's wall clock is off

    def monotonic(self) -> float:
        """A clock that nobody sets."""
        return _UPTIME + self._loop.time()

    def time(self) -> float:
        """The clusters' wall clock, which is right."""
        return EPOCH + self._loop.time()

    def wall(self) -> datetime:
        """The service's wall clock, in whole milliseconds."""
        return datetime.fromtimestamp(round(EPOCH + self._loop.time() + self.skew, 3), UTC)
