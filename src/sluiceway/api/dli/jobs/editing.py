"""How jobs are stored and changed for DLI's API, whatever their kind, and what is answered when they cannot be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sluiceway.api.dli.jobs import rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.errors import NameTaken, NoProgram, UnknownJob, UnknownQueue, WrongState
from sluiceway.domain.job import Job, JobDraft

EditJobsGiven = NamedDependency[SkipValidation[EditJobs]]


async def stored(edit_jobs: EditJobs, project: str, draft: JobDraft, who: str) -> Job:
    """Store a new job. Raises `DliError`."""
    try:
        return await edit_jobs.create(project, draft, who)
    except NameTaken:
        raise DliError(Code.NAME_EXISTS, name=draft.name) from None
    except UnknownQueue:
        raise DliError(Code.QUEUE_UNKNOWN, queue=draft.queue or "-") from None


async def changed(
    edit_jobs: EditJobs, project: str, job: int, change: Callable[[Job], JobDraft], name: str | None, who: str
) -> Job:
    """Change a job; `name` is the new name that is asked for, if one is. Raises `DliError`."""
    try:
        with no_such_jar():
            return await edit_jobs.update(project, job, change, who)
    except UnknownJob:
        raise DliError(Code.UPDATE_UNKNOWN, id=job) from None
    except NameTaken:
        raise DliError(Code.UPDATE_NAME_EXISTS, name=name or "-") from None
    except UnknownQueue as error:
        raise DliError(Code.QUEUE_UNKNOWN, queue=error.queue) from None
    except WrongState as error:
        raise rules.refuse_update(error.status, []) from None


@contextmanager
def no_such_jar() -> Iterator[None]:
    """Say in DLI's words that a jar is missing."""
    try:
        yield
    except NoProgram as error:
        raise DliError(Code.NO_SUCH_JAR, file=error.file[:200]) from None
