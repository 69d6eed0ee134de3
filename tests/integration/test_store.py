"""The store on real SQLite files: schema, guards, leases, and what happens when two do something at once."""

import asyncio
import json
import os
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Connection, create_engine, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from tests.support.services import databases

from sluiceway.assembly.clock import clock
from sluiceway.control.edit_jobs import EditJobs
from sluiceway.control.errors import UnknownJob
from sluiceway.control.queues import Queues
from sluiceway.control.start_jobs import StartJobs
from sluiceway.control.stop_jobs import StopJobs
from sluiceway.domain.admission import RUNNABLE, Refusal, Verdict
from sluiceway.domain.health import Condition, Health, Proof
from sluiceway.domain.job import Job, JobDraft, JobSpec, JobStatus
from sluiceway.domain.judging import TAKES_ITS_PLACE, Reach
from sluiceway.domain.operations.stop import StopPhase
from sluiceway.domain.orders import StartOrder, StopOrder
from sluiceway.domain.policy import SavepointFormat, StopPolicy
from sluiceway.domain.run import RunPhase
from sluiceway.domain.traits import Traits
from sluiceway.domain.watched import Change, Watched
from sluiceway.reconcile.memory import Memory
from sluiceway.storage.savepoints import Storage
from sluiceway.store import database, deadlines, intents, leases, past_specs, schema, stop_intents, views, work
from sluiceway.store.access_schema import metadata  # with the tables of both modules
from sluiceway.store.batches import abort
from sluiceway.store.bulk import guarded_update, ids, listed
from sluiceway.store.database import Database
from sluiceway.store.intents import NameInUse
from sluiceway.store.joint import Joint
from sluiceway.store.ledger import Means
from sluiceway.store.migrating import BadDatabase, migrate
from sluiceway.store.rows import RUN_MOVES, STOP_MOVES
from sluiceway.store.schema import batches, events, jobs, runs, stops
from sluiceway.store.trouble import DatabaseUnavailable, Trouble

P = "p"
NOW = datetime(2026, 3, 1, tzinfo=UTC)
TTL = timedelta(seconds=5)
BEFORE, AFTER = (
    deadlines.Clocks(1_000, "boot"),
    deadlines.Clocks(3_601_000, "boot"),
)  # the wall clock was set by an hour


@pytest.fixture
def path(tmp_path: Path) -> Path:
    databases.make(tmp_path / "test.db")
    return tmp_path / "test.db"


@pytest.fixture
async def db(path: Path) -> AsyncIterator[Database]:
    opened = Database(path)
    yield opened
    await opened.close()


@pytest.fixture
async def other(path: Path) -> AsyncIterator[Database]:
    """The same file, as another service has it open."""
    opened = Database(path)
    yield opened
    await opened.close()


async def rows(db: Database, sql: str) -> list[tuple[Any, ...]]:
    async with db.read() as connection:
        return [tuple(row) for row in await connection.execute(text(sql))]


async def created(db: Database, count: int = 1) -> list[int]:
    return [(await intents.create_job(db, P, JobDraft(f"job-{n}", JobSpec("-")), "u", NOW)).id for n in range(count)]


async def running(db: Database, count: int = 1) -> list[int]:
    """Jobs that run, as far as the store knows."""
    made = await created(db, count)
    starts = [intents.Start(job, None, "c0", f"{job:032x}", None) for job in made]
    assert await intents.accept_starts(db, starts, [JobStatus.DRAFT], NOW) == set(made)
    async with db.write() as connection:
        await connection.execute(update(runs).values(phase="running", acknowledged=True))
        await connection.execute(update(jobs).where(jobs.c.id.in_(ids(made))).values(status="running"))
    return made


async def deleting(db: Database, jobs: Sequence[int]) -> tuple[set[int], dict[int, Verdict], set[str]]:
    order, means = StopOrder(P, jobs, savepoint=False), Means(timedelta(60), "file:///s", NOW)
    return await stop_intents.delete_jobs(db, order, Reach(frozenset({"c0"})), means)


def editor(db: Database, directory: Path) -> EditJobs:
    queues = Queues(("c0",), lambda _: None, lambda _: None)
    return EditJobs(db, queues, Storage(str(directory)), clock, timedelta(60))


def stopping(db: Database, directory: Path) -> StopJobs:
    """The use case, as a service has it."""
    return StopJobs(db, Queues(("c0",), lambda _: None, lambda _: None), Storage(str(directory)), clock, timedelta(60))


def starting(db: Database, directory: Path) -> StartJobs:
    return StartJobs(db, Queues(("c0",), lambda _: None, lambda _: None), Storage(str(directory)), clock)


# The schema. ---------------------------------------------------------------------------------------------------------


def indexes_of(connection: Connection) -> dict[str, str]:
    found = connection.execute(text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"))
    return {row.name: row.sql for row in found}


# An index of an expression is compared with the others below.
@pytest.mark.filterwarnings("ignore:.*expression-based index")
def test_the_migrations_make_what_the_tables_say(path: Path) -> None:
    engine = create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        indexes = indexes_of(connection)
    engine.dispose()
    scratch = create_engine("sqlite://")
    metadata.create_all(scratch)
    with scratch.connect() as connection:
        wanted = indexes_of(connection)
    scratch.dispose()
    # The comparison above is blind to the condition of a partial index.
    assert indexes == wanted
    assert "one_stop_at_a_time" in indexes


async def test_migrating_again_keeps_what_is_there(path: Path, db: Database) -> None:
    made = await created(db, 3)
    before = await rows(db, "SELECT * FROM sqlite_master")
    await asyncio.to_thread(migrate, path)
    assert await rows(db, "SELECT * FROM sqlite_master") == before
    assert await rows(db, "SELECT id FROM jobs ORDER BY id") == [(job,) for job in made]


def test_buckets_that_were_kept_become_those_of_their_jobs(tmp_path: Path) -> None:
    buckets = {1: "data", 2: "My_Bucket", 3: None, 4: "", 5: "jobs"}
    at_release(tmp_path / "test.db", "0002")
    with sqlite3.connect(tmp_path / "test.db") as db:
        for job, bucket in buckets.items():
            db.execute(
                "INSERT INTO jobs (id, project, name, desc, kind, user, status, created_at, updated_at)"
                " VALUES (?, 'p', ?, '', '', '', 'draft', 0, 0)",
                [job, str(job)],
            )
            db.execute("INSERT INTO specs VALUES (?, '{}', ?)", [job, json.dumps({"obs_bucket": bucket})])
        db.execute(
            "INSERT INTO runs (job_id, cluster, flink_job_id, phase, created_at) VALUES (1, 'c', 'f', 'running', 0)"
        )
    db.close()
    migrate(tmp_path / "test.db")
    with sqlite3.connect(tmp_path / "test.db") as db:
        assert dict(db.execute("SELECT id, bucket FROM jobs")) == {1: "data", 2: None, 3: None, 4: None, 5: None}
        assert db.execute("SELECT checkpoints FROM runs").fetchall() == [(None,)]
    db.close()


def test_tags_that_were_kept_get_the_project_of_their_job_and_those_of_deleted_jobs_go(tmp_path: Path) -> None:
    at_release(tmp_path / "test.db", "0008")
    with sqlite3.connect(tmp_path / "test.db") as db:
        for job, gone in ((1, None), (2, 7)):
            db.execute(
                "INSERT INTO jobs (id, project, name, desc, kind, user, status, created_at, updated_at, deleted_at)"
                " VALUES (?, 'p', ?, '', '', '', 'draft', 0, 0, ?)",
                [job, str(job), gone],
            )
            db.execute("INSERT INTO job_tags VALUES (?, 'team', 'a')", [job])
    db.close()
    migrate(tmp_path / "test.db")
    with sqlite3.connect(tmp_path / "test.db") as db:
        assert db.execute("SELECT * FROM job_tags").fetchall() == [(1, "team", "a", "p")]
    db.close()


def at_release(path: Path, revision: str) -> None:
    """A database as an earlier release has left it."""
    config = Config()
    config.set_main_option("script_location", str(Path(database.__file__).parent / "migrations"))
    engine = create_engine(f"sqlite:///{path}")
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
    engine.dispose()


def test_services_that_start_at_once_migrate_once(tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(migrate, [tmp_path / "test.db"] * 6))
    with sqlite3.connect(tmp_path / "test.db") as db:
        assert db.execute("SELECT count(*) FROM alembic_version").fetchone() == (1,)
    db.close()


def test_a_migration_that_is_cut_off_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make, made = Operations.create_table, Counter[str]()

    def cut_off(self: Operations, name: str, *args: Any, **options: Any) -> Any:
        made[name] += 1
        if len(made) == 5:
            raise KeyboardInterrupt
        return make(self, name, *args, **options)

    with monkeypatch.context() as patched:
        patched.setattr(Operations, "create_table", cut_off)
        with pytest.raises(KeyboardInterrupt):
            migrate(tmp_path / "test.db")
    assert len(made) == 5
    with sqlite3.connect(tmp_path / "test.db") as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == []
    db.close()
    migrate(tmp_path / "test.db")


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "test.db").write_text("Dear diary, " * 100)
    with pytest.raises(BadDatabase, match=r"test\.db cannot be used: file is not a database"):
        migrate(tmp_path / "test.db")
    assert (tmp_path / "test.db").read_text().startswith("Dear diary"), "and it is left alone"


def test_a_database_of_a_later_release(path: Path) -> None:
    with sqlite3.connect(path) as db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    db.close()
    with pytest.raises(BadDatabase, match="not of this release"):
        migrate(path)


@pytest.mark.parametrize("name", ["what?mode=ro", "100%", "数 据", "a%20b"])
async def test_any_directory_will_do(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    path = tmp_path / name / "test.db"
    await asyncio.to_thread(migrate, path)
    db = Database(path)
    assert await created(db) == [1]
    await db.close()
    assert path.stat().st_size
    assert os.listdir(tmp_path) == [name]


# Connections. --------------------------------------------------------------------------------------------------------


async def test_every_connection_is_as_durable_as_promised(db: Database) -> None:
    async def look(write: bool) -> dict[str, object]:
        async with db.write() if write else db.read() as connection:
            await asyncio.sleep(0.05)  # so that each has a connection of its own
            names = ("synchronous", "journal_mode", "foreign_keys")
            return {name: (await connection.execute(text(f"PRAGMA {name}"))).scalar() for name in names}

    found = await asyncio.gather(*(look(write) for write in (True, False, False, False)))
    assert found == [{"synchronous": 2, "journal_mode": "wal", "foreign_keys": 1}] * 4


async def test_a_reader_sees_one_moment_and_waits_for_no_writer(db: Database, other: Database) -> None:
    await created(db)
    async with db.read() as reader:
        count = text("SELECT count(*) FROM jobs")
        assert (await reader.execute(count)).scalar() == 1
        async with other.write() as writer:
            await writer.execute(text("DELETE FROM jobs"))
            assert (await reader.execute(count)).scalar() == 1
        assert (await reader.execute(count)).scalar() == 1
    assert await rows(db, "SELECT count(*) FROM jobs") == [(0,)]


async def test_a_writer_has_the_lock_from_its_first_line(db: Database, other: Database) -> None:
    order = []

    async def second() -> None:
        async with other.write():
            order.append("second")

    async with db.write():
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.1)
        order.append("first")
    await waiting
    assert order == ["first", "second"]


async def test_what_is_raised_inside_rolls_back(db: Database) -> None:
    async def fails() -> None:
        async with db.write() as connection:
            await connection.execute(insert(batches).values(project=P, savepoint=True, reason="", created_at=0))
            raise LookupError

    with pytest.raises(LookupError):
        await fails()
    assert await rows(db, "SELECT count(*) FROM batches") == [(0,)]


# Guarded updates. ----------------------------------------------------------------------------------------------------


async def test_an_update_moves_exactly_the_rows_that_match(db: Database) -> None:
    first, second, third = await running(db, 3)
    async with db.write() as connection:
        await connection.execute(update(runs).where(runs.c.job_id == second).values(version=7))
    by_job = dict(await rows(db, "SELECT job_id, id FROM runs"))
    changes = [
        {"id": by_job[first], "version": 0, "phase": "finished", "reason": "a", "acknowledged": False, "ended_at": 5},
        {"id": by_job[second], "version": 0, "phase": "failed", "reason": "b", "acknowledged": True, "ended_at": 6},
        {"id": 99, "version": 0, "phase": "failed", "reason": "c", "acknowledged": True, "ended_at": None},
    ]
    async with db.write() as connection:
        assert await guarded_update(connection, runs, changes) == {by_job[first]}
        assert await guarded_update(connection, runs, []) == set()
        assert await guarded_update(connection, runs, changes[:1], runs.c.job_id == third) == set(), "guards count"
    assert await rows(
        db, "SELECT job_id, phase, reason, acknowledged, ended_at, version FROM runs ORDER BY job_id"
    ) == [
        (first, "finished", "a", 0, 5, 1),
        (second, "running", "", 1, None, 7),
        (third, "running", "", 1, None, 0),
    ]


async def test_rows_of_one_update_may_set_different_columns(db: Database) -> None:
    first, second, third = await running(db, 3)
    changes: list[dict[str, object]] = [
        {"id": first, "run_id": first, "status": "finished", "why": "done"},
        {"id": second, "run_id": second, "why": "well"},
        {"id": third, "run_id": 99, "status": "failed"},
    ]
    async with db.write() as connection:
        assert await guarded_update(connection, jobs, changes, match=("id", "run_id")) == {first, second}
    shown = await rows(db, "SELECT status, why FROM jobs ORDER BY id")
    assert shown == [("finished", "done"), ("running", "well"), ("running", "")]


async def test_null_matches_null_and_nothing_else(db: Database) -> None:
    first, second = await created(db, 2)
    async with db.write() as connection:
        await connection.execute(update(jobs).where(jobs.c.id == second).values(stop_id=5))
        changes = [{"id": job, "stop_id": None, "why": "moved"} for job in (first, second)]
        assert await guarded_update(connection, jobs, changes, match=("id", "stop_id")) == {first}
        changes = [{"id": job, "stop_id": 5, "why": "again"} for job in (first, second)]
        assert await guarded_update(connection, jobs, changes, match=("id", "stop_id")) == {second}


async def test_a_list_keeps_its_order_and_its_large_numbers(db: Database) -> None:
    values = [2**63 - 1, 1, 2**53 + 1, 1]
    async with db.read() as connection:
        given = listed(values)
        found = await connection.execute(select(given.c.key, given.c.value).order_by(given.c.key))
        assert [tuple(row) for row in found] == list(enumerate(values))


# Leases. -------------------------------------------------------------------------------------------------------------


async def test_a_lease_is_held_renewed_and_taken_over_when_it_has_run_out(db: Database, other: Database) -> None:
    mine = await leases.claim(db, ["c0"], "me", TTL)
    assert await leases.claim(other, ["c0"], "you", TTL) == {}
    await pass_by(db, timedelta(seconds=4))
    assert await leases.claim(db, ["c0"], "me", TTL) == mine, "renewed"
    await pass_by(db, timedelta(seconds=4))
    assert await leases.claim(other, ["c0"], "you", TTL) == {}
    await pass_by(db, timedelta(seconds=2))
    theirs = await leases.claim(other, ["c0", "c1"], "you", TTL)
    assert theirs["c0"].fence == mine["c0"].fence + 1
    assert theirs["c1"].fence == 1, "other clusters are another matter"
    assert set(await leases.claim(db, ["c0", "c1", "c2"], "me", TTL)) == {"c2"}


async def pass_by(db: Database, time: timedelta) -> None:
    """Let so much of every lease be over."""
    async with db.write() as connection:
        await connection.execute(
            update(schema.holders).values(until=schema.holders.c.until - round(time.total_seconds() * 1000))
        )


async def test_a_lease_given_back_is_free_at_once_and_its_fence_goes_on_growing(db: Database) -> None:
    first = await leases.claim(db, ["c0"], "me", TTL)
    await leases.release(db, "me")
    second = await leases.claim(db, ["c0"], "you", TTL)
    assert second["c0"].fence > first["c0"].fence
    await leases.release(db, "me")
    assert await leases.claim(db, ["c0"], "me", TTL) == {}, "and nobody gives back what is another's"


async def test_of_many_who_ask_at_once_one_gets_it(db: Database, other: Database) -> None:
    asking = [leases.claim(db if n % 2 else other, ["c0"], f"owner-{n}", TTL) for n in range(20)]
    assert sum(map(len, await asyncio.gather(*asking))) == 1


async def test_any_number_of_leases_is_renewed_with_one_row(db: Database, other: Database) -> None:
    names = [f"c{n}" for n in range(20)]
    mine = await leases.claim(db, names, "me", TTL)
    before, [(until,)] = await rows(db, "SELECT * FROM leases"), await rows(db, "SELECT until FROM holders")
    await pass_by(db, timedelta(seconds=4))
    assert await leases.claim(db, names, "me", TTL, mine) == mine
    assert await rows(db, "SELECT * FROM leases") == before
    [(renewed,)] = await rows(db, "SELECT until FROM holders")
    assert renewed >= until, "for all of them"
    await pass_by(db, timedelta(seconds=4))
    assert await leases.claim(other, names, "you", TTL) == {}


async def test_leases_that_ran_out_meanwhile_are_not_renewed_where_another_has_them(
    db: Database, other: Database
) -> None:
    """As after the host was suspended. One that nobody has taken is still the same lease."""
    mine = await leases.claim(db, ["c0", "c1"], "me", TTL)
    await pass_by(db, timedelta(seconds=6))
    assert set(await leases.claim(other, ["c0"], "you", TTL)) == {"c0"}
    assert await leases.claim(db, ["c0", "c1"], "me", TTL, mine) == {"c1": mine["c1"]}
    assert await leases.claim(other, ["c1"], "you", TTL) == {}
    assert not leases.still_held(db, mine["c0"])


async def test_a_lease_of_a_cluster_that_is_gone_is_given_back(db: Database, other: Database) -> None:
    """Its holder lives on, and would hold it for ever."""
    mine = await leases.claim(db, ["c0", "c1"], "me", TTL)
    assert await leases.claim(db, ["c0"], "me", TTL, mine) == {"c0": mine["c0"]}
    assert set(await leases.claim(other, ["c0", "c1"], "you", TTL)) == {"c1"}
    await pass_by(db, timedelta(seconds=6))
    theirs = await leases.claim(other, ["c0"], "you", TTL)
    assert await leases.claim(db, [], "me", TTL, mine) == {}, "nor is one that is another's by now"
    assert leases.still_held(db, theirs["c0"])


async def test_a_lease_from_the_future_is_taken(db: Database) -> None:
    await leases.claim(db, ["c"], "dead", TTL)
    await pass_by(db, -timedelta(hours=1))
    assert "c" in await leases.claim(db, ["c"], "next", TTL), "the clock was set back"
    assert await leases.claim(db, ["c"], "third", TTL) == {}


async def test_who_has_lost_the_lease_stores_nothing(db: Database, other: Database, tmp_path: Path) -> None:
    [job] = await running(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    mine = (await leases.claim(db, ["c0"], "me", TTL))["c0"]
    [seen] = await unsettled(db, "c0")
    assert seen.stop is not None
    await pass_by(db, timedelta(seconds=6))
    theirs = (await leases.claim(other, ["c0"], "you", TTL))["c0"]
    late = Change(
        seen,
        replace(
            seen,
            run=replace(seen.run, phase=RunPhase.FINISHED),
            stop=replace(seen.stop, phase=StopPhase.LOST, settled_at=NOW),
        ),
    )
    before = await dump(db)
    assert await save(db, mine, [late], NOW) == {}
    assert await dump(db) == before
    assert list(await save(other, theirs, [late], NOW)) == [seen.run.id]
    assert (await job_of(db, job)).status is JobStatus.FAILED


async def test_who_has_lost_the_lease_moves_no_deadline(db: Database, other: Database, tmp_path: Path) -> None:
    """A host that was suspended sees the wall clock jump before it learns that another has its clusters."""
    [job] = await running(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    mine = (await leases.claim(db, ["c0"], "me", TTL))["c0"]
    [seen] = await unsettled(db, "c0")
    doubted = replace(seen, run=replace(seen.run, doubt_since=NOW))
    await save(db, mine, [Change(seen, doubted)], NOW)
    assert not await deadlines.keep_time(db, mine, BEFORE), "there is nothing to hold it against yet"
    await pass_by(db, timedelta(seconds=6))
    theirs = (await leases.claim(other, ["c0"], "you", TTL))["c0"]
    before, hour = await dump(db), timedelta(hours=1)
    assert not await deadlines.keep_time(db, mine, AFTER)
    await deadlines.take_over(db, [mine], AFTER)
    assert await dump(db) == before
    assert await deadlines.keep_time(other, theirs, AFTER), "the next holder has never seen another time, and yet"
    assert not await deadlines.keep_time(other, theirs, AFTER), "once"
    [moved] = await unsettled(db, "c0")
    assert seen.stop is not None
    assert moved.stop is not None
    assert moved.stop.deadline == seen.stop.deadline + hour
    assert moved.run.doubt_since is None


async def unsettled(db: Database, cluster: str) -> list[Watched]:
    [found] = await work.read_all(db, [cluster])
    return list(found.watched)


async def save(db: Database, lease: leases.Lease, changes: Sequence[Change], now: datetime) -> dict[int, Watched]:
    return dict((await work.Records(db)(lease, changes, now)).by_run)


async def test_clocks_of_two_boots_are_not_compared(db: Database, tmp_path: Path) -> None:
    [job] = await running(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    lease = (await leases.claim(db, ["c0"], "me", TTL))["c0"]
    await deadlines.keep_time(db, lease, BEFORE)
    before = await dump(db)
    assert not await deadlines.keep_time(db, lease, replace(AFTER, boot="the next"))
    assert await dump(db) == before
    assert await deadlines.keep_time(db, lease, replace(BEFORE, boot="the next")), "and from then on they are"


async def dump(db: Database) -> list[list[tuple[Any, ...]]]:
    return [await rows(db, f"SELECT * FROM {table}") for table in ("jobs", "runs", "stops", "events")]


async def job_of(db: Database, job: int) -> Job:
    found = await views.job(db, P, job)
    assert found is not None
    return found


# Stops and starts at once. -------------------------------------------------------------------------------------------


async def test_the_database_itself_refuses_a_second_stop(db: Database, tmp_path: Path) -> None:
    [job] = await running(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    columns = [column.name for column in stops.columns if column.name not in {"id", "phase"}]
    for phase in ("waiting", "sent", "ending", "overdue"):
        copy = text(
            f"INSERT INTO stops ({', '.join(columns)}, phase) SELECT {', '.join(columns)}, '{phase}' FROM stops"
        )
        with pytest.raises(IntegrityError):
            async with db.write() as connection:
                await connection.execute(copy)
    async with db.write() as connection:
        await connection.execute(update(stops).values(phase="stopped"))
        await connection.execute(copy)  # the next may come when the first has settled
    assert await rows(db, "SELECT phase FROM stops ORDER BY id") == [("stopped",), ("overdue",)]


async def test_twenty_callers_of_two_services_make_one_stop_a_job(
    db: Database, other: Database, tmp_path: Path
) -> None:
    made = await running(db, 50)
    callers = [stopping(db if n % 2 else other, tmp_path) for n in range(20)]

    async def call(n: int) -> Sequence[Verdict]:
        asked = made[n:] + made[: n + 1]  # all of them, from another one on, and one twice
        batch = await callers[n](StopOrder(P, asked, savepoint=n % 3 > 0))
        assert (batch.id is None) == (not any(verdict.accepted for verdict in batch.verdicts))
        return list(dict(zip(asked, batch.verdicts, strict=True)).values())

    answers = await asyncio.gather(*(call(n) for n in range(20)))
    accepted = [verdict for verdicts in answers for verdict in verdicts if verdict.accepted]
    # A cancel may take the place of a stop with a savepoint that has sent nothing, once: it is the same stop.
    assert len([verdict for verdict in accepted if verdict != TAKES_ITS_PLACE]) == 50
    assert len(accepted) <= 100
    assert {v.refusal for verdicts in answers for v in verdicts} == {None, Refusal.WRONG_STATE}
    assert await rows(db, "SELECT job_id, count(*) FROM stops GROUP BY job_id") == [(job, 1) for job in made]
    assert await rows(db, "SELECT count(DISTINCT token), count(DISTINCT root) FROM stops") == [(50, 50)]
    linked = (
        "SELECT count(*) FROM jobs JOIN stops ON stops.id = stop_id AND stops.job_id = jobs.id AND phase = 'waiting'"
    )
    assert await rows(db, linked) == [(50,)]
    assert await rows(
        db,
        "SELECT count(*) FROM batches WHERE id NOT IN (SELECT batch_id FROM stops UNION SELECT batch_id FROM rejoined)",
    ) == [(0,)]


async def test_a_job_started_twice_at_once_runs_once(db: Database, other: Database, tmp_path: Path) -> None:
    made = await created(db, 5)
    calls = [starting(db if n % 2 else other, tmp_path)(StartOrder(P, made, resume=False)) for n in range(8)]
    answers = await asyncio.gather(*calls)
    for position in range(5):
        verdicts = [answer.verdicts[position] for answer in answers]
        assert sum(verdict.accepted for verdict in verdicts) == 1
        assert {v.refusal for v in verdicts if not v.accepted} == {Refusal.WRONG_STATE}
    assert await rows(db, "SELECT job_id, count(*) FROM runs GROUP BY job_id") == [(job, 1) for job in made]
    assert await rows(db, "SELECT count(*) FROM jobs JOIN runs ON runs.id = run_id AND status = 'submitting'") == [(5,)]


async def test_a_start_decided_before_another_run_began_is_refused(db: Database) -> None:
    [job] = await created(db)
    start = intents.Start(job, None, "c0", "a" * 32, None)
    assert await intents.accept_starts(db, [start], [JobStatus.DRAFT], NOW) == {job}
    async with db.write() as connection:
        await connection.execute(update(jobs).values(status="stopped"))
    stale = replace(start, flink_job_id="b" * 32, restore="file:///older")
    assert await intents.accept_starts(db, [stale], [JobStatus.STOPPED], NOW) == set()
    [(run,)] = await rows(db, "SELECT run_id FROM jobs")
    fresh = replace(stale, seen_run=run)
    assert await intents.accept_starts(db, [fresh], [JobStatus.STOPPED], NOW) == {job}


async def test_a_start_decided_before_its_job_was_seen_alive_again_is_refused(db: Database) -> None:
    [job] = await running(db)
    [(run,)] = await rows(db, "SELECT run_id FROM jobs")
    again = intents.Start(job, run, "c0", "b" * 32, None)  # decided when the run looked lost
    assert await intents.accept_starts(db, [again], sorted(RUNNABLE), NOW) == set()
    assert await rows(db, "SELECT count(*) FROM runs") == [(1,)]


async def test_stops_and_deletions_at_once_leave_no_job_without_its_stop(
    db: Database, other: Database, tmp_path: Path
) -> None:
    made = await running(db, 10)
    await asyncio.gather(
        stopping(db, tmp_path)(StopOrder(P, made)),
        deleting(other, made[:5]),
        deleting(db, made[3:]),
    )
    assert await rows(db, "SELECT count(*) FROM jobs WHERE deleted_at IS NULL") == [(0,)]
    assert await rows(db, "SELECT job_id, count(*) FROM stops GROUP BY job_id") == [(job, 1) for job in made]


# What a turn stores. -------------------------------------------------------------------------------------------------


async def look(db: Database) -> tuple[leases.Lease, Watched]:
    lease = (await leases.claim(db, ["c0"], "me", TTL))["c0"]
    [seen] = await unsettled(db, "c0")
    return lease, seen


def finished(seen: Watched) -> Change:
    return Change(seen, replace(seen, run=replace(seen.run, phase=RunPhase.FINISHED, ended_at=NOW)))


async def test_a_stop_accepted_during_a_turn_keeps_the_word_about_its_job(db: Database, tmp_path: Path) -> None:
    [job] = await running(db)
    lease, seen = await look(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    assert list(await save(db, lease, [finished(seen)], NOW)) == [seen.run.id], "the run's end is stored"
    assert (await job_of(db, job)).status is JobStatus.SAVEPOINTING
    [again] = await unsettled(db, "c0")
    assert again.run.phase is RunPhase.FINISHED, "an ended run is still looked at for its open stop"
    assert again.open_stop is not None


async def test_a_turn_that_saw_nothing_of_a_stop_nor_of_its_withdrawal_looks_again(
    db: Database, tmp_path: Path
) -> None:
    [job] = await running(db)
    lease, seen = await look(db)
    batch = (await stopping(db, tmp_path)(StopOrder(P, [job]))).id
    assert await abort(db, P, batch or 0, NOW, "me") is not None
    assert await save(db, lease, [finished(seen)], NOW) == {}, "the job would go on showing that it runs"
    lease, again = await look(db)
    await save(db, lease, [finished(again)], NOW)
    assert (await job_of(db, job)).status is JobStatus.FINISHED


async def test_a_run_begun_during_a_turn_keeps_the_word_about_its_job(db: Database) -> None:
    [job] = await running(db)
    lease, seen = await look(db)
    await save(db, lease, [finished(seen)], NOW)
    assert (await job_of(db, job)).status is JobStatus.FINISHED
    start = intents.Start(job, seen.run.id, "c0", "f" * 32, None)
    await intents.accept_starts(db, [start], [JobStatus.FINISHED], NOW)
    failed = Change(seen, replace(seen, run=replace(seen.run, phase=RunPhase.FAILED, reason="late news")))
    assert await save(db, lease, [failed], NOW) == {}, "the run has moved since it was looked at"
    current = await rows(db, "SELECT phase FROM runs ORDER BY id")
    assert current == [("finished",), ("accepted",)]
    assert (await job_of(db, job)).status is JobStatus.SUBMITTING


async def test_news_of_an_old_run_does_not_show_in_the_job(db: Database) -> None:
    [job] = await running(db)
    lease, seen = await look(db)
    async with db.write() as connection:  # the job has gone on to another run; this one was not seen to end
        await connection.execute(update(jobs).values(run_id=99, status="running"))
    lost = Change(
        replace(seen, current=False), replace(seen, current=False, run=replace(seen.run, phase=RunPhase.LOST))
    )
    assert list(await save(db, lease, [lost], NOW)) == [seen.run.id]
    assert (await job_of(db, job)).status is JobStatus.RUNNING


async def test_of_two_turns_with_the_same_news_one_stores_it(db: Database) -> None:
    await running(db)
    lease, seen = await look(db)
    stored = await asyncio.gather(*(save(db, lease, [finished(seen)], NOW) for _ in range(5)))
    assert sum(bool(each) for each in stored) == 1
    assert await rows(db, "SELECT count(*) FROM events WHERE kind = 'run_finished'") == [(1,)]


async def test_a_save_gives_back_what_can_be_saved_again(db: Database, tmp_path: Path) -> None:
    [job] = await running(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    lease, seen = await look(db)
    assert seen.stop is not None
    sent = Change(seen, replace(seen, stop=replace(seen.stop, phase=StopPhase.SENT, sent_at=NOW)))
    stored = (await save(db, lease, [sent], NOW))[seen.run.id]
    assert [stored] == await unsettled(db, "c0")
    assert stored.stop is not None
    known = Change(stored, replace(stored, stop=replace(stored.stop, acknowledged=True)))
    assert await save(db, lease, [known], NOW)


MOVES_OF_A_STOP: dict[str, object] = {
    **dict.fromkeys(("held", "acknowledged", "abandoned", "verified"), True),
    **dict.fromkeys(("sent_at", "retry_at", "doubt_since", "forgotten_since", "idle_since", "stable_since"), NOW),
    **dict.fromkeys(("foreign_savepoint", "checkpoint_path", "savepoint_path", "unproven", "claim"), "file:///s"),
    **dict.fromkeys(("reason", "format_why", "restarted"), "so"),
    "savepoint": False,
    "policy": StopPolicy(drain=True, timeout=timedelta(seconds=7)),
    "phase": StopPhase.OVERDUE,
    "deadline": NOW,
    "attempt": 2,
    "savepoint_size": 9,
    "settled_at": NOW,
    "format": SavepointFormat.NATIVE,
}
MOVES_OF_A_RUN: dict[str, object] = {
    **dict.fromkeys(("doubt_since", "started_at", "ended_at", "falters_since"), NOW),
    **dict.fromkeys(("life", "reason", "note", "zone"), "so"),
    "phase": RunPhase.SUBMITTING,
    "acknowledged": False,
    "held": True,
    "claims": True,
    "traits": Traits(backend="forst"),
    "health": Health(Condition.RUNNING, NOW, tasks=3, proof=Proof.GIVEN, up_at=NOW),
}


async def test_each_thing_that_moves_is_stored_by_itself(db: Database, tmp_path: Path) -> None:
    """Only what moved is written, so nothing may depend on what is written beside it."""
    assert (set(MOVES_OF_A_STOP), set(MOVES_OF_A_RUN)) == (set(STOP_MOVES), {*RUN_MOVES, "health"})
    [job] = await running(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    lease, known = await look(db)
    for part, moves in (("stop", MOVES_OF_A_STOP), ("run", MOVES_OF_A_RUN)):
        for name, value in moves.items():
            changes: dict[str, Any] = {part: replace(getattr(known, part), **{name: value})}
            known = (await save(db, lease, [Change(known, replace(known, **changes))], NOW))[known.run.id]
            assert [known] == await unsettled(db, "c0"), name


async def test_a_stop_that_is_saved_shows_its_savepoint_in_the_job(db: Database, tmp_path: Path) -> None:
    [job] = await running(db)
    await stopping(db, tmp_path)(StopOrder(P, [job]))
    lease, seen = await look(db)
    assert seen.stop is not None
    saved = replace(
        seen.stop, phase=StopPhase.STOPPED, savepoint_path="file:///s", savepoint_size=9, verified=True, settled_at=NOW
    )
    await save(db, lease, [Change(seen, Watched(replace(seen.run, phase=RunPhase.FINISHED), saved))], NOW)
    after = await job_of(db, job)
    assert (after.status, after.savepoint_path, after.savepoint_size) == (JobStatus.STOPPED, "file:///s", 9)
    assert await unsettled(db, "c0") == []


# Jobs. ---------------------------------------------------------------------------------------------------------------


async def test_a_change_is_made_only_of_a_job_that_is_as_it_was_seen(db: Database) -> None:
    [job] = await created(db)
    seen = await job_of(db, job)
    assert await intents.update_job(db, seen, replace(seen.draft, desc="mine"), NOW) == await job_of(db, job)
    before = await dump(db)
    assert await intents.update_job(db, seen, replace(seen.draft, desc="of what it was before"), NOW) is None
    assert await intents.update_job(db, replace(await job_of(db, job), project="another"), seen.draft, NOW) is None
    assert await dump(db) == before


async def test_of_changes_at_once_none_is_lost(db: Database, other: Database, tmp_path: Path) -> None:
    [job] = await created(db)

    def one_more(found: Job) -> JobDraft:
        return replace(found.draft, desc=f"{found.draft.desc}x")

    editing = [editor(db if n % 2 else other, tmp_path) for n in range(6)]
    await asyncio.gather(*(edit.update(P, job, one_more) for edit in editing))
    assert (await job_of(db, job)).draft.desc == "x" * 6


async def test_a_change_that_raises_leaves_the_job_as_it_was(db: Database, tmp_path: Path) -> None:
    [job] = await created(db)
    before = await dump(db)

    def refuse(_: Job) -> JobDraft:
        raise PermissionError

    with pytest.raises(PermissionError):
        await editor(db, tmp_path).update(P, job, refuse)
    for project, unknown in (("another", job), (P, 99)):
        with pytest.raises(UnknownJob):
            await editor(db, tmp_path).update(project, unknown, refuse)
    assert await dump(db) == before


async def test_a_name_that_is_taken_is_refused_in_whole(db: Database) -> None:
    _, second = await created(db, 2)
    before = await dump(db)
    with pytest.raises(NameInUse):
        await intents.create_job(db, P, JobDraft("job-0", JobSpec("other")), "u", NOW)
    with pytest.raises(NameInUse):
        await intents.update_job(db, await job_of(db, second), JobDraft("job-0", JobSpec("other")), NOW)
    assert await dump(db) == before
    other_project = await intents.create_job(db, "another", JobDraft("job-0", JobSpec("-")), "u", NOW)
    assert other_project.id == second + 1


async def test_of_many_jobs_of_one_name_at_once_one_is_made(db: Database, other: Database) -> None:
    making = [
        intents.create_job(db if n % 2 else other, P, JobDraft("same", JobSpec("-")), "u", NOW) for n in range(10)
    ]
    made = await asyncio.gather(*making, return_exceptions=True)
    assert sum(isinstance(each, Job) for each in made) == 1
    assert sum(isinstance(each, NameInUse) for each in made) == 9
    assert await rows(db, "SELECT count(*) FROM specs") == [(1,)]


async def test_the_name_of_a_deleted_job_is_free_and_its_id_is_not_given_again(db: Database) -> None:
    [job] = await created(db)
    assert await deleting(db, [job, 99]) == ({job}, {}, set())
    [again] = await created(db)
    assert again > job
    assert await views.job(db, P, job) is None
    async with db.read() as connection:
        kinds = (await connection.execute(select(events.c.kind).where(events.c.job_id == job))).scalars()
        assert list(kinds) == ["job_created", "job_deleted"]


# What is kept in memory between turns. ------------------------------------------------------------------------------

Act = Callable[[Database, Path, int], Awaitable[object]]


async def _in_a_turn(db: Database, _: Path, __: int) -> None:
    lease, seen = await look(db)
    await save(db, lease, [finished(seen)], NOW)


async def _taken_back(db: Database, directory: Path, job: int) -> None:
    batch = (await stopping(db, directory)(StopOrder(P, [job]))).id
    await abort(db, P, batch or 0, NOW, "me")


async def _run_anew(db: Database, directory: Path, job: int) -> None:
    await _in_a_turn(db, directory, job)
    await starting(db, directory)(StartOrder(P, [job], resume=False))


async def _after_a_jump(db: Database, _: Path, __: int) -> None:
    lease, _seen = await look(db)
    await deadlines.keep_time(db, lease, BEFORE)
    await deadlines.keep_time(db, lease, AFTER)


BY_OTHERS: dict[str, Act] = {
    "a stop is accepted": lambda db, directory, job: stopping(db, directory)(StopOrder(P, [job])),
    "a stop is withdrawn": _taken_back,
    "it is deleted": lambda db, _, job: deleting(db, [job]),
    "a turn of somebody else": _in_a_turn,
    "it is run again": _run_anew,
    "the clock has jumped": _after_a_jump,
}


@pytest.mark.parametrize("act", BY_OTHERS.values(), ids=list(BY_OTHERS))
async def test_what_others_change_is_read_anew(db: Database, other: Database, tmp_path: Path, act: Act) -> None:
    first, _ = await running(db, 2)
    memory, (lease, *_) = Memory(db, work.Records(db)), (await leases.claim(db, ["c0"], "me", TTL)).values()
    before = await memory.watched(lease)
    kept = await memory.watched(lease)
    assert all(now is then for now, then in zip(kept, before, strict=True)), "nothing has changed, nothing is read"
    async with db.write() as connection:  # the second is another matter, on another cluster
        await connection.execute(update(runs).where(runs.c.job_id != first).values(cluster="c1"))
    await memory.watched(lease)
    await act(other, tmp_path, first)
    assert await memory.watched(lease) == await unsettled(db, "c0")


async def test_what_a_turn_has_stored_is_known_without_reading(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await running(db, 2)
    memory, (lease, *_) = Memory(db, work.Records(db)), (await leases.claim(db, ["c0"], "me", TTL)).values()
    one, two = await memory.watched(lease)
    at_work = Change(one, replace(one, run=replace(one.run, note="noted")))
    await memory.record(lease, [at_work, finished(two)], NOW)
    rows = await unsettled(db, "c0")
    with monkeypatch.context() as patched:
        patched.setattr(work.Records, "read", None)
        assert await memory.watched(lease) == rows
    assert [each.run.note for each in rows] == ["noted"], "what is over is not watched"


async def test_only_what_was_not_committed_is_taken_back(
    db: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    rollback = aiosqlite.Connection.rollback

    async def counted(connection: aiosqlite.Connection) -> None:
        asked.append(connection)
        await rollback(connection)

    monkeypatch.setattr(aiosqlite.Connection, "rollback", counted)
    await created(db)
    async with db.read() as connection:
        await connection.execute(select(jobs.c.id))
    assert not asked, "nothing is left to take back, and no thread is asked"

    async def half() -> None:
        async with db.write() as connection:
            await connection.execute(update(jobs).values(desc="half"))
            raise RuntimeError("broken off")

    with pytest.raises(RuntimeError, match="broken off"):
        await half()
    assert len(asked) == 1
    async with other.write() as connection:
        assert (await connection.execute(select(jobs.c.desc))).scalars().all() == [""], "and nobody is locked out"


async def test_a_glance_at_the_changes_that_fails_is_not_the_last(db: Database) -> None:
    await running(db, 3)
    known = db.changes("c0")
    assert known is not None
    assert known > 0
    assert db.changes("elsewhere") == 0
    assert db._glance is not None
    db._glance.close()
    assert db.changes("c0") is None, "so that all is read anew"
    assert db.changes("c0") == known


async def test_turns_of_one_moment_are_recorded_together_and_each_by_its_own_lease(
    db: Database, other: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thousand clusters do not wait for a thousand transactions. A lease that was lost is lost for one of them."""
    await running(db, 3)
    async with db.write() as connection:
        await connection.execute(text("UPDATE runs SET cluster = 'c' || id"))
    mine = await leases.claim(db, ["c1", "c2", "c3"], "me", TTL)
    await pass_by(db, timedelta(seconds=6))
    await leases.claim(other, ["c2"], "you", TTL)
    seen = {name: (await unsettled(db, name))[0] for name in mine}
    together, record_all = list[int](), work.record_all

    async def counted(of: Database, found: Sequence[work.Found]) -> list[work.Recorded]:
        together.append(len(found))
        return await record_all(of, found)

    monkeypatch.setattr(work, "record_all", counted)
    records = work.Records(db)
    recorded = await asyncio.gather(*(records(mine[name], [finished(seen[name])], NOW) for name in mine))
    assert [list(each.by_run) for each in recorded] == [[seen["c1"].run.id], [], [seen["c3"].run.id]]
    assert together == [3]
    assert [each.number for each in recorded] == [db.changes(name) for name in mine]
    assert await rows(db, "SELECT phase FROM runs ORDER BY id") == [("finished",), ("running",), ("finished",)]


async def test_what_cannot_be_written_of_one_fails_for_it_alone() -> None:
    tried = list[list[str]]()

    async def write(parts: Sequence[str]) -> list[str]:
        tried.append(list(parts))
        if "bad" in parts:
            raise ValueError("bad")
        if "full" in parts:
            raise DatabaseUnavailable(Trouble.FULL)
        return [part.upper() for part in parts]

    joint = Joint[str, str](write, lambda part: part)
    first = await asyncio.gather(*[joint(part) for part in ("a", "bad", "b")], return_exceptions=True)
    assert [str(each) for each in first] == ["A", "bad", "B"]
    assert tried == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]
    tried.clear()
    refused = await asyncio.gather(*[joint(part) for part in ("a", "full", "a")], return_exceptions=True)
    assert [type(each) for each in refused] == [DatabaseUnavailable, DatabaseUnavailable, str]
    assert tried == [["a", "full"], ["a"]], "two of one kind are never in one transaction"


async def test_what_is_done_together_has_a_bound() -> None:
    tried = list[list[str]]()

    async def write(parts: Sequence[str]) -> Sequence[str]:
        tried.append(list(parts))
        return parts

    joint = Joint[str, str](write, lambda part: part, len, most=4)
    parts = ["aa", "bb", "c", "dddddd", "e"]
    assert await asyncio.gather(*[joint(part) for part in parts]) == parts
    assert tried == [["aa", "bb"], ["c"], ["dddddd"], ["e"]], "nobody is overtaken, and what is too much is done alone"


async def test_a_new_lease_and_a_write_that_broke_off_make_it_read_anew(
    db: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await running(db)
    memory, (lease, *_) = Memory(db, work.Records(db)), (await leases.claim(db, ["c0"], "me", TTL)).values()
    (seen,) = await memory.watched(lease)
    record = work.Records.__call__

    async def unsure(*about: Any) -> work.Recorded:
        await record(*about)
        raise OSError("the answer is lost")

    with monkeypatch.context() as patched:
        patched.setattr(work.Records, "__call__", unsure)
        with pytest.raises(OSError, match="lost"):
            await memory.record(lease, [finished(seen)], NOW)
    assert await memory.watched(lease) == []
    later = replace(lease, fence=lease.fence + 1)
    assert await memory.watched(later) == []


# What jobs were when they ran. ---------------------------------------------------------------------------------------


async def specs_of_all(db: Database) -> dict[int, str]:
    return {run: spec.sql for run, spec in (await past_specs.specs_of(db, [1, 2, 3])).items()}


async def change(db: Database, job: int, sql: str) -> None:
    seen = await job_of(db, job)
    assert await intents.update_job(db, seen, replace(seen.draft, spec=JobSpec(sql)), NOW)


async def run_again(db: Database, job: int) -> None:
    """One more run, of a job whose last one is over."""
    seen = (await views.origins(db, P, [job]))[job].run_id
    await execute(db, "UPDATE jobs SET status = 'stopped'")
    start = intents.Start(job, seen, "c0", os.urandom(16).hex(), None)
    assert await intents.accept_starts(db, [start], [JobStatus.STOPPED], NOW)


async def execute(db: Database, sql: str) -> None:
    async with db.write() as connection:
        await connection.execute(text(sql))


async def test_each_run_keeps_the_spec_that_it_was_started_with(db: Database) -> None:
    (job,) = await created(db)
    await change(db, job, "draft")  # no run has this
    await run_again(db, job)
    await change(db, job, "second")
    await change(db, job, "third")
    await run_again(db, job)
    await run_again(db, job)
    assert await specs_of_all(db) == {1: "draft", 2: "third", 3: "third"}
    await change(db, job, "fourth")
    assert await specs_of_all(db) == {1: "draft", 2: "third", 3: "third"}
    assert await rows(db, "SELECT run_id FROM past_specs ORDER BY run_id") == [(1,), (3,)], "kept once for each change"


async def test_a_change_of_a_name_keeps_no_spec(db: Database) -> None:
    (job,) = await running(db)
    seen = await job_of(db, job)
    assert await intents.update_job(db, seen, replace(seen.draft, name="another"), NOW)
    assert await rows(db, "SELECT * FROM past_specs") == []


def test_of_what_was_changed_before_the_upgrade_nobody_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, upgrade = tmp_path / "old.db", command.upgrade
    with monkeypatch.context() as patched:
        patched.setattr(command, "upgrade", lambda config, _: upgrade(config, "0013"))
        migrate(path)
    job = "INSERT INTO jobs (id, project, name, desc, kind, user, status, created_at, updated_at) VALUES"
    run = "INSERT INTO runs (id, job_id, cluster, flink_job_id, phase, created_at) VALUES"
    with sqlite3.connect(path) as db:
        for number, updated_at in ((1, 5), (2, 50)):
            db.execute(f"{job} ({number}, 'p', 'j{number}', '', '', '', 'stopped', 1, {updated_at})")
            for at in (10, 20):
                db.execute(f"{run} ({at + number}, {number}, 'c', 'f{at}-{number}', 'finished', {at})")
    db.close()
    migrate(path)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT * FROM past_specs ORDER BY 1").fetchall() == [
            (11, 1, None),
            (12, 2, None),
            (22, 2, None),
        ]
    db.close()
