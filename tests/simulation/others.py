"""What others do beside us: they start jobs, restart them by hand and cancel them; clusters come, go and change leader.

It happens beside all else that happens in a seed, and draws from dice of its own.
"""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

from tests.simulation.cluster import SimCluster
from tests.simulation.faults import some
from tests.simulation.scenario import Scenario
from tests.simulation.setting import PROJECT
from tests.simulation.world import FAILINGS

from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.selection import Selection
from sluiceway.domain.selector import Operator, Requirement
from sluiceway.testing.fake_jobs import FakeJob

Happening = Callable[["Others"], Coroutine[Any, Any, None]]
HAPPENINGS: dict[str, tuple[float, Happening]] = {}
NAMES = ("orders", "orders", "orders", "sums", "clicks", "job-1", "job-2", "probe")  # the last is not always wanted
BROAD = 0.4  # of the seeds with others in them are as likely to meet each happening as the weights say
THIN = 0.05  # of its weight keeps a kind that a dense seed did not draw
SEEN = 25.0  # seconds within which a job is most likely taken in


def happening(weight: float) -> Callable[[Happening], Happening]:
    """It may happen in a seed with others in it."""

    def add(function: Happening) -> Happening:
        HAPPENINGS[function.__name__] = (weight, function)
        return function

    return add


async def happen(at: Scenario) -> None:
    """All that others do in a seed."""
    if at.world.setting.adopts is None:
        return
    others = Others(at.world, random.Random(f"others at work {at.world.seed}"), at.jobs, at.batches)
    at.world.counts["others were there"] += 1
    await others.work()


class Others(Scenario):
    """They know what we have, and do as they like."""

    async def work(self) -> None:
        """Some things, one after the other or at once."""
        dice, under_way = self.dice, list[asyncio.Task[None]]()
        for _ in range(dice.choice((1, 2, 3))):
            self.start(dice.choice(NAMES))
        weights = self._weights()
        for name in dice.choices(list(weights), list(weights.values()), k=dice.randint(3, 8)):
            await asyncio.sleep(dice.choice((0.3, 2.0, 8.0, 20.0)) * dice.random())
            if self.world.violations:
                break
            self.world.note("others:", name)
            self.world.counts[name] += 1
            under_way.append(asyncio.create_task(HAPPENINGS[name][1](self)))
        await asyncio.gather(*under_way)

    def _weights(self) -> dict[str, float]:
        dice, setting = self.dice, self.world.setting
        away = (frozenset() if setting.registered else GOING) | (frozenset() if setting.standby else LEADING)
        weights = {name: weight for name, (weight, _) in HAPPENINGS.items() if name not in away}
        if dice.random() < BROAD:
            return weights
        dense = set(dice.choices(list(weights), list(weights.values()), k=dice.randint(2, 4)))
        return {name: 1.0 if name in dense else weight * THIN for name, weight in weights.items()}

    # What they see and do. ----------------------------------------------------------------------------------------

    def start(self, name: str, restore: str | None = None, cluster: SimCluster | None = None) -> FakeJob:
        """Start a job behind our back."""
        cluster = cluster or self.dice.choice(list(self.world.clusters.values()))
        return cluster.take_up(name, restore, **self.their_habits())

    def start_again(self, old: FakeJob, restore: str | None, cluster: SimCluster) -> FakeJob:
        """Start one that is over; perhaps under the id that it had, in a JobManager that knows nothing of it."""
        there = not cluster.down and cluster.jobs.get(old.jid) is old and old.state.terminal
        dice = random.Random(f"deployed anew {self.world.seed} {old.jid}")
        if not there or dice.random() < 0.5:
            return self.start(old.name, restore, cluster)
        self.world.counts["a job was deployed anew under its id"] += 1
        return cluster.deploy_anew(old, restore, **(self.their_habits() | {"batch": False}))

    def their_habits(self) -> dict[str, Any]:
        """Those of a job of theirs."""
        dice = self.dice
        return {
            "stop_seconds": dice.choice((0.0, 0.5, 3.0, 15.0)),
            "finish_seconds": dice.choice((0.0, 0.0, 4.0)),
            "cancel_seconds": dice.choice((0.0, 0.0, 10.0)),
            "restart_seconds": dice.choice((0.1, 2.0, 8.0)),
            "restartable": dice.random() < 0.9,
            "retains_checkpoints": dice.random() < 0.7,
            "batch": dice.random() < 0.04,
            "backend": dice.choice(("HashMapStateBackend", "EmbeddedRocksDBStateBackend", "ForStStateBackend")),
            "checkpoint_dir": dice.random() < 0.95,
            "after_finish": dice.random() < 0.8,
            "asynchronous": dice.random() < 0.2,
            "failing": list(dice.choice(FAILINGS)) if dice.random() < 0.3 else [],
        }

    def one(self) -> tuple[SimCluster, FakeJob] | None:
        """One of their jobs that lives."""
        theirs = self.world.watch.others.is_theirs
        live = [
            (cluster, job)
            for cluster in self.world.clusters.values()
            for job in cluster.jobs.values()
            if theirs(job.jid) and not job.state.terminal and not cluster.down
        ]
        return self.dice.choice(live) if live else None

    async def one_of_ours(self) -> tuple[int, FakeJob, SimCluster] | None:
        """One that was taken in and lives; it is waited for."""
        for _ in range(6):
            watch = self.world.watch
            known = [(job, watch.jobs[watch.latest(job)["flink_job_id"]]) for job in watch.others.adopted()]
            live = [(job, flink) for job, flink in known if not flink.state.terminal]
            if live:
                job, flink = self.dice.choice(live)
                return job, flink, self.world.launched_in[flink.jid]
            if self.one() is None:
                self.start(self.dice.choice(NAMES))
            await asyncio.sleep(SEEN / 4)
        return None

    def stop_by_hand(self, cluster: SimCluster, job: FakeJob) -> None:
        """As `flink stop` does it."""
        trigger = self.world.token()
        self.world.watch.others.foreign.add(trigger)
        cluster.state.trigger(job.jid, "stop", trigger, f"/elsewhere/{trigger}", native=True)

    async def is_over(self, job: FakeJob, seconds: float = 40.0) -> bool:
        """Whether it has ended within a time."""
        until = self.world.now + seconds
        while not job.state.terminal and self.world.now < until:
            await asyncio.sleep(1.0)
        return job.state.terminal

    def newest(self, job: FakeJob) -> str | None:
        """What they would start it again from: the last savepoint of it that anybody knows."""
        return job.savepoints[-1] if job.savepoints else None

    async def stop_these(self, which: Selection) -> None:
        """Stop all that are meant."""
        jobs = await self.ask(lambda s: s.stop.select(PROJECT, which))
        if jobs:
            await self.stop(jobs, savepoint=self.dice.random() < 0.8)

    async def settled(self, jobs: list[int]) -> None:
        """Wait for a while until their stops have settled."""
        for _ in range(20):
            await asyncio.sleep(2.0)
            if not set(jobs) & set(self.world.watch.unsettled_jobs()):
                return


# Jobs of others. -----------------------------------------------------------------------------------------------------


@happening(4)
async def others_start_one(at: Others) -> None:
    """Perhaps under a name that is there already."""
    at.start(at.dice.choice(NAMES))


@happening(2)
async def others_start_two_of_one_name(at: Others) -> None:
    """At once, or one after the other."""
    name, cluster = at.dice.choice(NAMES), at.dice.choice(list(at.world.clusters.values()))
    at.start(name, cluster=cluster)
    await asyncio.sleep(at.dice.choice((0.0, 0.0, 1.0, 5.0)))
    at.start(name, cluster=cluster)


@happening(1)
async def others_try_a_query_out(at: Others) -> None:
    """It is soon gone."""
    cluster = at.dice.choice(list(at.world.clusters.values()))
    job = at.start(at.dice.choice(NAMES), cluster=cluster)
    await asyncio.sleep(6.0 * at.dice.random())
    cluster.state.cancel(job.jid)


@happening(5)
async def others_restart_one(at: Others) -> None:
    """Under a new id, from a savepoint or not; the old one may still be ending, or run on."""
    if (found := at.one()) is None:
        return
    cluster, job = found
    await asyncio.sleep(at.dice.choice((0.0, SEEN)))
    how = at.dice.choice(("stop", "stop", "cancel", "cancel", "too early"))
    if how == "stop":
        at.stop_by_hand(cluster, job)
    elif how == "cancel":
        cluster.state.cancel(job.jid)
    if how != "too early":
        await at.is_over(job)
    await asyncio.sleep(at.dice.choice((0.0, 1.0, 6.0, SEEN)))
    restore = at.newest(job) if at.dice.random() < 0.7 else None
    for _ in range(at.dice.choice((1, 1, 1, 2))):
        at.start(job.name, restore, cluster)
        await asyncio.sleep(at.dice.choice((0.0, 1.0, 5.0)))


@happening(1)
async def others_cancel_one(at: Others) -> None:
    """By hand."""
    if found := at.one():
        found[0].state.cancel(found[1].jid)


@happening(1)
async def one_of_others_ends(at: Others) -> None:
    """By itself."""
    if found := at.one():
        cluster, job = found
        (cluster.finish if at.dice.random() < 0.5 else cluster.fail)(job.jid)


@happening(1)
async def one_of_others_is_hidden(at: Others) -> None:
    """The overview leaves it out although it lives; perhaps another of its name comes."""
    if found := at.one():
        cluster, job = found
        cluster.hide(job.jid)
        if at.dice.random() < 0.5:
            at.start(job.name, cluster=cluster)
        await asyncio.sleep(at.dice.choice((5.0, 50.0)))
        cluster.show()


# What people ask of us. ----------------------------------------------------------------------------------------------


@happening(3)
async def people_stop_everything(at: Others) -> None:
    """All of it, or all on one cluster."""
    queue = at.dice.choice((None, None, *at.world.clusters))
    await at.stop_these(Selection(clusters=() if queue is None else (queue,)))


@happening(3)
async def people_stop_by_name(at: Others) -> None:
    """And whatever is called so."""
    name = at.dice.choice(NAMES)
    await at.stop_these(Selection(name=at.dice.choice((name, f"{name}*"))))


@happening(2)
async def people_stop_by_tag(at: Others) -> None:
    """Some were tagged before."""
    await at.one_of_ours()
    for job in some(at.dice, at.world.watch.others.adopted()):
        row = [job, PROJECT, "team", "red"]
        at.world.memory.raw.execute(
            "INSERT OR IGNORE INTO job_tags (job_id, project, key, value) VALUES (?, ?, ?, ?)", row
        )
    await asyncio.sleep(at.dice.choice((0.0, 10.0)))
    await at.stop_these(Selection(labels=(Requirement("team", Operator.IN, ("red",)),)))


@happening(3)
async def people_stop_one_that_was_taken_in(at: Others) -> None:
    """That one alone."""
    if found := await at.one_of_ours():
        await at.stop([found[0]], savepoint=at.dice.random() < 0.8)


@happening(4)
async def a_lookalike_comes_while_the_old_one_stops(at: Others) -> None:
    """As a deployment does that does not wait."""
    if (found := await at.one_of_ours()) is None:
        return
    job, flink, cluster = found
    await at.stop([job], savepoint=at.dice.random() < 0.8)
    await asyncio.sleep(at.dice.choice((0.0, 0.5, 2.0, 6.0)))
    at.start(flink.name, at.newest(flink), cluster)
    if at.dice.random() < 0.5:
        await asyncio.sleep(at.dice.choice((2.0, SEEN)))
        await at.stop_these(Selection(name=f"{flink.name}*"))


@happening(4)
async def people_stop_one_and_others_start_it_again(at: Others) -> None:
    """From the savepoint that they were told, and once more."""
    if (found := await at.one_of_ours()) is None:
        return
    job, flink, cluster = found
    for _ in range(at.dice.choice((1, 2))):
        await at.stop([job], savepoint=True)
        await at.settled([job])
        last = max((row for row in _stops(at, job)), key=lambda row: int(row["id"]), default=None)
        if last is None or last["phase"] != StopPhase.STOPPED:
            return
        flink = at.start_again(flink, last["savepoint_path"], cluster)
        await asyncio.sleep(SEEN)


def _stops(at: Others, job: int) -> list[dict[str, Any]]:
    return [row for row in at.world.watch.rows("stops") if row["job_id"] == job]


@happening(1)
async def people_delete_one_that_was_taken_in(at: Others) -> None:
    """It is canceled; another of its name may come."""
    if found := await at.one_of_ours():
        job, flink, cluster = found
        at.world.watch.asked[job].add("cancel")
        await at.ask(lambda s: s.edit.delete(PROJECT, [job]))
        if at.dice.random() < 0.5:
            await asyncio.sleep(at.dice.choice((1.0, 10.0)))
            at.start(flink.name, cluster=cluster)


@happening(1)
async def people_save_what_was_taken_in(at: Others) -> None:
    """It runs on."""
    if found := await at.one_of_ours():
        await at.take([found[0]])


# Clusters that come and go. ------------------------------------------------------------------------------------------


@happening(3)
async def a_cluster_goes_and_comes_back(at: Others) -> None:
    """Perhaps while its jobs are being stopped; perhaps after more than any time-out."""
    name = at.dice.choice(list(at.world.clusters))
    if at.dice.random() < 0.6 and (found := await at.one_of_ours()):
        job, _, cluster = found
        name = cluster.name
        await at.stop([job], savepoint=True)
        await asyncio.sleep(at.dice.choice((0.0, 1.0, 3.0, 8.0)))
    cluster = at.world.clusters[name]
    await at.world.registry.remove(at, name)
    await asyncio.sleep(at.dice.choice((1.0, 5.0, 40.0, 120.0)))
    await at.world.registry.register(at, name, cluster)


@happening(2)
async def a_cluster_is_renamed(at: Others) -> None:
    """The old name means nothing for a while; or both mean it."""
    name = at.dice.choice(list(at.world.clusters))
    cluster, other = at.world.clusters[name], f"d{at.dice.choice((0, 1))}"
    if at.dice.random() < 0.7:
        await at.world.registry.remove(at, name)
    await at.world.registry.register(at, other, cluster)
    await asyncio.sleep(at.dice.choice((5.0, SEEN, 60.0)))
    if at.dice.random() < 0.5:
        at.start(at.dice.choice(NAMES), cluster=cluster)
        await asyncio.sleep(SEEN)
    await at.world.registry.register(at, name, cluster)


@happening(2)
async def a_name_means_another_cluster(at: Others) -> None:
    """Whose jobs may be called the same."""
    name = at.dice.choice(list(at.world.clusters))
    cluster = at.world.clusters[name]
    other = next(each for each in at.world.clusters.values() if each is not cluster)
    if at.dice.random() < 0.5:
        at.start(at.dice.choice(NAMES), cluster=other)
    _excuse(at, cluster)
    await at.world.registry.register(at, name, other)
    await asyncio.sleep(at.dice.choice((5.0, SEEN, 60.0, 120.0)))
    _excuse(at, cluster)
    _excuse(at, other)
    await at.world.registry.register(at, name, cluster)


def _excuse(at: Others, cluster: SimCluster) -> None:
    """Nobody can tell what has become of jobs that a name means no longer."""
    at.world.watch.excused |= cluster.jobs.keys() | cluster.state.recovering.keys()


GOING = frozenset(
    f.__name__ for f in (a_cluster_goes_and_comes_back, a_cluster_is_renamed, a_name_means_another_cluster)
)


# Leaders. ------------------------------------------------------------------------------------------------------------


@happening(4)
async def the_leader_changes(at: Others) -> None:
    """It dies, or another takes over from it."""
    cluster = at.dice.choice(list(at.world.clusters.values()))
    if not cluster.down:
        seconds, recovery = at.dice.choice((0.2, 2.0, 8.0)), at.dice.choice((0.0, 1.0, 10.0))
        cluster.lose(seconds, recovery, {}, dies=at.dice.random() < 0.6)


@happening(2)
async def the_leader_changes_in_the_middle(at: Others) -> None:
    """Of a stop."""
    if (found := await at.one_of_ours()) is None:
        return
    job, flink, cluster = found
    await at.stop([job], savepoint=True)
    for _ in range(20):
        if flink.finishing or cluster.state.in_flight_of(flink.jid):
            break
        await asyncio.sleep(0.5)
    if not cluster.down:
        cluster.lose(0.2, at.dice.choice((0.0, 3.0)), {}, dies=at.dice.random() < 0.5)


@happening(1.5)
async def a_standby_dies(at: Others) -> None:
    """Nobody minds."""
    cluster = at.dice.choice(list(at.world.clusters.values()))
    cluster.kill(next(host for host in cluster.hosts if host != cluster.leader), at.dice.choice((5.0, 60.0)))


@happening(2)
async def one_jobmanager_cannot_be_reached(at: Others) -> None:
    """From one service; the other one passes on what the leader says."""
    if at.world.services:
        service = at.dice.choice(at.world.services)
        host = at.dice.choice([host for cluster in at.world.clusters.values() for host in cluster.hosts])
        service.cut_off.add(f"host {host}")
        await asyncio.sleep(at.dice.choice((5.0, 30.0)))
        service.cut_off.discard(f"host {host}")


LEADING = frozenset(
    f.__name__
    for f in (the_leader_changes, the_leader_changes_in_the_middle, a_standby_dies, one_jobmanager_cannot_be_reached)
)
