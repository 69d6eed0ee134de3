"""Making, changing and deleting jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluiceway.control import programs
from sluiceway.control.errors import NameTaken, NoProgram, UnknownJob, UnknownQueue
from sluiceway.control.queues import Queues
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import ACCEPTED, UNKNOWN, Verdict
from sluiceway.domain.job import JarProgram, Job, JobDraft
from sluiceway.domain.judging import Reach
from sluiceway.domain.orders import Placed, StopOrder
from sluiceway.storage.savepoints import Storage
from sluiceway.store import intents, stop_intents, views
from sluiceway.store.database import Database
from sluiceway.store.intents import NameInUse
from sluiceway.store.ledger import Means


@dataclass(frozen=True, slots=True)
class EditJobs:
    """The use cases around jobs."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    timeout: timedelta

    async def create(self, project: str, draft: JobDraft, user: str) -> Job:
        """Store a new job; nothing is started. Raises `NameTaken`, `UnknownQueue`."""
        self._check_queue(project, draft)
        try:
            return await intents.create_job(self.db, project, draft, user, self.clock())
        except NameInUse as error:
            raise NameTaken(draft.name) from error

    async def update(self, project: str, job_id: int, change: Callable[[Job], JobDraft], who: str = "") -> Job:
        """Replace a job by what `change` returns. Raises `UnknownJob`, `NameTaken`, `UnknownQueue`, `NoProgram`.

        Whatever `change` raises comes through, and the job stays as it was.
        """
        seen = await views.job(self.db, project, job_id)
        while seen is not None:
            draft = change(seen)
            await self._check(seen, draft)
            try:
                made = await intents.update_job(self.db, seen, draft, self.clock(), who)
            except NameInUse as error:
                raise NameTaken from error
            if made is not None:
                return made
            seen = await views.job(self.db, project, job_id)  # somebody else came first: it is to be made of that
        raise UnknownJob

    async def delete(
        self,
        project: str,
        job_ids: Sequence[int],
        who: str = "",
        right: Right = EVERYWHERE,
    ) -> Sequence[Verdict]:
        """Take jobs away, whatever their status; those that run are canceled first, without a savepoint.

        One that runs where there is no `right` to stop jobs stays.
        """
        order = StopOrder(project, job_ids, savepoint=False, reason="deleted", who=who)
        reach = Reach(frozenset(self.queues.names), right.queues)
        means = Means(self.timeout, self.storage.uri, self.clock())
        found, barred, clusters = await stop_intents.delete_jobs(self.db, order, reach, means)
        right.denied.update(Placed(None, job_ids, barred).barred)
        self.queues.wake(clusters)
        return [ACCEPTED if job in found else barred.get(job, UNKNOWN) for job in job_ids]

    async def require_jar(self, project: str, jar: str) -> None:
        """Raises `NoProgram` for a jar that is certainly not there."""
        if await programs.absent(self.db, self.storage.files, project, programs.files_of(JarProgram(jar))):
            raise NoProgram(jar)

    async def _check(self, job: Job, draft: JobDraft) -> None:
        """A new jar must exist. The present one may be gone: a running job has its copy."""
        jar = _jar(draft)
        if jar and jar != _jar(job.draft):
            await self.require_jar(job.project, jar)
        if draft.queue != job.draft.queue:  # the one that it has may be gone
            self._check_queue(job.project, draft)

    def _check_queue(self, project: str, draft: JobDraft) -> None:
        if draft.queue and self.queues.resolve(draft.queue, project) is None:
            raise UnknownQueue(draft.queue)


def _jar(draft: JobDraft) -> str:
    return draft.spec.program.jar if draft.spec.program else ""
