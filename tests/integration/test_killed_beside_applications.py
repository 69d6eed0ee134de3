"""The service is killed with -9 around the results of application clusters, each of which shows it about once and goes.

`ROUNDS=20` kills it twenty times.
"""

import asyncio
import contextlib
import itertools
import json
import os
import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.services.process import ServiceProcess, wait_for

from sluiceway.testing.fake_flink import FakeFlink
from sluiceway.testing.fake_jobs import FakeJob

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


class Applications:
    """Application clusters with a job each, at work in a thread: they outlive the service."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "clusters.json"
        self.jobs: dict[str, FakeJob] = {}
        self._fakes: list[FakeFlink] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.file.write_text("[]")

    def add(self, name: str, **habits: Any) -> None:
        """One more, which the service finds in the file of clusters."""
        fake = FakeFlink()
        fake.of_application(leaves_after=1.0)
        self._wait(fake.start())
        self.jobs[name] = self._call(lambda: fake.add_job(name=name, **habits))
        self._fakes.append(fake)
        there = zip(self.jobs, self._fakes, strict=True)
        beside = self.file.with_suffix(".new")
        beside.write_text(json.dumps([{"name": job, "addresses": [each.url]} for job, each in there]))
        beside.rename(self.file)

    def gone(self) -> bool:
        """Whether all of them have left."""
        return all(fake._runner is None for fake in self._fakes)

    def close(self) -> None:
        for fake in self._fakes:
            self._wait(fake.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _wait(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def _call(self, work: Any) -> Any:
        async def called() -> Any:
            return work()

        return self._wait(called())


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
