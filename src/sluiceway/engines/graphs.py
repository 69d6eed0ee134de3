"""Draws the graph that SQL would run as. Nothing is sent to a cluster, and none is needed."""

from collections.abc import Awaitable, Callable

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.engines.java import NoFlink, NoJava
from sluiceway.engines.jvm import FlinkJvm
from sluiceway.engines.jvm_process import JvmFailed
from sluiceway.engines.options import flink_options
from sluiceway.engines.sql import SqlRefused
from sluiceway.engines.submit import effective_spec

_NOBODY = "0" * 32  # the id of a job that never runs
_NOWHERE = "file:///"  # it keeps no checkpoints either


class SqlGrapher:
    """Plans SQL without running it."""

    def __init__(self, jvm: Callable[[], Awaitable[FlinkJvm]]) -> None:
        """`jvm` gives the process to plan in, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`."""
        self._jvm = jvm

    async def draw(self, spec: JobSpec, *, chained: bool) -> str:
        """The graph as Flink's own JSON: of operators, or of the tasks that they are chained to.

        Raises `SqlSyntax`, `SqlRefused`, and `Unreachable` when there is nothing to plan with.
        """
        script, effective = effective_spec(spec)
        if any(statement.sink and statement.text[:6].upper() == "CREATE" for statement in script.statements):
            raise SqlRefused("CREATE TABLE … AS has no graph before its table is made. Write INSERT INTO instead.")
        options = flink_options(effective, flink_job_id=_NOBODY, name="graph", restore=None, checkpoint_dir=_NOWHERE)
        try:
            return await (await self._jvm()).plan_sql(script, options, chained=chained)
        except (NoJava, NoFlink, JvmFailed) as error:
            raise Unreachable(str(error)) from error
