"""Jars that clusters have, whoever uploaded them: what programs can be made of that nobody brought here."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.engine import ClusterJar, Unreachable
from sluiceway.domain.job import PACKAGE, JarProgram
from sluiceway.domain.place import Place

LOOK: Final = 2.0  # seconds for the jars of all clusters; of one that is silent a submission says what it lacks
TOLD: Final = 5  # jars of a cluster that a refusal names

JarsOf = Callable[[Place], Awaitable[Sequence[ClusterJar] | None]]


class JarsUnknown(Exception):
    """Which jars a cluster has is not known now. Its text says why."""


@dataclass(frozen=True, slots=True)
class ClusterJars:
    """The use cases."""

    jars_of: JarsOf  # may raise `Unreachable`
    locate: Callable[[str], Place | None]

    async def __call__(self, cluster: str) -> Sequence[ClusterJar]:
        """The jars that others have uploaded to a cluster, the newest first. Raises `JarsUnknown`."""
        place = self.locate(cluster)
        if place is None:
            raise JarsUnknown(f"cluster {cluster} cannot be reached now")
        try:
            found = await self.jars_of(place)
        except Unreachable as error:
            raise JarsUnknown(f"cluster {cluster} does not answer: {error}") from error
        if found is None:
            raise JarsUnknown(f"cluster {cluster} takes no jars: web.submit.enable is false there")
        return [jar for jar in found if not jar.name.startswith(PACKAGE)]

    async def lacking(self, wanted: Mapping[int, tuple[str, JarProgram]]) -> dict[int, Verdict]:
        """Refusals of jobs, given with their clusters, whose jars these do not have; of what is not known none."""
        mine = {job: (cluster, name) for job, (cluster, program) in wanted.items() if (name := program.in_cluster)}
        names = sorted({cluster for cluster, _ in mine.values()})
        there = dict(zip(names, await asyncio.gather(*map(self._in_time, names)), strict=True))
        why = {job: _lacks(cluster, name, there[cluster]) for job, (cluster, name) in mine.items()}
        return {job: Verdict(Refusal.NO_PROGRAM, note=text) for job, text in why.items() if text}

    async def _in_time(self, cluster: str) -> Sequence[ClusterJar] | None:
        try:
            async with asyncio.timeout(LOOK):
                return await self(cluster)
        except (JarsUnknown, TimeoutError):
            return None


def _lacks(cluster: str, name: str, there: Sequence[ClusterJar] | None) -> str:
    if there is None or any(name in (jar.id, jar.name) for jar in there):
        return ""
    known = list(dict.fromkeys(jar.name for jar in there))
    has = f"it has {', '.join(known[:TOLD])}{' and others' if len(known) > TOLD else ''}" if known else "it has none"
    return f"Cluster {cluster} has no jar {name} any more; {has}."
