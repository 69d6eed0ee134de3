"""Taking savepoints of jobs that run on: every job gets its verdict, and what is accepted is stored first."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluiceway.control.errors import UnusablePath
from sluiceway.domain.judging import judge_format
from sluiceway.control.queues import Queues
from sluiceway.domain.admission import UNKNOWN, Refusal, Verdict
from sluiceway.domain.job import JobStatus
from sluiceway.domain.policy import SavepointFormat
from sluiceway.storage.errors import BadPath
from sluiceway.storage.savepoints import Storage
from sluiceway.store import snapshots
from sluiceway.store.database import Database
from sluiceway.store.snapshots import Savable, SnapshotIntent


@dataclass(frozen=True, slots=True)
class TakeSavepoints:
    """The use case. Call it; it answers as soon as the intent is stored."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    timeout: timedelta

    async def __call__(
        self,
        project: str,
        job_ids: Sequence[int],
        *,
        path: str | None = None,
        who: str = "",
        wish: SavepointFormat | None = None,
    ) -> Sequence[Verdict]:
        """Accept a savepoint of each job that runs, and of which nothing else is being saved or stopped.

        An id that is given twice is acted on once. `path` is a directory under the storage root, in which each job gets
        one of its own. `wish` is a format; None: whichever does the job no harm. Raises `UnusablePath`.
        """
        triggers = {job: secrets.token_hex(16) for job in dict.fromkeys(job_ids)}
        target = None if path is None else self._target(path)
        intent = SnapshotIntent(project, self.storage.home, triggers, self.timeout, self.clock(), target, who, wish)
        verdicts: dict[int, Verdict] = {}

        def may(job: Savable) -> bool:
            verdicts[job.job_id] = self._judge(job, wish)
            return verdicts[job.job_id].accepted

        self.queues.wake(await snapshots.accept(self.db, intent, may))
        return [verdicts.get(job, UNKNOWN) for job in job_ids]

    def _judge(self, job: Savable, wish: SavepointFormat | None) -> Verdict:
        if job.status is not JobStatus.RUNNING:
            return Verdict(Refusal.WRONG_STATE, job.status)
        if job.cluster not in self.queues.names:
            return Verdict(Refusal.NO_QUEUE, job.status, job.cluster or "")
        return judge_format(job.traits, wish)

    def _target(self, path: str) -> str:
        try:
            directory = self.storage.target(path)
        except BadPath as error:
            raise UnusablePath(str(error)) from error
        if self.storage.owner(directory) is not None:
            # What lies there counts as state of the job that it is named after.
            raise UnusablePath(f"{path} is among the service's own directories; name another, or none.")
        return directory
