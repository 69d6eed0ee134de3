"""A planner for each version of Flink in use: started when it is first needed, ended when it idles, few at once."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import structlog

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.place import Place
from sluiceway.engines.planning.distributions import Distribution, Distributions
from sluiceway.engines.planning.java import NoFlink
from sluiceway.engines.planning.planner import Plans

MOST = 2  # processes beside the usual one, of about 1 GB each
IDLE = 600.0  # seconds after which one that nobody needs is ended; the next job waits some 10 s for another
LOOK = 30.0  # seconds between looks for such

BUSY = (
    "As many planners for other versions of Flink as run at once are busy, and none of them plans for Flink {version}. "
    "It is tried again."
)

log = structlog.get_logger(__name__)


class Planner(Plans, Protocol):
    """One that can be ended."""

    @property
    def running(self) -> bool:
        """Whether it has a process."""

    @property
    def idle_for(self) -> float:
        """Seconds since it was last needed; 0 while it works."""

    async def jvm(self) -> Plans:
        """Itself, able to plan. Raises `NoJava`, `NoFlink` and `JvmFailed`."""

    async def rest(self) -> None:
        """End its process, unless it works; the next request starts another."""

    async def close(self) -> None:
        """End it for good."""


class Planners:
    """The usual one, which reads and draws what is meant for no cluster in particular, and those beside it."""

    def __init__(self, distributions: Distributions, usual: Planner, make: Callable[[Distribution], Planner]) -> None:
        """`usual` plans with `distributions.usual()`. `make` makes one for another distribution, without a process."""
        self._distributions = distributions
        self._usual = usual
        self._make = make
        self._others: dict[str, Planner] = {}  # by the version of their Flink
        self._choosing = asyncio.Lock()

    async def usual(self) -> Plans:
        """The usual one. Raises `NoJava`, `NoFlink` and `JvmFailed`."""
        return await self._usual.jvm()

    async def of(self, place: Place, version: str) -> Plans:
        """One of the minor version of the Flink that runs there.

        Raises `NoDistribution`, `NoJava`, `JvmFailed`, and `Unreachable` while too many others are busy.
        """
        wanted = await asyncio.to_thread(self._wanted, place, version)
        if wanted is None:
            return await self._usual.jvm()
        async with self._choosing:
            planner = self._others.get(wanted.version) or self._make(wanted)
            if not planner.running:
                await self._make_room(wanted.version)
            self._others[wanted.version] = planner
            return await planner.jvm()

    async def tend(self) -> None:
        """End those that idle, for as long as this runs."""
        while True:
            await asyncio.sleep(LOOK)
            async with self._choosing:
                for version, planner in self._others.items():
                    if planner.running and planner.idle_for >= IDLE:
                        log.info("planner_ended", version=version, why="idle")
                        await planner.rest()

    async def close(self) -> None:
        """End all. The jobs that they submitted run on in their clusters."""
        for planner in (self._usual, *self._others.values()):
            await planner.close()

    def _wanted(self, place: Place, version: str) -> Distribution | None:
        """What plans there; None for what the usual one plans with."""
        found = self._distributions.of(version, place.name)
        try:
            usual = self._distributions.usual()
        except NoFlink:
            return found
        return None if usual.minor == found.minor else found

    async def _make_room(self, version: str) -> None:
        running = [each for each in self._others.values() if each.running]
        if len(running) < MOST:
            return
        longest = max(running, key=lambda each: each.idle_for)
        if not longest.idle_for:
            raise Unreachable(BUSY.format(version=version))
        await longest.rest()
