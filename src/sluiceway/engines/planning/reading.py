"""Reads the SQL of jobs as a submission would, and plans nothing."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.domain.variables import Filled, Unfilled
from sluiceway.engines.planning.java import NoFlink, NoJava
from sluiceway.engines.planning.jvm_process import JvmFailed
from sluiceway.engines.planning.kept import Kept, digest
from sluiceway.engines.planning.options import LONGEST_KEY, idle_options
from sluiceway.engines.planning.planner import Plans
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.engines.planning.submit import JvmProvider, effective, without_variables

FillOf = Callable[[str, str], Awaitable[Filled]]

MOST_KEPT = 2000  # scripts
MOST_CHARACTERS = 16 * 1024 * 1024  # of SQL; what was read of it takes some times as much

_SHOWN = 5  # options in one sentence
_SETS = re.compile(r"\b(?:RE)?SET\b", re.IGNORECASE)


@contextmanager
def reached() -> Iterator[None]:
    """Translate whatever keeps a planner from working into `Unreachable`."""
    try:
        yield
    except (NoJava, NoFlink, JvmFailed) as error:
        raise Unreachable(str(error)) from error


class SqlReading:
    """Reads the SQL of a project's jobs. Keeps what it has read, within bounds."""

    def __init__(self, jvm: JvmProvider, fill: FillOf = without_variables) -> None:
        """`jvm` gives a planner, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`.

        `fill` puts the values of a project's variables into SQL, and may raise `Unfilled`.
        """
        self._jvm = jvm
        self._fill = fill
        self._scripts = Kept[Script](MOST_KEPT, MOST_CHARACTERS)

    async def planner(self) -> Plans:
        """Return the planner. Raises `Unreachable`."""
        with reached():
            return await self._jvm()

    async def read(self, spec: JobSpec, project: str) -> tuple[Script, JobSpec, Filled]:
        """What `effective` returns of the job, and its SQL with variables. Projects take turns.

        Raises `SqlRefused`, without the values of sensitive variables in its text, and `Unreachable`.
        """
        try:
            filled = await self._fill(project, spec.sql)
        except Unfilled as error:
            raise SqlRefused(str(error)) from None
        return (*await self._read(filled, spec, project), filled)

    async def checked(self, project: str, spec: JobSpec) -> tuple[str | None, str]:
        """Tell why a job would be refused for what its SQL sets, or None; and a remark on it, or nothing.

        Does not read SQL that sets no options. Neither text has the values of sensitive variables in it. Raises
        `Unreachable` when nothing reads it now.
        """
        try:
            filled = await self._fill(project, spec.sql)
            if not await asyncio.to_thread(_SETS.search, filled.text):
                return None, ""
            script, _ = await self._read(filled, spec, project)
        except (SqlRefused, Unfilled) as error:
            return str(error), ""
        return None, filled.masked(_idle(script))

    async def options(self, project: str, spec: JobSpec, names: tuple[str, ...]) -> Mapping[str, str]:
        """The options of a job, those of its SQL among them where that has one of the names in it.

        They are the job's own alone where its SQL is refused. Raises `Unreachable` when nothing reads it now.
        """
        try:
            filled = await self._fill(project, spec.sql)
            if not any(name in filled.text for name in names):
                return spec.options
            return (await self._read(filled, spec, project))[1].options
        except (SqlRefused, Unfilled):
            return spec.options

    async def _read(self, filled: Filled, spec: JobSpec, project: str) -> tuple[Script, JobSpec]:
        try:
            return effective(await self._script(filled, project), spec)
        except SqlRefused as error:
            raise type(error)(filled.masked(str(error))) from None

    async def _script(self, filled: Filled, project: str) -> Script:
        planner = await self.planner()
        key = digest(planner.flink_version, filled.text)
        if (known := self._scripts.get(key)) is None:
            with reached():
                known = await planner.read_sql(filled.text, caller=project, runs=True)
            if not filled.secrets:  # its statements have the values in them, and nothing keeps those in clear
                self._scripts.keep(key, known, len(filled.text))
        return known


def _idle(script: Script) -> str:
    """The options in the SQL that have no effect; empty for none."""
    idle = idle_options(key for key, _ in script.asked)
    late = [f"{key[:LONGEST_KEY]!r} (it is set behind all that it could change)" for key in script.late]
    told = [*idle, *late]
    more = f" and {len(told) - _SHOWN} more" if len(told) > _SHOWN else ""
    return f"Without effect here: {', '.join(told[:_SHOWN])}{more}." if told else ""
