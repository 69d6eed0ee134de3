"""Putting a savepoint or checkpoint of others into the catalogue, for a job that may be resumed from it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sluiceway.control import named_states
from sluiceway.control.errors import AnotherJobs, UnknownJob, WrongState
from sluiceway.control.named_states import GoingBack, NamedState
from sluiceway.control.way_back import kind_of
from sluiceway.domain.admission import RUNNABLE, may_run
from sluiceway.domain.behind import Behind
from sluiceway.domain.catalogue import Entry
from sluiceway.domain.job import Job
from sluiceway.domain.way_back import Kind
from sluiceway.storage.inspection import Inspection
from sluiceway.storage.savepoints import Storage
from sluiceway.store import registered, views
from sluiceway.store.database import Database
from sluiceway.store.registered import Registration, Seen, Taken
from sluiceway.store.views import Origin


@dataclass(frozen=True, slots=True)
class Wish:
    """The choices of a request beside the state and the job."""

    protect: bool = True  # retention leaves it alone, and it is deleted by force only
    keep: timedelta | None = None  # for how long; None: for good
    choose: bool | None = None  # the job's next resume begins from it; None: where it is the newest that is known
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Registered:
    """What was found and done."""

    found: Inspection
    kind: Kind
    job_id: int
    run_id: int | None  # that has made it, where that was one of ours
    at: datetime  # when it was complete
    until: datetime | None  # of its protection; None: for good, or it has none
    behind: Behind
    id: int | None = None  # in the catalogue; None in a dry run of one that is not there yet
    fresh: bool = True  # the catalogue does not have it as one of this job
    chosen: bool = False  # the job's next resume begins from it
    why: str = ""  # what a resume of the job does
    only_read: bool = False  # nothing is removed where it lies
    seen: Seen | None = None  # as the job was when that was decided; None: however it is


@dataclass(frozen=True, slots=True)
class RegisterSavepoint:
    """The use case. Call it."""

    db: Database
    storage: Storage
    clock: Callable[[], datetime]
    going_back: GoingBack

    async def __call__(self, project: str, job_id: int, path: str, wish: Wish, *, who: str = "") -> Registered:
        """Read the state in a directory and put it into the catalogue as one of a job. It can be repeated.

        Raises `UnknownJob`, `AnotherJobs`, `WrongState` where it is to be chosen for a job that may be running, and
        what `named_states.read` does.
        """
        job = await views.job(self.db, project, job_id)
        if job is None:
            raise UnknownJob(f"There is no job {job_id} in this project.")
        if wish.choose and not may_run(job.status):
            raise WrongState(job.status)
        state = await named_states.read(self.db, self.storage, project, job_id, path)
        await self._refuse_another_jobs(project, job_id, state)
        seen = await self._seen(project, job, state, wish)
        return seen if wish.dry_run else await self._store(project, seen, wish, who)

    async def _refuse_another_jobs(self, project: str, job_id: int, state: NamedState) -> None:
        # Two jobs may have had one Flink job id, which alone tells whose a checkpoint is.
        mine = any(holder.job_id == job_id for holder in state.holders)
        for holder in state.holders:
            if holder.job_id != job_id and not holder.deleted and not (mine and holder.savepoint_id is None):
                raise _another_jobs(state.found.path, holder.job_id, holder.savepoint_id)
        other = state.directory
        if other is None or other == job_id or await views.job(self.db, project, other) is None:
            return
        raise _another_jobs(state.found.path, other, None)

    async def _seen(self, project: str, job: Job, state: NamedState, wish: Wish) -> Registered:
        found, now = state.found, self.clock()
        behind = await self.going_back(project, job.id, found)
        mine = next((one for one in state.holders if one.job_id == job.id and one.savepoint_id is not None), None)
        origin = (await views.origins(self.db, project, [job.id]))[job.id]
        chosen, why = _choice(origin, found.path, behind, wish)
        return Registered(
            found,
            kind_of(found) or Kind.SAVEPOINT,
            job.id,
            _made_by(state, job.id),
            found.at or now,
            now + wish.keep if wish.protect and wish.keep is not None else None,
            behind,
            mine.savepoint_id if mine else None,
            fresh=mine is None,
            chosen=chosen,
            why=why,
            only_read=self.storage.only_reads(found.path),
            seen=None if wish.choose else Seen(origin.run_id, origin.chosen),
        )

    async def _store(self, project: str, seen: Registered, wish: Wish, who: str) -> Registered:
        found, now = seen.found, self.clock()
        form = found.metadata.format if found.metadata else None
        entry = Entry(
            project=project,
            job_id=seen.job_id,
            run_id=seen.run_id,
            path=found.path,
            size=found.size,
            created_at=seen.at,
            verified_at=None if found.unchecked else now,
            kind=seen.kind,
            format=form.value if form else "",
            drained=bool(found.metadata and found.metadata.drained),
            registered_at=now,
            protected=wish.protect,
            protected_until=seen.until,
        )
        wanted = Registration(entry, who, seen.chosen, seen.seen)
        try:
            stored = await registered.register(self.db, wanted, sorted(RUNNABLE), now)
        except Taken as error:
            raise _another_jobs(found.path, error.holder.job_id, error.holder.savepoint_id) from error
        if stored is None:
            raise UnknownJob(f"There is no job {seen.job_id} in this project.")
        return _as_stored(seen, stored)


def _as_stored(seen: Registered, stored: registered.Registered) -> Registered:
    why = seen.why if stored.chosen == seen.chosen else "The job was started meanwhile; what it keeps is newer."
    return replace(seen, id=stored.id, fresh=stored.fresh, chosen=stored.chosen, why=why)


def _choice(origin: Origin, path: str, behind: Behind, wish: Wish) -> tuple[bool, str]:
    """Whether the next resume begins from it, or from what else."""
    if wish.choose or origin.chosen == path:
        return True, "The next resume of the job begins from it."
    if wish.choose is False:
        return False, "The next resume of the job begins from the same state as before."
    if not may_run(origin.status):
        return False, f"The job is {origin.status}: what it keeps from now on is newer."
    if origin.chosen is not None:
        return False, f"The next resume of the job begins from {origin.chosen}, as somebody has chosen."
    if behind.newer or behind.unknown:
        return False, "The next resume of the job begins from its newest state; choose this one to go back to it."
    return True, "It is the newest known state of the job, and the next resume begins from it."


def _made_by(state: NamedState, job_id: int) -> int | None:
    """The run that has made it; of several with its Flink job id the latest of that job."""
    known = [(one.job_id == job_id, one.run_id) for one in state.holders if one.run_id is not None]
    return max(known)[1] if known else None


def _another_jobs(path: str, job_id: int, savepoint_id: int | None) -> AnotherJobs:
    place = f"is savepoint {savepoint_id} of job {job_id}" if savepoint_id else f"lies in a directory of job {job_id}"
    return AnotherJobs(
        f"{path} {place}, and a state belongs to one job in the catalogue. To start another job from it, choose it for "
        "that one (sluiceway savepoints choose, or DLI's import-savepoint)."
    )
