"""Jobs as files: written to the storage root, and brought in from there."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

from sluiceway.control.errors import NoExport, UnknownJob
from sluiceway.control.queues import Queues
from sluiceway.control.resources import BUCKET
from sluiceway.domain.admission import EDITABLE
from sluiceway.domain.job import Job, JobDraft, JobStatus
from sluiceway.storage.archive import Allowance, BrokenArchive, Packing, shown, unpack
from sluiceway.storage.errors import BadPath, FileTooLarge, NoSuchFile
from sluiceway.storage.files import Files, key_of
from sluiceway.store import audit, job_pages, kept
from sluiceway.store import transfer as store
from sluiceway.store.database import Database
from sluiceway.store.pages import PIECE, pieces
from sluiceway.store.transfer import Namesake
from sluiceway.wanted import Beat, in_thread

PAGE: Final = 100  # jobs that are looked up at once; few of them are read at once
JOBS_IN_FILE: Final = 1000  # that are written
BYTES_IN_FILE: Final = 16 << 20  # of jobs, before they are packed
MOST_JOBS: Final = 10_000  # of one import
MOST_FILES: Final = 1000  # of one import
LARGEST_JOB: Final = 8 << 20  # bytes that are read
LARGEST_FILE: Final = 32 << 20
LARGEST_IMPORT: Final = 64 << 20  # of all jobs together
MARK: Final = "sluiceway-jobs.json"  # the entry that says whose file it is
VERSION: Final = b'{"version":1}'


@dataclass(frozen=True, slots=True)
class Arrival:
    """The outcome of one imported job."""

    job_id: int | None  # None: it did not come in
    replaced: bool = False
    namesake: Namesake | None = None  # who stood in the way
    twice: bool = False  # that one came in with it
    queue: str = ""  # that it names, and that there is none of here


@dataclass(slots=True)
class _File:
    """A zip file that jobs are being written into."""

    jobs: int = 0
    _size: int = 0
    _waiting: dict[str, bytes] = field(default_factory=lambda: {MARK: VERSION})  # to be packed
    _waiting_size: int = 0
    _packing: Packing = field(default_factory=Packing)

    def fits(self, document: bytes) -> bool:
        """Whether one more fits. A single one does, whatever its size."""
        return not self.jobs or (self.jobs < JOBS_IN_FILE and self._size + len(document) <= BYTES_IN_FILE)

    async def add(self, name: str, document: bytes) -> None:
        """Add a job."""
        self.jobs += 1
        self._size += len(document)
        self._waiting[name] = document
        self._waiting_size += len(document)
        if self._waiting_size > PIECE:
            await self._pack()

    async def end(self) -> bytes:
        """The whole file."""
        await self._pack()
        return self._packing.end()

    async def _pack(self) -> None:
        await asyncio.to_thread(self._packing.add, self._waiting)
        self._waiting, self._waiting_size = {}, 0


@dataclass(frozen=True, slots=True)
class Transfer:
    """The use cases."""

    db: Database
    queues: Queues
    files: Files
    clock: Callable[[], datetime]
    _importing: asyncio.Lock = field(default_factory=asyncio.Lock, init=False)

    async def export(
        self, project: str, directory: str, only: Sequence[int] | None, write: Callable[[Job], bytes], who: str
    ) -> list[str]:
        """Write jobs, all or some, as zip files into a directory; the names of the files.

        Raises `UnknownJob` with the ids that are not there, `BadPath` and `StorageUnreadable`.
        """
        self._check_directory(directory)  # before anything is read
        if only is not None:
            await self._check_known(project, only)
        stamp = f"{round(self.clock().timestamp() * 1000)}_{secrets.token_hex(4)}"
        written: list[str] = []
        async for packed in self._files_of(project, only, write):
            name = f"{directory.rstrip('/')}/jobs_{stamp}_{len(written) + 1}.zip"
            kept.keep()  # what is written is also told
            await self.files.write(name, packed)
            written.append(name)
            # At once: a written file is in the audit also when a later one fails.
            await audit.record(self.db, "jobs_exported", project, [name], self.clock(), who)
        return written

    async def _files_of(
        self, project: str, only: Sequence[int] | None, write: Callable[[Job], bytes]
    ) -> AsyncIterator[bytes]:
        """The jobs in zip files; never more than a few of them are in memory as they are."""
        file = _File()
        async for job in self._jobs(project, only):
            document = write(job)
            if not file.fits(document):
                yield await file.end()
                file = _File()
            await file.add(f"jobs/{job.id}.json", document)
        if file.jobs:
            yield await file.end()

    async def _jobs(self, project: str, only: Sequence[int] | None) -> AsyncIterator[Job]:
        after = 0
        while page := await store.sizes_after(self.db, project, after, PAGE, only):
            after = page[-1].id
            for piece in pieces(page):
                for job in await job_pages.jobs_of(self.db, project, piece):
                    yield job

    @asynccontextmanager
    async def documents(self, path: str) -> AsyncIterator[list[tuple[str, bytes]]]:
        """The jobs in a zip file, or in all of a directory: where each comes from, and what it says.

        They may be large, so one caller has them at a time, for as long as the context lasts.

        Raises `NoExport` for what is not to be taken, `BadPath` and `StorageUnreadable`.
        """
        async with self._importing:
            yield await self._documents(path)

    async def _documents(self, path: str) -> list[tuple[str, bytes]]:
        allowance = Allowance(MOST_JOBS, LARGEST_JOB, LARGEST_IMPORT)
        found: list[tuple[str, bytes]] = []
        for name in await self._zip_files(path):
            try:
                data = await self.files.read(name, LARGEST_FILE)
                found += await in_thread(partial(_unpacked, name, data, allowance))
            except (NoSuchFile, FileTooLarge, BrokenArchive) as error:
                why = f"{name}: {error}" if isinstance(error, BrokenArchive) else str(error)
                raise NoExport(name, why) from error
        return found

    async def take_in(self, project: str, drafts: Sequence[JobDraft], *, cover: bool, user: str) -> list[Arrival]:
        """Store jobs, all in one transaction; the outcome of each, in their order.

        One whose name is there comes in only with `cover`, and only if that job does not run: it replaces it. Of
        several that have one name the last comes in then, and else the first.
        """
        strangers = [draft.queue or "" for draft in drafts]
        strangers = [queue if queue and self.queues.resolve(queue, project) is None else "" for queue in strangers]
        chosen: dict[str, int] = {}
        for place, draft in enumerate(drafts):
            if not strangers[place] and (cover or draft.name not in chosen):
                chosen[draft.name] = place
        wanted = [drafts[place] for place in chosen.values()]
        replaceable = sorted(EDITABLE) if cover else []
        taken = await store.take_in(self.db, project, wanted, replaceable, user, self.clock())
        return [_arrival(draft, strangers[place], chosen, taken, place) for place, draft in enumerate(drafts)]

    def _check_directory(self, directory: str) -> None:
        self.files.check(directory)
        if key_of(directory).partition("/")[0] == key_of(BUCKET):
            raise BadPath(f"{directory[:200]} holds uploaded resources; name another directory.")

    async def _check_known(self, project: str, only: Sequence[int]) -> None:
        if missing := set(only) - await store.present(self.db, project, only):
            raise UnknownJob(*sorted(missing))

    async def _zip_files(self, path: str) -> list[str]:
        if await self.files.exists(path):
            return [path]
        found = [entry.path for entry in await self.files.list(path) if entry.path.lower().endswith(".zip")]
        if len(found) > MOST_FILES:
            raise NoExport(path, f"There are more than {MOST_FILES} zip files in {path}; name one of them.")
        if not found:
            raise NoExport(path, f"There is neither a file {path} nor a zip file in a directory of this name.")
        return found


def _unpacked(name: str, data: bytes, allowance: Allowance, beat: Beat) -> list[tuple[str, bytes]]:
    documents = unpack(data, allowance, beat)
    if documents.pop(MARK, None) != VERSION:
        raise BrokenArchive("it is not an export of jobs that this release can read")
    return [(f"{name}, {shown(entry)}", document) for entry, document in documents.items()]


def _arrival(draft: JobDraft, stranger: str, chosen: Mapping[str, int], taken: store.Taken, place: int) -> Arrival:
    if stranger:
        return Arrival(None, queue=stranger)
    if (namesake := taken.kept.get(draft.name)) is not None:
        return Arrival(None, namesake=namesake)
    job_id = taken.made.get(draft.name) or taken.replaced[draft.name]
    if chosen[draft.name] == place:
        return Arrival(job_id, replaced=draft.name in taken.replaced)
    return Arrival(None, namesake=Namesake(job_id, JobStatus.DRAFT), twice=True)
