"""The records and rates of jobs, as their clusters report them."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sluiceway.control.errors import UnknownJob
from sluiceway.control.queues import Queues
from sluiceway.domain.engine import Engine, Traffic, Unreachable
from sluiceway.store import views
from sluiceway.store.database import Database

AT_ONCE: Final = 10  # jobs that are asked about; each takes a handful of requests

NOTHING: Final = Traffic()


@dataclass(frozen=True, slots=True)
class Metrics:
    """The use case."""

    db: Database
    queues: Queues
    engine: Engine

    async def __call__(self, project: str, job_ids: Sequence[int]) -> Mapping[int, Traffic | None]:
        """What flows through each job; None when its cluster does not answer. Raises `UnknownJob` if one is unknown."""
        places = {job: await views.locate(self.db, project, job) for job in dict.fromkeys(job_ids)}
        if missing := [job for job, place in places.items() if place is None]:
            raise UnknownJob(*missing)
        gate = asyncio.Semaphore(AT_ONCE)
        found = await asyncio.gather(*(self._look(gate, *place) for place in places.values() if place is not None))
        return dict(zip(places, found, strict=True))

    async def _look(self, gate: asyncio.Semaphore, name: str | None, flink_job_id: str | None) -> Traffic | None:
        if name is None or flink_job_id is None:
            return NOTHING  # it has never run
        cluster = self.queues.locate(name)
        if cluster is None:
            return None
        try:
            async with gate:
                return await self.engine.traffic(cluster, flink_job_id) or NOTHING
        except Unreachable:
            return None
