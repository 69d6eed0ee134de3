"""Faults in the SQL of jobs before their start, as far as they show at once. Plans nothing."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from sluiceway.control.variables import Variables
from sluiceway.domain.admission import Refusal
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.store import past
from sluiceway.store.database import Database

LOOK: Final = 1.0  # seconds for the versions of all clusters
PATIENCE: Final = 5.0  # seconds for the SQL of all jobs of a start that is meant; a dry run takes as long as it takes
READ: Final = ("{{", "SET")  # other SQL uses no variables and sets no options

A = TypeVar("A")
T = TypeVar("T")
Checked = tuple[str | None, str]  # why SQL would be refused, or None; and what there is to say of it all the same
Check = Callable[[str, JobSpec], Awaitable[Checked]]
Misplaced = Callable[[str], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class Findings:
    """What was found, by job."""

    wrong: Mapping[int, tuple[Refusal, str]]
    notes: Mapping[int, str]  # of jobs that may start


@dataclass(frozen=True, slots=True)
class SqlChecks:
    """The use case. Call it."""

    db: Database
    variables: Variables
    check: Check  # of the SQL of a project's job, where it sets options; may raise `Unreachable`
    misplaced: Misplaced  # why no SQL can be planned for a cluster, by its name; may raise `Unreachable`

    async def __call__(self, project: str, jobs: Mapping[int, str], *, patient: bool) -> Findings:
        """Why each of these SQL jobs, given with its cluster, would be refused when it is submitted.

        Jobs of which that is not known are left out. Names that are no variables are always found; what takes a
        cluster or the planner is found where these answer in time.
        """
        wrong = {job: (Refusal.OTHER_FLINK, why) for job, why in (await self._clusters(jobs)).items()}
        notes: dict[int, str] = {}
        end = None if patient else asyncio.get_running_loop().time() + PATIENCE
        async for specs in past.specs_with(self.db, [job for job in jobs if job not in wrong], READ):
            lacking = await self.variables.undefined(project, {job: spec.sql for job, spec in specs.items()})
            wrong |= {job: (Refusal.BAD_SQL, names.text) for job, names in lacking.items()}
            read = await self._read(project, {job: spec for job, spec in specs.items() if job not in lacking}, end)
            wrong |= {job: (Refusal.BAD_SQL, why) for job, (why, _) in read.items() if why is not None}
            notes |= {job: note for job, (_, note) in read.items() if note}
        return Findings(wrong, notes)

    async def _clusters(self, jobs: Mapping[int, str]) -> dict[int, str]:
        asked = {asyncio.create_task(_or_none(self.misplaced(name))): name for name in set(jobs.values())}
        wrong = await _told(asked, LOOK)
        return {job: wrong[name] for job, name in jobs.items() if name in wrong}

    async def _read(self, project: str, specs: Mapping[int, JobSpec], end: float | None) -> dict[int, Checked]:
        asked = {asyncio.create_task(_or_none(self.check(project, spec))): job for job, spec in specs.items()}
        return await _told(asked, None if end is None else max(end - asyncio.get_running_loop().time(), 0))


async def _told(asked: Mapping["asyncio.Task[A | None]", T], seconds: float | None) -> dict[T, A]:
    """The answers that came in time."""
    if not asked:
        return {}
    try:
        done, _ = await asyncio.wait(asked, timeout=seconds)
    finally:
        for task in asked:
            task.cancel()
    return {asked[task]: answer for task in done if (answer := task.result()) is not None}


async def _or_none(question: Awaitable[A | None]) -> A | None:
    try:
        return await question
    except Unreachable:
        return None  # its submission says so
