"""Stopping again what did not stop: a linked order that takes exactly that, as the one before was asked for."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sluiceway.control.errors import UnknownBatch
from sluiceway.control.stop_jobs import StopBatch, StopJobs, StopOrder
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.batch import FAILURES, Kind
from sluiceway.store import stories, views
from sluiceway.store.answers import Key
from sluiceway.store.database import Database
from sluiceway.store.views import Batch, BatchEntry


@dataclass(frozen=True, slots=True)
class Retry:
    """What a request says beside which order."""

    who: str = ""
    allowed: Right = EVERYWHERE
    key: Key | None = None  # for requests that may be sent again
    answer: Callable[[Sequence[BatchEntry], StopBatch], str] = lambda *_: ""  # what to keep under the key


async def told_as_one(db: Database, project: str, stop_id: int) -> tuple[Batch, list[BatchEntry]]:
    """The last order of the story that a stop is part of, and each job of it in the last that it is in.

    Raises `UnknownBatch`.
    """
    found = [await views.batch(db, project, one) for one in await stories.orders(db, project, stop_id, Kind.STOP)]
    known = [batch for batch in found if batch is not None]
    if not known:
        raise UnknownBatch(f"There is no stop {stop_id} in this project.")
    last = {entry.job_id: entry for batch in known for entry in batch.entries}
    return known[-1], list(last.values())


@dataclass(frozen=True, slots=True)
class RetryStops:
    """The use case."""

    stop_jobs: StopJobs

    async def __call__(self, project: str, stop_id: int, retry: Retry) -> tuple[Sequence[BatchEntry], StopBatch]:
        """Stop what did not stop, in the same waves and with the same policy; those jobs, and the answer.

        Of a stop that was tried again, the last try counts. Raises `UnknownBatch`, `AnsweredBefore`, `KeyReused`.
        """
        last, entries = await told_as_one(self.stop_jobs.db, project, stop_id)
        failed = [entry for entry in entries if entry.stop.phase in FAILURES]
        order = StopOrder(
            policy=last.policy,
            limits=last.limits,
            target=last.target,
            waves={entry.job_id: entry.wave for entry in failed},
            who=retry.who,
            allowed=retry.allowed,
            stopped_is_done=True,
            after_savepoint=True,
            key=retry.key,
            answer=lambda batch: retry.answer(failed, batch),
            retry_of=last.id,
        )
        jobs = [entry.job_id for entry in failed]
        return failed, await self.stop_jobs(project, jobs, savepoint=last.savepoint, reason=last.reason, order=order)
