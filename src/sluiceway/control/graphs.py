"""The graph of SQL that somebody is still writing."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from sluiceway.control.errors import UnknownJob
from sluiceway.domain.job import JobSpec
from sluiceway.store import views
from sluiceway.store.database import Database


class Draw(Protocol):
    """Plans a job without running it."""

    def __call__(self, spec: JobSpec, *, chained: bool, caller: str) -> Awaitable[str]:
        """The graph as JSON text. Callers take turns."""


@dataclass(frozen=True, slots=True)
class Graphs:
    """The use case. Nothing is stored, and nothing runs."""

    db: Database
    draw: Draw

    async def __call__(self, project: str, job_id: int, spec: JobSpec, *, chained: bool) -> str:
        """The graph that a job would have with this specification, as JSON text.

        Raises `UnknownJob`, `SqlSyntax`, `SqlRefused` and `Unreachable`.
        """
        if await views.locate(self.db, project, job_id) is None:
            raise UnknownJob
        return await self.draw(spec, chained=chained, caller=project)
