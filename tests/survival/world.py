"""A service over real clusters whose processes are killed and paused under it, and what is asked of it meanwhile."""

import contextlib
import itertools
import resource
import signal
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.flink.ha import HaFlink, JavaProcess
from tests.support.services.process import ServiceProcess, wait_for

GONE_AFTER = 6  # seconds; these clusters have few jobs, and recover them sooner
OVER = {None, "FINISHED", "CANCELED", "FAILED"}  # None: the cluster knows no such job

COUNTING = """
    CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
    CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
    INSERT INTO b SELECT n FROM s;
"""


class World:
    """A service with its data in `directory`, which can be started anew with other settings.

    `clusters` has the address that the service is given for each, and the cluster behind it.
    """

    def __init__(self, directory: Path, clusters: Mapping[str, tuple[str, HaFlink]]) -> None:
        self.directory = directory
        self.storage = directory / "storage"
        self.database = directory / "data" / "sluiceway.db"
        self._clusters = clusters
        self._numbers = itertools.count(1)
        self._service: ServiceProcess | None = None

    @property
    def _settings(self) -> list[str]:
        clusters = [f"--cluster={name}={url}" for name, (url, _) in self._clusters.items()]
        return [*clusters, f"--storage={self.storage}", f"--gone-after={GONE_AFTER}"]

    @property
    def service(self) -> ServiceProcess:
        """The service that runs now."""
        assert self._service is not None, "not started"
        return self._service

    def start(self, *options: str, crash: str | None = None) -> None:
        """Start a service, in the place of one that has ended."""
        self._service = ServiceProcess(self.directory / "data", *self._settings, *options, crash=crash)

    def died(self) -> None:
        """Wait for the service to die where it was told to; nobody is to wait for its leases to run out."""
        assert self.service.process.wait(60) == -signal.SIGKILL
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as db, db:
            db.execute("DELETE FROM holders")

    def end(self) -> None:
        """End the service in an orderly way."""
        assert self.service.end() == 0

    @contextlib.contextmanager
    def restarted(self, *options: str) -> Iterator[None]:
        """The same service with further options for as long as the context lasts."""
        self.end()
        self.start(*options)
        yield
        self.end()
        self.start()

    @contextlib.contextmanager
    def beside(self) -> Iterator[ServiceProcess]:
        """A second service on the same data, by mistake, for as long as the context lasts."""
        second = ServiceProcess(self.directory / "data", *self._settings)
        yield second
        assert second.end() == 0

    @contextlib.contextmanager
    def limited(self, what: int, most: int) -> Iterator[None]:
        """The service gets no more of a resource for as long as the context lasts."""
        pid = self.service.process.pid
        soft, hard = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (most, hard))
        try:
            yield
        finally:
            resource.prlimit(pid, what, (soft, hard))

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """The service sees and does nothing for as long as the context lasts."""
        self.service.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.service.process.send_signal(signal.SIGCONT)

    def run(self, count: int = 1, sql: str = COUNTING, *, on: str = "ha", **fields: object) -> list[int]:
        """So many jobs with all tasks running and checkpoints every second.

        Flink restarts them unless `fields` say otherwise.
        """
        jobs = [self.create(sql, queue_name=on, **fields) for _ in range(count)]
        self.begin(jobs, on=on)
        return jobs

    def begin(self, jobs: Sequence[int], *, on: str = "ha") -> None:
        """Start jobs, and wait until all of their tasks run."""
        self.service.start(jobs)
        for job in jobs:
            runs_again(self._clusters[on][1], self.flink_id(job))

    def create(self, sql: str = COUNTING, **fields: object) -> int:
        """A job that does not run yet."""
        usual = {"checkpoint_enabled": True, "checkpoint_interval": 1, "restart_when_exception": True}
        return self.service.create(f"job-{next(self._numbers)}", sql, **usual | fields)

    def stop(self, jobs: Sequence[int], *, savepoint: bool = True, **more: object) -> int:
        """Ask for the stop of jobs in one batch; its id."""
        answer = self.native("POST", "/stops", {"job_ids": list(jobs), "savepoint": savepoint, **more})
        assert answer["accepted"] == len(jobs), answer
        return int(answer["id"])

    def entries(self, batch: int) -> dict[int, dict[str, Any]]:
        """Each job of a batch, by its id."""
        return {entry["job_id"]: entry for entry in self.native("GET", f"/stops/{batch}")["jobs"]}

    def until(self, batch: int, *phases: str) -> dict[int, dict[str, Any]]:
        """Wait until every job of a batch is in one of these phases."""
        wait_for(lambda: all(entry["phase"] in phases for entry in self.entries(batch).values()))
        return self.entries(batch)

    def settled(self, batch: int) -> dict[int, dict[str, Any]]:
        """Wait until every job of a batch has settled."""
        return self.until(batch, "stopped", "failed", "ended", "lost")

    def acknowledged(self, batch: int) -> None:
        """Wait until Flink has confirmed every attempt of a batch."""
        mine = f"SELECT count(*) FROM stops WHERE batch_id = {batch} AND NOT acknowledged"
        wait_for(lambda: self.rows(mine) == [(0,)])

    def native(self, method: str, path: str, body: object = None) -> Any:
        """Call our own API."""
        return self.service.call(method, f"/api/v1/projects/{self.service.project}{path}", body)

    def flink_id(self, job: int) -> str:
        """The Flink job id of a job's latest run."""
        [(found,)] = self.rows(f"SELECT flink_job_id FROM jobs WHERE id = {job}")
        return str(found)

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """What a query shows, from beside the service."""
        with contextlib.closing(sqlite3.connect(self.database, timeout=20)) as db:
            return db.execute(sql).fetchall()

    def savepoints(self, job: int) -> list[str]:
        """Every complete savepoint of a job that storage has, as URIs."""
        return [path.parent.as_uri() for path in self.storage.glob(f"jobs/savepoint/{job}/**/_metadata")]

    def assert_stopped(self, entry: dict[str, Any]) -> None:
        """It says that it is stopped, with a savepoint that was verified and is there."""
        assert entry["phase"] == "stopped", entry
        assert entry["verified"], entry
        assert entry["savepoint"] in self.savepoints(entry["job_id"])


@contextlib.contextmanager
def hanging(process: JavaProcess) -> Iterator[None]:
    """A process of a cluster does nothing for as long as the context lasts, unless it is killed meanwhile."""
    process.pause()
    try:
        yield
    finally:
        process.carry_on()


def runs_again(flink: HaFlink, jid: str) -> None:
    """Wait until a job runs with all of its tasks."""

    def ready() -> bool:
        with contextlib.suppress(OSError, ValueError):
            job = flink.jobs().get(jid)
            return job is not None and job["state"] == "RUNNING" and job["tasks"]["running"] == job["tasks"]["total"]
        return False

    wait_for(ready)
