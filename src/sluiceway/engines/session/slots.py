"""Counts the free slots of clusters that cannot grow."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from sluiceway.domain.cluster_options import weigh_free_slots
from sluiceway.domain.observed import CLUSTER_OPTIONS, FREE_SLOTS
from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.rest import FlinkRest
from sluiceway.engines.session.questions import by, free_slots, weighed

FRESH = 3.0  # seconds for which an answer is taken for that of many jobs


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
        """Count them; None where nobody knows, and where they cannot run out."""
        known = self._known.setdefault(place.url, _Known())
        async with known.lock:
            if time.monotonic() - known.at >= FRESH:
                rest = self._rest(place)
                ask = by({CLUSTER_OPTIONS: rest.cluster_options, FREE_SLOTS: partial(free_slots, rest)})
                known.slots = await weighed(ask, weigh_free_slots())
                known.at = time.monotonic()
            return known.slots
