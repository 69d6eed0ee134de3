"""What may happen in a seed. Each function is one thing that people do, or that befalls them."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.simulation.cluster import SimCluster
from tests.simulation.faults import some
from tests.simulation.scenario import PROJECT, Scenario, happening

from sluiceway.domain.batch import Limits
from sluiceway.domain.orders import ResumeOrder
from sluiceway.domain.policy import IfNotRunning, Resort, SavepointFormat, StopPolicy
from sluiceway.testing.fake_jobs import FakeJob, Truth

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
        format=dice.choice((None, *SavepointFormat)),
        attempts=dice.choice((None, None, 1, 4)),
        backoff=dice.choice((None, timedelta(seconds=5))),
        resort=dice.choice(list(Resort)),
        checkpoint_age=dice.choice((None, timedelta(seconds=10))),
        timeout=dice.choice((None, None, timedelta(seconds=15))),
        if_not_running=dice.choice((None, None, *IfNotRunning)),
    )
    limits = Limits(dice.choice((None, 1, 2)), dice.choice((None, None, 1)), dice.choice((None, None, 0.5)))
    waves = {job: dice.randint(0, 2) for job in jobs} if dice.random() < 0.6 else {}
    said = {"policy": policy, "limits": limits, "waves": waves, "stopped_is_done": dice.random() < 0.3}
    await at.stop(jobs, savepoint=dice.random() < 0.9, **said)


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


@happening(6)
async def people_take_savepoints(at: Scenario) -> None:
    """Of jobs that run on."""
    await at.take(some(at.dice, at.jobs), at.dice.choice((None, *SavepointFormat)))


@happening(4)
async def people_take_savepoints_and_stop_at_once(at: Scenario) -> None:
    """The stop follows on its heels, or comes at the same moment."""
    jobs = some(at.dice, at.jobs)
    taking = asyncio.create_task(at.take(jobs))
    await asyncio.sleep(at.dice.choice((0.0, 0.5, 2.0, 6.0)))
    await at.stop(some(at.dice, jobs), savepoint=at.dice.random() < 0.8)
    await taking


@happening(1)
async def people_bring_a_savepoint(at: Scenario) -> None:
    """An older one, as a rule."""
    job = at.dice.choice(at.jobs)
    if mine := at.world.disk.savepoints_of(job):
        await at.bring(job, at.dice.choice(mine))
        if at.dice.random() < 0.7:
            await at.run([job], resume=True)


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
        await asyncio.gather(*(at.ask(lambda s: s.resume(ResumeOrder(PROJECT, stop=batch))) for _ in range(2)))


@happening(1)
async def people_create_one(at: Scenario) -> None:
    """And run it."""
    await at.create()


@happening(1)
async def people_run_one_and_think_better_of_it(at: Scenario) -> None:
    """The cancel follows on its heels."""
    job = at.dice.choice(at.jobs)
    if at.dice.random() < 0.5:
        await at.create()
        job = at.jobs[-1]
    else:
        await at.run([job], resume=at.dice.random() < 0.5)
    await asyncio.sleep(at.dice.choice((0.0, 0.0, 0.5, 2.0)))
    await at.stop([job], savepoint=False)


@happening(0.7)
async def people_delete_one(at: Scenario) -> None:
    """Whatever it is doing."""
    job = at.dice.choice(at.jobs)
    at.world.watch.asked[job].add("cancel")
    await at.ask(lambda s: s.edit.delete(PROJECT, [job]))


@happening(1.5)
async def people_cancel_what_loops(at: Scenario) -> None:
    """They stop it with a savepoint first, and see that it waits."""
    cluster, job = _flink_job(at)
    mine = [n for n in at.jobs if job is not None and job.name == f"job-{n}"]
    if job is None or not mine:
        return
    _loop(cluster, job, comes_up=False)
    policy = StopPolicy(if_not_running=at.dice.choice((None, *IfNotRunning)))
    await at.stop(mine, savepoint=True, policy=policy)
    await asyncio.sleep(at.dice.choice((0.0, 2.0, 8.0)))
    await at.stop(mine, savepoint=False)


@happening(1)
async def people_delete_what_loops(at: Scenario) -> None:
    """While it is being stopped."""
    cluster, job = _flink_job(at)
    mine = [n for n in at.jobs if job is not None and job.name == f"job-{n}"]
    if job is None or not mine:
        return
    _loop(cluster, job, comes_up=at.dice.random() < 0.5)
    await at.stop(mine, savepoint=True)
    await asyncio.sleep(at.dice.choice((0.0, 2.0, 8.0)))
    at.world.watch.asked[mine[0]].add("cancel")
    await at.ask(lambda s: s.edit.delete(PROJECT, mine))


@happening(1.5)
async def a_resume_loops(at: Scenario) -> None:
    """What was stopped well never comes up again, and is stopped from inside its loop."""
    job = at.dice.choice(at.jobs)
    await at.stop([job], savepoint=True)
    await asyncio.sleep(at.dice.choice((10.0, 30.0)))
    at.world.cursed.add(job)
    await at.run([job], resume=True)
    await asyncio.sleep(at.dice.choice((3.0, 12.0)))
    await at.stop([job], savepoint=at.dice.random() < 0.8)
    await asyncio.sleep(at.dice.choice((5.0, 30.0)))
    at.world.cursed.discard(job)
    await at.run([job], resume=True)


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


@happening(3)
async def a_job_ends_after_a_stop_that_failed(at: Scenario) -> None:
    """Before anybody has seen what the failure did to it, or soon after. Most often its savepoint is whole."""
    cluster, job = _flink_job(at)
    mine = [n for n in at.jobs if job is not None and job.name == f"job-{n}"]
    if job is None or not mine:
        return
    job.failing = [at.dice.choice(("stopping", "stopping", "stopping", "expired"))]
    await at.stop(mine, savepoint=True)
    for _ in range(60):
        if _has_just_failed_a_stop(at, job) and not cluster.down:
            break
        await asyncio.sleep(0.5)
    else:
        return
    await asyncio.sleep(8.0 * at.dice.random() ** 2)
    if at.dice.random() < 0.5:
        cluster.lose(0.2, at.dice.choice((0.0, 3.0)), at.dice.choice(list(Truth)))
        await asyncio.sleep(0.3 + 4.0 * at.dice.random())
    _end_somehow(at, cluster, job)


def _has_just_failed_a_stop(at: Scenario, job: FakeJob) -> bool:
    last = job.history[-1] if job.history and not job.state.terminal else None
    if last is None or last.kind != "stop" or last.failure is None or last.ended_at is None:
        return False
    return at.world.time.monotonic() - last.ended_at < 1.0


def _end_somehow(at: Scenario, cluster: SimCluster, job: FakeJob) -> None:
    how = at.dice.choice(("finish", "fail", "lose", "cancel", "", ""))
    if how == "finish":
        cluster.finish(job.jid)
    elif how == "fail":
        cluster.fail(job.jid)
    elif how == "cancel":
        cluster.state.cancel(job.jid)
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


def _loop(cluster: SimCluster, job: FakeJob, *, comes_up: bool) -> None:
    if job.restartable and not job.batch:
        job.up_seconds = 2.0
        cluster.loop(job.jid, comes_up=comes_up)


@happening(2)
async def a_job_loops(at: Scenario) -> None:
    """For a while."""
    cluster, job = _flink_job(at)
    if job is not None:
        _loop(cluster, job, comes_up=at.dice.random() < 0.5)
        await asyncio.sleep(at.dice.choice((5.0, 60.0)))
        if job.jid in cluster.jobs:
            cluster.loop(job.jid, "")


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
async def a_source_finishes(at: Scenario) -> None:
    """One of several."""
    cluster, job = _flink_job(at)
    if job is not None:
        job.finished_tasks = 1
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
    """Ahead or back. Jumping ahead over a restart of the service, it shortens what goes by it (a known weakness)."""
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
