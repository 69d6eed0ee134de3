"""Scenes with jobs of others, clusters that come and go, and leaders that change; see `scenes.py`."""

from tests.simulation.registry import addresses
from tests.simulation.setting import PROJECT, Setting
from tests.simulation.stage import Play, scene

from sluiceway.domain.adoption import Adopts
from sluiceway.domain.facts import JobState
from sluiceway.domain.policy import IfNotRunning, StopPolicy

TAKES_IN = Setting(Adopts(PROJECT))
COMES_AND_GOES = Setting(Adopts(PROJECT), registered="database")
TWO_LEADERS = Setting(Adopts(PROJECT), standby=True)
FOREIGN = Setting(Adopts(PROJECT), registered="database", standby=True)
SEEN_TWICE = 12.0  # seconds within which whoever lives was looked at twice


@scene(setting=TAKES_IN, notices={"one_that_has_just_come_is_overlooked": "bear the same name"})
async def two_of_one_name_come_one_after_the_other(at: Play) -> None:
    """One of them may be the job that was stopped. Nobody can tell which."""
    job, _ = await at.taken_in("orders")
    await at.stop([job], savepoint=False)
    await at.rest()
    at.cluster.take_up("orders", None, **at.plain)
    for _ in range(2):
        await _is_seen_anew(at, "orders")
    await at.wait(0.5)  # meanwhile it is asked whether the first one lives yet
    at.cluster.take_up("orders", None, **at.plain)
    await at.wait(SEEN_TWICE)


@scene(
    setting=TAKES_IN,
    notices={"known_again_while_its_stop_is_open": "of which a stop is open"},
)
async def a_job_comes_back_while_its_savepoint_is_verified(at: Play) -> None:
    """Its stop has not settled, so what has come is a job of its own."""
    job, old = await at.taken_in("orders")
    await at.stop([job], savepoint=True)
    at.script.slow = 20.0
    await at.until(lambda: old.state is JobState.FINISHED)
    at.cluster.take_up("orders", at.newest(old), **at.plain)
    await at.wait(SEEN_TWICE)
    at.script.slow = 0.0


@scene(setting=TAKES_IN, notices={"commands_go_by_the_name": "a stop of"})
async def a_lookalike_comes_while_a_stop_waits(at: Play) -> None:
    """The stop is of the Flink job that the order named."""
    job, old = await at.taken_in("orders")
    at.cluster.set_running_tasks(old.jid, 0)
    await at.stop([job], savepoint=True, policy=StopPolicy(if_not_running=IfNotRunning.WAIT))
    await at.wait(3.0)
    new = at.cluster.take_up("orders", None, **at.plain)
    await at.wait(3.0)
    at.cluster.set_running_tasks(old.jid, None)
    await at.until(lambda: old.state is JobState.FINISHED)
    if new.history or new.state is not JobState.RUNNING:
        at.world.violate("a job was stopped that no order has named")


@scene(
    setting=COMES_AND_GOES,
    stop_seconds=20.0,
    notices={"what_a_removed_cluster_had_is_gone": "is told lost", "absent_is_gone": "is told lost"},
)
async def a_cluster_is_removed_while_its_job_stops(at: Play) -> None:
    """The stop stays open; it goes on when the cluster is back."""
    job, flink = await at.taken_in("orders")
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(flink))
    await at.world.registry.remove(at, "c0")
    await at.wait(120.0)
    if at.stop_of(job)["phase"] != "overdue":
        at.world.violate(f"the stop of a job in a removed cluster is {at.stop_of(job)['phase']}")
    await at.world.registry.restore(at)


@scene(setting=TWO_LEADERS, stop_seconds=10.0, notices={})
async def the_leader_changes_in_the_middle_of_a_stop(at: Play) -> None:
    """The job runs again under the other JobManager, and is stopped there."""
    job, flink = await at.taken_in("orders")
    await at.wait(10.0)
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(flink))
    at.lose(away=3.0, recovery=5.0)
    await at.until(lambda: at.stop_of(job)["phase"] == "stopped")


@scene(setting=FOREIGN, notices={"anybody_stands_in": "and runs"})
async def the_other_address_is_of_another_cluster(at: Play) -> None:
    """Nothing that it says is true of this one."""
    await at.taken_in("orders")
    other = at.world.clusters["c1"]
    await at.world.registry.move(at, "c0", (addresses(at.cluster)[0], addresses(other)[0]))
    await at.wait(20.0)
    at.cluster.kill("c0", 90.0)
    at.cluster.kill("c0-b", 90.0)
    await at.wait(90.0)
    await at.world.registry.restore(at)


@scene(setting=TAKES_IN, notices={"a_known_id_is_a_known_run": "is finished, and runs"})
async def a_job_is_deployed_anew_under_its_id(at: Play) -> None:
    """As an operator does it: it is the same job, with another run, which is stopped as any other."""
    job, old = await at.taken_in("orders")
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.stop_of(job)["phase"] == "stopped")
    at.cluster.deploy_anew(old, at.newest(old), **at.plain)
    await at.wait(SEEN_TWICE)
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.stop_of(job)["phase"] == "stopped")


@scene(setting=TAKES_IN, notices={"nobody_asks_for_its_last_id": "still runs"})
async def a_job_is_deployed_anew_beside_another_of_its_name(at: Play) -> None:
    """And the list of jobs leaves it out, so that the other one seems to be all that has come."""
    job, old = await at.taken_in("orders")
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.stop_of(job)["phase"] == "stopped")
    at.cluster.deploy_anew(old, at.newest(old), **at.plain)
    at.cluster.hide(old.jid)
    at.cluster.take_up("orders", at.newest(old), **at.plain)
    await at.wait(SEEN_TWICE)
    at.cluster.show()
    await at.wait(SEEN_TWICE)


@scene(setting=TAKES_IN, application=True, jobs=0, notices={"what_is_back_is_the_old_one": "is taken back"})
async def one_is_deployed_anew_after_a_stop_that_nobody_heard_of(at: Play) -> None:
    """It began from the savepoint, so the stop was true."""
    job, old = await at.taken_in("orders")
    await at.stop([job], savepoint=True)
    await at.until(lambda: at.under_way(old))
    at.script.muted = "/jobs"
    await at.until(lambda: old.state is JobState.FINISHED)
    at.cluster.leave()
    at.script.muted = ""
    await at.until(lambda: at.stop_of(job)["phase"] == "stopped")
    at.cluster.deploy_anew(old, at.newest(old), **at.plain)
    await at.wait(60.0)
    if at.stop_of(job)["phase"] != "stopped":
        at.world.violate("a stop that was true is taken back")


@scene(setting=COMES_AND_GOES, notices={"another_start_is_another_job": "which was started 1 times"})
async def a_cluster_has_two_names_and_its_leader_is_lost(at: Play) -> None:
    """Its jobs show another start then, under both."""
    await at.taken_in("orders")
    await at.world.registry.register(at, "d0", at.cluster)
    await at.wait(SEEN_TWICE)
    at.lose(away=3.0, recovery=5.0)
    await at.wait(90.0)
    await at.world.registry.remove(at, "d0")


async def _is_seen_anew(at: Play, name: str) -> None:
    """Wait for the next look that shows it."""
    before = at.seen()
    await at.until(lambda: at.seen() is not before and any(its == name for _, its in at.seen()))
