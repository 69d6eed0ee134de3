"""Takes in what lives in a cluster and was not made here."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from sluiceway.domain.adoption import MOST_AT_ONCE, Adopts, Stranger
from sluiceway.domain.engine import Engine, Unreachable
from sluiceway.domain.identity import Answers, Shown, Spot
from sluiceway.domain.place import Place
from sluiceway.store import adopted
from sluiceway.store.adopted import Intake
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease

Labels = Callable[[str], Mapping[str, str]]
Locate = Callable[[str], Place | None]
ASK_AGAIN: Final = timedelta(minutes=1)  # until a stranger that was not taken in is asked about once more

log = structlog.get_logger()


class Adopting:
    """Asks the database about each stranger, seldom, as long as the same worker looks and the stranger is there."""

    def __init__(self, db: Database, engine: Engine, into: Adopts, labels: Labels, locate: Locate) -> None:
        """Nobody was asked about yet. `labels` tells those of a cluster by its name, `locate` where it is now."""
        self._db = db
        self._engine = engine
        self._into = into
        self._labels = labels
        self._locate = locate
        self._asked: dict[str, datetime] = {}  # when last, by Flink job id
        self._seen: set[str] = set()  # in the look before: a query that somebody tries out is soon gone
        self._answers: dict[Stranger, Answers] = {}  # to what was unsure, asked since the look before
        self._fence = 0

    async def __call__(
        self, lease: Lease, strangers: Sequence[Stranger], now: datetime, followed: Collection[int] = ()
    ) -> None:
        """Take in those that are wanted. The next turn watches them. `followed`: see `Intake`."""
        if lease.fence != self._fence:
            self._asked, self._answers, self._fence = {}, {}, lease.fence
        if fresh := self._due(strangers, now):
            await self._take(lease, fresh, strangers, now, followed)
        self._seen = {each.flink_job_id for each in strangers}
        asked = self._asked | {each.flink_job_id: now for each in fresh if each not in self._answers}
        self._asked = {jid: at for jid, at in asked.items() if jid in self._seen}

    async def _take(
        self,
        lease: Lease,
        fresh: Sequence[Stranger],
        strangers: Sequence[Stranger],
        now: datetime,
        followed: Collection[int],
    ) -> None:
        called, mine = {each.name for each in fresh}, {each.flink_job_id for each in fresh}
        alike = [each for each in strangers if each.name in called and each.flink_job_id not in mine]
        intake = Intake(fresh, alike, self._labels(lease.cluster), self._answers, followed)
        taken = await adopted.adopt(self._db, lease, intake, self._into, now)
        if taken.adoptions:
            log.info("jobs_adopted", cluster=lease.cluster, count=len(taken.adoptions))
        told = await self._ask({spot for spots in taken.unsure.values() for spot in spots})
        # Each is asked once, between two looks; where there is no answer, nobody asks again for a while.
        self._answers = {
            each: {**self._answers.get(each, {}), **{spot: told.get(spot) for spot in spots}}
            for each, spots in taken.unsure.items()
        }

    async def _ask(self, spots: Collection[Spot]) -> dict[Spot, Shown]:
        """What their clusters show of these; nothing from a cluster that does not answer."""
        jids: dict[str, list[str]] = {}
        for spot in sorted(spots):
            jids.setdefault(spot.cluster, []).append(spot.flink_job_id)
        told = await asyncio.gather(*(self._shown(cluster, wanted) for cluster, wanted in jids.items()))
        return {spot: shown for each in told for spot, shown in each.items()}

    async def _shown(self, cluster: str, jids: Sequence[str]) -> dict[Spot, Shown]:
        place = self._locate(cluster)
        if place is None:
            return {Spot(cluster, jid): Shown(nowhere=True) for jid in jids}
        try:
            found = await self._engine.living(place, jids)
        except Unreachable:
            return {}
        untold = {jid for jid, stranger in found.items() if stranger is None}
        return {Spot(cluster, jid): _told(found.get(jid)) for jid in jids if jid not in untold}

    def _due(self, strangers: Sequence[Stranger], now: datetime) -> list[Stranger]:
        """The wanted ones that were there before: those who were never asked about first."""
        there = [each for each in strangers if each.flink_job_id in self._seen and self._into.wants(each)]
        fresh = [each for each in there if each.flink_job_id not in self._asked]
        rest = [each for each in there if each.flink_job_id in self._asked]
        again = [each for each in rest if not abs(now - self._asked[each.flink_job_id]) < ASK_AGAIN]
        return (fresh + again)[:MOST_AT_ONCE]


def _told(found: Stranger | None) -> Shown:
    return Shown() if found is None else Shown(found.started_at, unlisted=found.started_at is None)
