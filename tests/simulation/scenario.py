"""What happens in one seed: what people ask for, and what befalls the clusters, the storage and the services."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tests.simulation.cluster import SimCluster
from tests.simulation.faults import some
from tests.simulation.invariants import PATIENCE
from tests.simulation.memory import InjectedError
from tests.simulation.service import Service
from tests.simulation.world import World

from sluiceway.control.errors import ControlError
from sluiceway.control.stop_jobs import StopOrder
from sluiceway.domain.batch import Limits
from sluiceway.domain.job import JobDraft, JobSpec
from sluiceway.domain.policy import Resort, StopPolicy
from sluiceway.store.rows import to_json
from sluiceway.testing.fake_jobs import FakeJob, Truth

PROJECT = "p"
Happening = Callable[["Scenario"], Awaitable[None]]
HAPPENINGS: dict[str, tuple[float, Happening]] = {}  # by name: how often, among the others, and what


def happening(weight: float) -> Callable[[Happening], Happening]:
    """It may happen in any seed."""

    def add(function: Happening) -> Happening:
        HAPPENINGS[function.__name__] = (weight, function)
        return function

    return add


@dataclass
class Scenario:
    """A seed at work."""

    world: World
    dice: random.Random
    jobs: list[int] = field(default_factory=list)  # ids of those that were made
    batches: list[int] = field(default_factory=list)
    made: int = 0

    # What people do. ----------------------------------------------------------------------------------------------

    async def ask(self, use_case: Callable[[Service], Any]) -> Any:
        """Ask a service for something; None when there was no answer."""
        services = self.world.services
        if not services:
            return None
        service = self.dice.choice(services)
        task = service.begin(use_case(service))
        await asyncio.wait([task])
        if task.cancelled():
            self.world.note("no answer")
            return None
        if (error := task.exception()) is not None:
            self.world.note("answer", repr(error)[:100])
            if not isinstance(error, InjectedError | ControlError):
                self.world.violate(f"nobody foresaw the answer {error!r}")
            return None
        return task.result()

    async def stop(self, jobs: list[int], *, savepoint: bool, order: StopOrder | None = None) -> None:
        """Stop these."""
        self.world.note("user stops", jobs, "with savepoint" if savepoint else "")
        for job in jobs:
            self.world.watch.asked[job].add("savepoint" if savepoint else "cancel")
        answer = await self.ask(lambda s: s.stop(PROJECT, jobs, savepoint=savepoint, order=order))
        if answer is not None and answer.id is not None:
            self.batches.append(answer.id)

    async def run(self, jobs: list[int], *, resume: bool) -> None:
        """Start these."""
        self.world.note("user runs", jobs, "resume" if resume else "")
        for job in jobs:
            self.world.watch.asked[job].add("run")
        await self.ask(lambda s: self._run(s, jobs, resume=resume))

    async def _run(self, service: Service, jobs: list[int], *, resume: bool) -> None:
        verdicts = await service.start_jobs(PROJECT, jobs, resume=resume)
        for job, verdict in zip(jobs, verdicts, strict=True):
            if verdict.accepted and resume:
                self.world.watch.resumed(job)

    async def judge(self, batch: int, verb: str) -> None:
        """Withdraw what was not sent of a batch (`abort`), or let it go on (`proceed`)."""
        self.world.note(f"user: {verb}", batch)
        await self.ask(lambda s: getattr(s.stop, verb)(PROJECT, batch))

    async def create(self) -> None:
        """Make a job."""
        self.made += 1
        queue = self.dice.choice((None, *self.world.clusters))
        draft = JobDraft(f"job {self.made}", JobSpec("-"), queue=queue)
        job = await self.ask(lambda s: s.edit.create(PROJECT, draft, "somebody"))
        if job is not None:
            self.jobs.append(job.id)
            await self.run([job.id], resume=False)

    # The course of it. --------------------------------------------------------------------------------------------

    async def play(self) -> None:
        """All of it."""
        world, dice = self.world, self.dice
        self._found(dice.choice((1, 2, 3, 4, 5)))
        world.spawn()
        if dice.random() < 0.25:
            world.spawn()
        names = list(HAPPENINGS)
        weights = [HAPPENINGS[name][0] for name in names]
        under_way = []
        await self.some_stop()
        for name in dice.choices(names, weights, k=dice.randint(2, 9)):
            await asyncio.sleep(dice.choice((0.0, 0.3, 2.0, 6.0, 20.0)) * dice.random())
            if world.violations:
                break
            under_way.append(asyncio.create_task(self._happen(name)))
        await asyncio.sleep(dice.choice((0.0, 5.0, 45.0)))
        await asyncio.gather(*under_way)
        await self._come_to_rest()

    async def _happen(self, name: str) -> None:
        self.world.note("happens:", name)
        await HAPPENINGS[name][1](self)

    async def some_stop(self) -> None:
        """There is always one."""
        await self.stop(some(self.dice, self.jobs), savepoint=self.dice.random() < 0.8)

    async def _come_to_rest(self) -> None:
        """Once the weather is calm, everything must settle."""
        world = self.world
        world.note("calm")
        world.weather.calm = True
        world.disk.full = world.disk.unreadable = False
        world.disk.lag = 0.0
        for cluster in world.clusters.values():
            cluster.show()
            for job in cluster.jobs.values():
                job.failing.clear()
                job.running_tasks = None
            cluster.state.version += 1
        for service in world.services:
            service.cut_off.clear()
            service.frozen_until = 0.0
        until = world.now + PATIENCE
        if not world.services:
            world.spawn()
        while not world.violations and (why := world.watch.unrest()):
            await self._let_paused_go_on()
            if world.now >= until:
                world.violate(f"not settled: {why}")
                return
            await asyncio.sleep(3.0)
        if not world.violations:
            world.watch.at_rest()

    async def _let_paused_go_on(self) -> None:
        for (batch,) in self.world.memory.raw.execute("SELECT id FROM batches WHERE state = 'paused'").fetchall():
            await self.judge(batch, self.dice.choice(("abort", "proceed")))

    def _found(self, count: int) -> None:
        """Jobs that run already, as if they had been started long ago."""
        world, raw = self.world, self.world.memory.raw
        for n in range(count):
            jid, cluster = world.token(), self.dice.choice(list(world.clusters))
            made = raw.execute(
                "INSERT INTO jobs (project, name, desc, kind, user, status, created_at, updated_at, started_at,"
                " cluster, flink_job_id) VALUES (?, ?, '', 'k', 'u', 'running', 0, 0, 0, ?, ?)",
                [PROJECT, f"found {n}", cluster, jid],
            )
            job = made.lastrowid
            assert job is not None
            raw.execute("INSERT INTO specs VALUES (?, ?, '{}')", [job, SPEC])
            run = raw.execute(
                "INSERT INTO runs (job_id, cluster, flink_job_id, phase, acknowledged, created_at, started_at)"
                " VALUES (?, ?, ?, 'running', 1, 0, 0)",
                [job, cluster, jid],
            ).lastrowid
            raw.execute("UPDATE jobs SET run_id = ? WHERE id = ?", [run, job])
            world.watch.asked[job].add("run")
            world.watch.committed()
            world.clusters[cluster].launch(jid, job, None)
            self.jobs.append(job)


SPEC = to_json(JobSpec("-"))


def play(seed: int, *, tracing: bool = False) -> World:
    """One seed, from the beginning to the end."""
    world = World(seed, tracing=tracing)
    world.run(Scenario(world, random.Random(f"scenario {seed}")).play())
    return world


# What people do. -----------------------------------------------------------------------------------------------------


@happening(5)
async def people_stop_some(at: Scenario) -> None:
    """With savepoints."""
    await at.stop(some(at.dice, at.jobs), savepoint=True)


@happening(4)
async def people_stop_with_a_policy(at: Scenario) -> None:
    """In waves, a few at once, with an end to failures, and with a word on what a failed savepoint means."""
    dice, jobs = at.dice, some(at.dice, at.jobs)
    policy = StopPolicy(
        drain=dice.random() < 0.2,
        attempts=dice.choice((None, None, 1, 4)),
        backoff=dice.choice((None, timedelta(seconds=5))),
        resort=dice.choice(list(Resort)),
        checkpoint_age=dice.choice((None, timedelta(seconds=10))),
        timeout=dice.choice((None, None, timedelta(seconds=15))),
    )
    limits = Limits(dice.choice((None, 1, 2)), dice.choice((None, None, 1)), dice.choice((None, None, 0.5)))
    waves = {job: dice.randint(0, 2) for job in jobs} if dice.random() < 0.6 else {}
    order = StopOrder(policy, limits, waves=waves, stopped_is_done=dice.random() < 0.3)
    await at.stop(jobs, savepoint=dice.random() < 0.9, order=order)


@happening(1.5)
async def people_think_better_of_a_batch(at: Scenario) -> None:
    """They withdraw what was not sent, or let it go on."""
    if at.batches:
        batch = at.dice.choice(at.batches)
        await at.judge(batch, at.dice.choice(("abort", "abort", "proceed")))


@happening(2)
async def people_cancel_some(at: Scenario) -> None:
    """Without."""
    await at.stop(some(at.dice, at.jobs), savepoint=False)


@happening(2)
async def two_people_stop_the_same(at: Scenario) -> None:
    """At the same moment."""
    jobs = some(at.dice, at.jobs)
    await asyncio.gather(*(at.stop(jobs, savepoint=at.dice.random() < 0.7) for _ in range(2)))


@happening(3)
async def people_ask_again(at: Scenario) -> None:
    """For what has not settled, with a savepoint or without."""
    if jobs := [job for job in at.world.watch.unsettled_jobs() if job in at.jobs]:
        await at.stop(some(at.dice, jobs), savepoint=at.dice.random() < 0.5)


@happening(3)
async def people_resume_some(at: Scenario) -> None:
    """From their newest state."""
    await at.run(some(at.dice, at.jobs), resume=True)


@happening(1)
async def people_run_some(at: Scenario) -> None:
    """From nothing."""
    await at.run(some(at.dice, at.jobs), resume=False)


@happening(2)
async def people_move_jobs(at: Scenario) -> None:
    """Stop them, wait, bring them back, and once more."""
    jobs = some(at.dice, at.jobs)
    for _ in range(at.dice.choice((1, 2))):
        await at.stop(jobs, savepoint=True)
        for _ in range(20):
            await asyncio.sleep(2.0)
            if not set(jobs) & set(at.world.watch.unsettled_jobs()):
                break
        await at.run(jobs, resume=True)
        await asyncio.sleep(at.dice.choice((1.0, 5.0)))


@happening(2)
async def people_resume_a_batch(at: Scenario) -> None:
    """Now and once more."""
    if at.batches:
        batch = at.dice.choice(at.batches)
        for job in at.jobs:
            at.world.watch.asked[job].add("run")
        await asyncio.gather(*(at.ask(lambda s: s.start_jobs.resume_batch(PROJECT, batch)) for _ in range(2)))


@happening(1)
async def people_create_one(at: Scenario) -> None:
    """And run it."""
    await at.create()


@happening(1)
async def people_run_one_and_think_better_of_it(at: Scenario) -> None:
    """The cancel follows on its heels."""
    job = at.dice.choice(at.jobs)
    await at.run([job], resume=at.dice.random() < 0.5)
    await asyncio.sleep(at.dice.choice((0.0, 0.0, 0.5, 2.0)))
    await at.stop([job], savepoint=False)


@happening(0.7)
async def people_delete_one(at: Scenario) -> None:
    """Whatever it is doing."""
    job = at.dice.choice(at.jobs)
    at.world.watch.asked[job].add("cancel")
    await at.ask(lambda s: s.edit.delete(PROJECT, [job]))


# What befalls the clusters. ------------------------------------------------------------------------------------------


def _flink_job(at: Scenario) -> Any:
    cluster = at.dice.choice(list(at.world.clusters.values()))
    live = [job for job in cluster.jobs.values() if not job.state.terminal]
    return cluster, at.dice.choice(live) if live else None


@happening(4)
async def the_jobmanager_is_lost(at: Scenario) -> None:
    """And comes back, with each job in one of three truths."""
    cluster, _ = _flink_job(at)
    if cluster.down:
        return
    truths = {jid: at.dice.choice(list(Truth)) for jid in cluster.jobs}
    cluster.lose(at.dice.choice((0.2, 2.0, 10.0)), at.dice.choice((0.0, 1.0, 10.0, 20.0, 45.0)), truths)


@happening(3)
async def the_jobmanager_is_lost_in_the_middle(at: Scenario) -> None:
    """While a savepoint is written, or its job is ending; and what ran again may end soon after."""
    if (found := await _in_the_middle(at)) is None:
        return
    cluster, job = found
    recovery = at.dice.choice((0.0, 3.0))
    cluster.lose(0.2, recovery, {job.jid: at.dice.choice((Truth.RUNS_AGAIN, Truth.RUNS_AGAIN, *Truth))})
    await asyncio.sleep(0.3 + recovery + 4.0 * at.dice.random())
    _end_somehow(at, cluster, job)


@happening(2)
async def a_taskmanager_is_lost_in_the_middle(at: Scenario) -> None:
    """And what restarts may end soon after."""
    if (found := await _in_the_middle(at)) is None:
        return
    cluster, job = found
    cluster.lose_taskmanager(job.jid)
    await asyncio.sleep(job.restart_seconds + 6.0 * at.dice.random())
    _end_somehow(at, cluster, job)


def _end_somehow(at: Scenario, cluster: SimCluster, job: FakeJob) -> None:
    how = at.dice.choice(("finish", "fail", "lose", "", ""))
    if how == "finish":
        cluster.finish(job.jid)
    elif how == "fail":
        cluster.fail(job.jid)
    elif how == "lose":
        cluster.lose(0.2, 0.0, Truth.GONE)


async def _in_the_middle(at: Scenario) -> tuple[SimCluster, FakeJob] | None:
    """A job that is being stopped just now; None when there is none for a while."""
    for _ in range(20):
        for cluster in at.world.clusters.values():
            for job in cluster.jobs.values():
                if not cluster.down and (job.finishing or cluster.state.in_flight_of(job.jid)):
                    return cluster, job
        await asyncio.sleep(1.0)
    return None


@happening(3)
async def a_taskmanager_is_lost(at: Scenario) -> None:
    """Its jobs restart."""
    cluster, job = _flink_job(at)
    if job is not None:
        cluster.lose_taskmanager(job.jid)


@happening(1)
async def a_job_finishes(at: Scenario) -> None:
    """By itself."""
    cluster, job = _flink_job(at)
    if job is not None:
        cluster.finish(job.jid)


@happening(1)
async def a_job_fails(at: Scenario) -> None:
    """For good."""
    cluster, job = _flink_job(at)
    if job is not None:
        cluster.fail(job.jid)


@happening(1)
async def somebody_cancels_in_flink(at: Scenario) -> None:
    """In its own page."""
    cluster, job = _flink_job(at)
    if job is not None:
        cluster.state.cancel(job.jid)


@happening(2)
async def somebody_triggers_a_savepoint(at: Scenario) -> None:
    """Which makes a stop under way hang."""
    cluster, job = _flink_job(at)
    if job is not None:
        cluster.state.trigger(
            job.jid, "savepoint", at.world.token(), at.dice.choice(("/elsewhere", "file:///storage/elsewhere"))
        )


@happening(1)
async def tasks_are_not_running(at: Scenario) -> None:
    """For a while."""
    cluster, job = _flink_job(at)
    if job is not None:
        cluster.set_running_tasks(job.jid, 0)
        await asyncio.sleep(at.dice.choice((3.0, 60.0)))
        job.running_tasks = None
        cluster.state.version += 1


@happening(1)
async def a_job_is_hidden(at: Scenario) -> None:
    """The overview leaves it out although it lives."""
    cluster, job = _flink_job(at)
    if job is not None:
        cluster.hide(job.jid)
        await asyncio.sleep(at.dice.choice((5.0, 50.0)))
        cluster.show()


# What befalls the services. ------------------------------------------------------------------------------------------


@happening(2)
async def a_service_is_killed(at: Scenario) -> None:
    """With -9."""
    if at.world.services:
        at.dice.choice(at.world.services).die()


@happening(1)
async def a_service_is_restarted(at: Scenario) -> None:
    """In good order."""
    if at.world.services:
        service = at.world.services.pop()
        await service.close()
        if not at.world.services:
            at.world.spawn()


@happening(1)
async def a_second_service_comes(at: Scenario) -> None:
    """By mistake."""
    if len(at.world.services) < 3:
        at.world.spawn()


@happening(1)
async def a_service_stands_still(at: Scenario) -> None:
    """For longer than its leases last."""
    if at.world.services:
        service = at.dice.choice(at.world.services)
        service.frozen_until = at.world.now + at.dice.choice((5.0, 30.0, 60.0))


@happening(1.5)
async def a_cluster_cannot_be_reached(at: Scenario) -> None:
    """From one service."""
    if at.world.services:
        service, cluster = at.dice.choice(at.world.services), at.dice.choice(list(at.world.clusters))
        service.cut_off.add(cluster)
        await asyncio.sleep(at.dice.choice((3.0, 15.0, 60.0)))
        service.cut_off.discard(cluster)


@happening(1)
async def storage_cannot_be_read(at: Scenario) -> None:
    """For a while."""
    at.world.disk.unreadable = True
    await asyncio.sleep(at.dice.choice((3.0, 40.0)))
    at.world.disk.unreadable = False


@happening(1)
async def the_clock_jumps(at: Scenario) -> None:
    """Ahead or back. Jumping ahead, it shortens what goes by it (a known weakness)."""
    seconds = at.dice.choice((-90.0, -20.0, -2.0, 2.0, 20.0, 90.0))
    at.world.time.skew += seconds
    if seconds > 0:
        for cluster in at.world.clusters.values():
            at.world.watch.excused |= cluster.state.recovering.keys()


@happening(0.5)
async def storage_shows_late(at: Scenario) -> None:
    """What was written."""
    at.world.disk.lag = at.dice.choice((2.0, 8.0))


@happening(0.7)
async def storage_is_full(at: Scenario) -> None:
    """Flink cannot write."""
    at.world.disk.full = True
    await asyncio.sleep(at.dice.choice((5.0, 40.0)))
    at.world.disk.full = False
