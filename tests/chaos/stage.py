"""What chaos plays with: a high-availability Flink, a service on it, and jobs whose output proves exactly-once."""

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.support.flink.ha import HaFlink
from tests.support.services.process import ServiceProcess, wait_for

from sluiceway.cli.demo_job import DemoJob

PATIENCE = 300.0  # seconds within which anything must have happened, on any machine
PER_SECOND = 20  # rows of each job; a little more for each next one
ROWS_A_ROUND = 3_000  # a sequence that ends would end its job
WITHOUT_RESTART = 5  # every so many jobs there is one that Flink does not restart when a task fails
GONE_AFTER = 12  # seconds; a JobManager of these few jobs recovers sooner

SERVICE, JOBMANAGER = "service", "jobmanager"


class Stage:
    """All of it, in `directory`. A context manager: everything has ended when the context has."""

    def __init__(self, directory: Path, jobs: int, rounds: int, taskmanagers: int = 2) -> None:
        self.storage = directory / "storage"
        self._data = directory / "data"
        self.flink = HaFlink(directory / "flink", taskmanagers=taskmanagers, slots=jobs)
        rows = ROWS_A_ROUND * (rounds + 2)
        self._made = [DemoJob(n, directory / "output", rows, PER_SECOND) for n in range(1, jobs + 1)]
        self.jobs: dict[int, DemoJob] = {}  # by the service's id
        self._service: ServiceProcess | None = None

    @property
    def service(self) -> ServiceProcess:
        """The service; another one after each of its deaths."""
        assert self._service is not None, "it is not up"
        return self._service

    @property
    def victims(self) -> Sequence[str]:
        """Whatever can be killed."""
        return [SERVICE, JOBMANAGER, *(process.name for process in self.flink.taskmanagers)]

    def __enter__(self) -> Self:
        try:
            self.flink.start()
            self.revive(SERVICE)
            self._create()
            self.run(list(self.jobs), resume=False)
            self.until_writing()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._end()

    def kill(self, victim: str) -> None:
        """End one of them as a crash does."""
        if victim == SERVICE:
            self._kill_service()
        else:
            self._process(victim).kill()

    def revive(self, victim: str) -> None:
        """Start one of them again. Only the service is waited for."""
        if victim == SERVICE:
            options = (f"--cluster=ha={self.flink.url}", f"--storage={self.storage}", f"--gone-after={GONE_AFTER}")
            self._service = ServiceProcess(self._data, *options)
        else:
            self._process(victim).start()

    def run(self, jobs: Sequence[int], *, resume: bool) -> None:
        """Ask for the start of jobs. Each has to be accepted."""
        answers = self.service.dli("POST", "/jobs/run", {"job_ids": jobs, "resume_savepoint": resume})
        refused = [answer for answer in answers if answer["is_success"] not in {True, "true"}]
        assert not refused, f"a start was refused: {refused}"

    def stop(self) -> int:
        """Ask for the stop of all jobs in one batch; its id."""
        answer = self._native("POST", "/stops", {"job_ids": list(self.jobs), "reason": "chaos"})
        assert answer["accepted"] == len(self.jobs), answer
        return int(answer["id"])

    def settled(self, batch: int) -> list[dict[str, Any]]:
        """What became of each job of a batch, once every one has settled."""
        found: dict[str, Any] = {}

        def settled() -> bool:
            self.flink.tend()
            found.update(self._native("GET", f"/stops/{batch}"))
            return bool(found["settled"])

        try:
            wait_for(settled, PATIENCE)
        except AssertionError:
            raise AssertionError(f"not every stop has settled: {_unsettled(found)}") from None
        return list(found["jobs"])

    def resume(self, batch: int) -> dict[int, dict[str, Any]]:
        """Bring a batch back; the answer to each job of it."""
        return {answer["job_id"]: answer for answer in self._native("POST", f"/stops/{batch}/resume")["jobs"]}

    def flink_ids(self) -> dict[int, str]:
        """The Flink job id of each job's latest run."""
        with contextlib.closing(sqlite3.connect(self._data / "sluiceway.db", timeout=20)) as db:
            return dict(db.execute("SELECT id, flink_job_id FROM jobs"))

    def live(self) -> Iterator[tuple[str, str]]:
        """The id and the name of every job that lives on the cluster."""
        for jid, job in self.flink.jobs().items():
            if job["state"] not in {"FINISHED", "CANCELED", "FAILED"}:
                yield jid, job["name"]

    def savepoints(self) -> set[Path]:
        """The directory of every savepoint on storage that has a `_metadata`."""
        return {path.parent for path in self.storage.glob("jobs/savepoint/*/*/*/*/_metadata")}

    def until_writing(self) -> None:
        """Wait until every job runs, and has written more than it has by now."""
        rows = {job: len(made.numbers()) for job, made in self.jobs.items()}
        late = dict(rows)

        def writing() -> bool:
            self._none_ended(late)
            for job in [job for job in late if len(self.jobs[job].numbers()) > rows[job]]:
                del late[job]
            return not late

        try:
            wait_for(writing, PATIENCE)
        except AssertionError:
            said = [self.service.job(job) for job in late]
            told = [f"{each['name']}: {each['status']} {each['status_desc']}" for each in said]
            raise AssertionError(f"these do not write: {told}") from None

    def _create(self) -> None:
        for job in self._made:
            restarts = job.number % WITHOUT_RESTART != 0
            body = {**job.body(), "restart_when_exception": restarts}
            self.jobs[int(self.service.dli("POST", "/sql-jobs", body)["job"]["job_id"])] = job

    def _none_ended(self, jobs: Mapping[int, int]) -> None:
        ended = {"job_submit_fail", "job_running_exception", "job_finish", "job_cancel_success"}
        for job in jobs:
            seen = self.service.job(job)
            assert seen["status"] not in ended, f"job {job} should run: {seen['status']}: {seen['status_desc']}"

    def _native(self, method: str, path: str, body: object = None) -> Any:
        return self.service.call(method, f"/api/v1/projects/{self.service.project}{path}", body)

    def _process(self, name: str) -> Any:
        return next(p for p in (self.flink.jobmanager, *self.flink.taskmanagers) if p.name == name)

    def _end(self) -> None:
        try:
            if self._service is not None:
                self._kill_service()
        finally:
            self.flink.end()

    def _kill_service(self) -> None:
        self.service.kill()
        with (self._data / "service.log").open("a") as log:
            log.writelines(self.service.log)


def _unsettled(batch: Mapping[str, Any]) -> list[str]:
    open_phases = {"waiting", "sent", "ending", "overdue"}
    return [f"job {j['job_id']} is {j['phase']}: {j['reason']}" for j in batch["jobs"] if j["phase"] in open_phases]
