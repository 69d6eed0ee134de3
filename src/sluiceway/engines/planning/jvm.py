"""A Java process beside the service, with Flink's classes in it.

py4j's calls block, so they run in threads of their own. No Java object ever leaves those threads: py4j tells Java of
every object that Python drops, and it does so from the thread that drops it, which must not be the event loop's.
"""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

from sluiceway.domain.engine import Unreachable
from sluiceway.engines.jobmanager.submit_errors import LONGEST_MESSAGE, Cause, clipped, explain
from sluiceway.engines.planning.distributions import Distribution, installed
from sluiceway.engines.planning.jvm_process import Confinement, JvmProcess

AT_ONCE = 64  # calls into Java; those that send a job wait for a cluster
MOST_CAUSES = 20  # a chain of causes that is longer is a circle

T = TypeVar("T")


class JavaGone(Unreachable):
    """The Java process has ended, perhaps instead of an answer."""


class JavaError(Exception):
    """Java threw this. Returned rather than raised, so that no traceback carries Java objects out of the thread."""

    def __init__(self, causes: Sequence[Cause]) -> None:
        super().__init__(explain(causes))
        self.causes = causes


class FlinkJvm:
    """A running Java process with Flink's classes in it. Made by `launch`."""

    def __init__(self, process: JvmProcess, directory: Path, version: str) -> None:
        self.flink_version = version  # for example "2.3.0"
        self._process = process
        self._directory = directory
        self._java: Any = process.gateway.jvm
        self._flink: Any = self._java.org.apache.flink
        self._threads = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="flink-jvm")

    @classmethod
    async def launch(
        cls,
        directory: Path,
        heap_mb: int = 1024,
        jars: Sequence[Path] = (),
        *,
        confine: bool = False,
        flink: Distribution | None = None,
    ) -> Self:
        """Start Java with a Flink's jars and `jars` (connectors, formats, functions) on its class path.

        Without `flink` it is the one that was installed with us.

        Its logs, at most some 40 MB, and its temporary files are in `directory`; with `confine` it can write nothing
        else, and read nothing of the service's. It ends when this process ends, however that ends. Raises `NoJava`,
        `NoFlink` and `JvmFailed`.
        """
        chosen = await asyncio.to_thread(installed) if flink is None else flink
        start = partial(JvmProcess.start, directory, heap_mb, (*chosen.jars, *jars), confine=confine)
        starting = asyncio.ensure_future(asyncio.to_thread(start))
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            starting.add_done_callback(_abandon)
            raise
        return cls(process, directory, chosen.version)

    @property
    def pid(self) -> int:
        """The id of the Java process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether the Java process still runs."""
        return self._process.alive

    @property
    def confinement(self) -> Confinement | None:
        """How the process is confined; None when it has the service's rights."""
        return self._process.confinement

    async def exited(self) -> int:
        """Wait for the end of the Java process, and return its exit code."""
        return await self._process.exited()

    def last_words(self) -> str:
        """The last words of Java itself, rather than Flink; often none."""
        return self._process.last_words()

    def kill(self) -> None:
        """End the Java process at once. Calls that are under way end with `JavaGone`."""
        self._process.kill()

    async def close(self) -> None:
        """End the Java process and every job that runs in it. Harmless when it has ended."""
        await asyncio.to_thread(self._process.end)
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _call(self, work: Callable[[], T]) -> T | JavaError | Unreachable:
        if not self.alive:
            return JavaGone(f"The Java process has ended. {self.last_words()}".strip())
        return await asyncio.get_running_loop().run_in_executor(self._threads, _guarded, work)


def _guarded(work: Callable[[], T]) -> T | JavaError | Unreachable:
    from py4j.protocol import Py4JError, Py4JJavaError

    try:
        try:
            return work()
        except Py4JJavaError as error:
            return JavaError(_causes(error.java_exception))
    except (Py4JError, OSError) as error:
        return JavaGone(f"The Java process gave no answer. {error}")


def _causes(throwable: Any) -> list[Cause]:
    causes: list[Cause] = []
    while throwable is not None and len(causes) < MOST_CAUSES:
        causes.append(Cause(throwable.getClass().getName(), clipped(throwable.getMessage() or "", LONGEST_MESSAGE)))
        throwable = throwable.getCause()
    return causes


def _abandon(starting: "asyncio.Task[JvmProcess]") -> None:
    if not starting.cancelled() and starting.exception() is None:
        starting.result().kill()
