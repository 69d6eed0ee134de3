"""The service is killed with -9 between any two steps of a stop, over real Flink: one savepoint each, none missing."""

import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support.flink.real import ENDLESS, RealFlink
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real

AROUND_A_STOP = [
    "before_sending_is_stored",
    "before_intent_is_sent",
    "after_first_is_sent",
    "after_sending_is_recorded",
    "before_result_is_stored",
    "after_result_is_stored",
]
JOBS = 3


def ask(flink: RealFlink, path: str) -> Any:
    with urllib.request.urlopen(f"{flink.url}{path}", timeout=10) as answer:
        return json.load(answer)


def restarts(flink: RealFlink, flink_job_id: str) -> int:
    return len(ask(flink, f"/jobs/{flink_job_id}/exceptions")["exceptionHistory"]["entries"])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def cluster(real_flink: RealFlink) -> str:
    return f"--cluster=real={real_flink.url}"


@pytest.fixture(scope="module")
def jobs(data: Path, cluster: str) -> list[int]:
    """Jobs that each test stops and leaves to the next."""
    service = ServiceProcess(data, cluster)
    made = [service.create(f"job-{n}", ENDLESS) for n in range(JOBS)]
    assert service.end() == 0
    return made


@pytest.mark.parametrize("point", AROUND_A_STOP)
def test_killed_around_a_stop(point: str, data: Path, cluster: str, jobs: list[int], real_flink: RealFlink) -> None:
    before = {path for path in data.rglob("_metadata") if "/savepoint/" in str(path)}
    doomed = ServiceProcess(data, cluster, crash=point)
    doomed.start(jobs)
    doomed.dli("POST", "/jobs/stop", {"job_ids": jobs, "trigger_savepoint": True})
    assert doomed.process.wait(60) == -9, "it died where it was told to"

    service = ServiceProcess(data, cluster)
    stopped = [service.until(job, "job_cancel_success") for job in jobs]
    batch = service.call("GET", f"/api/v1/projects/{service.project}/stops")["stops"][0]["id"]
    entries = service.call("GET", f"/api/v1/projects/{service.project}/stops/{batch}")["jobs"]
    assert service.end() == 0

    made = {path for path in data.rglob("_metadata") if "/savepoint/" in str(path)} - before
    assert sorted(f"file://{path.parent}" for path in made) == sorted(job["savepoint_path"] for job in stopped)
    assert len(made) == JOBS, "one savepoint for each job, none missing"
    assert [(entry["attempt"], entry["verified"]) for entry in entries] == [(1, True)] * JOBS
    states = {job["jid"]: job["state"] for job in ask(real_flink, "/jobs/overview")["jobs"]}
    for entry in flink_jobs(data, jobs):
        assert states[entry] == "FINISHED"
        assert restarts(real_flink, entry) == 0


@pytest.mark.parametrize("point", ["before_submission", "after_submission"])
def test_killed_around_a_start(point: str, data: Path, cluster: str, jobs: list[int], real_flink: RealFlink) -> None:
    doomed = ServiceProcess(data, cluster, crash=point)
    doomed.dli("POST", "/jobs/run", {"job_ids": [jobs[0]]})
    assert doomed.process.wait(60) == -9
    running = count_running(real_flink)
    service = ServiceProcess(data, cluster)
    service.until(jobs[0], "job_running")
    wait_for(lambda: count_running(real_flink) >= 1)
    assert count_running(real_flink) - running == (1 if point == "before_submission" else 0), "no second copy"
    service.dli("POST", "/jobs/stop", {"job_ids": [jobs[0]]})
    service.until(jobs[0], "job_cancel_success")
    assert service.end() == 0


def count_running(flink: RealFlink) -> int:
    return sum(job["state"] == "RUNNING" for job in ask(flink, "/jobs/overview")["jobs"])


def flink_jobs(data: Path, jobs: list[int]) -> list[str]:
    """The Flink job ids of the jobs' latest runs."""
    import sqlite3

    with sqlite3.connect(data / "sluiceway.db") as db:
        marks = ",".join("?" * len(jobs))
        return [row[0] for row in db.execute(f"SELECT flink_job_id FROM jobs WHERE id IN ({marks})", jobs)]
