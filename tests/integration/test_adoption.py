"""Jobs that somebody else has started on a cluster: seen, stopped with savepoints, and known again."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlalchemy import func, select
from tests.support.services.plane import PROJECT, Plane, plane

from sluiceway.domain.admission import Refusal
from sluiceway.domain.adoption import Adopts, TagRule
from sluiceway.domain.job import Job, JobStatus
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.orders import StopOrder
from sluiceway.domain.tags import TagChange
from sluiceway.store.clusters import health
from sluiceway.store.fares import Which
from sluiceway.store.schema import runs
from sluiceway.store.tags import change_tags
from sluiceway.store.views import JobFilter
from sluiceway.testing.fake_flink import FakeFlink

SAME = "000000006e6b13320000000000000000"  # what Flink makes of the cluster id "/default"


@pytest.fixture
async def at(tmp_path: Path) -> AsyncIterator[Plane]:
    async with plane(tmp_path, clusters=2, adopts=Adopts(PROJECT)) as made:
        yield made


def start(at: Plane, name: str, cluster: str = "c0", **more: object) -> str:
    """As Flink's own client does, behind our back."""
    jid = secrets.token_hex(16)
    at.fakes[cluster].add_job(jid, name=name, **more)
    return jid


async def listed(at: Plane) -> list[Job]:
    _, found = await at.queries.jobs(PROJECT, JobFilter(), offset=0, limit=100, descending=False)
    return [await at.job(line.id) for line in found]


async def runs_of(at: Plane, job: int) -> list[str]:
    """The Flink job ids of its runs, the oldest first."""
    async with at.db.read() as connection:
        mine = select(runs.c.flink_job_id).where(runs.c.job_id == job).order_by(runs.c.id)
        return list((await connection.execute(mine)).scalars())


async def seen(at: Plane, *names: str) -> dict[str, Job]:
    """Wait until jobs of these names are listed, and no others."""
    async with asyncio.timeout(20):
        found = {job.draft.name: job for job in await listed(at)}
        while sorted(found) != sorted(names):
            await asyncio.sleep(0.02)
            found = {job.draft.name: job for job in await listed(at)}
    return found


async def test_they_are_listed_stopped_in_one_batch_and_verified(at: Plane) -> None:
    there = {name: start(at, name, cluster) for name, cluster in [("orders", "c0"), ("clicks", "c0"), ("bills", "c1")]}
    [own] = await at.run(prefix="mine")
    found = await seen(at, "mine-0", *there)
    assert {name: found[name].flink_job_id for name in there} == there
    assert {found[name].status for name in there} == {JobStatus.RUNNING}
    entries = await at.stop_and_wait([job.id for job in found.values()])
    assert {entry.stop.phase for entry in entries} == {StopPhase.STOPPED}
    assert all(entry.stop.verified and entry.stop.savepoint_path for entry in entries)
    assert {entry.job_id for entry in entries if entry.adopted} == {found[name].id for name in there}
    assert own not in {entry.job_id for entry in entries if entry.adopted}


async def test_two_of_one_name_are_two_jobs_on_one_cluster_and_on_two(at: Plane) -> None:
    first = start(at, "orders")
    await seen(at, "orders")
    same, other = start(at, "orders"), start(at, "orders", "c1")
    async with asyncio.timeout(20):
        while len(found := await listed(at)) < 3:
            await asyncio.sleep(0.02)
    assert {job.flink_job_id for job in found} == {first, same, other}
    # Which of them was seen first decides who gets which.
    called = {job.draft.name.removesuffix(f"-{job.flink_job_id}") for job in found}
    assert called <= {"orders", "orders@c0", "orders@c1"}


async def test_one_that_comes_back_under_another_id_is_the_same_job(at: Plane) -> None:
    start(at, "orders")
    job = (await seen(at, "orders"))["orders"]
    [stopped] = await at.stop_and_wait([job.id])
    back = start(at, "orders", restored=stopped.stop.savepoint_path)
    async with asyncio.timeout(20):
        while (again := await at.job(job.id)).flink_job_id != back:
            await asyncio.sleep(0.02)
    assert again.status is JobStatus.RUNNING
    assert list(await seen(at, "orders")) == ["orders"]
    kinds = [event.kind for event in await at.queries.events(PROJECT, 0, 100) if event.job_id == job.id]
    assert [kind for kind in kinds if kind.startswith("job_")] == ["job_adopted", "job_returned"]
    [entry] = await at.stop_and_wait([job.id])
    assert entry.stop.phase is StopPhase.STOPPED
    assert entry.stop.savepoint_path != stopped.stop.savepoint_path


async def test_one_that_is_deployed_anew_under_its_id_is_the_same_job_with_a_new_run(at: Plane) -> None:
    """As an operator does it, and Flink itself: an application cluster makes the id of its job from its own."""
    jid = start(at, "orders")
    job = (await seen(at, "orders"))["orders"]
    [first] = await at.stop_and_wait([job.id])
    for name in ("orders", "orders-v2"):
        at.fake.lose_jobmanager(ha=False)
        at.fake.add_job(jid, name=name, restored=first.stop.savepoint_path)
        assert (await at.until(job.id, JobStatus.RUNNING)).flink_job_id == jid
        assert [each.id for each in await listed(at)] == [job.id]
        [entry] = await at.stop_and_wait([job.id])
        assert entry.stop.phase is StopPhase.STOPPED
        assert entry.stop.savepoint_path != first.stop.savepoint_path
    assert await runs_of(at, job.id) == [jid] * 3
    told = [event.detail for event in await at.queries.events(PROJECT, 0, 100) if event.kind == "job_returned"]
    assert [detail.partition(": ")[::2] for detail in told] == [
        (name, f"back, by its Flink job id, in cluster c0 as {jid}, started anew.") for name in ("orders", "orders-v2")
    ]


async def test_who_comes_beside_one_that_is_deployed_anew_is_another(at: Plane) -> None:
    """Also while the list of jobs leaves that one out (FLINK-40602)."""
    jid = start(at, "orders")
    job = (await seen(at, "orders"))["orders"]
    [stopped] = await at.stop_and_wait([job.id])
    at.fake.lose_jobmanager(ha=False)
    at.fake.add_job(jid, name="orders", restored=stopped.stop.savepoint_path)
    at.fake.hide(jid)
    beside = start(at, "orders")
    assert (await seen(at, "orders", "orders@c0"))["orders@c0"].flink_job_id == beside
    at.fake.show()
    await at.until(job.id, JobStatus.RUNNING)
    assert await runs_of(at, job.id) == [jid, jid]


async def test_one_that_is_recovered_after_a_loss_is_the_same_run(at: Plane) -> None:
    """Although Flink counts from its recovery."""
    jid = start(at, "orders")
    job = (await seen(at, "orders"))["orders"]
    began = at.fake.jobs[jid].started_at
    at.fake.lose_jobmanager(recovery_seconds=0.5)
    await at.eventually(lambda: jid in at.fake.jobs)
    assert at.fake.jobs[jid].started_at > began
    await asyncio.sleep(0.5)
    assert await runs_of(at, job.id) == [jid]
    assert [each.id for each in await listed(at)] == [job.id]


async def test_one_id_on_two_clusters_are_two_jobs(at: Plane) -> None:
    """Application clusters that nobody gave an id of its own."""
    now = at.ground.clock().timestamp()
    there = [at.fakes[c].add_job(SAME, name="orders", started_at=now - ago) for c, ago in (("c0", 60), ("c1", 3600))]
    async with asyncio.timeout(20):
        while len(found := await listed(at)) < 2:
            await asyncio.sleep(0.02)
    assert [job.flink_job_id for job in found] == [SAME, SAME]
    findings = await at.life.preflight(StopOrder(PROJECT, [job.id for job in found]))
    assert all(finding.survey is not None for finding in findings)
    entries = await at.stop_and_wait([job.id for job in found])
    assert {entry.stop.phase for entry in entries} == {StopPhase.STOPPED}
    kept = {each.savepoints[-1].rpartition("/")[2] for each in there}
    assert {str(entry.stop.savepoint_path).rpartition("/")[2] for entry in entries} == kept
    assert len(kept) == len(there)


async def test_a_cluster_with_two_names_shows_each_of_its_jobs_once(tmp_path: Path) -> None:
    """Nor twice once its JobManager was lost, and its jobs show another start."""
    fake = FakeFlink()
    await fake.start()
    fake.add_job(SAME, name="orders")
    async with plane(tmp_path, fakes={"c0": fake, "c1": fake}, adopts=Adopts(PROJECT)) as at:
        [job] = (await seen(at, "orders")).values()
        fake.lose_jobmanager(recovery_seconds=0.3)
        await at.eventually(lambda: SAME in fake.jobs)
        await asyncio.sleep(1.0)
        assert [each.id for each in await listed(at)] == [job.id]
    await fake.close()


async def test_what_was_taken_in_under_the_name_of_another_cluster_is_found_again_in_its_own(at: Plane) -> None:
    """For a while somebody had given c0 the address of c1."""
    jid = start(at, "orders")
    job = (await seen(at, "orders"))["orders"]
    at.fakes["c0"].lose_jobmanager(ha=False)
    async with asyncio.timeout(20):
        while (await at.job(job.id)).status is not JobStatus.FAILED:
            await asyncio.sleep(0.02)
    at.fakes["c1"].add_job(jid, name="orders")
    async with asyncio.timeout(20):
        while (await at.job(job.id)).status is not JobStatus.RUNNING:
            await asyncio.sleep(0.02)
    assert [each.id for each in await listed(at)] == [job.id]
    [stopped] = await at.stop_and_wait([job.id])
    assert (stopped.stop.phase, stopped.stop.flink_job_id) == (StopPhase.STOPPED, jid)


async def test_what_nobody_made_here_cannot_be_started_here_and_the_answer_says_how_else(at: Plane) -> None:
    start(at, "orders")
    job = (await seen(at, "orders"))["orders"]
    await at.stop_and_wait([job.id])
    [verdict] = await at.start(PROJECT, [job.id], resume=True)
    assert verdict.refusal is Refusal.NO_PROGRAM
    [fare] = await at.queries.fares(PROJECT, Which((job.id,)), 10)
    assert (fare.adopted_as, fare.savepoint is not None) == ("orders", True)


async def test_it_is_tagged_when_it_is_taken_in_and_never_again(tmp_path: Path) -> None:
    rules = (TagRule("orders", "team", "orders"),)
    async with plane(tmp_path, adopts=Adopts(PROJECT, rules=rules), labels={"env": "prod"}) as at:
        start(at, "orders")
        job = (await seen(at, "orders"))["orders"]
        assert job.draft.tags == {"team": "orders", "env": "prod"}
        change = TagChange({"team": "mine"}, [("env", None)])
        assert await change_tags(at.db, PROJECT, job.id, change, at.ground.clock(), "somebody")
        await at.stop_and_wait([job.id])
        back = start(at, "orders")
        async with asyncio.timeout(20):
            while (again := await at.job(job.id)).flink_job_id != back:
                await asyncio.sleep(0.02)
        assert again.draft.tags == {"team": "mine"}


async def test_a_clusters_version_is_known_before_anybody_has_a_job_there(at: Plane) -> None:
    async with asyncio.timeout(20):
        while len(found := await health(at.db)) < len(at.fakes):
            await asyncio.sleep(0.02)
    assert {name: (each.answers, each.flink_version) for name, each in found.items()} == dict.fromkeys(
        at.fakes, (True, "2.3.0")
    )


async def test_ours_are_never_taken_in_a_second_time(at: Plane) -> None:
    """Not while it is submitted, nor when it was deleted and Flink has yet to end it."""
    [job] = await at.run(prefix="mine")
    at.fake.jobs[await at.flink_id(job)].cancel_seconds = 0.5
    await at.edit.delete(PROJECT, [job])
    [other] = await at.run(prefix="other")
    await asyncio.sleep(1.0)
    assert [each.id for each in await listed(at)] == [other]
    async with at.db.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(runs))).scalar_one() == 2


@pytest.mark.parametrize(
    ("adopts", "kept"),
    [(None, []), (Adopts(PROJECT, "orders-*"), ["orders-eu"]), (Adopts("elsewhere"), [])],
    ids=["nobody", "by a pattern", "into another project"],
)
async def test_only_those_that_are_wanted(tmp_path: Path, adopts: Adopts | None, kept: list[str]) -> None:
    async with plane(tmp_path, adopts=adopts) as at:
        start(at, "orders-eu")
        start(at, "clicks")
        if kept:
            await seen(at, *kept)
        await asyncio.sleep(0.5)
        assert list(await seen(at, *kept)) == kept
