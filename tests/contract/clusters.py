"""Places where jobs run, real and fake, behind one face, and a cluster with the two ways to talk to it."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
from tests.support.patience import PATIENCE

from sluiceway.domain.facts import Acknowledged, JobState
from sluiceway.domain.flink_version import Minor
from sluiceway.domain.observed import Attempt, AttemptInProgress
from sluiceway.engines.jobmanager import versions
from sluiceway.engines.jobmanager.rest import FlinkRest, JobOverview
from sluiceway.engines.planning.options import named_for
from sluiceway.engines.session.questions import seen_job
from sluiceway.testing.fake_flink import FakeFlink

SOURCE = "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10'{more});"
COPY = "CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO b SELECT n FROM s;"
COUNT = (
    "CREATE TABLE b (n BIGINT, c BIGINT) WITH ('connector' = 'blackhole');"
    "INSERT INTO b SELECT n, COUNT(*) FROM s GROUP BY n;"
)
BREAK = (
    "CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');"
    "INSERT INTO b SELECT CAST(CONCAT('x', CAST(n AS STRING)) AS BIGINT) FROM s;"
)
DIVIDE = COPY.replace("SELECT n", "SELECT n / (n - n)")
RESTARTS = {
    "execution.checkpointing.interval": "1h",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "10",
    "restart-strategy.fixed-delay.delay": "100ms",
}


RESTARTED = {name: value for name, value in RESTARTS.items() if "interval" not in name}
HEAVY = (
    "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10', 'fields.n.kind' = 'sequence',"
    " 'fields.n.start' = '1', 'fields.n.end' = '700000');" + COPY
)
TWO = (
    "CREATE TABLE once (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');"
    "CREATE TABLE c (n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO c SELECT n FROM once;" + COPY
)


def fresh_id() -> str:
    """32 hex digits."""
    return os.urandom(16).hex()


def is_ready(job: JobOverview) -> bool:
    """Whether a savepoint can be taken of it now."""
    seen = seen_job(job)
    return seen is not None and seen.ready


class Place(Protocol):
    """Somewhere to run jobs. Each method starts one of a kind and answers its id, perhaps before it runs."""

    @property
    def url(self) -> str:
        """Of its REST API."""

    @property
    def version(self) -> str:
        """Of its Flink."""

    async def endless(self, *, restored: str | None = None) -> str:
        """Streams for ever; has neither checkpoints nor a restart strategy."""

    async def flowing(self) -> str:
        """Reads `s`, which makes ten records a second, and writes `b`."""

    async def restarting(self) -> str:
        """Streams for ever; restarts after a failure."""

    async def expiring(self) -> str:
        """As `restarting`, but no savepoint is ever complete in time."""

    async def looping(self) -> str:
        """Restarts again and again, because its division by zero fails."""

    async def batch(self) -> str:
        """A long batch job."""

    async def waiting(self) -> str:
        """A job that runs, says Flink, while none of its tasks does."""

    async def failing(self) -> str:
        """Fails soon for good, because 'x…' is no number."""

    async def counting(self, backend: str, *, asynchronous: bool) -> str:
        """Counts, with its state in a backend; has no checkpoints, and restarts after a failure."""

    async def heavy(self) -> str:
        """Has more than 5 MB of state in a task, and no directory for checkpoints; restarts after a failure."""

    async def half_finished(self) -> str:
        """One of its sources has finished, or will soon, and it takes no checkpoints after that."""


@dataclass
class RealPlace:
    """A real cluster. Submissions block, so they run in a thread."""

    flink: Any

    @property
    def url(self) -> str:
        """Of its REST API."""
        return str(self.flink.url)

    @property
    def version(self) -> str:
        """Of its Flink."""
        return str(self.flink.version)

    async def _submit(self, insert: str, more: str = "", **options: str) -> str:
        sql = SOURCE.format(more=more) + insert
        named = named_for(self.flink.version, {"parallelism.default": "1", **options})
        return str(await asyncio.to_thread(self.flink.submit, sql, **named))

    async def endless(self, *, restored: str | None = None) -> str:
        options = {} if restored is None else {"execution.state-recovery.path": restored}
        return await self._submit(COPY, **options)

    async def flowing(self) -> str:
        return await self._submit(COPY)

    async def restarting(self) -> str:
        return await self._submit(COPY, **RESTARTS)

    async def expiring(self) -> str:
        return await self._submit(COPY, **RESTARTS, **{"execution.checkpointing.timeout": "10ms"})

    async def looping(self) -> str:
        return await self._submit(DIVIDE, **RESTARTS | {"restart-strategy.fixed-delay.attempts": "10000"})

    async def batch(self) -> str:
        return await self._submit(COUNT, ", 'number-of-rows' = '1000000'", **{"execution.runtime-mode": "BATCH"})

    async def waiting(self) -> str:
        # The exchange makes all of it one region, which waits for slots that there are not.
        return await self._submit(COUNT, **{"parallelism.default": "500"})

    async def failing(self) -> str:
        return await self._submit(BREAK)

    async def counting(self, backend: str, *, asynchronous: bool) -> str:
        options = {"state.backend.type": backend, "table.exec.async-state.enabled": str(asynchronous).lower()}
        directory = {"execution.checkpointing.dir": f"file://{self.flink.directory}/checkpoints"}
        return await self._submit(COUNT, **options, **directory, **RESTARTED)

    async def heavy(self) -> str:
        return str(await asyncio.to_thread(self.flink.submit, HEAVY, **{"parallelism.default": "1"}, **RESTARTED))

    async def half_finished(self) -> str:
        after = {"execution.checkpointing.checkpoints-after-tasks-finish.enabled": "false"}
        return await self._submit(TWO, **after)


@dataclass
class FakePlace:
    """The fake, with jobs that take about as long as real ones to a test's eye."""

    flink: FakeFlink

    @property
    def url(self) -> str:
        """Of its REST API."""
        return self.flink.url

    @property
    def version(self) -> str:
        """Of the Flink that it is like."""
        return self.flink.flink_version

    def _add(self, **fields: Any) -> str:
        return self.flink.add_job(stop_seconds=0.4, cancel_seconds=0.02, **fields).jid

    async def endless(self, *, restored: str | None = None) -> str:
        return self._add(restartable=False, restored=restored)

    async def flowing(self) -> str:
        return self._add(records=100, rate=10.0)

    async def restarting(self) -> str:
        return self._add(interval=3600.0)

    async def looping(self) -> str:
        jid = self._add(interval=3600.0, restart_seconds=0.1)
        self.flink.loop(jid)
        return jid

    async def expiring(self) -> str:
        return self._add(failing=["expired"] * 5)

    async def batch(self) -> str:
        return self._add(batch=True)

    async def waiting(self) -> str:
        self.flink.free_slots = 0
        return self._add(tasks=1000, running_tasks=0)

    async def failing(self) -> str:
        jid = self._add()
        self.flink.fail(jid, "java.lang.NumberFormatException: For input string: 'x1'. Invalid character found.")
        return jid

    async def counting(self, backend: str, *, asynchronous: bool) -> str:
        name = {"hashmap": "HashMapStateBackend", "rocksdb": "EmbeddedRocksDBStateBackend"}.get(
            backend, "ForStStateBackend"
        )
        return self._add(backend=name, asynchronous=asynchronous, recoverable=False)

    async def heavy(self) -> str:
        return self._add(checkpoint_dir=False, state_bytes=8_000_000, recoverable=False)

    async def half_finished(self) -> str:
        return self._add(after_finish=False, finished_tasks=1)


class Cluster:
    """A place with the two ways to talk to it: raw HTTP, and our client."""

    def __init__(self, place: Place, session: aiohttp.ClientSession, root: Path) -> None:
        self.place = place
        self.session = session
        self.root = root
        self.rest = FlinkRest(session, place.url, 10.0)
        self.started: list[str] = []

    def since(self, first: Minor) -> bool:
        """Whether its Flink is not older than that."""
        return versions.since(self.place.version, first)

    async def raw(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """The status and the JSON of an answer. `body` is JSON, or bytes as they are."""
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        async with self.session.request(method, self.place.url + path, data=data, headers=headers) as response:
            return response.status, json.loads(await response.read())

    async def run(self, start: Callable[[], Awaitable[str]], *, ready: bool = True) -> str:
        """Start a job and wait until it runs, with all of its tasks if `ready`."""
        jid = await start()
        self.started.append(jid)
        await self.until(jid, lambda job: job.state is JobState.RUNNING and (is_ready(job) or not ready))
        return jid

    async def until(self, jid: str, wanted: Callable[[JobOverview], bool]) -> JobOverview:
        """Wait until the overview shows the job as wanted."""
        async with asyncio.timeout(PATIENCE):
            while True:
                found = [job for job in await self.rest.jobs() if job.jid == jid]
                if found and wanted(found[0]):
                    return found[0]
                await asyncio.sleep(0.03)

    async def ends(self, jid: str) -> JobState:
        """Wait until the job is terminal."""
        state = (await self.until(jid, lambda job: job.state is not None and job.state.terminal)).state
        assert state is not None
        return state

    async def outcome(self, jid: str, trigger: str) -> Attempt:
        """Wait until the attempt is over."""
        async with asyncio.timeout(PATIENCE):
            while True:
                attempt = await self.rest.attempt(jid, trigger)
                if not isinstance(attempt, AttemptInProgress):
                    return attempt
                await asyncio.sleep(0.03)

    async def stop(self, jid: str, target: str | None = None, *, native: bool = False) -> tuple[str, Attempt]:
        """Stop the job; the trigger id and what became of the attempt."""
        trigger = fresh_id()
        target = self.target(trigger) if target is None else target
        said = await self.rest.stop(jid, trigger=trigger, target=target, native=native)
        assert said == Acknowledged()
        return trigger, await self.outcome(jid, trigger)

    async def restarted(self, jid: str) -> bool:
        """Whether the job ever restarted. The answer can be 3 s old."""
        job = await self.rest.job(jid)
        return job is not None and job["timestamps"]["RESTARTING"] > 0

    def target(self, trigger: str) -> str:
        """A directory of the attempt's own."""
        return f"file://{self.root}/{trigger}"

    def metadata(self, trigger: str) -> list[Path]:
        """The complete savepoints of an attempt."""
        return list((self.root / trigger).rglob("_metadata"))
