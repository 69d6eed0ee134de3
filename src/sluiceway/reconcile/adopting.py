"""Takes in what lives in a cluster and was not made here, once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import structlog

from sluiceway.domain.adoption import MOST_AT_ONCE, Adopts, Stranger
from sluiceway.store import adopted
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease

Labels = Callable[[str], Mapping[str, str]]

log = structlog.get_logger()


class Adopting:
    """Asks the database about each stranger once, as long as the same worker looks and the stranger is there."""

    def __init__(self, db: Database, into: Adopts, labels: Labels) -> None:
        """Nobody was asked about yet. `labels` tells those of a cluster by its name."""
        self._db = db
        self._into = into
        self._labels = labels
        self._asked: set[str] = set()  # by Flink job id
        self._seen: set[str] = set()  # in the look before: a query that somebody tries out is soon gone
        self._fence = 0

    async def __call__(self, lease: Lease, strangers: Sequence[Stranger], now: datetime) -> None:
        """Take in those that are wanted. The next turn watches them."""
        if lease.fence != self._fence:
            self._asked, self._fence = set(), lease.fence
        due = [each for each in strangers if each.flink_job_id in self._seen - self._asked]
        fresh = [each for each in due if self._into.wants(each)][:MOST_AT_ONCE]
        if fresh:
            called, mine = {each.name for each in fresh}, {each.flink_job_id for each in fresh}
            alike = [each for each in strangers if each.name in called and each.flink_job_id not in mine]
            labels = self._labels(lease.cluster)
            taken = await adopted.adopt(self._db, lease, fresh, alike, self._into, now, labels)
            if taken:
                log.info("jobs_adopted", cluster=lease.cluster, count=len(taken))
        self._seen = {each.flink_job_id for each in strangers}
        self._asked = (self._asked & self._seen) | {each.flink_job_id for each in fresh}
