"""The JobManagers of all places: over one HTTP session, or over one of its own where a place is protected."""

import asyncio
from collections.abc import Callable, Collection

import aiohttp

from sluiceway.domain.clusters import Credentials
from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.addresses import Addresses
from sluiceway.engines.jobmanager.doors import Door, most_kept, open_door
from sluiceway.engines.jobmanager.rest import FlinkRest

Opens = Callable[[str], Credentials | None]


def nothing(_: str) -> None:
    """No place is protected."""


class JobManagers:
    """Finds the REST API of a place."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float = 10.0, opens: Opens = nothing) -> None:
        """`timeout` is seconds for one request; an upload of a jar has its own. `opens` tells what a key stands for."""
        self._session = session
        self._timeout = timeout
        self._opens = opens
        self._doors: dict[str, Door] = {}  # by the name of the place
        self._addresses: dict[str, Addresses] = {}  # the same, of those with several
        self._keeps_open = True  # whether connections stay open between requests
        self._closing: set[asyncio.Task[None]] = set()

    def at(self, place: Place) -> FlinkRest:
        """The REST API of the JobManager there. Asks nothing yet."""
        session, trouble = self._session, ""
        if place.key:
            door = self._door(place)
            session, trouble = door.session or self._session, door.trouble
        return FlinkRest(session, self._where(place), self._timeout, trouble, keeps_open=self._keeps_open)

    def address(self, place: Place) -> str:
        """The address of the JobManager there that answered last."""
        return self._where(place).current

    async def version(self, place: Place) -> str:
        """The version of Flink that runs there; see `Engine`."""
        return (await self.at(place).overview()).flink_version

    async def submit(self, place: Place, packed: bytes) -> str | None:
        """Hand a packed job to the JobManager there; see `FlinkRest.submit`."""
        return await self.at(place).submit(packed)

    def keep(self, names: Collection[str]) -> None:
        """Close the connections to all protected places but these. Those of very many are not kept open."""
        self._keeps_open = len(names) <= most_kept()
        for name in self._doors.keys() - set(names):
            self._close(self._doors.pop(name))
        self._addresses = {name: each for name, each in self._addresses.items() if name in names}

    async def close(self) -> None:
        """Close them all."""
        self.keep(())
        await asyncio.gather(*self._closing, return_exceptions=True)

    def _where(self, place: Place) -> Addresses:
        if not place.others:
            return Addresses(place.urls)
        known = self._addresses.get(place.name)
        if known is None or known.urls != place.urls:
            known = self._addresses[place.name] = Addresses(place.urls)
        return known

    def _door(self, place: Place) -> Door:
        known = self._doors.get(place.name)
        if known is None or known.key != place.key:
            if known is not None:
                self._close(known)
            known = self._doors[place.name] = open_door(place.key, self._opens(place.key))
        return known

    def _close(self, door: Door) -> None:
        """Beside everything else; whatever is under way over it gets no answer."""
        if door.session is not None:
            task = asyncio.get_running_loop().create_task(door.session.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
