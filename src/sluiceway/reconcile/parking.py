"""Parks jobs that fail on their way back: stores a cancel for each, which the next turn sends."""

from collections.abc import Iterable, Mapping

from sluiceway.domain import coming_back
from sluiceway.domain.watched import Watched
from sluiceway.store import parked
from sluiceway.store.database import Database
from sluiceway.store.leases import Lease
from sluiceway.store.ledger import Means
from sluiceway.store.parked import Parking


async def park(
    db: Database, lease: Lease, watched: Iterable[Watched], failing: Mapping[int, int], means: Means
) -> None:
    """Park those whose bound is passed. `failing`: the runs that the last look showed failing, with their restarts."""
    suspects = [w for w in watched if w.run.id in failing and w.may_be_parked]
    bounds = await parked.bounds(db, {w.starts_batch for w in suspects if w.starts_batch}) if suspects else {}
    found = []
    for each in suspects:
        bound = bounds.get(each.starts_batch or 0)
        why = bound and coming_back.parked(each.run, failing[each.run.id], bound, means.now)
        if why and each.starts_batch:
            found.append(Parking(each, each.starts_batch, why, coming_back.parking(each.run)))
    if found:
        await parked.park(db, lease, found, means)
