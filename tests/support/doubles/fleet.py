"""A fake Flink in a thread of its own, and jobs that run there already: planning SQL would take a JVM."""

import asyncio
import sqlite3
import threading
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from tests.support.services import databases
from tests.support.services.process import wait_for

from sluiceway.domain.job import JobSpec
from sluiceway.store.rows import to_json
from sluiceway.testing.fake_disk import Disk
from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_jobs import FakeJob

T = TypeVar("T")
PROJECT = "proj0123"
CLUSTER = "c0"


class FakeCluster:
    """A fake Flink that a service of another process can reach."""

    def __init__(self, disk: Disk | None = None) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.fake = FakeFlink(disk=disk)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.fake.start(), self._loop).result(10)
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        asyncio.run_coroutine_threadsafe(self.fake.close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    @property
    def option(self) -> str:
        """What registers it."""
        return f"--cluster={CLUSTER}={self.fake.url}"

    def refuse(self) -> None:
        """Answer nobody from now on; what runs there runs on."""
        asyncio.run_coroutine_threadsafe(self.fake.close(), self._loop).result(10)

    def answer(self) -> None:
        """Answer again, at the same address."""
        asyncio.run_coroutine_threadsafe(self.fake.start(), self._loop).result(10)

    def do(self, action: Callable[[FakeFlink], T]) -> T:
        """Do something to the fake, in its own thread."""

        async def act() -> T:
            return action(self.fake)

        return asyncio.run_coroutine_threadsafe(act(), self._loop).result(10)


class Fleet:
    """Jobs in the database of a data directory, each running on the fake."""

    def __init__(self, data: Path, cluster: FakeCluster) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self.path = data / "sluiceway.db"
        self.cluster = cluster
        databases.make(self.path)

    def run(self, count: int = 1, *, project: str = PROJECT, **fields: Any) -> list[int]:
        """So many running jobs; `fields` are those of `FakeJob`."""
        ids = [uuid.uuid4().hex for _ in range(count)]
        self.cluster.do(lambda fake: [fake.add_job(jid, **fields) for jid in ids])
        with sqlite3.connect(self.path, timeout=20) as db:
            jobs = [self._insert(db, project, jid) for jid in ids]
        db.close()
        return jobs

    def draft(self, project: str = PROJECT) -> int:
        """A job that has never run."""
        with sqlite3.connect(self.path, timeout=20) as db:
            job = _insert_job(db, project, uuid.uuid4().hex)
        db.close()
        return job

    def forget(self, job: int) -> None:
        """Take a job, and all that came of it, out of the store, and what the fake has counted with it."""
        with sqlite3.connect(self.path, timeout=20) as db:
            for table in ("stops", "runs", "specs"):
                db.execute(f"DELETE FROM {table} WHERE job_id = ?", [job])
            db.execute("DELETE FROM jobs WHERE id = ?", [job])
            db.execute("DELETE FROM batches WHERE id NOT IN (SELECT batch_id FROM stops)")
        db.close()
        self.cluster.do(lambda fake: fake._counts.clear())

    def flink_job(self, job: int) -> FakeJob:
        """The Flink job of a job's latest run."""
        [(jid,)] = self.rows(f"SELECT flink_job_id FROM jobs WHERE id = {job}")
        return self.cluster.fake.jobs[jid]

    def status(self, job: int) -> str:
        """How the store has it."""
        return str(self.rows(f"SELECT status FROM jobs WHERE id = {job}")[0][0])

    def until(self, jobs: Sequence[int], status: str, seconds: float = 30.0) -> None:
        """Wait until the store has all of them in this status."""
        wanted = f"SELECT count(*) FROM jobs WHERE status = '{status}' AND id IN ({', '.join(map(str, jobs))})"
        wait_for(lambda: self.rows(wanted)[0][0] == len(jobs), seconds)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query shows, from beside the service."""
        with sqlite3.connect(self.path, timeout=20) as db:
            found = db.execute(sql).fetchall()
        db.close()
        return found

    def _insert(self, db: sqlite3.Connection, project: str, jid: str) -> int:
        job = _insert_job(db, project, jid)
        made = db.execute(
            "INSERT INTO runs (job_id, cluster, flink_job_id, phase, acknowledged, created_at, started_at)"
            " VALUES (?, ?, ?, 'running', 1, 0, 0)",
            [job, CLUSTER, jid],
        )
        db.execute(
            "UPDATE jobs SET status = 'running', started_at = 0, run_id = ?, cluster = ?, flink_job_id = ?"
            " WHERE id = ?",
            [made.lastrowid, CLUSTER, jid, job],
        )
        return job


def _insert_job(db: sqlite3.Connection, project: str, name: str) -> int:
    made = db.execute(
        "INSERT INTO jobs (project, name, desc, kind, user, status, created_at, updated_at)"
        " VALUES (?, ?, '', 'flink_opensource_sql_job', 'local', 'draft', 0, 0)",
        [project, name],
    )
    assert made.lastrowid is not None
    db.execute("INSERT INTO specs VALUES (?, ?, '{}')", [made.lastrowid, to_json(JobSpec("-"))])
    return made.lastrowid
