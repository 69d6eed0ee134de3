"""The graph of SQL that somebody is still writing."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from sluiceway.control.errors import UnknownJob
from sluiceway.control.variables import Variables
from sluiceway.domain.job import JobSpec
from sluiceway.domain.variables import Filled
from sluiceway.engines.planning.sql import SqlRefused
from sluiceway.store import views
from sluiceway.store.database import Database


class Draw(Protocol):
    """Plans a job without running it."""

    def __call__(self, spec: JobSpec, *, chained: bool, caller: str, cluster: str | None) -> Awaitable[str]:
        """The graph as JSON text, as this cluster would run it. Callers take turns."""


@dataclass(frozen=True, slots=True)
class Graphs:
    """The use case. Nothing is stored, and nothing runs."""

    db: Database
    draw: Draw
    variables: Variables
    resolve: Callable[[str | None, str], str | None]  # the cluster of a queue in a project; see `Queues`

    async def __call__(self, project: str, job_id: int, spec: JobSpec, *, chained: bool) -> str:
        """The graph that a job would have with this specification, as JSON text.

        Raises `UnknownJob`, `Unfilled`, `SqlSyntax`, `SqlRefused` and `Unreachable`.
        """
        known = await views.queue_of(self.db, project, job_id)
        if known is None:
            raise UnknownJob
        filled = await self.variables.fill(project, spec.sql)
        try:
            whole, cluster = replace(spec, sql=filled.text), self.resolve(known.queue, project)
            drawn = await self.draw(whole, chained=chained, caller=project, cluster=cluster)
        except SqlRefused as error:
            raise type(error)(filled.masked(str(error))) from None
        return masked(drawn, filled)


def masked(drawn: str, filled: Filled) -> str:
    """A graph without the values of sensitive variables: Flink draws conditions and literals as they are."""
    return json.dumps(_masked(json.loads(drawn), filled), ensure_ascii=False) if filled.secrets else drawn


def _masked(part: Any, filled: Filled) -> Any:
    if isinstance(part, dict):
        return {key: _masked(value, filled) for key, value in part.items()}
    if isinstance(part, list):
        return [_masked(value, filled) for value in part]
    return filled.masked(part) if isinstance(part, str) else part
