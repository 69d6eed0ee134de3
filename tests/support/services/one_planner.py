"""One planner for all services of a process: each would start a Java of its own, and load Flink's planner into it.

What plans is as in any service, confined and beside it. Only its end is not that of the service that has started it.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from sluiceway.engines.planning.distributions import Distribution
from sluiceway.engines.planning.sql_jvm import SqlJvm


class _Kept(SqlJvm):
    """A process that outlasts the service that has started it."""

    def kill(self) -> None:
        """Leave it to the next service."""

    async def close(self) -> None:
        """Leave it to the next service."""

    def end(self) -> None:
        """End it in truth."""
        super().kill()
        asyncio.run(super().close())


class OnePlanner:
    """In the place of `SqlJvm` where services start one; its process begins when the first of them does."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._jvm: _Kept | None = None

    async def launch(
        self, _: Path, heap_mb: int, jars: Sequence[Path], *, confine: bool, flink: Distribution | None
    ) -> SqlJvm:
        """See `SqlJvm.launch`."""
        assert not jars, "it has no jars but Flink's"
        if self._jvm is None or not self._jvm.alive:
            self._jvm = await _Kept.launch(self._directory, heap_mb, confine=confine, flink=flink)
        return self._jvm

    def end(self) -> None:
        """End the process."""
        if self._jvm is not None:
            self._jvm.end()
