"""What is watched at one cluster, kept from turn to turn. The rows are the truth: a change by others is noticed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from sluiceway.domain.watched import Change, Watched
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.work import Records

UNKNOWN: Final = 250  # runs of a cluster that was not read yet, as far as anybody reckons


class Memory:
    """Reads the rows of a cluster when somebody else has changed one of them, and only then."""

    def __init__(self, db: Database, records: Records) -> None:
        """Nothing was read yet. `records` are those of all clusters."""
        self._db = db
        self._records = records
        self._fence = 0  # of the lease under which it was read
        self.number: int | None = None  # of the changes that are in it; None: it has to be read
        self._each: dict[int, Watched] = {}  # by run, oldest first

    async def watched(self, lease: Lease) -> Sequence[Watched]:
        """Everything that is not done for good, oldest run first."""
        number = self._db.changes(lease.cluster)
        if number is None or number != self.number or lease.fence != self._fence:
            read = await self._records.read(lease.cluster, len(self._each) or UNKNOWN)
            self._each = {each.run.id: each for each in read.watched}
            self.number, self._fence = read.number, lease.fence
        return list(self._each.values())

    async def record(self, lease: Lease, changes: Sequence[Change], now: datetime) -> Mapping[int, Watched]:
        """Store what nobody has forestalled; as it now is, by run id."""
        if not any(change.moved for change in changes):
            return {change.after.run.id: change.after for change in changes}
        known, self.number = self.number, None  # what is broken off may have been stored
        recorded = await self._records(lease, changes, now)
        if known is not None and recorded.before == known:
            self._each |= recorded.by_run
            self._each = {run_id: each for run_id, each in self._each.items() if not each.settled}
            self.number = recorded.number
        return recorded.by_run
