"""What is tried when all has come to rest, in calm weather: there, what is promised within a time must come in time."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from tests.simulation.cluster import SimCluster

from sluiceway.domain.cluster_options import CHANGELOG
from sluiceway.domain.facts import JobState, Submitted
from sluiceway.domain.job import JobDraft, JobSpec
from sluiceway.domain.orders import StopOrder
from sluiceway.domain.savepoint_failure import Outcome
from sluiceway.store.fares import Which
from sluiceway.testing.fake_jobs import FakeJob

if TYPE_CHECKING:
    from tests.simulation.scenario import Scenario

PROJECT = "p"
HELD_UP = 45.0  # virtual seconds for which the lease of a service that has died may hold up the next one
SOON = 20.0  # virtual seconds
LONGEST_CANCEL = 60.0  # of any job here
FLINK_CACHES = 5.0  # virtual seconds for which it tells what it told, and an answer may take
KEEPS_CHANGELOG = JobSpec("-", options={CHANGELOG[0]: "true"})
NOTE = "the program failed after it had started its job"
Trial = Callable[["Scenario"], Awaitable[None]]
TRIALS: list[Trial] = []


def trial(function: Trial) -> Trial:
    """It may be tried at the end of any seed."""
    TRIALS.append(function)
    return function


@trial
async def people_look_before_they_stop(at: "Scenario") -> None:
    """A dry run tells what a savepoint that fails would do to each job (rows 4 and 5)."""
    if (found := _live(at)) is None:
        return
    cluster, job = found
    job.finished_tasks = 1 if _stops_checkpoints(job) else at.dice.choice((0, 1))
    cluster.state.version += 1
    before = _would(job), job.restarts, job.state
    order = StopOrder(PROJECT, at.jobs, stopped_is_done=True, after_savepoint=True)
    findings = await at.ask(lambda s: s.preflight(order)) or []
    told = next((f for f in findings if f.survey is not None and job.name == f"job-{f.job_id}"), None)
    if told is None or told.failing is None or before != (_would(job), job.restarts, job.state):
        return
    if told.failing[0] is Outcome.RESTARTS_FROM_NOTHING and _has_just_a_checkpoint(at, job):
        return
    if told.failing[0] not in {before[0], Outcome.UNKNOWN}:
        at.world.violate(f"a savepoint of {job.name} that fails would come to {before[0]}, told is {told.failing}")
    never = bool(job.finished_tasks) and not job.after_finish and not job.batch and told.survey.traits.backend
    if never and not any("tasks-finish" in problem for problem in told.problems):
        at.world.violate(f"Flink takes no savepoint of {job.name} any more, and a dry run does not say so")


def _would(job: FakeJob) -> Outcome:
    ready = job.state is JobState.RUNNING and job.running + job.finished_tasks >= job.tasks
    if job.batch or not ready or (job.finished_tasks and not job.after_finish):
        return Outcome.RUNS_ON
    if not job.restartable:
        return Outcome.ENDS
    return Outcome.RESTARTS_FROM_CHECKPOINT if job.checkpoint or job.restored else Outcome.RESTARTS_FROM_NOTHING


def _has_just_a_checkpoint(at: "Scenario", job: FakeJob) -> bool:
    """Whether what was asked may have been told from before it."""
    return job.checkpoint is not None and at.world.time.time() - job.checkpoint.at < FLINK_CACHES


@trial
async def a_source_has_finished(at: "Scenario") -> None:
    """What Flink would refuse for ever is not sent to it (row 5)."""
    if (found := _live(at, _stops_checkpoints)) is None:
        return
    cluster, job = found
    watch, mine = at.world.watch, [n for n in at.jobs if job.name == f"job-{n}"]
    run = watch.latest(mine[0]) if mine else None
    if run is None or run["flink_job_id"] != job.jid:  # a copy that was lost and came back
        return
    if job.batch or job.after_finish or '"after_finish":false' not in (run["traits"] or ""):
        return
    await one_finishes(cluster, job)
    await is_not_sent(at, cluster, at.stop(mine, savepoint=True))


async def one_finishes(cluster: SimCluster, job: FakeJob) -> None:
    """One of a job's sources, and there is time to see it."""
    job.finished_tasks = 1
    cluster.state.version += 1
    await asyncio.sleep(HELD_UP)


async def is_not_sent(at: "Scenario", cluster: SimCluster, asking: Awaitable[None]) -> None:
    """People ask for a savepoint, or a stop with one, that Flink would refuse for ever."""
    asked = cluster.counted
    await asking
    await at.rest()
    if cluster.counted > asked:
        at.world.violate(f"a savepoint is asked of {cluster.name}, which Flink refuses for ever")


@trial
async def people_move_a_job_with_a_changelog(at: "Scenario") -> None:
    """It is resumed in the one mode that works (row 6)."""
    draft = JobDraft(f"changelog {at.made}", KEEPS_CHANGELOG, queue=at.dice.choice((None, *at.world.clusters)))
    made = await at.ask(lambda s: s.edit.create(PROJECT, draft, "somebody"))
    if made is None:
        return
    at.jobs.append(made.id)
    at.world.changelogs.add(made.id)
    await at.run([made.id], resume=False)
    await asyncio.sleep(SOON)
    for _ in range(2):
        await at.stop([made.id], savepoint=True)
        await at.rest()
        await at.run([made.id], resume=True)
        await asyncio.sleep(SOON)
    await at.rest()


@trial
async def a_start_fails_while_it_initializes(at: "Scenario") -> None:
    """Its cause is told, wherever it stands (row 8)."""
    if (job := await _stopped(at)) is None:
        return
    at.world.stillborn.add(job)
    before = at.world.watch.latest(job)["id"]
    await at.run([job], resume=False)
    await asyncio.sleep(SOON)
    at.world.stillborn.discard(job)
    run = at.world.watch.latest(job)
    if run["id"] != before and run["phase"] == "failed" and "Cannot find" not in run["reason"]:
        at.world.violate(f"job {job} failed while it started, and the cause is not told: {run['reason']!r}")
    await at.rest()


@trial
async def people_delete_a_loop(at: "Scenario") -> None:
    """It is canceled soon, and seen until it is gone; a stop that has sent nothing holds nobody up (row 10)."""
    if (found := _live(at)) is None:
        return
    cluster, job = found
    mine = [n for n in at.jobs if job.name == f"job-{n}"]
    if not mine or not job.restartable or job.batch:
        return
    await asyncio.sleep(HELD_UP)
    if _over(job):
        return
    job.up_seconds = 2.0
    cluster.loop(job.jid, comes_up=False)
    await asyncio.sleep(SOON)
    await at.stop(mine, savepoint=True)
    at.world.watch.asked[mine[0]].add("cancel")
    await at.ask(lambda s: s.edit.delete(PROJECT, mine))
    shown = await at.ask(lambda s: s.queries.fares(PROJECT, Which(tuple(mine), leaving=True), 10)) or []
    if not _over(job) and not shown:
        at.world.violate(f"{job.name} was deleted, lives in Flink, and is not shown")
    await asyncio.sleep(SOON)
    if job.state is not JobState.CANCELLING and not _over(job):
        at.world.violate(f"{job.name} loops on {SOON} s after it was deleted")
    await asyncio.sleep(LONGEST_CANCEL)
    await at.rest()


@trial
async def a_program_fails_beside_its_job(at: "Scenario") -> None:
    """That is told, in the run and in an event (row 12)."""
    if (job := await _stopped(at)) is None:
        return
    at.world.notes[job] = NOTE
    before = at.world.watch.latest(job)["id"]
    await at.run([job], resume=False)
    await asyncio.sleep(SOON)
    at.world.notes.pop(job)
    run = at.world.watch.latest(job)
    if run["id"] != before and run["phase"] == "running":
        kinds = [row[0] for row in at.world.memory.raw.execute("SELECT kind FROM events WHERE job_id = ?", [job])]
        if run["note"] != NOTE or "job_note" not in kinds:
            at.world.violate(f"what went wrong beside the start of job {job} is not told")
    await at.rest()


# ---------------------------------------------------------------------------------------------------------------------


def _live(at: "Scenario", so: Callable[[FakeJob], bool] = lambda _: True) -> tuple[SimCluster, FakeJob] | None:
    """A job that runs; one that is so, if there is any."""
    watch = at.world.watch
    present = {watch.latest(job)["flink_job_id"] for job in at.jobs if watch.has_run(job)}
    taken = {jid for jid in present if watch.has_taken(jid)}
    listed = [(c, j) for c in at.world.clusters.values() for j in c.jobs.values() if j.jid in taken]  # no second copy
    live = [(cluster, job) for cluster, job in listed if job.state is JobState.RUNNING]
    fitting = [(cluster, job) for cluster, job in live if so(job)]
    return at.dice.choice(fitting or live) if live else None


def _stops_checkpoints(job: FakeJob) -> bool:
    """Whether Flink takes none of it any more once one of its tasks has finished."""
    return not job.after_finish and not job.batch


def _over(job: FakeJob) -> bool:
    return job.state.terminal


async def _stopped(at: "Scenario") -> int | None:
    """A job that has run and does not run now; it is canceled for it if it does."""
    job = at.dice.choice(at.jobs)
    await at.stop([job], savepoint=False)
    await asyncio.sleep(LONGEST_CANCEL)
    await at.rest()
    return job if at.world.watch.has_run(job) else None


def submitted(world: Any, job_id: int) -> Submitted:
    """The cluster's answer to a submission."""
    return Submitted(world.notes.get(job_id, ""))
