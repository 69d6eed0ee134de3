"""The disk is full, or somebody holds the database: a refusal in words, a service that says so, and a way back."""

import asyncio
import errno
import json
import os
import resource
import sqlite3
import urllib.error
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager
from itertools import product
from pathlib import Path
from typing import Any

import aiohttp
import httpx
import pytest
from sqlalchemy import event
from structlog.testing import capture_logs
from tests.support.patience import PATIENCE
from tests.support.services import databases
from tests.support.services.guarded import guarded
from tests.support.services.native_api import Api, native_api, no_planner
from tests.support.services.plane import PROJECT, plane
from tests.support.services.process import ServiceProcess, wait_for

from sluiceway.assembly.api import make_api
from sluiceway.domain.facts import Silent
from sluiceway.domain.job import JarProgram, JobSpec
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.place import Place
from sluiceway.domain.run import Run, RunPhase
from sluiceway.engines.jars.submit import JarSubmitter
from sluiceway.engines.jobmanager.jobmanagers import JobManagers
from sluiceway.reconcile import worker
from sluiceway.settings import Settings
from sluiceway.store import database
from sluiceway.store.database import Database
from sluiceway.store.migrating import migrate
from sluiceway.store.reserve import Reserve, Use
from sluiceway.store.trouble import DatabaseUnavailable, Trouble
from sluiceway.testing.fake_flink import FakeFlink

DLI = f"/v1.0/{PROJECT}/streaming"
OWN = f"/api/v1/projects/{PROJECT}"
SMALL = 1 << 20  # bytes of a reserve


@contextmanager
def no_more_pages(db: Database) -> Iterator[None]:
    """SQLite may not add another page to the database: it says then what it says of a full disk."""
    engine = db._engine.sync_engine

    def limit(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # never below what there is

    def lift(connection: Any, *_: object) -> None:
        connection.execute("PRAGMA max_page_count = 1073741823")

    event.listen(engine, "checkout", limit)
    try:
        yield
    finally:
        event.remove(engine, "checkout", limit)
        event.listen(engine, "checkout", lift)


@contextmanager
def only_read(db: Database) -> Iterator[None]:
    """SQLite may not write, as in a directory that is mounted read-only."""
    engine = db._engine.sync_engine
    set_to = {True: "ON", False: "OFF"}

    def begin(on: bool) -> Callable[..., None]:
        return lambda connection, *_: connection.execute(f"PRAGMA query_only = {set_to[on]}")

    closed = begin(True)
    event.listen(engine, "checkout", closed)
    try:
        yield
    finally:
        event.remove(engine, "checkout", closed)
        event.listen(engine, "checkout", begin(False))


@contextmanager
def held_by_another(db: Database) -> Iterator[None]:
    """Another process is in the middle of a write, and nobody has much patience. Raises while we are in one."""
    other = sqlite3.connect(str(db._engine.url.database), isolation_level=None, timeout=0.0)
    other.execute("BEGIN IMMEDIATE")
    patience, database.BUSY_TIMEOUT = database.BUSY_TIMEOUT, 0.05
    try:
        yield
    finally:
        database.BUSY_TIMEOUT = patience
        other.execute("ROLLBACK")
        other.close()


@asynccontextmanager
async def api(directory: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Api]:
    """The API, which asks at once whether writing works again."""
    monkeypatch.setattr(database, "TRY_EVERY", 0.0)
    async with native_api(directory) as made:
        yield made


LARGE = "x" * 20_000  # more than the pages have room for that are there
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", f"{DLI}/sql-jobs", {"json": {"name": "new", "sql_body": LARGE}}),
    ("POST", f"{DLI}/job-templates", {"json": {"name": "new", "sql_body": LARGE}}),
    ("POST", f"{DLI}/jobs/stop", {"json": {"job_ids": [1], "trigger_savepoint": True}}),
    ("POST", f"{DLI}/jobs/delete", {"json": {"job_ids": [1]}}),
    ("POST", f"{OWN}/stops", {"json": {"all": True}}),
    ("PUT", f"{OWN}/resources/rules.txt", {"content": b"rules"}),
]
FAULTS = {
    "full": (no_more_pages, WRITES[:2], "is full", "已满"),
    "held": (held_by_another, WRITES, "hold the", "占用"),
    "read-only": (only_read, WRITES, "may", "无法写入"),
}


async def begun(stack: ExitStack, fault: Callable[[], AbstractContextManager[None]]) -> None:
    """Let a fault begin. A write of ours that is under way ends first: it needs this thread to go on."""
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                return stack.enter_context(fault())
            except sqlite3.OperationalError:
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("what", FAULTS)
async def test_every_write_is_answered_503_with_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    fault, writes, words, chinese = FAULTS[what]
    async with api(tmp_path, monkeypatch) as at:
        await at.plane.run(1)
        with ExitStack() as stack:
            await begun(stack, lambda: fault(at.plane.db))
            for (method, path, body), language in product(writes, ("en-us", "zh-cn")):
                answer = await at.http.request(method, path, **body, headers={"X-Language": language})
                assert answer.status_code == 503, (path, answer.text)
                told, own = answer.json(), path.startswith(OWN)
                assert told["error_code"] == ("database_unavailable" if own else "APIGW.0202")
                assert (words if own or language == "en-us" else chinese) in told["error_msg"]
                assert answer.headers["retry-after"] == "5"
            assert (await at.http.get(f"{DLI}/jobs")).status_code == 200, "what is stored is still to be seen"
        assert (await at.http.request("POST", f"{DLI}/sql-jobs", **WRITES[0][2])).status_code == 200


async def test_readyz_tells_why_and_when_it_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with api(tmp_path, monkeypatch) as at:
        assert (await at.http.get("/readyz")).json() == {"status": "ok"}
        with only_read(at.plane.db):
            answer = await at.http.get("/readyz")
            assert answer.status_code == 503
            assert answer.json() == {"status": "database: the database may only be read"}
        async with asyncio.timeout(PATIENCE):
            while (await at.http.get("/readyz")).json() != {"status": "ok"}:
                await asyncio.sleep(0.05)


async def test_a_service_that_cannot_store_logs_it_once_and_carries_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with api(tmp_path, monkeypatch) as at:
        jobs = await at.plane.run(3)
        for job in jobs:
            at.plane.fake.jobs[await at.plane.flink_id(job)].stop_seconds = 0.05
        batch = (await at.plane.stop(PROJECT, jobs, savepoint=True)).id
        with capture_logs() as logs, only_read(at.plane.db):
            await asyncio.sleep(0.6)  # some ten turns, each of which wants to store something
        assert [line["event"] for line in logs if line["log_level"] == "error"] == ["database_unavailable"]
        entries = await at.plane.settled(batch or 0)
        assert [entry.stop.phase for entry in entries] == [StopPhase.STOPPED] * 3
        assert [len(at.plane.savepoints(job)) for job in jobs] == [1, 1, 1]


# The room that is kept back. ------------------------------------------------------------------------------------------


class Disk:
    """How much room a reserve thinks there is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.free = 1 << 30
        monkeypatch.setattr(Reserve, "room", lambda _: self.free)
        monkeypatch.setattr(database, "TAKE_EVERY", 0.0)


@asynccontextmanager
async def with_reserve(directory: Path) -> AsyncIterator[tuple[Database, Reserve]]:
    """A database that has room kept back."""
    databases.make(directory / "test.db")
    reserve = Reserve(directory / "reserve", SMALL)
    db = Database(directory / "test.db", reserve)
    try:
        yield db, reserve
    finally:
        await db.close()


def is_held(reserve: Reserve) -> bool:
    return reserve.held


async def _write(db: Database, use: Use, *statements: str) -> None:
    async with db.write(use) as connection:
        for statement in statements or ("PRAGMA user_version = 2",):
            await connection.exec_driver_sql(statement)


async def test_room_is_kept_back_and_is_real(tmp_path: Path) -> None:
    async with with_reserve(tmp_path) as (db, reserve):
        await _write(db, Use.ORDINARY)
        file = (tmp_path / "reserve").stat()
        assert reserve.held
        assert file.st_size == SMALL
        assert file.st_blocks * 512 >= SMALL, "a hole is no room"
        assert file.st_mode & 0o777 == 0o600
        assert await db.ailment() is None
    async with with_reserve(tmp_path) as (db, reserve):
        await _write(db, Use.UPKEEP)
        assert reserve.held, "that of the service before it"


async def test_who_comes_while_room_is_first_kept_back_is_not_told_that_the_disk_is_full(tmp_path: Path) -> None:
    async with with_reserve(tmp_path) as (db, reserve):
        await asyncio.gather(*(_write(db, Use.ORDINARY) for _ in range(5)))
        assert reserve.held


async def test_what_makes_room_gets_the_room_and_all_else_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = Disk(monkeypatch)
    async with with_reserve(tmp_path) as (db, reserve):
        await _write(db, Use.ORDINARY)
        disk.free = 0
        assert await db.ailment() is Trouble.FULL
        await _write(db, Use.UPKEEP)
        assert is_held(reserve), "it works without"
        await _write(db, Use.MAKES_ROOM)
        assert not is_held(reserve)
        assert not (tmp_path / "reserve").exists()
        disk.free = SMALL + SMALL // 2  # what was given up, and a little more
        for _ in range(2):
            with pytest.raises(DatabaseUnavailable, match="full"):
                await _write(db, Use.ORDINARY)
            await _write(db, Use.MAKES_ROOM)
        assert await db.ailment() is Trouble.FULL
        disk.free = 2 * SMALL
        await _write(db, Use.ORDINARY)
        assert is_held(reserve)
        assert await db.ailment() is None


@pytest.mark.parametrize("use", [Use.UPKEEP, Use.MAKES_ROOM])
async def test_room_is_given_up_for_what_must_go_on_when_sqlite_finds_the_disk_full(tmp_path: Path, use: Use) -> None:
    async with with_reserve(tmp_path) as (db, reserve):
        await _write(db, Use.ORDINARY)
        with no_more_pages(db):
            for each, held in ((Use.ORDINARY, True), (use, False)):
                with pytest.raises(DatabaseUnavailable, match="full"):
                    await _write(db, each, "CREATE TABLE t (x)", "INSERT INTO t VALUES (zeroblob(100000))")
                assert reserve.held is held


async def test_a_disk_that_never_had_the_room_is_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Disk(monkeypatch).free = 2 * SMALL - 1
    async with with_reserve(tmp_path) as (db, reserve):
        with pytest.raises(DatabaseUnavailable, match="full"):
            await _write(db, Use.ORDINARY)
        assert not reserve.held


async def test_a_service_that_starts_on_a_full_disk_gives_up_what_the_one_before_it_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with with_reserve(tmp_path) as (db, _):
        await _write(db, Use.ORDINARY)
    disk, reserve = Disk(monkeypatch), Reserve(tmp_path / "reserve", SMALL)
    reserve.make_way()
    assert (tmp_path / "reserve").exists()
    disk.free = 0
    reserve.make_way()
    assert not (tmp_path / "reserve").exists()


async def test_a_database_that_cannot_be_read_lets_nobody_in_and_refuses_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with guarded(tmp_path) as at:
        ann = await at.admin()

        def broken(_: Database) -> None:
            raise DatabaseUnavailable(Trouble.BROKEN)

        with monkeypatch.context() as patch:
            patch.setattr(Database, "read", broken)
            for auth in (ann, None):
                answer = await at.http.get(f"{DLI}/jobs", auth=auth, headers={} if auth else {"X-Auth-Token": "none"})
                assert (answer.status_code, answer.json()["error_code"]) == (503, "APIGW.0202")
        assert (await at.http.get(f"{DLI}/jobs", auth=ann)).status_code == 200


async def test_a_disk_without_room_for_a_package_is_no_refusal_of_its_job(tmp_path: Path) -> None:
    async def fetch(_job: int, _name: str, into: Path) -> None:
        await asyncio.to_thread(into.write_bytes, b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    async with aiohttp.ClientSession() as session:
        submitter = JarSubmitter(JobManagers(session), fetch, tmp_path / "packages", "file:///s")
        run, spec = Run(1, 7, "f" * 32, RunPhase.SUBMITTING), JobSpec("", program=JarProgram("obs://bucket/a.jar"))
        answer = await submitter.submit(Place("c", "http://127.0.0.1:1"), run, "job", spec)
    assert isinstance(answer, Silent)
    assert "No space left on device" in str(answer)
    assert list((tmp_path / "packages").iterdir()) == [], "nothing half is left"


# What gets done. ------------------------------------------------------------------------------------------------------


async def test_readyz_names_a_cluster_whose_turns_do_not_come_round(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with plane(tmp_path, clusters=2) as at:
        app = make_api(Settings(), at.ground, at.queues, no_planner, reconciler=at.reconciler)
        transport = httpx.ASGITransport(app=app)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
            assert (await http.get("/readyz")).json() == {"status": "ok"}
            hung = asyncio.Event()
            observe = at.engine.observe

            async def observed(cluster: Any, *what: Any, **how: Any) -> Any:
                if cluster.name == "c1":
                    await hung.wait()
                return await observe(cluster, *what, **how)

            monkeypatch.setattr(at.engine, "observe", observed)
            monkeypatch.setattr(worker, "STUCK_AFTER", 2.0)  # leases come round every 1.25 s
            job = await at.create(queue="c1")
            await at.start(PROJECT, [job], resume=False)
            async with asyncio.timeout(PATIENCE):
                while "workers: no turn for a while: c1" not in (answer := await http.get("/readyz")).text:
                    await asyncio.sleep(0.05)
            assert answer.status_code == 503
            hung.set()
            async with asyncio.timeout(PATIENCE):
                while (await http.get("/readyz")).json() != {"status": "ok"}:
                    await asyncio.sleep(0.05)


# The service as its users run it. -------------------------------------------------------------------------------------


@pytest.fixture
async def flink() -> AsyncIterator[FakeFlink]:
    async with FakeFlink() as fake:
        yield fake


async def test_a_service_whose_files_may_not_grow_says_so_and_goes_on_when_they_may(
    tmp_path: Path, flink: FakeFlink
) -> None:
    """A limit of the system on the size of files, which is what a quota that is used up looks like."""
    service = await asyncio.to_thread(ServiceProcess, tmp_path / "data", "--cluster", f"c={flink.url}")
    try:
        await asyncio.to_thread(_play, service, tmp_path / "data")
    finally:
        service.kill()


def _play(service: ServiceProcess, data: Path) -> None:
    kept = service.create("kept", "SELECT 1")
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    status, told = _refused(service, "POST", "/sql-jobs", {"name": "new", "sql_body": "SELECT 1"})
    assert (status, told["error_code"]) == (503, "APIGW.0202")
    assert "quota" in told["error_msg"]
    wait_for(lambda: not service.ready())
    upload = f"{service.url}/api/v1/projects/{service.project}/resources/big.txt"
    answer = httpx.put(upload, content=b"x" * 100_000, timeout=30)
    assert (answer.status_code, answer.json()["error_code"]) == (503, "storage_unreadable")
    assert list((data / "uploads").iterdir()) == [], "nothing half is left"
    resource.prlimit(service.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    wait_for(service.ready)
    assert service.job(kept)["name"] == "kept"
    service.create("new", "SELECT 1")
    log = "".join(service.log)
    assert "Traceback" not in log
    assert log.count("database_unavailable") <= 2


def _refused(service: ServiceProcess, method: str, path: str, body: object) -> tuple[int, Any]:
    with pytest.raises(urllib.error.HTTPError) as refused:
        service.dli(method, path, body)
    return refused.value.code, json.load(refused.value)


# What is nobody else's to read. ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o277])
def test_the_database_is_its_owners_alone_whoever_made_it(tmp_path: Path, umask: int) -> None:
    old = tmp_path / "old.db"
    writer = sqlite3.connect(old)
    writer.execute("PRAGMA journal_mode=WAL")
    writer.execute("CREATE TABLE t (x)")
    files = [old, tmp_path / "old.db-wal", tmp_path / "old.db-shm"]
    for file in files:
        file.chmod(0o644)
    before = os.umask(umask)
    try:
        migrate(old)
        migrate(tmp_path / "new.db")
    finally:
        os.umask(before)
    assert {file.stat().st_mode & 0o777 for file in [*files, tmp_path / "new.db"]} == {0o600}
    writer.close()
