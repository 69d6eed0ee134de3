"""States that people name by their path: their content, their job, and the newer states that a job has."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sluiceway.control.errors import NotWhole, StorageTrouble, UnusablePath, Unverifiable
from sluiceway.control.way_back import WaysBack
from sluiceway.domain.behind import Behind, Known, behind
from sluiceway.domain.way_back import Trouble
from sluiceway.storage.errors import BadPath, StorageUnreadable, TooMuchToRead
from sluiceway.storage.inspection import Inspection
from sluiceway.storage.savepoints import Storage
from sluiceway.store import catalogue, registered, views
from sluiceway.store.database import Database
from sluiceway.store.registered import Holder

MOST: Final = 100  # newer states that are looked up
_ID: Final = re.compile(r"[1-9][0-9]{0,17}")  # of a job, as it names its directories; all of them fit the database


@dataclass(frozen=True, slots=True)
class NamedState:
    """A state that was read and is whole, as far as its files can be looked at from here."""

    found: Inspection
    holders: Sequence[Holder]  # the jobs of the project that it is known to be of
    directory: int | None  # the job in whose directories it lies


async def read(db: Database, storage: Storage, project: str, job_id: int, path: str) -> NamedState:
    """The savepoint or checkpoint in a directory (or of a `_metadata`), for a job of a project.

    Raises `UnusablePath` for what lies under no root, is another project's, or is owned by Flink for another job;
    `NotWhole`; `Unverifiable`; `StorageTrouble`.
    """
    try:
        place = storage.place(path)
    except BadPath as error:
        raise UnusablePath(str(error)) from error
    directory = await _directory(db, storage, project, path, place)
    found = await _inspected(storage, place)
    holders = await registered.holders(db, found.path)
    if any(holder.project != project for holder in holders):
        raise _others(path)
    claim = await catalogue.claim(db, found.path)
    if claim is not None and claim.job_id != job_id:
        raise UnusablePath(
            f"Flink owns {path} since job {claim.job_id} was resumed from it in claim mode, and removes what that "
            "job no longer needs. Stop that job, and take the savepoint that it is stopped with."
        )
    if found.wrong:
        raise NotWhole(found.why)
    return NamedState(found, holders, directory)


async def _directory(db: Database, storage: Storage, project: str, path: str, place: str) -> int | None:
    """A job's own directories are open to jobs of its project only."""
    owner = storage.owner(place)
    if owner is None:
        return None
    if _ID.fullmatch(owner) is None or not await views.owns(db, project, int(owner)):
        raise _others(path)
    return int(owner)


async def _inspected(storage: Storage, place: str) -> Inspection:
    try:
        return await storage.inspect(place)
    except BadPath as error:
        raise UnusablePath(str(error)) from error
    except TooMuchToRead as error:
        raise Unverifiable(str(error)) from error
    except StorageUnreadable as error:
        raise StorageTrouble(str(error)) from error


def _others(path: str) -> UnusablePath:
    return UnusablePath(f"{path[:200]} does not belong to a job of this project.")


@dataclass(frozen=True, slots=True)
class GoingBack:
    """The use case. Call it."""

    db: Database
    ways: WaysBack

    async def __call__(self, project: str, job_id: int, found: Inspection) -> Behind:
        """The states of a job that are newer than the one found, whatever somebody has chosen."""
        if (at := found.at) is None:
            return Behind()
        origins = await views.origins(self.db, project, [job_id])
        backs = await self.ways(project, [replace(origin, chosen=None) for origin in origins.values()])
        known, unknown = await registered.newer(self.db, job_id, at, MOST), ""
        for back in backs.values():
            if back.state is not None and back.state.at is not None and back.state.whole is not False:
                known.append(Known(back.state.path, back.state.kind, back.state.at))
            if back.refused is not None and back.refused.trouble is Trouble.UNREADABLE:
                unknown = back.refused.text
        return behind(found.path, at, known, unknown)
