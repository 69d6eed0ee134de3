"""The whole control plane without its HTTP front, over a fake Flink: real use cases, real reconciler, real SQLite."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import select, update
from tests.support.patience import PATIENCE
from tests.support.services import databases

from sluiceway.assembly.beside import beside
from sluiceway.assembly.clock import clock
from sluiceway.assembly.ground import Ground, Lifecycle, lifecycle, workers
from sluiceway.control.discovery import Discovery
from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.import_savepoint import ImportSavepoint
from sluiceway.control.mover import Mover
from sluiceway.control.queries import Queries
from sluiceway.control.queues import Queues
from sluiceway.control.roster import Fixed, Roster
from sluiceway.control.vault import Vault
from sluiceway.domain.admission import Verdict
from sluiceway.domain.adoption import Adopts
from sluiceway.domain.clusters import Cluster, Listed, Source
from sluiceway.domain.facts import Silent, SubmitRefused, Submitted
from sluiceway.domain.health import Health, HealthRules
from sluiceway.domain.job import Job, JobDraft, JobSpec, JobStatus
from sluiceway.domain.operations.stop import StopRules
from sluiceway.domain.orders import Placed, ResumeOrder, SaveOrder, StartOrder, StopOrder
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.engines.session.engine import SessionEngine
from sluiceway.reconcile.pace import Pace
from sluiceway.reconcile.turn import Clock, TurnSettings
from sluiceway.reconcile.worker import Reconciler
from sluiceway.storage.savepoints import Storage
from sluiceway.store.batch_views import BatchEntry
from sluiceway.store.database import Database
from sluiceway.store.fares import Fare, Which
from sluiceway.store.schema import runs
from sluiceway.testing.fake_flink import FakeFlink

SQL = "INSERT INTO sink SELECT * FROM source"  # that nobody plans here
PROJECT = "p"
RULES = StopRules(
    timeout=timedelta(seconds=2 * PATIENCE),  # tests of deadlines have short ones of their own
    attempts=3,
    backoff=timedelta(milliseconds=50),
    gone_after=timedelta(milliseconds=400),
    forgotten_after=timedelta(milliseconds=150),
    ailing_patience=timedelta(seconds=10),
)
HEALTH = HealthRules(
    unwell_after=timedelta(milliseconds=600),
    lasting=timedelta(milliseconds=50),
    calm=timedelta(milliseconds=200),
    refresh=timedelta(milliseconds=200),
)
QUICK = Pace(busy=0.02, idle=0.05, calm=0.05, trouble=0.05)


@dataclass
class Plane:
    """A control plane at work. `fakes` are its clusters by name; the first is the default queue."""

    ground: Ground
    life: Lifecycle
    queues: Queues
    reconciler: Reconciler
    fakes: dict[str, FakeFlink]
    clusters: dict[str, Place]
    roster: Roster

    @property
    def db(self) -> Database:
        return self.ground.db

    @property
    def storage(self) -> Storage:
        return self.ground.storage

    @property
    def engine(self) -> SessionEngine:
        assert isinstance(self.ground.engine, SessionEngine)
        return self.ground.engine

    async def stop(self, project: str, jobs: Sequence[int], *, savepoint: bool, **said: Any) -> Placed:
        """Place an order; `said` are the fields of `StopOrder`."""
        return await self.life.stop_jobs(StopOrder(project, jobs, savepoint=savepoint, **said))

    async def start(self, project: str, jobs: Sequence[int], *, resume: bool | None, **said: Any) -> Sequence[Verdict]:
        """Place an order; `said` are the fields of `StartOrder`. One verdict for each position."""
        return (await self.life.start_jobs(StartOrder(project, jobs, resume=resume, **said))).verdicts

    async def take(self, project: str, jobs: Sequence[int], **said: Any) -> Sequence[Verdict]:
        """Place an order; `said` are the fields of `SaveOrder`. One verdict for each position."""
        return (await self.life.take_savepoints(SaveOrder(project, jobs, **said))).verdicts

    async def resume(self, project: str, stop: int) -> Placed:
        """Bring back what a stop has stopped."""
        return await self.life.resume_jobs(ResumeOrder(project, stop=stop))

    @property
    def edit(self) -> EditJobs:
        return self.life.edit_jobs

    @property
    def queries(self) -> Queries:
        return self.life.queries

    @property
    def bring(self) -> ImportSavepoint:
        return self.life.import_savepoint

    @property
    def fake(self) -> FakeFlink:
        """The default cluster."""
        return next(iter(self.fakes.values()))

    async def create(
        self, name: str = "job", *, project: str = PROJECT, interval: float | None = None, **fields: Any
    ) -> int:
        """A draft; `fields` are those of `JobDraft`, `interval` the seconds between its checkpoints."""
        spec = JobSpec(SQL, checkpoint_interval=timedelta(seconds=interval) if interval else None)
        return (await self.edit.create(project, JobDraft(name, spec, **fields), "somebody")).id

    async def run(self, count: int = 1, prefix: str = "job", **fields: Any) -> list[int]:
        """So many running jobs."""
        jobs = [await self.create(f"{prefix}-{n}", **fields) for n in range(count)]
        await self.start(PROJECT, jobs, resume=False)
        for job in jobs:
            await self.until(job, JobStatus.RUNNING)
        return jobs

    async def job(self, job_id: int) -> Job:
        """The job as it is stored now."""
        return await self.queries.job(PROJECT, job_id)

    async def fares(self, job_id: int, *, leaving: bool = False) -> Fare | None:
        """How it fares, as it is stored now."""
        return next(iter(await self.queries.fares(PROJECT, Which((job_id,), leaving=leaving), 1)), None)

    async def until_it_fares(self, job_id: int, so: Callable[[Health], bool]) -> Health:
        """Wait until its health is like that."""
        async with asyncio.timeout(PATIENCE):
            while (fare := await self.fares(job_id)) is None or fare.health is None or not so(fare.health):
                await asyncio.sleep(0.01)
        return fare.health

    async def flink_id(self, job_id: int) -> str:
        """The Flink job id of its latest run."""
        found = (await self.job(job_id)).flink_job_id
        assert found is not None
        return found

    async def keeps_state_in(self, job_id: int, backend: str) -> None:
        """Let its Flink job have this state backend, and wait until Flink was asked anew for that."""
        self.fake.jobs[await self.flink_id(job_id)].backend = backend
        self.engine._attention.clear()
        async with self.db.write() as connection:
            await connection.execute(update(runs).where(runs.c.job_id == job_id).values(traits=None))
        known = select(runs.c.traits).where(runs.c.job_id == job_id, runs.c.traits.is_not(None))
        async with asyncio.timeout(PATIENCE):
            while True:
                async with self.db.read() as connection:
                    if '"backend"' in str((await connection.execute(known)).scalar_one_or_none()):
                        return
                await asyncio.sleep(0.02)

    async def until(self, job_id: int, *statuses: JobStatus) -> Job:
        """Wait for one of these statuses."""
        async with asyncio.timeout(PATIENCE):
            while (job := await self.job(job_id)).status not in statuses:
                await asyncio.sleep(0.01)
        return job

    async def stop_and_wait(self, jobs: list[int], *, savepoint: bool = True) -> list[BatchEntry]:
        """Stop them in one request and wait until each has settled."""
        batch = (await self.stop(PROJECT, jobs, savepoint=savepoint)).id
        assert batch is not None
        return await self.settled(batch)

    async def settled(self, batch: int) -> list[BatchEntry]:
        """Wait until each job of a batch has settled."""
        async with asyncio.timeout(PATIENCE):
            while True:
                entries = (await self.queries.batch(PROJECT, batch)).entries
                if all(entry.stop.settled_at for entry in entries):
                    return list(entries)
                await asyncio.sleep(0.01)

    async def eventually(self, happened: Callable[[], bool]) -> None:
        """Wait for something of the outside world."""
        async with asyncio.timeout(PATIENCE):
            while not happened():
                await asyncio.sleep(0.01)

    def savepoints(self, job_id: int) -> list[Path]:
        """Every complete savepoint that storage holds of a job."""
        root = Path(self.storage.uri.removeprefix("file://")) / "jobs" / "savepoint" / str(job_id)
        return sorted(root.rglob("_metadata"))


async def sleeping() -> None:
    """Of a service whose moves go no further."""


@asynccontextmanager
async def plane(
    directory: Path,
    *,
    clusters: int = 1,
    rules: StopRules = RULES,
    max_savepoints: int = 100,
    timeout: float = 10.0,  # as the service has it: on a busy machine an answer may take a second
    fakes: dict[str, FakeFlink] | None = None,
    clock: Clock = clock,
    pace: Pace = QUICK,
    storage: Storage | None = None,
    adopts: Adopts | None = None,
    clusters_from: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    moves: bool = False,  # whether anything carries out their second halves
) -> AsyncIterator[Plane]:
    """A control plane in `directory`; over fakes of its own, or over those of one before it."""
    await asyncio.to_thread(databases.make, directory / "test.db")
    db = Database(directory / "test.db")
    storage = storage or Storage(str(directory / "storage"))
    own = fakes is None
    fakes = fakes or {f"c{n}": FakeFlink() for n in range(clusters)}
    at = {name: Place(name, await fake.start() if own else fake.url) for name, fake in fakes.items()}

    async def submit(cluster: Place, run: Run, name: str, spec: JobSpec) -> Submitted | SubmitRefused | Silent:
        if run.flink_job_id not in fakes[cluster.name].jobs:
            interval = spec.checkpoint_interval.total_seconds() if spec.checkpoint_interval else None
            fakes[cluster.name].add_job(run.flink_job_id, name=name, restored=run.restore, interval=interval)
        return Submitted()

    async with aiohttp.ClientSession() as session:
        mine = {name: Cluster(name=name, addresses=(each.url,), labels=labels or {}) for name, each in at.items()}
        listed = [Listed(each, Source.SETTINGS) for each in mine.values()]
        roster = Roster(db, Vault(directory / "secret.key"), Fixed(listed, at.get), Discovery(clusters_from, clock))
        await roster.begin()
        jobmanagers = JobManagers(session, timeout, roster.credentials)
        ground = Ground(db, storage, SessionEngine(jobmanagers, submit), clock)
        each = TurnSettings(
            rules,
            max_savepoints,
            resend_after=0.2,
            health=HEALTH,
            adopts=adopts,
            absent=roster.why_absent,
            labels=roster.labels,
        )
        reconciler, queues = workers(ground, roster.locate, roster.names, each, pace)
        made = Plane(ground, lifecycle(ground, queues, rules.timeout), queues, reconciler, fakes, at, roster)
        reconciler.start(roster.worked_on)
        roster.publish_to(queues, reconciler.follow, jobmanagers.keep, made.engine.keep)
        try:
            mover = Mover(made.life.start_jobs, 0.02, 0.02, timedelta(milliseconds=100))
            async with beside(roster.run(), "clusters"), beside(mover.run() if moves else sleeping(), "moves"):
                yield made
        finally:
            await reconciler.close()
            await jobmanagers.close()
            await db.close()
            for fake in fakes.values() if own else ():
                await fake.close()
