"""What is due when: one list for all clusters, however many there are, in the place of a timer for each."""

import heapq
import math
from itertools import count


class Agenda:
    """Names by the times at which they are due. To put one costs the logarithm of how many there are."""

    def __init__(self) -> None:
        """Nothing is due."""
        self._at: dict[str, float] = {}
        self._heap: list[tuple[float, int, str]] = []  # also of what was put elsewhere since
        self._count = count()

    def put(self, name: str, at: float) -> None:
        """From now on it is due then, and at no other time. Of those of one time the first comes first."""
        self._at[name] = at
        heapq.heappush(self._heap, (at, next(self._count), name))

    def drop(self, name: str) -> None:
        """It is not due any more."""
        self._at.pop(name, None)

    @property
    def next_at(self) -> float:
        """When the next one is due; infinity when none is."""
        while self._heap and self._at.get(self._heap[0][2]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf

    def take(self, now: float, most: int) -> list[str]:
        """Those that are due by now, the longest due first; they are not due any more."""
        taken: list[str] = []
        while len(taken) < most and self.next_at <= now:
            taken.append(heapq.heappop(self._heap)[2])
            del self._at[taken[-1]]
        return taken
