"""The catalogue of savepoints: list, verify, and remove those that nobody needs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sluiceway.control.errors import SavepointNeeded, SavepointRemoved, StorageTrouble, UnknownSavepoint, Unremovable
from sluiceway.storage.errors import NotASavepoint, StorageUnreadable
from sluiceway.storage.inspection import Inspection
from sluiceway.storage.savepoints import Storage
from sluiceway.store import catalogue, kept
from sluiceway.store.catalogue import Need, Savepoint, Which
from sluiceway.store.database import Database

LONGEST: Final = 1000  # characters of a fault that is kept

_NEEDS: Final = {
    Need.STOPPED_WITH: "job {job} was stopped with it",
    Need.RESTORED_FROM: "the latest run of job {job} was started from it",
    Need.NEWEST: "it is the newest savepoint of job {job}",
    Need.CLAIMED: "Flink owns it since job {job} was resumed from it in claim mode, and that job's later states may "
    "use its files",
    Need.NAMED: "job {job} is to be resumed from it",
    Need.PROTECTED: "it is protected since its registration for job {job}",
}

_WAY_OUT: Final = "Resume the job and stop it anew, or delete the job"
_WAYS_OUT: Final = {Need.PROTECTED: "Register it again without protection"}


def needed_by(savepoint: Savepoint) -> str:
    """The job that needs it, and why; empty without one."""
    return "" if savepoint.need is None else _NEEDS[savepoint.need].format(job=savepoint.needing)


@dataclass(frozen=True, slots=True)
class Verified:
    """A savepoint after a look, and the findings."""

    savepoint: Savepoint
    inspection: Inspection


@dataclass(frozen=True, slots=True)
class Savepoints:
    """The use cases around savepoints that are in the catalogue."""

    db: Database
    storage: Storage
    clock: Callable[[], datetime]

    async def list(self, project: str, which: Which, limit: int, before: int | None = None) -> Sequence[Savepoint]:
        """The latest savepoints (before one, if it is given), the newest first."""
        return await catalogue.listed(self.db, project, which, limit, before, now=self.clock())

    async def show(self, project: str, savepoint_id: int) -> Savepoint:
        """One savepoint. Raises `UnknownSavepoint`."""
        found = await catalogue.one(self.db, project, savepoint_id, now=self.clock())
        if found is None:
            raise UnknownSavepoint(f"There is no savepoint {savepoint_id} in this project.")
        return found

    async def verify(self, project: str, savepoint_id: int, *, who: str) -> Verified:
        """Read it to its end and record the findings.

        Raises `UnknownSavepoint`, `SavepointRemoved`, `StorageTrouble`.
        """
        savepoint = await self.show(project, savepoint_id)
        if savepoint.removed_at is not None:
            raise SavepointRemoved(f"Savepoint {savepoint_id} was removed; there is nothing left to read.")
        try:
            inspection = await self.storage.inspect(savepoint.path)
        except StorageUnreadable as error:
            raise StorageTrouble(f"Savepoint {savepoint_id} cannot be read from here now: {error}") from error
        if inspection.wrong:
            owned = "Flink owns it, and may have removed what it no longer needs: " * (savepoint.need is Need.CLAIMED)
            await catalogue.broken(self.db, savepoint, f"{owned}{inspection.why}"[:LONGEST], self.clock(), who)
        else:
            await catalogue.verified(self.db, savepoint, self.clock(), who)
        return Verified(await self.show(project, savepoint_id), inspection)

    async def delete(self, project: str, savepoint_id: int, *, force: bool, who: str) -> Savepoint:
        """Remove its files, then mark it. A repeat completes a removal that broke off.

        Raises `UnknownSavepoint`, `SavepointNeeded`, `Unremovable`, `StorageTrouble`.
        """
        savepoint = await self.show(project, savepoint_id)
        if savepoint.removed_at is not None:
            return savepoint
        if savepoint.need is not None and not force:
            raise SavepointNeeded(
                f"Savepoint {savepoint_id} is still needed: {needed_by(savepoint)}. "
                f"{_WAYS_OUT.get(savepoint.need, _WAY_OUT)}, or delete the savepoint by force."
            )
        kept.keep()  # what is removed is also said to be
        claim = await catalogue.claim(self.db, savepoint.path)
        if claim is not None and claim.live:
            raise SavepointNeeded(
                f"Savepoint {savepoint_id} belongs to Flink: job {claim.job_id} runs on its files. Stop that job first."
            )
        try:
            await self.storage.remove(savepoint.path)
        except NotASavepoint as error:
            raise Unremovable(f"Savepoint {savepoint_id} was not removed: {error}") from error
        except StorageUnreadable as error:
            raise StorageTrouble(f"Savepoint {savepoint_id} may not be removed completely: {error}") from error
        await catalogue.removed(self.db, savepoint, self.clock(), who)
        return await self.show(project, savepoint_id)
