"""Counts the free slots of clusters that cannot grow."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.rest import FlinkRest

FRESH = 3.0  # seconds for which an answer is taken for that of many jobs

# Whoever has one of these gets more machines when he needs them, as far as anybody can tell from here.
_GROWS = ("kubernetes.cluster-id", "yarn.application.id")


@dataclass(slots=True)
class _Known:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    at: float = float("-inf")
    slots: int | None = None


class Slots:
    """Asks each place once for all callers that ask at the same time."""

    def __init__(self, rest: Callable[[Place], FlinkRest]) -> None:
        """`rest` gives the REST API of a place."""
        self._rest = rest
        self._known: dict[str, _Known] = {}

    async def free(self, place: Place) -> int | None:
        """Count them; None where nobody knows, and where the place adapts to its slots or may grow."""
        known = self._known.setdefault(place.url, _Known())
        async with known.lock:
            if time.monotonic() - known.at >= FRESH:
                known.slots = await self._ask(place)
                known.at = time.monotonic()
            return known.slots

    async def _ask(self, place: Place) -> int | None:
        rest = self._rest(place)
        try:
            overview, options = await asyncio.gather(rest.overview(), rest.cluster_options())
        except Unreachable:
            return None
        adaptive = options.get("jobmanager.scheduler", "").lower() == "adaptive" or "scheduler-mode" in options
        if adaptive or any(key in options for key in _GROWS):
            return None
        return overview.slots_available
