"""What happens in one seed: what people ask for, and what befalls the clusters, the storage and the services."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.faults import some
from tests.simulation.in_calm import TRIALS
from tests.simulation.invariants import PATIENCE
from tests.simulation.memory import InjectedError
from tests.simulation.service import Service
from tests.simulation.world import World

from sluiceway.control.errors import ControlError
from sluiceway.domain.admission import Refusal
from sluiceway.domain.facts import JobState
from sluiceway.domain.job import JobDraft, JobSpec
from sluiceway.domain.orders import SaveOrder, StartOrder, StopOrder
from sluiceway.domain.policy import SavepointFormat
from sluiceway.domain.traits import ASYNC_STATE
from sluiceway.store.rows import to_json

PROJECT = "p"
HELD_UP = 45.0  # virtual seconds for which the lease of a service that has died may hold up the next one
TOLD_WITHIN = 20.0  # virtual seconds of a loop in calm weather
WELL_WITHIN = 200.0  # of steady running after that: the more restarts, the longer it must run
Happening = Callable[["Scenario"], Coroutine[Any, Any, None]]
HAPPENINGS: dict[str, tuple[float, Happening]] = {}  # by name: how often in a broad seed, among the others, and what
BROAD = 0.3  # of all seeds are as likely to meet one kind of happening as the weights say
THIN = 0.01  # of its weight keeps a kind that a dense seed did not draw


def happening(weight: float) -> Callable[[Happening], Happening]:
    """It may happen in any seed."""

    def add(function: Happening) -> Happening:
        HAPPENINGS[function.__name__] = (weight, function)
        return function

    return add


def mixed(seed: int) -> dict[str, float]:
    """How often each kind of happening comes in a seed, among the others.

    Most seeds are dense in a few kinds, so that these meet again and again; the others are broad.
    """
    dice = random.Random(f"mix {seed}")
    weights = {name: weight for name, (weight, _) in HAPPENINGS.items()}
    if dice.random() < BROAD:
        return weights
    dense = set(dice.choices(list(weights), list(weights.values()), k=dice.randint(2, 5)))
    return {name: 1.0 if name in dense else weight * THIN for name, weight in weights.items()}


@dataclass
class Scenario:
    """A seed at work."""

    world: World
    dice: random.Random
    jobs: list[int] = field(default_factory=list)  # ids of those that were made
    batches: list[int] = field(default_factory=list)
    made: int = 0
    then: Happening | None = None  # what comes after all that happens
    beside: Happening | None = None  # what happens at the same time

    # What people do. ----------------------------------------------------------------------------------------------

    async def ask(self, use_case: Callable[[Service], Any]) -> Any:
        """Ask a service for something; None when there was no answer."""
        if not self.world.services:
            return None
        service = self.whom()
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

    def whom(self) -> Service:
        """The service that people ask; there is one."""
        return self.dice.choice(self.world.services)

    async def stop(self, jobs: list[int], *, savepoint: bool, **said: Any) -> None:
        """Stop these."""
        self.world.note("user stops", jobs, "with savepoint" if savepoint else "")
        for job in jobs:
            self.world.watch.asked[job].add("savepoint" if savepoint else "cancel")
        order = StopOrder(PROJECT, jobs, savepoint=savepoint, after_savepoint=True, **said)
        answer = await self.ask(lambda s: s.stop(order))
        if answer is not None and answer.id is not None:
            self.batches.append(answer.id)
        for job, verdict in zip(jobs, answer.verdicts if answer and not savepoint else (), strict=False):
            if verdict.refusal is Refusal.WRONG_STATE and self.world.watch.unsent(job):
                self.world.violate(f"a cancel of job {job} is refused for a stop that has sent nothing")

    async def take(self, jobs: list[int], wish: SavepointFormat | None = None) -> None:
        """Take savepoints of these, which run on."""
        self.world.note("user takes savepoints of", jobs)
        for job in jobs:
            self.world.watch.asked[job].add("save")
        await self.ask(lambda s: s.take(SaveOrder(PROJECT, jobs, format=wish)))

    async def bring(self, job: int, path: str) -> None:
        """Choose what this one is resumed from."""
        self.world.note("user brings", job, path)
        await self.ask(lambda s: s.bring(PROJECT, job, path))

    async def run(self, jobs: list[int], *, resume: bool) -> None:
        """Start these."""
        self.world.note("user runs", jobs, "resume" if resume else "")
        for job in jobs:
            self.world.watch.asked[job].add("run")
        await self.ask(lambda s: self._run(s, jobs, resume=resume))

    async def _run(self, service: Service, jobs: list[int], *, resume: bool) -> None:
        placed = await service.start_jobs(StartOrder(PROJECT, jobs, resume=resume))
        for job, verdict in zip(jobs, placed.verdicts, strict=True):
            if verdict.accepted and resume:
                self.world.watch.resumed(job)

    async def judge(self, batch: int, verb: str, kind: str = "stop") -> None:
        """Withdraw what was not sent of an order (`abort`), or let it go on (`proceed`)."""
        self.world.note(f"user: {verb}", kind, batch)
        if kind == "stop":
            await self.ask(lambda s: getattr(s.stop, verb)(PROJECT, batch))
        else:
            await self.ask(lambda s: getattr(s.resume, verb)(PROJECT, batch))

    async def create(self) -> None:
        """Make a job."""
        self.made += 1
        queue = self.dice.choice((None, *self.world.clusters))
        draft = JobDraft(f"job {self.made}", self.dice.choice((SYNC, SYNC, ASYNC)), queue=queue)
        job = await self.ask(lambda s: s.edit.create(PROJECT, draft, "somebody"))
        if job is not None:
            self.world.asynchronous |= {job.id} if draft.spec is ASYNC else set()
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
        weights = mixed(world.seed)
        world.note("likely:", ", ".join(sorted(weights, key=weights.__getitem__)[:-6:-1]))
        under_way: list[asyncio.Task[None]] = [] if self.beside is None else [asyncio.create_task(self.beside(self))]
        if dice.random() < 0.5:
            await self.take(some(dice, self.jobs))
            await asyncio.sleep(dice.choice((0.0, 2.0, 20.0)))
        await self.some_stop()
        for name in dice.choices(list(weights), list(weights.values()), k=dice.randint(2, 9)):
            await asyncio.sleep(dice.choice((0.0, 0.3, 2.0, 6.0, 20.0)) * dice.random())
            if world.violations:
                break
            under_way.append(asyncio.create_task(self._happen(name)))
        await asyncio.sleep(dice.choice((0.0, 5.0, 45.0)))
        await asyncio.gather(*under_way)
        if self.then is not None:
            await self.then(self)
        await self._come_to_rest()

    async def _happen(self, name: str) -> None:
        self.world.note("happens:", name)
        await HAPPENINGS[name][1](self)

    async def some_stop(self) -> None:
        """There is always one."""
        if self.dice.random() < 0.3:
            await HAPPENINGS["people_stop_with_a_policy"][1](self)
            return
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
                job.checkpoint_dir = True
                cluster.loop(job.jid, "")
            cluster.state.version += 1
            cluster.dead.clear()
        for service in world.services:
            service.cut_off.clear()
            service.frozen_until = 0.0
        until = world.now + PATIENCE
        if not world.services:
            world.spawn()
        if world.setting.registered:
            await world.registry.restore(self)
        while not world.violations and (why := world.watch.unrest()):
            await self._let_paused_go_on()
            if world.now >= until:
                world.violate(f"not settled: {why}")
                return
            await asyncio.sleep(3.0)
        if not world.violations and self.dice.random() < 0.3:
            await self.dice.choice((Scenario._see_a_loop, Scenario._see_a_resume_that_loops, *TRIALS))(self)
        if not world.violations:
            world.watch.at_rest()

    async def _see_a_loop(self) -> None:
        """In calm weather a loop is told soon, and so is its end."""
        live = [
            (cluster, job)
            for cluster in self.world.clusters.values()
            for job in cluster.jobs.values()
            if not job.state.terminal and job.restartable and not job.batch and self.world.watch.has_taken(job.jid)
        ]
        if not live:
            return
        await asyncio.sleep(HELD_UP)
        cluster, job = self.dice.choice(live)
        if job.state.terminal or job.state is JobState.CANCELLING:  # somebody else's cancel takes its time
            return
        job.up_seconds = 2.0
        cluster.loop(job.jid, comes_up=self.dice.random() < 0.5)
        await asyncio.sleep(TOLD_WITHIN)
        if self.world.watch.fares(job.jid) != "restarting":
            self.world.violate(f"{job.name} has looped for {TOLD_WITHIN} s, and nothing tells")
        if self.world.watch.back.parks(job.jid):
            return  # it was on its way back, and has failed too often
        cluster.loop(job.jid, "")
        await asyncio.sleep(WELL_WITHIN)
        # What it did until now may have been the last straw, which is seen a look later.
        if self.world.watch.fares(job.jid) != "running" and not self.world.watch.back.parks(job.jid):
            self.world.violate(f"{job.name} runs again since {WELL_WITHIN} s, and is still told to loop")

    async def _see_a_resume_that_loops(self) -> None:
        """In calm weather: what a run was started from outlives a savepoint from inside its loop."""
        watch, job = self.world.watch, self.dice.choice(self.jobs)
        await self.stop([job], savepoint=True)
        await self.rest()
        good = watch.kept(job)
        if good is None or good["unproven"]:
            return
        self.world.cursed.add(job)
        await self.run([job], resume=True)
        await asyncio.sleep(TOLD_WITHIN)
        await self.stop([job], savepoint=True)
        await self.rest()
        self.world.cursed.discard(job)
        bad, run = watch.kept(job), watch.latest(job)
        if run["restore"] != good["savepoint_path"] or bad is None or bad["run_id"] != run["id"]:
            return  # it was refused, or nothing was saved
        await self.run([job], resume=True)
        if watch.latest(job)["id"] != run["id"] and watch.latest(job)["restore"] != good["savepoint_path"]:
            self.world.violate(f"job {job} is resumed from inside a loop, and not from {good['savepoint_path']}")
        await self.rest()

    async def rest(self) -> None:
        """Wait until all has settled."""
        until = self.world.now + PATIENCE
        while self.world.watch.unrest() and self.world.now < until:
            await asyncio.sleep(3.0)

    async def _let_paused_go_on(self) -> None:
        paused = "SELECT id, kind FROM batches WHERE state = 'paused'"
        for batch, kind in self.world.memory.raw.execute(paused).fetchall():
            await self.judge(batch, self.dice.choice(("abort", "proceed")), kind)

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
            spec = self.dice.choice((SYNC, SYNC, ASYNC))
            world.asynchronous |= {job} if spec is ASYNC else set()
            raw.execute("INSERT INTO specs VALUES (?, ?, '{}')", [job, to_json(spec)])
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


SYNC = JobSpec("-")
ASYNC = JobSpec("-", options={ASYNC_STATE: "true"})
