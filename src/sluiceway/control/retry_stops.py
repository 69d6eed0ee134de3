"""Stops again what did not stop: a linked order of exactly these jobs, with the policy of the one before."""

from collections.abc import Sequence
from dataclasses import dataclass

from sluiceway.control.errors import UnknownBatch
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.batch import FAILURES, Kind
from sluiceway.domain.orders import Key, Placed, StopOrder
from sluiceway.store import batch_views, stories
from sluiceway.store.batch_views import Batch, BatchEntry
from sluiceway.store.database import Database


async def told_as_one(db: Database, project: str, stop_id: int) -> tuple[Batch, list[BatchEntry]]:
    """The last order of a stop's story, and each of its jobs in its latest order.

    Raises `UnknownBatch`.
    """
    found = [await batch_views.batch(db, project, one) for one in await stories.orders(db, project, stop_id, Kind.STOP)]
    known = [batch for batch in found if batch is not None]
    if not known:
        raise UnknownBatch(f"There is no stop {stop_id} in this project.")
    last = {entry.job_id: entry for batch in known for entry in batch.entries}
    return known[-1], list(last.values())


@dataclass(frozen=True, slots=True)
class RetryStops:
    """The use case."""

    stop_jobs: StopJobs

    async def __call__(
        self, project: str, stop_id: int, *, who: str = "", right: Right = EVERYWHERE, key: Key | None = None
    ) -> tuple[Sequence[BatchEntry], Placed]:
        """Stop what did not stop, in the same waves and with the same policy; the order, and its outcome.

        Of a stop that was tried again, the last try counts. Raises `UnknownBatch`, `AnsweredBefore`, `KeyReused`.
        """
        last, entries = await told_as_one(self.stop_jobs.db, project, stop_id)
        failed = [entry for entry in entries if entry.stop.phase in FAILURES]
        order = StopOrder(
            project,
            [entry.job_id for entry in failed],
            savepoint=last.savepoint,
            reason=last.reason,
            policy=last.policy,
            limits=last.limits,
            target=last.target,
            waves={entry.job_id: entry.wave for entry in failed},
            who=who,
            stopped_is_done=True,
            after_savepoint=True,
            key=key,
            retry_of=last.id,
        )
        return failed, await self.stop_jobs(order, right)
