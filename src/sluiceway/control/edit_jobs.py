"""Making, changing and deleting jobs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sluiceway.control import programs
from sluiceway.control.errors import NameTaken, NoProgram, UnknownJob, UnknownQueue
from sluiceway.control.queues import Queues
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import ACCEPTED, ACTIVE, UNKNOWN, Refusal, Verdict
from sluiceway.domain.job import Job, JobDraft, JobStatus
from sluiceway.storage.savepoints import Storage
from sluiceway.store import intents, stop_intents, views
from sluiceway.store.database import Database
from sluiceway.store.intents import NameInUse
from sluiceway.store.stop_intents import StopIntent


@dataclass(frozen=True, slots=True)
class EditJobs:
    """The use cases around what a job is."""

    db: Database
    queues: Queues
    storage: Storage
    clock: Callable[[], datetime]
    timeout: timedelta

    async def create(self, project: str, draft: JobDraft, user: str) -> Job:
        """Store a new job; nothing is started. Raises `NameTaken`, `UnknownQueue`."""
        self._check_queue(draft)
        try:
            return await intents.create_job(self.db, project, draft, user, self.clock())
        except NameInUse as error:
            raise NameTaken(draft.name) from error

    async def update(self, project: str, job_id: int, change: Callable[[Job], JobDraft], who: str = "") -> Job:
        """Change a job by what `change` makes of it. Raises `UnknownJob`, `NameTaken`, `UnknownQueue`, `NoProgram`.

        Whatever `change` raises comes through, and the job stays as it was.
        """
        await self._require_new_jar(project, job_id, change)

        def checked(job: Job) -> JobDraft:
            draft = change(job)
            self._check_queue(draft)
            return draft

        try:
            job = await intents.update_job(self.db, project, job_id, checked, self.clock(), who)
        except NameInUse as error:
            raise NameTaken from error
        if job is None:
            raise UnknownJob
        return job

    async def delete(
        self,
        project: str,
        job_ids: Sequence[int],
        who: str = "",
        allowed: Right = EVERYWHERE,
    ) -> Sequence[Verdict]:
        """Take jobs away, whatever their status; those that run are canceled first, without a savepoint.

        They are `allowed` to be stopped, or they stay.
        """
        now = self.clock()
        intent = StopIntent(project, False, self.storage.uri, self.timeout, "deleted", now, who=who)
        barred: dict[int, Verdict] = {}

        def may_go(job_id: int, status: JobStatus, cluster: str | None) -> bool:
            if status in ACTIVE and cluster is not None and not allowed(cluster):
                barred[job_id] = Verdict(Refusal.FORBIDDEN, status, cluster)
            return job_id not in barred

        found, clusters = await stop_intents.delete_jobs(self.db, job_ids, intent, sorted(ACTIVE), may_go)
        self.queues.wake(clusters)
        return [ACCEPTED if job in found else barred.get(job, UNKNOWN) for job in job_ids]

    async def require_jar(self, project: str, jar: str) -> None:
        """Raises `NoProgram` for a jar that is certainly not there."""
        if jar in await programs.absent(self.db, self.storage.files, project, {jar}):
            raise NoProgram(jar)

    async def _require_new_jar(self, project: str, job_id: int, change: Callable[[Job], JobDraft]) -> None:
        """A jar that a job gets must be there. The one that it has may be gone: what runs has its copy."""
        found = await views.job(self.db, project, job_id)
        if found is None:
            raise UnknownJob
        jar = _jar(change(found))
        if jar and jar != _jar(found.draft):
            await self.require_jar(project, jar)

    def _check_queue(self, draft: JobDraft) -> None:
        if draft.queue and self.queues.resolve(draft.queue) is None:
            raise UnknownQueue(draft.queue)


def _jar(draft: JobDraft) -> str:
    return draft.spec.program.jar if draft.spec.program else ""
