"""One odd thing must not hold up everything else: what a turn, a worker and the store do in bad company."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import text
from tests.support.patience import PATIENCE
from tests.support.services.plane import PROJECT, RULES, Plane, plane

from sluiceway.assembly.clock import clock
from sluiceway.domain.facts import Evidence
from sluiceway.domain.job import JobStatus
from sluiceway.domain.place import Place
from sluiceway.domain.places import SUBMISSIONS
from sluiceway.reconcile import submissions, worker
from sluiceway.reconcile.pace import Pace
from sluiceway.reconcile.turn import Outlook
from sluiceway.storage.errors import StorageUnreadable
from sluiceway.storage.savepoints import Storage
from sluiceway.store import leases
from sluiceway.store.database import Database
from sluiceway.store.migrating import migrate
from sluiceway.testing import fake_answers

SHORT = replace(RULES, timeout=timedelta(milliseconds=300))
TTL = timedelta(seconds=5)


async def _stops_soon(at: Plane, job: int, *, savepoint: bool = True) -> None:
    """The job stops as if the cluster had no trouble."""
    async with asyncio.timeout(PATIENCE):
        await at.stop_and_wait([job], savepoint=savepoint)
    assert (await at.job(job)).status is JobStatus.STOPPED


async def test_a_write_that_is_broken_off_leaves_no_lock(tmp_path: Path) -> None:
    migrate(tmp_path / "test.db")
    db, other = Database(tmp_path / "test.db"), Database(tmp_path / "test.db")

    async def write() -> None:
        async with db.write() as connection:
            for n in range(1000):
                await connection.execute(text(f"INSERT INTO events (at, kind, detail) VALUES ({n}, 'x', 'y')"))

    for n in range(10):
        writing = asyncio.create_task(write())
        await asyncio.sleep(0.005 + n / 1000)
        writing.cancel()
        # The result holds the traceback, and so everything that was open then.
        broken = await asyncio.gather(writing, return_exceptions=True)
        async with asyncio.timeout(PATIENCE):
            await leases.claim(other, [f"c{n}"], "next", TTL)
        assert isinstance(broken[0], asyncio.CancelledError)
    await db.close()
    await other.close()


async def test_a_hanging_request_about_one_job(tmp_path: Path) -> None:
    async with plane(tmp_path, timeout=2 * PATIENCE) as at:
        bad, good = await at.run(2)
        at.fake.fault("cancel", "hang", times=None)
        await at.stop(PROJECT, [bad], savepoint=False)
        await at.eventually(lambda: at.fake.count("cancel") == 1)
        await _stops_soon(at, good)
        assert at.fake.count("cancel") == 1, "the request still hangs"


@pytest.mark.parametrize("trouble", ["hangs", "breaks"])
async def test_storage_trouble_about_one_job(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trouble: str) -> None:
    async with plane(tmp_path) as at:
        bad, good = await at.run(2)
        look = Storage.look

        async def odd(self: Storage, target: str) -> Evidence:
            if f"/savepoint/{bad}/" not in target:
                return await look(self, target)
            if trouble == "hangs":
                await asyncio.sleep(3600)
            raise RuntimeError("nobody foresaw this")

        monkeypatch.setattr(Storage, "look", odd)
        await at.stop(PROJECT, [bad], savepoint=True)
        await _stops_soon(at, good)
        monkeypatch.setattr(Storage, "look", look)
        if trouble == "breaks":
            await at.until(bad, JobStatus.STOPPED)


async def test_a_job_that_cannot_be_read_from_the_overview_hides_only_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = fake_answers.overview_line

    def odd(job: Any, **told: Any) -> dict[str, Any]:
        return line(job, **told) | ({"tasks": None} if job.name == "odd" else {})

    monkeypatch.setattr("sluiceway.testing.fake_rest.overview_line", odd)
    async with plane(tmp_path) as at:
        [good] = await at.run()
        at.fake.add_job(name="odd")
        await _stops_soon(at, good)


async def test_a_spec_that_cannot_be_read_and_a_submission_that_is_broken_off(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        [good] = await at.run()
        bad, cut = await at.create("bad"), await at.create("cut")
        async with at.db.write() as connection:
            await connection.execute(text("UPDATE specs SET spec = '{}' WHERE job_id = :job"), {"job": bad})

        def cut_off(*_: object, **__: object) -> NoReturn:
            raise asyncio.CancelledError

        at.fake.add_job = cut_off  # type: ignore[method-assign]
        await at.start(PROJECT, [bad, cut], resume=False)
        await asyncio.sleep(0.1)
        await _stops_soon(at, good)
        assert "submitting" in (await at.job(cut)).why


async def test_many_jobs_vanish_at_once(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        jobs = await at.run(60)
        at.fake.lose_jobmanager(ha=False)
        async with asyncio.timeout(PATIENCE):
            for job in jobs:
                await at.until(job, JobStatus.FAILED)


async def test_a_few_submissions_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    most = under_way = 0
    submit = submissions.Submissions._submit

    async def counted(*args: Any) -> submissions.Answer:
        nonlocal most, under_way
        under_way += 1
        most = max(most, under_way)
        try:
            await asyncio.sleep(0.02)
            return await submit(*args)
        finally:
            under_way -= 1

    monkeypatch.setattr(submissions.Submissions, "_submit", counted)
    async with plane(tmp_path) as at:
        await at.run(30)
    assert most == SUBMISSIONS


async def test_a_cluster_that_cannot_be_located_does_not_stop_the_deadlines(tmp_path: Path) -> None:
    async with plane(tmp_path, rules=SHORT) as at:
        [job] = await at.run()
        at.clusters.pop("c0")
        await at.stop(PROJECT, [job], savepoint=True)
        assert "cannot be reached now" in (await at.until(job, JobStatus.STOP_FAILED)).why


async def test_what_is_not_answered_is_not_asked_at_every_turn(tmp_path: Path) -> None:
    async with plane(tmp_path, rules=replace(RULES, timeout=timedelta(seconds=1))) as at:
        [job] = await at.run()
        at.fake.fault("stop", "html_503", times=None)
        await at.stop(PROJECT, [job], savepoint=True)
        await at.until(job, JobStatus.STOP_FAILED)
        assert at.fake.count("stop") <= 8, "every 0.2 s at the most, not at every turn"
        looks = at.fake.count("jobs")
        await asyncio.sleep(0.5)
        assert at.fake.count("jobs") - looks <= 11, "what is overdue is followed at the idle pace"


async def test_a_worker_that_lost_its_lease_sends_nothing(tmp_path: Path) -> None:
    async with plane(tmp_path) as at:
        [job] = await at.run()
        await at.reconciler.close()
        await at.stop(PROJECT, [job], savepoint=True)
        turn = at.reconciler._turns("c0")
        await turn(at.clusters["c0"], leases.Lease("c0", "somebody", 0))
        assert at.fake.count("stop") == 0


async def test_checkpoints_that_cannot_be_read_are_not_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Storage(str(tmp_path))
    assert (await storage.newest_state([storage.checkpoints(None, 7) + "/abc"], [])).path is None

    async def broken(*_: object) -> NoReturn:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(storage, "_heads", broken)
    with pytest.raises(StorageUnreadable):
        await storage.newest_state([storage.checkpoints(None, 7) + "/abc"], [])


async def test_what_others_change_hurries_no_turn_that_breaks_or_a_database_that_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each would begin again at once, for ever."""
    migrate(tmp_path / "test.db")
    db = Database(tmp_path / "test.db")
    turns = Turns(answered=False)
    pace = Pace(idle=0.02, trouble=3600)
    reconciler = worker.Reconciler(db, lambda _: None, lambda _: turns, clock, pace)
    monkeypatch.setattr(db, "numbers", lambda: {"c0": turns.number + 1})
    reconciler.start(["c0"])
    async with asyncio.timeout(PATIENCE):
        while turns.count < 5:
            await asyncio.sleep(0.01)
        monkeypatch.setattr(db, "numbers", lambda: None)
        await asyncio.sleep(0.1)
        before = turns.count
        await asyncio.sleep(0.1)
        assert turns.count == before, "it cannot be read"
        turns.breaks = True
        reconciler.wake(["c0"])
        monkeypatch.setattr(db, "numbers", lambda: {"c0": turns.number + 1})
        await asyncio.sleep(0.2)
        assert turns.count == before + 1
    await reconciler.close()
    await db.close()


class Turns:
    """Nothing is under way."""

    count = number = 0
    breaks = False

    def __init__(self, *, answered: bool = True) -> None:
        self.answered = answered

    async def __call__(self, cluster: Place | None, lease: leases.Lease) -> Outlook:
        self.count += 1
        if self.breaks:
            raise RuntimeError("again")
        return Outlook(answered=self.answered, number=self.number)

    async def close(self) -> None:
        pass


async def test_clusters_that_hang_hold_up_no_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many they are: a turn that has lasted for a while takes nobody's place."""
    monkeypatch.setattr(worker, "AT_ONCE", 2)
    monkeypatch.setattr(worker, "SLOW", 0.05)
    migrate(tmp_path / "test.db")
    db, turns = Database(tmp_path / "test.db"), Turns()
    under_way = 0

    class Hangs(Turns):
        async def __call__(self, cluster: Place | None, lease: leases.Lease) -> Outlook:
            nonlocal under_way
            under_way += 1
            await asyncio.Event().wait()
            raise AssertionError("it hangs for ever")

    hanging = [f"hangs-{n}" for n in range(10)]
    taken = {name: Hangs() for name in hanging} | {"well": turns}
    reconciler = worker.Reconciler(db, lambda _: None, lambda name: taken[name], clock, Pace(idle=0.02))
    reconciler.start([*hanging, "well"])
    async with asyncio.timeout(PATIENCE):
        while turns.count < 3:
            await asyncio.sleep(0.01)
    assert under_way == len(hanging)
    await reconciler.close()
    await db.close()
