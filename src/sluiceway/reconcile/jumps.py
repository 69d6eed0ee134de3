"""Jumps of the wall clock, which deadlines go by: seen by a steady clock beside it."""

import time
from datetime import datetime, timedelta

JUMP = timedelta(seconds=2)  # from here on a difference between the clocks is a jump of the wall clock


class Jumps:
    """Compares the two clocks from time to time."""

    def __init__(self) -> None:
        """Nothing was compared yet."""
        self._before: tuple[datetime, float] | None = None

    def since(self, now: datetime) -> timedelta | None:
        """By how much the wall clock, which shows `now`, has jumped since the last call; None when it has not."""
        before, steady = self._before, time.monotonic()
        self._before = now, steady
        if before is None:
            return None
        jump = (now - before[0]) - timedelta(seconds=steady - before[1])
        return jump if abs(jump) > JUMP else None
