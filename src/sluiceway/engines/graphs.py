"""Draws the graph that SQL would run as. Nothing is sent to a cluster, and none is needed."""

from sluiceway.domain.engine import Unreachable
from sluiceway.domain.job import JobSpec
from sluiceway.engines.java import NoFlink, NoJava
from sluiceway.engines.jvm_process import JvmFailed
from sluiceway.engines.options import flink_options
from sluiceway.engines.sql import SqlRefused
from sluiceway.engines.submit import JvmProvider, effective

_NOBODY = "0" * 32  # the id of a job that never runs
_NOWHERE = "file:///"  # it keeps no checkpoints either


class SqlGrapher:
    """Plans SQL without running it."""

    def __init__(self, jvm: JvmProvider) -> None:
        """`jvm` gives what plans, and may raise `Unreachable`, `NoJava`, `NoFlink` and `JvmFailed`."""
        self._jvm = jvm

    async def draw(self, spec: JobSpec, *, chained: bool, caller: str = "") -> str:
        """The graph as Flink's own JSON: of operators, or of the tasks that they are chained to.

        Callers take turns, so that none of them holds up another.

        Raises `SqlSyntax`, `SqlRefused`, and `Unreachable` when there is nothing to plan with.
        """
        try:
            jvm = await self._jvm()
            script, whole = effective(await jvm.read_sql(spec.sql, caller=caller, runs=False), spec)
            if script.creates_from_query:
                raise SqlRefused("CREATE TABLE … AS has no graph before its table is made. Write INSERT INTO instead.")
            options = flink_options(whole, flink_job_id=_NOBODY, name="graph", restore=None, checkpoint_dir=_NOWHERE)
            return await jvm.plan_sql(script, options, chained=chained, caller=caller)
        except (NoJava, NoFlink, JvmFailed) as error:
            raise Unreachable(str(error)) from error
