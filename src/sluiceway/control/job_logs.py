"""Why a job failed, and the logs of the processes that run it, where these cannot tell of anybody else's jobs.

A log belongs to a process, and holds what every job prints that runs there.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from sluiceway.control.errors import Forbidden, NoLog, UnknownJob
from sluiceway.control.variables import Variables
from sluiceway.domain.engine import Engine, JobFailure, Unreachable
from sluiceway.domain.place import Place
from sluiceway.domain.variables import Filled, Unfilled
from sluiceway.store import views
from sluiceway.store.database import Database

JOBMANAGER: Final = "jobmanager"
LOG_BYTES: Final = 2 << 20  # of the end of a log, that lines are taken from
AT_ONCE: Final = 2  # logs that are read at a time: Flink hands them out from their beginning
SHARED: Final = (
    "Other jobs run on cluster {cluster}, too, and print into the same logs: only an admin of every project sees them."
)


@dataclass(frozen=True, slots=True)
class Log:
    """The last lines of a process's log."""

    process: str
    lines: Sequence[str]
    cut: bool  # whether there are more before them


@dataclass(frozen=True, slots=True)
class Told:
    """What is known of a job's latest run."""

    cluster: str
    flink_job_id: str
    failures: Sequence[JobFailure]
    processes: Sequence[str]  # whose logs may be asked for
    withheld: str  # why there are none
    log: Log | None = None


@dataclass(frozen=True, slots=True)
class JobLogs:
    """The use case."""

    db: Database
    locate: Callable[[str], Place | None]
    engine: Engine
    variables: Variables
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE))

    async def __call__(self, project: str, job_id: int, process: str | None, lines: int, *, everywhere: bool) -> Told:
        """The failures of a job's latest run, and so many lines of the log of a process, where one is named.

        `everywhere` is whether the caller may see what all projects do. Raises `UnknownJob`, `NoLog` and `Forbidden`.
        """
        name, flink_job_id, place = await self._latest(project, job_id)
        withheld = "" if everywhere else await self._why_withheld(project, place)
        if process is not None and withheld:
            raise Forbidden(withheld)
        try:
            failures = await self.engine.failures(place, flink_job_id)
            processes = [] if withheld else [JOBMANAGER, *await self.engine.task_managers(place)]
            log = None if process is None else await self._log(place, process, processes, lines)
        except Unreachable as error:
            raise NoLog(f"Cluster {name} does not answer: {error}") from error
        masked = await self._mask(project, job_id)
        failures = [JobFailure(failure.at, await asyncio.to_thread(masked, failure.text)) for failure in failures]
        if log is not None:
            text = await asyncio.to_thread(masked, "\n".join(log.lines))
            log = replace(log, lines=text.split("\n") if log.lines else [])
        return Told(name, flink_job_id, failures, processes, withheld, log)

    async def _latest(self, project: str, job_id: int) -> tuple[str, str, Place]:
        found = await views.locate(self.db, project, job_id)
        if found is None:
            raise UnknownJob(f"There is no job {job_id} in this project.")
        name, flink_job_id = found
        if name is None or flink_job_id is None:
            raise NoLog("The job has never run.")
        place = self.locate(name)
        if place is None:
            raise NoLog(f"Cluster {name} cannot be reached now.")
        return name, flink_job_id, place

    async def _why_withheld(self, project: str, place: Place) -> str:
        """Why logs of processes there may tell of other projects; empty where they cannot."""
        alone = place.application and not await views.served_others(self.db, place.name, project)
        return "" if alone else SHARED.format(cluster=place.name)

    async def _log(self, place: Place, process: str, known: Sequence[str], lines: int) -> Log:
        if process not in known:
            raise NoLog(f"Cluster {place.name} has no TaskManager {process}.")
        async with self._turns:
            found = await self.engine.log(place, None if process == JOBMANAGER else process, LOG_BYTES)
        if found is None:
            raise NoLog(f"Flink has no log file of {process}: it may write to its standard output alone.")
        told = await asyncio.to_thread(found.text.splitlines)
        told = told[1:] if found.cut else told  # the first one begins in the middle
        return Log(process, told[-lines:], found.cut or len(told) > lines)

    async def _mask(self, project: str, job_id: int) -> Callable[[str], str]:
        """What takes the values of sensitive variables out of a text."""
        job = await views.job(self.db, project, job_id)
        if job is None or not job.draft.spec.sql:
            return _as_it_is
        try:
            filled: Filled = await self.variables.fill(project, job.draft.spec.sql)
        except Unfilled:
            return _as_it_is  # a variable is gone, and its value with it
        return filled.masked


def _as_it_is(text: str) -> str:
    return text
