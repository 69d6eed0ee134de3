"""Stopping jobs: every job gets its verdict, and what is accepted is stored before the answer is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sluiceway.control import selecting
from sluiceway.control.errors import Forbidden, UnknownBatch
from sluiceway.control.keys import check_key, same_request
from sluiceway.control.queues import Queues
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import STOPPABLE
from sluiceway.domain.batch import BatchState
from sluiceway.domain.judging import Reach
from sluiceway.domain.orders import Key, Placed, StopOrder
from sluiceway.domain.selection import Selection
from sluiceway.storage.savepoints import Storage
from sluiceway.store import batch_views, batches, stop_intents
from sluiceway.store.batches import Aborted
from sluiceway.store.database import Database
from sluiceway.store.ledger import Means


@dataclass(frozen=True, slots=True)
class StopJobs:
    """The use case. Call it; it answers as soon as the intent is stored."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    timeout: timedelta

    async def __call__(self, order: StopOrder, right: Right = EVERYWHERE) -> Placed:
        """Accept the stop of each job that may be stopped.

        Raises `AnsweredBefore` and `KeyReused` for a key that is known.
        """
        reach = Reach(frozenset(self.queues.names), right.queues)
        means = Means(self.timeout, self.storage.uri, self.clock())
        with same_request(order.key):
            placed, clusters = await stop_intents.accept_stops(self.db, order, reach, means)
        right.denied.update(placed.barred)
        self.queues.wake(clusters)
        return placed

    async def check_key(self, project: str, key: Key) -> None:
        """Raises `AnsweredBefore` and `KeyReused` for a key that is known."""
        await check_key(self.db, project, key, self.clock())

    async def select(self, project: str, which: Selection) -> list[int]:
        """The ids of all jobs that are selected, in order. Raises `UnknownQueue`.

        Unless statuses are named, only those that could be stopped now.
        """
        return await selecting.select(self.db, self.queues, project, _stoppable(which))

    async def unjudged(self, project: str, which: Selection) -> int:
        """Of how many further jobs nobody can tell whether they are selected. Raises `UnknownQueue`."""
        return await selecting.unjudged(self.db, self.queues, project, _stoppable(which))

    async def arrange(
        self, project: str, job_ids: Sequence[int] | None, groups: Sequence[Selection | Sequence[int]]
    ) -> tuple[list[int], dict[int, int]]:
        """The jobs to stop and the wave of each; without `job_ids` they are those of all groups.

        A job that is in several groups goes with the first. One that is in none goes last. Raises `UnknownQueue`.
        """
        waves: dict[int, int] = {}
        for wave, group in enumerate(groups):
            members = await self.select(project, group) if isinstance(group, Selection) else group
            for job in members:
                waves.setdefault(job, wave)
        if job_ids is None:
            return list(waves), waves
        return list(job_ids), {job: waves.get(job, len(groups)) for job in job_ids} if groups else {}

    async def abort(self, project: str, batch_id: int, *, who: str = "", right: Right = EVERYWHERE) -> Aborted:
        """Withdraw the stops that were not sent yet. Raises `UnknownBatch`, `Forbidden`."""
        await self._check(project, batch_id, right)
        aborted = await batches.abort(self.db, project, batch_id, self.clock(), who)
        if aborted is None:
            raise UnknownBatch(f"There is no stop {batch_id} in this project.")
        self.queues.wake(aborted.clusters)
        return aborted

    async def proceed(self, project: str, batch_id: int, *, who: str = "", right: Right = EVERYWHERE) -> BatchState:
        """Continue a paused batch, whatever has failed; its former state. Raises `UnknownBatch`, `Forbidden`."""
        await self._check(project, batch_id, right)
        state = await batches.proceed(self.db, project, batch_id, self.clock(), who)
        if state is None:
            raise UnknownBatch(f"There is no stop {batch_id} in this project.")
        self.queues.wake(self.queues.names)
        return state

    async def _check(self, project: str, batch_id: int, right: Right) -> None:
        """Steering a batch needs the right to stop jobs on all of its queues."""
        barred = sorted(q for q in await batch_views.queues_of_batch(self.db, project, batch_id) if not right(q))
        if barred:
            raise Forbidden(f"You have no right to stop jobs on {', '.join(barred)}, where jobs of this stop are.")


def _stoppable(which: Selection) -> Selection:
    return which if which.by_state else replace(which, statuses=STOPPABLE, saving=True)
