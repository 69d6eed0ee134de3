"""Draws the graph that SQL would run as. Needs no cluster, and sends nothing to one."""

from collections.abc import Awaitable, Callable

from sluiceway.domain.job import JobSpec
from sluiceway.engines.planning.options import unsent_options
from sluiceway.engines.planning.planner import Plans
from sluiceway.engines.planning.reading import reached
from sluiceway.engines.planning.sql import Script, SqlRefused
from sluiceway.engines.planning.submit import effective

PlannerFor = Callable[[str | None], Awaitable[Plans]]


class SqlGrapher:
    """Plans SQL without running it."""

    def __init__(self, planner_for: PlannerFor) -> None:
        """`planner_for` gives what plans for a cluster, by its name; None is no cluster in particular.

        It may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`.
        """
        self._planner_for = planner_for

    async def draw(self, spec: JobSpec, *, chained: bool, caller: str = "", cluster: str | None = None) -> str:
        """Draw the graph as Flink's own JSON: of operators, or of the tasks that they are chained to.

        Callers take turns, so that none of them holds up another.

        Raises `SqlSyntax`, `SqlRefused`, and `Unreachable` when there is nothing to plan with.
        """
        with reached():
            jvm, script, whole = await self._read(spec, caller, cluster)
            if script.creates_from_query:
                raise SqlRefused("CREATE TABLE … AS has no graph before its table is made. Write INSERT INTO instead.")
            return await jvm.plan_sql(script, unsent_options(whole, "graph"), chained=chained, caller=caller)

    async def compile(self, spec: JobSpec, *, caller: str = "", cluster: str | None = None) -> bool:
        """Plan as `draw` does, for what is wrong with it; whether all of it was planned. Raises as `draw` does."""
        with reached():
            jvm, script, whole = await self._read(spec, caller, cluster)
            if script.creates_from_query:
                return False
            await jvm.plan_sql(script, unsent_options(whole, "check"), chained=False, caller=caller)
            return True

    async def _read(self, spec: JobSpec, caller: str, cluster: str | None) -> tuple[Plans, Script, JobSpec]:
        jvm = await self._planner_for(cluster)
        return jvm, *effective(await jvm.read_sql(spec.sql, caller=caller, runs=False), spec)
