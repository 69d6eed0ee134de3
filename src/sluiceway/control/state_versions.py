"""Whether clusters read the states that jobs would be resumed from there, as far as their versions tell."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.place import Place
from sluiceway.domain.savepoint_version import of_another_version
from sluiceway.domain.way_back import Back
from sluiceway.store.intents import Start

LOOK: Final = 1.0  # seconds for the versions of all clusters; one that is silent says so when the job starts

VersionOf = Callable[[Place], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class StateVersions:
    """The use case. Call it."""

    version_of: VersionOf  # may raise `Unreachable`
    locate: Callable[[str], Place | None]

    async def __call__(self, starts: Sequence[Start], backs: Mapping[int, Back]) -> dict[int, Back]:
        """The same ways back, with what there is to say of the versions of their states."""
        asked = [start for start in starts if _written_by(backs.get(start.job_id))]
        versions = await self.versions({start.cluster for start in asked})
        return {**backs, **{s.job_id: _with(backs[s.job_id], versions.get(s.cluster, "")) for s in asked}}

    async def versions(self, clusters: set[str]) -> dict[str, str]:
        """That these run; empty where nobody knows."""
        names = sorted(clusters)
        return dict(zip(names, await asyncio.gather(*map(self._version, names)), strict=True))

    async def _version(self, cluster: str) -> str:
        place = self.locate(cluster)
        try:
            async with asyncio.timeout(LOOK):
                return await self.version_of(place) if place else ""
        except (Unreachable, TimeoutError):
            return ""


def _written_by(back: Back | None) -> str:
    return back.state.flink_version if back is not None and back.state is not None else ""


def _with(back: Back, theirs: str) -> Back:
    concern = of_another_version(back.state, theirs) if back.state is not None else None
    return back if concern is None else replace(back, concerns=(*back.concerns, concern))
