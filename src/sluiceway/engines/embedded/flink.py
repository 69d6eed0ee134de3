"""Keeps a Flink running beside the service."""

import asyncio
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from sluiceway.domain.place import Place
from sluiceway.engines.embedded.cluster_jvm import ClusterJvm
from sluiceway.engines.planning.java import NoFlink, NoJava
from sluiceway.engines.planning.jvm_process import JvmFailed

FIRST_BACKOFF = 1.0  # seconds before the first restart; doubles
LAST_BACKOFF = 60.0
STEADY_AFTER = 120.0  # seconds after which a Flink counts as healthy, and its next failure as the first
CHECK_EVERY = 5.0  # seconds between looks at a cluster whose process lives

# A hundred small jobs with a shuffle or two each need some 3000 network buffers of 32 KB.
_MEMORY = {
    "taskmanager.memory.network.min": "192mb",
    "taskmanager.memory.network.max": "192mb",
}

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class EmbeddedSettings:
    """How the embedded Flink is run."""

    port: int = 0  # of its REST API; 0 takes a free one at first, and keeps it
    slots: int = 200  # one for each unit of parallelism of each job
    heap_mb: int = 2048  # for the tasks of all jobs, and Flink itself
    managed_mb: int = 8  # of managed memory for each slot, taken when it is used: below some 4 no window can run
    options: Mapping[str, str] = field(default_factory=dict)  # Flink's own, of the cluster
    jars: Sequence[Path] = ()  # connectors, formats and functions for every job


@dataclass(frozen=True, slots=True)
class _Up:
    jvm: ClusterJvm
    place: Place
    since: float  # on the loop's clock


class EmbeddedFlink:
    """Supervises one Java process that runs jobs. When it dies, its jobs die with it, and it starts anew.

    `directory` is its own: logs and temporary files, nothing worth keeping.
    """

    def __init__(self, directory: Path, settings: EmbeddedSettings | None = None, name: str = "embedded") -> None:
        self._directory = directory
        self._settings = settings or EmbeddedSettings()
        self._name = name
        self._up: _Up | None = None
        self._port = self._settings.port
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def place(self) -> Place | None:
        """Where it runs, with a life of its own for each start of the process; None while it is down."""
        return self._up.place if self._up else None

    @property
    def url(self) -> str | None:
        """The URL of its REST API and web page; None while it is down."""
        return self._up.place.url if self._up else None

    @property
    def life(self) -> str | None:
        """32 hex digits that change with every start of the process; None while it is down."""
        return self._up.place.life if self._up else None

    @property
    def pid(self) -> int | None:
        """The id of the Java process; None while it is down."""
        return self._up.jvm.pid if self._up else None

    async def start(self) -> None:
        """Start it, and keep it up from now on. Raises `NoJava`, `NoFlink` and `JvmFailed`, and then runs nothing."""
        self._up = await self._launch(self._port)
        self._tasks = [asyncio.create_task(self._supervise(self._up))]

    async def close(self) -> None:
        """End it, and every job that runs in it."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        up, self._up = self._up, None
        if up is not None:
            await up.jvm.close()

    async def _supervise(self, up: _Up) -> None:
        loop = asyncio.get_running_loop()
        backoff = FIRST_BACKOFF
        while True:
            why = await self._until_down(up)
            self._up = None
            _log.error("The embedded Flink has ended; its jobs have ended with it", why=why)
            await up.jvm.close()
            if loop.time() - up.since > STEADY_AFTER:
                backoff = FIRST_BACKOFF
            up, backoff = await self._relaunch(backoff)
            self._up = up
            _log.info("The embedded Flink was started again", url=up.place.url)

    async def _until_down(self, up: _Up) -> str:
        exited = asyncio.ensure_future(up.jvm.exited())
        try:
            while not exited.done():
                await asyncio.wait({exited}, timeout=CHECK_EVERY)
                if not exited.done() and not await up.jvm.cluster_running() and not exited.done():
                    return "Flink ended, and left its process behind."
            return f"Exit code {exited.result()}. {up.jvm.last_words()}".strip()
        finally:
            exited.cancel()

    async def _relaunch(self, backoff: float) -> tuple[_Up, float]:
        port = self._port
        while True:
            await asyncio.sleep(backoff)
            backoff = min(backoff * 2, LAST_BACKOFF)
            try:
                return await self._launch(port), backoff
            except (NoJava, NoFlink, JvmFailed) as error:
                _log.warning("The embedded Flink cannot be started; trying again", why=str(error), seconds=backoff)
                # The port may have been taken meanwhile. Only one that was asked for is worth waiting for.
                port = self._settings.port

    async def _launch(self, port: int) -> _Up:
        settings = self._settings
        jvm = await ClusterJvm.launch(self._directory, settings.heap_mb, settings.jars)
        try:
            managed = {"taskmanager.memory.managed.size": f"{settings.slots * settings.managed_mb}mb"}
            url = await jvm.start_cluster({**_MEMORY, **managed, **settings.options}, settings.slots, port)
        except BaseException:
            await jvm.close()
            raise
        self._port = int(url.rpartition(":")[2])
        return _Up(jvm, Place(self._name, url, uuid.uuid4().hex), asyncio.get_running_loop().time())
