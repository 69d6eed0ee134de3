"""Stopping jobs: every job gets its verdict, and what is accepted is stored before the answer is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluiceway.control.errors import UnknownQueue
from sluiceway.control.queues import Queues
from sluiceway.domain.admission import ACCEPTED, STOPPABLE, UNKNOWN, Refusal, Verdict, may_stop
from sluiceway.domain.job import JobStatus
from sluiceway.domain.stop import Stop, StopPhase, rearm
from sluiceway.storage.savepoints import Storage
from sluiceway.store import intents, views
from sluiceway.store.database import Database
from sluiceway.store.intents import Obstacle, StopIntent

STILL_UNDER_WAY = Verdict(note="An earlier stop of this job is still under way; it is waited for anew.")

IS_CANCELED = "It is already being canceled without a savepoint."


@dataclass(frozen=True, slots=True)
class StopBatch:
    """The answer to one request to stop jobs."""

    id: int | None  # None when nothing was accepted
    verdicts: Sequence[Verdict]  # one for each position of the request


@dataclass(frozen=True, slots=True)
class StopJobs:
    """The use case. Call it; it answers as soon as the intent is stored."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    timeout: timedelta

    async def __call__(self, project: str, job_ids: Sequence[int], *, savepoint: bool, reason: str = "") -> StopBatch:
        """Accept the stop of each job that may be stopped. An id that is given twice is acted on once."""
        odd: dict[int, Verdict] = {}
        now = self.clock()
        intent = StopIntent(project, savepoint, self.storage.savepoints, self.timeout, reason, now)

        def judge(obstacle: Obstacle) -> Stop | bool:
            verdict, answer = self._judge(obstacle, savepoint=savepoint, deadline=now + self.timeout)
            if verdict is not ACCEPTED:
                odd[obstacle.job_id] = verdict
            return answer

        once = job_ids if len(set(job_ids)) == len(job_ids) else list(dict.fromkeys(job_ids))
        plain = intents.Plain(_plain(savepoint=savepoint), self.queues.names)
        batch, clusters = await intents.accept_stops(self.db, once, intent, plain, judge)
        self.queues.wake(clusters)
        return StopBatch(batch, [odd.get(job, ACCEPTED) for job in job_ids] if odd else [ACCEPTED] * len(job_ids))

    async def select(self, project: str, queue: str | None = None) -> list[int]:
        """The ids of all jobs that could be stopped now, of one queue or of all. Raises `UnknownQueue`."""
        found = await views.job_ids(self.db, project, sorted(STOPPABLE), queue)
        if not found and queue is not None and queue not in self.queues.names:
            raise UnknownQueue(queue)  # a slip of the pen must not look like a cluster with nothing to stop
        return found

    def _judge(self, obstacle: Obstacle, *, savepoint: bool, deadline: datetime) -> tuple[Verdict, Stop | bool]:
        if obstacle.status is None:
            return UNKNOWN, False
        if not may_stop(obstacle.status, savepoint=savepoint):
            return Verdict(Refusal.WRONG_STATE, obstacle.status), False
        if obstacle.cluster not in self.queues.names:
            return Verdict(Refusal.NO_QUEUE, obstacle.status, obstacle.cluster or ""), False
        if obstacle.stop is None or obstacle.stop.phase is not StopPhase.OVERDUE:
            return ACCEPTED, True
        if savepoint and not obstacle.stop.savepoint:
            return Verdict(Refusal.WRONG_STATE, JobStatus.CANCELING, IS_CANCELED), False
        # One attempt may still be in flight; a second beside it would restart the job.
        return STILL_UNDER_WAY, rearm(obstacle.stop, savepoint=savepoint, deadline=deadline)


def _plain(*, savepoint: bool) -> list[JobStatus]:
    """The statuses in which a stop is accepted without a closer look."""
    return [status for status in STOPPABLE - {JobStatus.STOP_FAILED} if may_stop(status, savepoint=savepoint)]
