"""Stores and changes jobs of every kind, and says in DLI's words why one cannot be."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from litestar.di import NamedDependency
from litestar.params import SkipValidation

from sluiceway.api.dli.jobs import rules
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.refusing import refusing
from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.errors import NameTaken, NoProgram, UnknownJob, UnknownQueue, WrongState
from sluiceway.domain.job import Job, JobDraft

EditJobsGiven = NamedDependency[SkipValidation[EditJobs]]


async def stored(edit_jobs: EditJobs, project: str, draft: JobDraft, who: str) -> Job:
    """Store a new job. Raises `DliError`."""
    codes = {NameTaken: Code.NAME_EXISTS, UnknownQueue: Code.QUEUE_UNKNOWN}
    with refusing(codes, name=draft.name, queue=draft.queue or "-"):
        return await edit_jobs.create(project, draft, who)


async def changed(
    edit_jobs: EditJobs, project: str, job: int, change: Callable[[Job], JobDraft], name: str | None, who: str
) -> Job:
    """Change a job; `name` is its new name, if it gets one. Raises `DliError`."""
    codes = {UnknownJob: Code.UPDATE_UNKNOWN, NameTaken: Code.UPDATE_NAME_EXISTS}
    try:
        with no_such_jar(), refusing(codes, id=job, name=name or "-"):
            return await edit_jobs.update(project, job, change, who)
    except UnknownQueue as error:
        raise DliError(Code.QUEUE_UNKNOWN, queue=error.queue) from None
    except WrongState as error:
        raise rules.refuse_update(error.status, []) from None


@contextmanager
def no_such_jar() -> Iterator[None]:
    """Raise `DliError` where a jar is missing."""
    try:
        yield
    except NoProgram as error:
        raise DliError(Code.NO_SUCH_JAR, file=error.file[:200]) from None
