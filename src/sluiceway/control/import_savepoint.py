"""Choosing the savepoint that a job is to be resumed from."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sluiceway.control.errors import NotWhole, StorageTrouble, UnknownJob, UnusablePath, WrongState
from sluiceway.domain.admission import RUNNABLE, may_run
from sluiceway.storage.errors import BadPath, StorageUnreadable
from sluiceway.storage.inspection import Inspection
from sluiceway.storage.savepoints import Storage
from sluiceway.store import catalogue, intents, views
from sluiceway.store.database import Database

_ID: Final = re.compile(r"[1-9][0-9]{0,17}")  # of a job, as it names its directories; all of them fit the database


@dataclass(frozen=True, slots=True)
class ImportSavepoint:
    """The use case. Call it."""

    db: Database
    storage: Storage
    clock: Callable[[], datetime]

    async def __call__(self, project: str, job_id: int, path: str, *, who: str = "") -> Inspection:
        """Let the next run that resumes begin from the savepoint or checkpoint in a directory, whatever else is newer.

        Raises `UnknownJob`, `WrongState` for one that may be running, `UnusablePath`, `NotWhole`, `StorageTrouble`.
        """
        job = await views.job(self.db, project, job_id)
        if job is None:
            raise UnknownJob
        if not may_run(job.status):
            raise WrongState(job.status)
        found = await self._inspect(project, path)
        claim = await catalogue.claim(self.db, found.path)
        if claim is not None and claim.job_id != job_id:
            raise UnusablePath(
                f"Flink owns {path} since job {claim.job_id} was resumed from it in claim mode, and removes what that "
                "job no longer needs. Stop that job, and take the savepoint that it is stopped with."
            )
        if found.wrong:
            raise NotWhole(found.why)
        choice = intents.Choice(project, job_id, found.path, found.size, who)
        if not await intents.choose_savepoint(self.db, choice, sorted(RUNNABLE), self.clock()):
            raise WrongState(job.status)
        return found

    async def _inspect(self, project: str, path: str) -> Inspection:
        try:
            place = self.storage.place(path)
        except BadPath as error:
            raise UnusablePath(str(error)) from error
        if not await self._may_read(project, place):
            raise UnusablePath(f"{path[:200]} does not belong to a job of this project.")
        try:
            return await self.storage.inspect(place)
        except BadPath as error:
            raise UnusablePath(str(error)) from error
        except StorageUnreadable as error:
            raise StorageTrouble(str(error)) from error

    async def _may_read(self, project: str, place: str) -> bool:
        """What lies in a job's own directories is for the jobs of its project only."""
        owner = self.storage.owner(place)
        if owner is None:
            return True
        return _ID.fullmatch(owner) is not None and await views.owns(self.db, project, int(owner))
