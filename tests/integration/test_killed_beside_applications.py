"""The service is killed with -9 around the results of application clusters, each of which shows it about once and goes.

`ROUNDS=20` kills it twenty times.
"""

import contextlib
import itertools
import os
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.doubles.applications import Applications
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.process

POINTS = [
    "after_result_is_heard",
    "before_result_is_stored",
    "before_ending_is_stored",
    "after_ending_is_stored",
    "after_first_is_sent",
    "after_result_is_stored",
]
ROUNDS = int(os.environ.get("ROUNDS", len(POINTS)))
STAYS_AFTER = 3.0  # seconds for which a job of every second round runs on after its savepoint
PATH = "/api/v1/projects/default"


@pytest.fixture
def applications(tmp_path: Path) -> Iterator[Applications]:
    made = Applications(tmp_path)
    yield made
    made.close()


def fares(service: ServiceProcess) -> dict[str, dict[str, Any]]:
    return {job["name"]: job for job in service.call("GET", f"{PATH}/jobs")["jobs"]}


def stop(service: ServiceProcess, name: str) -> None:
    """Ask for it as soon as the job was taken in; again does no harm."""
    while name not in (found := fares(service)):
        time.sleep(0.1)
    if found[name]["status"] == "running":
        service.call("POST", f"{PATH}/stops", {"job_ids": [found[name]["job_id"]]})


def test_no_success_is_false_and_no_path_is_lost(tmp_path: Path, applications: Applications) -> None:
    kills = 0
    serves = ("--clusters-from", str(applications.file), "--no-embedded", "--gone-after", "12")
    for number, point in zip(range(ROUNDS), itertools.cycle(POINTS), strict=False):
        name = f"job-{number}"
        applications.add(name, stop_seconds=0.3, finish_seconds=STAYS_AFTER if "ending" in point else 0.0)
        doomed = ServiceProcess(tmp_path / "data", *serves, crash=point)
        with contextlib.suppress(urllib.error.URLError, ConnectionError):  # what an earlier round has left may kill it
            stop(doomed, name)
        assert doomed.process.wait(60) == -9, f"it died {point}"
        kills += 1

    service = ServiceProcess(tmp_path / "data", *serves)
    for name in applications.jobs:
        stop(service, name)
    wait_for(lambda: {job["status"] for job in fares(service).values()} == {"stopped"})
    found = fares(service)
    assert kills == ROUNDS
    assert applications.gone(), "nothing was left to ask"
    for name, job in applications.jobs.items():
        [location] = job.savepoints
        assert found[name]["savepoint"] == location.replace("file:", "file://"), "one stop, one savepoint, its path"
    assert service.end() == 0
