"""Plans in bad weather: looks that are carried out later do exactly what they have shown, or nothing."""

import asyncio
import random
from datetime import UTC, datetime

from tests.simulation import happenings
from tests.simulation.faults import some
from tests.simulation.scenario import PROJECT, Scenario
from tests.simulation.service import Service
from tests.simulation.world import World

from sluiceway.control.errors import PlanOutdated
from sluiceway.control.kept_plans import of_starts
from sluiceway.domain.orders import StartOrder, StopOrder
from sluiceway.domain.plan import Plan, PlanKind

__all__ = ["happenings", "play_plans"]  # what may happen is there once its module is loaded

ROUNDS = 6
_NEVER = datetime(2100, 1, 1, tzinfo=UTC)


def play_plans(seed: int) -> "Planners":
    """One seed with people who plan beside all that happens anyway; the dice of the others are not touched."""
    world = World(seed)
    at = Planners(world, random.Random(f"scenario {seed}"), plans=random.Random(f"plans {seed}"))
    world.run(at.play())
    return at


class Planners(Scenario):
    """A seed in which some look first, wait, and then carry out what they have seen."""

    def __init__(self, world: World, dice: random.Random, *, plans: random.Random) -> None:
        super().__init__(world, dice)
        self._plans = plans
        self._planning: asyncio.Task[None] | None = None
        self.done = 0  # jobs of plans that were acted on
        self.outdated = 0  # plans that no longer held

    async def some_stop(self) -> None:
        """The planners begin with it."""
        self._planning = asyncio.create_task(self._plan())
        await super().some_stop()

    async def _come_to_rest(self) -> None:
        if self._planning is not None:
            await self._planning
        await super()._come_to_rest()

    async def _plan(self) -> None:
        for _ in range(ROUNDS):
            await asyncio.sleep(self._plans.choice((1.0, 5.0, 20.0)))
            jobs, wait = some(self._plans, self.jobs), self._plans.choice((0.0, 2.0, 15.0))
            await (self._resume(jobs, wait) if self._plans.random() < 0.6 else self._stop(jobs, wait))

    async def _resume(self, jobs: list[int], wait: float) -> None:
        looked = await self.ask(lambda s: s.start_jobs(StartOrder(PROJECT, jobs, dry_run=True)))
        if looked is None:
            return
        shown = of_starts(looked.by_job)
        plan = Plan(1, PROJECT, PlanKind.RESUME, "", _NEVER, _NEVER, "", shown)
        self.world.note("a plan shows", [(one.job_id, one.verdict, one.subject) for one in shown])
        await asyncio.sleep(wait)
        for job in jobs:
            self.world.watch.asked[job].add("run")
        await self.ask(lambda s: self._carry_out(s, plan))

    async def _carry_out(self, service: Service, plan: Plan) -> None:
        jobs = [one.job_id for one in plan.jobs]
        try:
            placed = await service.start_jobs(StartOrder(PROJECT, jobs, plan=plan.ref, shown=plan.jobs))
        except PlanOutdated:
            self.outdated += 1
            raise
        for one, verdict in zip(plan.jobs, placed.verdicts, strict=True):
            if verdict.accepted:
                self.done += 1
                self.world.watch.started_as_shown(one.job_id, one.subject if one.accepted else "nothing")
                self.world.watch.resumed(one.job_id)

    async def _stop(self, jobs: list[int], wait: float) -> None:
        seen = await self.ask(lambda s: self._seen(s, jobs))
        if seen is None:
            return
        await asyncio.sleep(wait)
        for job in jobs:
            self.world.watch.asked[job].add("savepoint")
        await self.ask(lambda s: self._stop_those(s, seen))

    async def _seen(self, service: Service, jobs: list[int]) -> dict[int, str]:
        found = [await service.queries.job(PROJECT, job) for job in jobs]
        return {job.id: job.flink_job_id for job in found if job.flink_job_id is not None}

    async def _stop_those(self, service: Service, shown: dict[int, str]) -> None:
        batch = await service.stop(StopOrder(PROJECT, list(shown), after_savepoint=True, shown=shown))
        if batch.id is not None:
            self.done += 1
            self.batches.append(batch.id)
            self.world.watch.stopped_as_shown(batch.id, set(shown.values()))
