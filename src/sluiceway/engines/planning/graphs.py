"""Draws the graph that SQL would run as. Needs no cluster, and sends nothing to one."""

from sluiceway.domain.job import JobSpec
from sluiceway.engines.planning.options import unsent_options
from sluiceway.engines.planning.reading import reached
from sluiceway.engines.planning.sql import SqlRefused
from sluiceway.engines.planning.submit import JvmProvider, effective


class SqlGrapher:
    """Plans SQL without running it."""

    def __init__(self, jvm: JvmProvider) -> None:
        """`jvm` gives what plans, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`."""
        self._jvm = jvm

    async def draw(self, spec: JobSpec, *, chained: bool, caller: str = "") -> str:
        """Draw the graph as Flink's own JSON: of operators, or of the tasks that they are chained to.

        Callers take turns, so that none of them holds up another.

        Raises `SqlSyntax`, `SqlRefused`, and `Unreachable` when there is nothing to plan with.
        """
        with reached():
            jvm = await self._jvm()
            script, whole = effective(await jvm.read_sql(spec.sql, caller=caller, runs=False), spec)
            if script.creates_from_query:
                raise SqlRefused("CREATE TABLE … AS has no graph before its table is made. Write INSERT INTO instead.")
            return await jvm.plan_sql(script, unsent_options(whole, "graph"), chained=chained, caller=caller)
