"""What is wrong with the SQL of jobs that are to be started, as far as that is known at once. Nothing is planned."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sluiceway.control.variables import Variables
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.store import past
from sluiceway.store.database import Database

PATIENCE: Final = 5.0  # seconds for the SQL of all jobs of a start that is meant; a dry run takes as long as it takes
READ: Final = ("{{", "SET")  # other SQL uses no variables and sets no options

Refusal = Callable[[str, JobSpec], Awaitable[str | None]]


@dataclass(frozen=True, slots=True)
class SqlChecks:
    """The use case. Call it."""

    db: Database
    variables: Variables
    refusal: Refusal  # why the SQL of a project's job would be refused, where it sets options; may raise `Unreachable`

    async def __call__(self, project: str, jobs: Sequence[int], *, patient: bool) -> dict[int, str]:
        """Why each of these jobs would be refused when it is submitted; jobs of which that is not known are left out.

        Names that are no variables are always found. What takes the planner is found where that answers in time.
        """
        end = None if patient else asyncio.get_running_loop().time() + PATIENCE
        found: dict[int, str] = {}
        async for specs in past.specs_with(self.db, jobs, READ):
            lacking = await self.variables.undefined(project, {job: spec.sql for job, spec in specs.items()})
            found |= {job: names.text for job, names in lacking.items()}
            found |= await self._read(project, {job: spec for job, spec in specs.items() if job not in lacking}, end)
        return found

    async def _read(self, project: str, specs: Mapping[int, JobSpec], end: float | None) -> dict[int, str]:
        if not specs:
            return {}
        asked = {asyncio.create_task(self._refusal(project, spec)): job for job, spec in specs.items()}
        try:
            left = None if end is None else max(end - asyncio.get_running_loop().time(), 0)
            done, _ = await asyncio.wait(asked, timeout=left)
        finally:
            for task in asked:
                task.cancel()
        return {asked[task]: why for task in done if (why := task.result()) is not None}

    async def _refusal(self, project: str, spec: JobSpec) -> str | None:
        try:
            return await self.refusal(project, spec)
        except Unreachable:
            return None  # its submission says so
