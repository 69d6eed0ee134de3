"""The JobManagers of all places, over one HTTP session."""

import aiohttp

from sluiceway.domain.place import Place
from sluiceway.engines.jobmanager.rest import FlinkRest


class JobManagers:
    """Finds the REST API of a place."""

    def __init__(self, session: aiohttp.ClientSession, timeout: float = 10.0) -> None:
        """`timeout` is seconds for one request; an upload of a jar has its own."""
        self._session = session
        self._timeout = timeout

    def at(self, place: Place) -> FlinkRest:
        """The REST API of the JobManager there. Asks nothing yet."""
        return FlinkRest(self._session, place.url, self._timeout)

    async def version(self, place: Place) -> str:
        """The version of Flink that runs there; see `Engine`."""
        return (await self.at(place).overview()).flink_version
