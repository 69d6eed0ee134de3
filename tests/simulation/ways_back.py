"""What happens on the way back: orders with waves, places, a pace and a bound, jobs that loop or fail, and retries.

It comes after all else that happens in a seed, and draws from dice of its own: no other seed is changed by it.
"""

import asyncio
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulation.faults import some
from tests.simulation.scenario import PROJECT, Scenario

from sluiceway.domain.batch import FAILURES
from sluiceway.domain.coming_back import BackWish
from sluiceway.domain.orders import ResumeOrder
from sluiceway.store import catalogue

Row = dict[str, Any]
SHARE = 0.35  # of the seeds


async def happen(at: Scenario) -> None:
    """One window: stop some, bring them back while some of them fail, and try again."""
    dice = random.Random(f"way back {at.world.seed}")
    if dice.random() >= SHARE or at.world.violations:
        return
    others, at.dice = at.dice, dice
    try:
        await _a_window(at, dice)
    finally:
        at.dice = others


async def _a_window(at: Scenario, dice: random.Random) -> None:
    for _ in range(dice.choice((2, 4)) - len(at.jobs)):
        await at.create()
    await at.run(at.jobs, resume=True)
    await asyncio.sleep(20.0)
    jobs = list(at.jobs)
    stop = await _stop(at, dice, jobs)
    if stop is None:
        return
    bad = [job for job in jobs if dice.random() < 0.7]
    at.world.cursed |= {job for job in bad if dice.random() < 0.5}
    resume = await _resume(at, dice, stop, jobs)
    lost = [_lose_soon(at, dice)] if dice.random() < 0.25 else []
    await asyncio.gather(*(_befall(at, dice, job) for job in bad), *lost)
    await asyncio.sleep(dice.choice((12.0, 40.0, 90.0, 240.0)))
    if resume is not None:
        await _think_better(at, dice, resume, jobs)
    at.world.cursed.clear()
    if resume is not None:
        await _try_again(at, dice, resume)
    await _keeps_what_is_needed(at)


async def _stop(at: Scenario, dice: random.Random, jobs: list[int]) -> int | None:
    waves = {job: dice.randint(0, 2) for job in jobs} if dice.random() < 0.5 else {}
    before = len(at.batches)
    await at.stop(jobs, savepoint=dice.random() < 0.9, waves=waves)
    for _ in range(30):
        await asyncio.sleep(2.0)
        if not set(jobs) & set(at.world.watch.unsettled_jobs()):
            break
    stop = at.batches[-1] if len(at.batches) > before else None
    if stop is not None and dice.random() < 0.6:
        await _retry(at, stop)
    return stop


async def _retry(at: Scenario, stop: int) -> None:
    """Those that failed, and nobody else."""
    at.world.note("user tries again stop", stop)
    for job in at.jobs:
        at.world.watch.asked[job].add("savepoint")  # a stop without savepoints is tried again without
        at.world.watch.asked[job].add("cancel")
    answer = await at.ask(lambda s: s.retry(PROJECT, stop))
    if answer is None:
        return
    failed, batch = answer
    at.batches += [batch.id] if batch.id else []
    for entry in failed:
        if entry.stop.phase not in FAILURES:
            at.world.violate(f"job {entry.job_id}, whose stop is {entry.stop.phase}, is tried again")
    if len(failed) != len(batch.verdicts):
        at.world.violate("a retry answers for others than those that it takes")


async def _resume(at: Scenario, dice: random.Random, stop: int, jobs: list[int]) -> int | None:
    wish = BackWish(
        max_parallel=dice.choice((None, 1, 2)),
        abort_failures=dice.choice((None, None, 1)),
        pace=dice.choice((None, None, 1, 2, 20)),
        park=dice.random() < 0.9,
        park_after=dice.choice((None, *(timedelta(seconds=bound) for bound in (15, 30, 60)))),
        park_restarts=dice.choice((None, None, 2, 5)),
    )
    at.world.note("user resumes", stop, wish)
    for job in at.jobs:
        at.world.watch.asked[job].add("run")
    answer = await at.ask(lambda s: _noted(at, s.resume(ResumeOrder(PROJECT, stop=stop, wish=wish)), resumes=False))
    return None if answer is None else answer.id


async def _noted(at: Scenario, asked: Any, *, resumes: bool) -> Any:
    answer = await asked
    for job, verdict in answer.by_job.items():
        if verdict.accepted and resumes:
            at.world.watch.resumed(job)
    return answer


async def _befall(at: Scenario, dice: random.Random, job: int) -> None:
    """It fails for good, or it fails, completes a checkpoint, and fails again."""
    how, wait = dice.choice(("fail", "between", "between", "")), dice.choice((1.0, 3.0))
    await asyncio.sleep(wait)
    name = f"job-{job}"
    cluster, flink = next(
        (
            (cluster, each)
            for cluster in at.world.clusters.values()
            for each in cluster.jobs.values()
            if each.name == name and not each.state.terminal
        ),
        (None, None),
    )
    if cluster is None or flink is None or flink.loops:
        return
    if how == "fail":
        cluster.fail(flink.jid)
    elif how == "between" and flink.restartable and not flink.batch:
        cluster.lose_taskmanager(flink.jid)
        await asyncio.sleep(flink.restart_seconds + 8.5)
        if flink.jid in cluster.jobs and not flink.state.terminal:
            flink.up_seconds = 2.0
            cluster.loop(flink.jid, comes_up=dice.random() < 0.5)


async def _lose_soon(at: Scenario, dice: random.Random) -> None:
    """Nobody answers for longer than the bound of most."""
    await asyncio.sleep(dice.choice((4.0, 8.0)))
    cluster = dice.choice(list(at.world.clusters.values()))
    if not cluster.down:
        cluster.lose(60.0, 0.0, {})


async def _think_better(at: Scenario, dice: random.Random, resume: int, jobs: list[int]) -> None:
    how = dice.choice(("abort", "proceed", "stop", "delete", "lose", "lose", "kill", "", ""))
    at.world.note("then:", how)
    if how in {"abort", "proceed"}:
        await at.judge(resume, how, "resume")
    elif how == "stop":
        await at.stop(some(dice, jobs), savepoint=dice.random() < 0.5)
    elif how == "delete":
        job = dice.choice(jobs)
        at.world.watch.asked[job].add("cancel")
        await at.ask(lambda s: s.edit.delete(PROJECT, [job]))
    elif how == "lose":
        cluster = dice.choice(list(at.world.clusters.values()))
        if not cluster.down:
            cluster.lose(dice.choice((2.0, 60.0)), dice.choice((0.0, 10.0)), {})
    elif how == "kill" and at.world.services:
        dice.choice(at.world.services).die()
    await asyncio.sleep(dice.choice((0.0, 5.0, 60.0)))


async def _try_again(at: Scenario, dice: random.Random, resume: int) -> None:
    """Exactly those that did not come back."""
    back = at.world.watch.back
    for _ in range(dice.choice((1, 1, 2))):
        story = _story(at, resume)
        before = {row["job_id"]: row for order in story for row in back.runs_of(order)}
        missed = {job for job, row in before.items() if back.missed(row)}
        answer = await at.ask(lambda s: _noted(at, s.resume(ResumeOrder(PROJECT, retry_of=resume)), resumes=True))
        at.world.note("user tries again resume", resume, answer)
        if answer is not None:
            for job in answer.jobs:
                if not back.missed(_now(at, before[job])):
                    at.world.violate(f"job {job} is tried again, and did not fail")
            for job, row in before.items():
                if job in missed and back.missed(_now(at, row)) and job not in answer.by_job:
                    at.world.violate(f"job {job} did not come back, and is not tried again")
        await asyncio.sleep(dice.choice((0.0, 20.0)))


def _story(at: Scenario, order: int) -> list[int]:
    rows = at.world.watch.rows("batches")
    first = next(row["story"] or row["id"] for row in rows if row["id"] == order)
    return [row["id"] for row in rows if first in {row["id"], row["story"]}]


def _now(at: Scenario, run: Row) -> Row:
    return next(row for row in at.world.watch.rows("runs") if row["id"] == run["id"])


async def _keeps_what_is_needed(at: Scenario) -> None:
    then = datetime(2100, 1, 1, tzinfo=UTC)
    keep = catalogue.Retention(oldest=then)
    found = await at.ask(lambda s: catalogue.dispensable(s.stop.db, keep, 0, 1000, now=then))
    if found is not None:
        at.world.watch.back.needs({savepoint.path for savepoint in found})
