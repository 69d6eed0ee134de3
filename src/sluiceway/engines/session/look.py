"""One look at the jobs of a cluster: asks what each weighing of the domain wants to know, side by side."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import structlog

from sluiceway.domain import weighing
from sluiceway.domain.asking import Attempted, Canceling, Resting, SaveInquiry, StopInquiry
from sluiceway.domain.facts import RunFact, SaveFact, Seen, Silent, StopFact
from sluiceway.domain.observed import Weighing
from sluiceway.domain.proving import Memory
from sluiceway.domain.run import Run
from sluiceway.engines.jobmanager.rest import JobOverview
from sluiceway.engines.session.questions import Means, Subject, seen_job, weighed

log = structlog.get_logger()

T = TypeVar("T")

_NOTHING = Memory()


@dataclass(slots=True)
class Look:
    """One look at one cluster, after its overview has come."""

    means: Means
    listed: Mapping[str, JobOverview]
    life: str | None  # of the cluster, where that can be told
    memories: dict[str, Memory]  # of attempts, by trigger id

    async def runs(self, runs: Sequence[Run]) -> dict[int, RunFact]:
        """What is to be seen of runs, by id. Nearly all are told by the list alone, and cost no task of their own."""
        facts = {run.id: self._listed(run) for run in runs}
        rest = [run for run in runs if facts[run.id] is None]
        asked = await all_of((run.flink_job_id, partial(self._run, run)) for run in rest)
        told = {run.id: fact for run, fact in zip(rest, asked, strict=True)}
        return {run_id: fact or told[run_id] for run_id, fact in facts.items()}

    def _listed(self, run: Run) -> RunFact | None:
        job = self.listed.get(run.flink_job_id)
        return None if job is None else weighing.listed(job.state)

    async def _run(self, run: Run) -> RunFact:
        ask = Subject(self.means, run.flink_job_id, restore=run.restore).ask
        return await weighed(ask, weighing.weigh_run(run, seen_job(self.listed.get(run.flink_job_id)), self.life))

    async def stops(
        self,
        stops: Sequence[StopInquiry],
        runs: Mapping[str, RunFact],
        asked: Collection[int],
        suspects: Collection[int],
    ) -> dict[int, StopFact]:
        """What is to be seen of stops, by id; `runs` is what was seen of their runs, by Flink job id.

        `asked` are those that Flink is asked about even while their jobs run, `suspects` those of them that may hang.
        """
        seen = {stop.id: self._at_sight(stop, runs, asked) for stop in stops}
        facts: dict[int, StopFact] = {stop_id: fact for stop_id, fact in seen.items() if fact is not None}
        rest = [stop for stop in stops if stop.id not in facts]  # a question takes a task
        told = await all_of((s.flink_job_id, partial(self._stop, s, runs, suspects)) for s in rest)
        return facts | {stop.id: fact for stop, fact in zip(rest, told, strict=True)}

    async def saves(
        self, saves: Sequence[SaveInquiry], runs: Mapping[str, RunFact], asked: Collection[int]
    ) -> dict[int, SaveFact]:
        """The same of savepoints of running jobs."""
        told = await all_of((s.flink_job_id, partial(self._save, s, runs, asked)) for s in saves)
        return {save.id: fact for save, fact in zip(saves, told, strict=True)}

    def _at_sight(
        self, about: StopInquiry, runs: Mapping[str, RunFact], asked: Collection[int]
    ) -> weighing.AtSight | None:
        run = runs.get(about.flink_job_id)
        if isinstance(about, Resting):
            return weighing.at_rest(run, seen_job(self.listed.get(about.flink_job_id)))
        return weighing.unasked(about, run, asked=about.id in asked)

    async def _stop(self, about: StopInquiry, runs: Mapping[str, RunFact], suspects: Collection[int]) -> StopFact:
        run = runs.get(about.flink_job_id)
        if isinstance(about, Resting) or not isinstance(run, Seen):
            return weighing.NOT_SHOWN  # which was told at sight
        memory = self.memories.get(about.trigger, _NOTHING)
        if isinstance(about, Canceling):
            weighs = weighing.weigh_cancel(about, run.state, memory, time.monotonic())
        else:
            job = seen_job(self.listed.get(about.flink_job_id))
            weighs = weighing.weigh_stop(about, run, job, memory, suspect=about.id in suspects)
        return await self._remembered(about, weighs)

    async def _save(self, about: SaveInquiry, runs: Mapping[str, RunFact], asked: Collection[int]) -> SaveFact:
        run, fact = runs.get(about.flink_job_id), self._at_sight(about, runs, asked)
        if fact is not None or isinstance(about, Resting) or not isinstance(run, Seen):
            return fact or weighing.NOT_SHOWN
        job, memory = seen_job(self.listed.get(about.flink_job_id)), self.memories.get(about.trigger, _NOTHING)
        return await self._remembered(about, weighing.weigh_save(about, run, job, memory))

    async def _remembered(self, about: Canceling | Attempted, weighs: Weighing[tuple[T, Memory]]) -> T:
        fact, memory = await weighed(Subject(self.means, about.flink_job_id, about.trigger).ask, weighs)
        if memory != _NOTHING:
            self.memories[about.trigger] = memory
        return fact


async def all_of(looks: Iterable[tuple[str, Callable[[], Awaitable[T]]]]) -> list[T | Silent]:
    """The facts, in order; each look comes with the Flink job id that it is about."""
    return list(await asyncio.gather(*(_or_silent(flink_job_id, look) for flink_job_id, look in looks)))


async def _or_silent(flink_job_id: str, look: Callable[[], Awaitable[T]]) -> T | Silent:
    """What nobody foresaw about one job costs that job its fact, and the other jobs nothing."""
    try:
        return await look()
    except Exception as error:
        log.exception("look_failed", flink_job_id=flink_job_id)
        return Silent(f"looking at the job failed: {error}")
