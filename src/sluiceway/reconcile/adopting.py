"""Takes in what lives in a cluster and was not made here."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import structlog

from sluiceway.domain.adoption import MOST_AT_ONCE, Adopts, Stranger
from sluiceway.store import adopted
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease

Labels = Callable[[str], Mapping[str, str]]
ASK_AGAIN: Final = timedelta(minutes=1)  # until a stranger that was not taken in is asked about once more

log = structlog.get_logger()


class Adopting:
    """Asks the database about each stranger, seldom, as long as the same worker looks and the stranger is there."""

    def __init__(self, db: Database, into: Adopts, labels: Labels) -> None:
        """Nobody was asked about yet. `labels` tells those of a cluster by its name."""
        self._db = db
        self._into = into
        self._labels = labels
        self._asked: dict[str, datetime] = {}  # when last, by Flink job id
        self._seen: set[str] = set()  # in the look before: a query that somebody tries out is soon gone
        self._fence = 0

    async def __call__(self, lease: Lease, strangers: Sequence[Stranger], now: datetime) -> None:
        """Take in those that are wanted. The next turn watches them."""
        if lease.fence != self._fence:
            self._asked, self._fence = {}, lease.fence
        if fresh := self._due(strangers, now):
            called, mine = {each.name for each in fresh}, {each.flink_job_id for each in fresh}
            alike = [each for each in strangers if each.name in called and each.flink_job_id not in mine]
            labels = self._labels(lease.cluster)
            taken = await adopted.adopt(self._db, lease, fresh, alike, self._into, now, labels)
            if taken:
                log.info("jobs_adopted", cluster=lease.cluster, count=len(taken))
        self._seen = {each.flink_job_id for each in strangers}
        asked = self._asked | {each.flink_job_id: now for each in fresh}
        self._asked = {jid: at for jid, at in asked.items() if jid in self._seen}

    def _due(self, strangers: Sequence[Stranger], now: datetime) -> list[Stranger]:
        """The wanted ones that were there before: those who were never asked about first."""
        there = [each for each in strangers if each.flink_job_id in self._seen and self._into.wants(each)]
        fresh = [each for each in there if each.flink_job_id not in self._asked]
        rest = [each for each in there if each.flink_job_id in self._asked]
        again = [each for each in rest if not abs(now - self._asked[each.flink_job_id]) < ASK_AGAIN]
        return (fresh + again)[:MOST_AT_ONCE]
