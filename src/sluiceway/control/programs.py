"""The jars and files that jobs are made of: where they lie, and whether they are there."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sluiceway.domain.admission import Refusal, Verdict
from sluiceway.domain.engine import Unreachable, Unusable
from sluiceway.domain.job import JarProgram
from sluiceway.settings import MAX_RESOURCE
from sluiceway.storage.errors import BadPath, FileTooLarge, NoSuchFile, StorageUnreadable
from sluiceway.storage.files import Files
from sluiceway.store import resources, views
from sluiceway.store.database import Database

AT_ONCE: Final = 32  # looks under way


def files_of(program: JarProgram) -> tuple[str, ...]:
    """All files that a program is made of, and that are brought from here."""
    brought = program.jar and program.in_cluster is None
    return (*((program.jar,) if brought else ()), *program.dependency_jars, *program.dependency_files)


def lacks(program: JarProgram, absent: Collection[str]) -> Verdict | None:
    """Why a program cannot be run while these files are absent; None when it can."""
    if not program.jar or program.jar in absent:
        return Verdict(Refusal.NO_PROGRAM, note=program.jar)
    missing = next((name for name in files_of(program) if name in absent), None)
    return None if missing is None else Verdict(Refusal.NO_DEPENDENCY, note=missing)


async def absent(db: Database, files: Files, project: str, names: Collection[str]) -> Collection[str]:
    """The files that certainly do not exist. One that cannot be looked for may exist."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def gone(name: str) -> bool:
        async with gate:
            return await _gone(db, files, project, name)

    found = await asyncio.gather(*map(gone, names))
    return {name for name, missing in zip(names, found, strict=True) if missing}


@dataclass(frozen=True, slots=True)
class Fetch:
    """Copies what the programs of jobs are made of."""

    db: Database
    files: Files

    async def __call__(self, job_id: int, name: str, into: Path) -> None:
        """Copy a file, as the job names it, to a local one.

        Raises `Unusable`, and `Unreachable` when the file may be there and cannot be read now.
        """
        project = await views.project_of(self.db, job_id)
        path = None if project is None else await _path(self.db, project, name)
        if path is None:
            raise Unusable(f"There is no resource {name} in this project.")
        try:
            await self.files.fetch(path, into, MAX_RESOURCE)
        except (BadPath, NoSuchFile, FileTooLarge) as error:
            raise Unusable(str(error)) from error
        except StorageUnreadable as error:
            raise Unreachable(str(error)) from error


async def _gone(db: Database, files: Files, project: str, name: str) -> bool:
    path = await _path(db, project, name)
    if path is None:
        return True
    try:
        return not await files.exists(path)
    except BadPath:
        return True
    except StorageUnreadable:
        return False


async def _path(db: Database, project: str, name: str) -> str | None:
    """The place in storage of a file that is named by its path or as a resource; None for an unknown resource."""
    if "://" in name:
        return name
    group, _, alone = name.rpartition("/")
    found = await resources.one(db, project, group, alone)
    return None if found is None else found.path
