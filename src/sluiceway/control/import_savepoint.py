"""Choosing the savepoint of a job's next resume."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sluiceway.control import named_states
from sluiceway.control.errors import UnknownJob, WrongState
from sluiceway.domain.admission import RUNNABLE, may_run
from sluiceway.storage.inspection import Inspection
from sluiceway.storage.savepoints import Storage
from sluiceway.store import intents, views
from sluiceway.store.database import Database


@dataclass(frozen=True, slots=True)
class ImportSavepoint:
    """The use case. Call it."""

    db: Database
    storage: Storage
    clock: Callable[[], datetime]

    async def __call__(self, project: str, job_id: int, path: str, *, who: str = "") -> Inspection:
        """Make the next resume begin from the savepoint or checkpoint in a directory, whatever else is newer.

        Raises `UnknownJob`, `WrongState` for one that may be running, and what `named_states.read` does.
        """
        job = await views.job(self.db, project, job_id)
        if job is None:
            raise UnknownJob
        if not may_run(job.status):
            raise WrongState(job.status)
        found = (await named_states.read(self.db, self.storage, project, job_id, path)).found
        choice = intents.Choice(project, job_id, found.path, found.size, who)
        if not await intents.choose_savepoint(self.db, choice, sorted(RUNNABLE), self.clock()):
            raise WrongState(job.status)
        return found
