"""The dry run of a stop: what it would do, without touching anything."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sluiceway.control.queues import Queues
from sluiceway.control.way_back import TOLD_BY, Options, WaysBack, own_options
from sluiceway.domain.access import EVERYWHERE, Right
from sluiceway.domain.admission import UNKNOWN, Verdict
from sluiceway.domain.cancel_loss import before_a_cancel
from sluiceway.domain.engine import Engine, Survey, Unreachable
from sluiceway.domain.judging import Obstacle, Reach, judge_stop
from sluiceway.domain.orders import Placed, StopOrder
from sluiceway.domain.savepoint_failure import Outcome, estimate, hazards, never_again, outcome
from sluiceway.domain.savepoint_format import Choice, choose
from sluiceway.domain.traits import Traits
from sluiceway.domain.way_back import Concern, Terms, before_a_stop
from sluiceway.storage.savepoints import Storage
from sluiceway.store import past, views
from sluiceway.store.database import Database


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found of one job."""

    job_id: int
    verdict: Verdict
    survey: Survey | None  # None: there is nothing to stop, or the cluster does not show it
    problems: Sequence[str]  # what would keep it from stopping with a savepoint now; empty when nothing is known
    estimate: timedelta | None  # how long its savepoint may take; None where nothing tells
    choice: Choice | None = None  # of the savepoint's format, and why
    failing: tuple[Outcome, str] | None = None  # what a savepoint that fails would do to the job
    way_back: Sequence[Concern] = ()  # what is known of the way back before it is too late
    flink_job_id: str = ""  # that would be stopped


@dataclass(frozen=True, slots=True)
class Preflight:
    """The use case. Call it; nothing is stored and no job is touched."""

    db: Database
    queues: Queues
    storage: Storage
    engine: Engine
    clock: Callable[[], datetime]
    options: Options = own_options

    async def __call__(
        self, order: StopOrder, right: Right = EVERYWHERE, *, window: timedelta | None = None
    ) -> list[Finding]:
        """One finding for each position. `window` is how long the jobs are to stay stopped."""
        project, savepoint, wish = order.project, order.savepoint, order.policy.format
        known = await views.obstacles(self.db, project, list(dict.fromkeys(order.jobs)))
        reach = Reach(frozenset(self.queues.names), right.queues)
        verdicts = {job: judge_stop(obstacle, order, reach) for job, obstacle in known.items()}
        right.denied.update(Placed(None, order.jobs, verdicts).barred)
        # Of those that are stopped already nothing else is of interest.
        to_stop = {job: known[job] for job, verdict in verdicts.items() if verdict.accepted and verdict.status is None}
        surveys, silent = await self._surveys(to_stop.values())
        unwritable = await self.storage.why_unwritable(order.target) if savepoint else None
        terms = await self._terms(project, list(to_stop)) if window is not None else {}
        found = {job: Finding(job, verdict, None, [], None) for job, verdict in verdicts.items()}
        for job, obstacle in to_stop.items():
            jid = obstacle.flink_job_id
            survey = surveys.get((obstacle.cluster or "", jid or ""))
            problems = [*_problems(survey, savepoint=savepoint), *([unwritable] if unwritable else [])]
            choice = choose(_traits(survey, obstacle.traits), wish) if savepoint and survey else None
            if choice is not None and (against := choice.doubt or ("" if choice.format else choice.why)):
                problems.append(against)
            if obstacle.cluster in silent:
                problems = [silent[obstacle.cluster], *problems]
            elif survey is None:
                problems = ["The cluster does not show this job now.", *problems]
            failing = outcome(survey, self.clock()) if savepoint and survey else None
            expected = estimate(survey) if savepoint and survey else None
            kept = terms.get(job, Terms())
            back = (
                before_a_stop(kept, window, survey, choice, drain=order.policy.drain)
                if savepoint
                else before_a_cancel(kept, window, survey)
            )
            found[job] = Finding(
                job, verdicts[job], survey, problems, expected, choice, failing, tuple(back), flink_job_id=jid or ""
            )
        return [found.get(job) or Finding(job, UNKNOWN, None, [], None) for job in order.jobs]

    async def _terms(self, project: str, jobs: Sequence[int]) -> dict[int, Terms]:
        """For how long they keep their state."""
        known = await past.of_jobs(self.db, jobs, TOLD_BY)
        look = WaysBack(self.db, self.storage, self.clock, options=self.options)
        return await look.terms(project, known)

    async def _surveys(self, known: Iterable[Obstacle]) -> tuple[dict[tuple[str, str], Survey], dict[str, str]]:
        """What each cluster shows of which Flink job, and the clusters that gave no answer with the reason."""
        by_cluster: dict[str, list[str]] = {}
        for job in known:
            if job.cluster and job.flink_job_id:
                by_cluster.setdefault(job.cluster, []).append(job.flink_job_id)
        surveys: dict[tuple[str, str], Survey] = {}
        silent: dict[str, str] = {}

        async def look(name: str, jids: Sequence[str]) -> None:
            cluster = self.queues.locate(name)
            if cluster is None:
                silent[name] = f"Cluster {name} cannot be reached now."
                return
            try:
                found = await self.engine.survey(cluster, jids)
                surveys.update({(name, jid): survey for jid, survey in found.items()})
            except Unreachable as error:
                silent[name] = f"Cluster {name} does not answer: {error}"

        await asyncio.gather(*(look(name, jids) for name, jids in by_cluster.items()))
        return surveys, silent


def _problems(survey: Survey | None, *, savepoint: bool) -> list[str]:
    if survey is None or not savepoint:
        return []
    problems = []
    if survey.batch:
        problems.append("It is a batch job, and Flink takes no savepoints of those.")
    elif not survey.ready:
        problems.append(f"{survey.running} of its {survey.tasks} tasks run; a savepoint needs all of them.")
    if finished := never_again(survey):
        problems.append(finished)
    if survey.operation:
        problems.append(f"Another operation on its state is under way: {survey.operation}.")
    return [*problems, *hazards(survey)]


def _traits(survey: Survey, known: Traits | None) -> Traits:
    """What the cluster says now, completed by what was known before."""
    return replace(survey.traits, asynchronous=known.asynchronous if known else None)
