"""A real Flink for tests: one Java process with a cluster in it, driven from ordinary, synchronous code."""

import asyncio
import threading
import uuid
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from sluiceway.engines.embedded.cluster_jvm import ClusterJvm
from sluiceway.engines.planning.distributions import Distribution
from sluiceway.engines.planning.options import JOB_ID, NAME
from sluiceway.engines.planning.sql import Script
from sluiceway.engines.planning.sql_jvm import SqlJvm

T = TypeVar("T")

# Small buffers: tests run few jobs, and CI has little memory. Managed memory is taken as it is used; aggregations over
# windows want some MB of it.
OPTIONS = {
    "taskmanager.memory.network.min": "64mb",
    "taskmanager.memory.network.max": "64mb",
    "taskmanager.memory.managed.size": "512mb",
}
ENDLESS = """
    CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
    CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO b SELECT n FROM s;
"""


class RealJvm(SqlJvm, ClusterJvm):
    """One process that plans, and runs what it planned."""

    def _redirect(self, configuration: Any) -> None:
        if not self.flink_version.startswith("1.18."):  # which cannot
            super()._redirect(configuration)


class RealFlink:
    """A Flink of 100 slots in `directory`. Start it once for a whole run of tests: it takes some six seconds."""

    def __init__(
        self,
        directory: Path,
        slots: int = 100,
        heap_mb: int = 2560,
        **options: str,
    ) -> None:
        self.directory = directory
        self.url = ""
        self._flink: Distribution | None = None
        self._slots = slots
        self._heap_mb = heap_mb
        self._options = {**OPTIONS, **{name.replace("_", "-"): value for name, value in options.items()}}
        self._jvm: RealJvm | None = None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="real-flink", daemon=True)

    @property
    def jvm(self) -> RealJvm:
        """The process. It belongs to another event loop than the test's: use `run`."""
        assert self._jvm is not None, "not started"
        return self._jvm

    @property
    def jars(self) -> Sequence[Path]:
        """Those of its Flink; none for the installed one."""
        return self._flink.jars if self._flink else ()

    @property
    def version(self) -> str:
        """Of its Flink."""
        return self.jvm.flink_version

    def of(self, flink: Distribution | None) -> "RealFlink":
        """The same, of another version than the one that was installed with us."""
        self._flink = flink
        return self

    def start(self) -> "RealFlink":
        """Start it and wait until it answers."""
        self._thread.start()
        try:
            self._jvm = self.run(RealJvm.launch(self.directory, self._heap_mb, flink=self._flink))
            self.url = self.run(self._jvm.start_cluster(self._options, self._slots, 0))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End it, and all of its jobs."""
        if self._jvm is not None:
            self.run(self._jvm.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in this Flink's own event loop. Blocks, so an async test calls it in a thread."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def read(self, sql: str) -> Script:
        """SQL as this Flink's parser reads it. Blocks."""
        return self.run(self.jvm.read_sql(sql))

    def submit(self, sql: str = ENDLESS, *, flink_job_id: str | None = None, **options: str) -> str:
        """Submit SQL as one job, with Flink's options as keywords, and return its Flink job id. Blocks."""
        script = self.read(sql)
        job = flink_job_id or uuid.uuid4().hex
        settings = {NAME: f"test-{job[:8]}", **script.settings, **options, JOB_ID: job}
        self.run(self.jvm.submit_sql(self.url, script, settings))
        return job
