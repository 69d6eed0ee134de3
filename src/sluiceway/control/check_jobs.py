"""What is wrong with a job that somebody is still writing: its options and its SQL, before anything is stored."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from sluiceway.control.errors import UnknownQueue
from sluiceway.control.variables import Variables
from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.domain.variables import Unfilled
from sluiceway.engines.planning.options import check_options, idle_options
from sluiceway.engines.planning.sql import SqlRefused, SqlSyntax


class Compile(Protocol):
    """Plans a job without running it. Callers take turns."""

    def __call__(self, spec: JobSpec, *, caller: str, cluster: str | None) -> Awaitable[bool]:
        """Whether all of it was planned, as this cluster would run it.

        Raises `SqlSyntax`, `SqlRefused` and `Unreachable`.
        """


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that would keep a job from starting."""

    about: str  # options, variables, syntax or sql
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What a look at a job has found."""

    faults: tuple[Fault, ...] = ()
    notes: tuple[str, ...] = ()  # what has no effect
    unchecked: str = ""  # why not all of it was looked at


@dataclass(frozen=True, slots=True)
class CheckJobs:
    """The use case. Nothing is stored, and nothing runs."""

    compile: Compile
    variables: Variables
    resolve: Callable[[str | None, str], str | None]  # the cluster of a queue in a project; see `Queues`

    async def __call__(self, project: str, spec: JobSpec, queue: str | None) -> Checked:
        """What a start of the job would be refused for, as far as that shows now. Raises `UnknownQueue`."""
        cluster = self.resolve(queue, project)
        if queue and cluster is None:
            raise UnknownQueue(queue)
        wrong = await asyncio.to_thread(check_options, spec.options)
        faults = [Fault("options", wrong)] if wrong else []
        idle = [f"The option {option} has no effect here." for option in idle_options(spec.options)]
        found = await self._sql(project, spec if not wrong else replace(spec, options={}), cluster)
        return replace(found, faults=(*faults, *found.faults), notes=tuple(idle))

    async def _sql(self, project: str, spec: JobSpec, cluster: str | None) -> Checked:
        if not spec.sql.strip():
            return Checked(unchecked="It has no SQL; a program is looked at when it starts.")
        try:
            filled = await self.variables.fill(project, spec.sql)
        except Unfilled as error:
            return Checked((Fault("variables", str(error)),))
        try:
            whole = await self.compile(replace(spec, sql=filled.text), caller=project, cluster=cluster)
        except SqlSyntax as error:
            return Checked((Fault("syntax", filled.masked(str(error))),))
        except SqlRefused as error:
            return Checked((Fault("sql", filled.masked(str(error))),))
        except Unreachable as error:
            return Checked(unchecked=f"The SQL could not be compiled now: {error}")
        return Checked(unchecked="" if whole else "CREATE TABLE … AS is planned only when the job starts.")
