"""The service as a process of its own, as its users run it."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.support import processes

PATIENCE = 120.0  # seconds for anything that real Flink does
ACTIVE = {"job_submitting", "job_savepointing", "job_canceling"}


class ServiceProcess:
    """`sluiceway serve` in a process; `crash` names a point of `sluiceway.testing.crashes` at which it dies."""

    def __init__(
        self,
        data: Path,
        *arguments: str,
        crash: str | None = None,
        module: Sequence[str] = ("sluiceway",),
        port: int = 0,
    ) -> None:
        self.project = "proj0123"
        self.data = data
        module = ("sluiceway.testing.crashes", crash) if crash else module
        command = [sys.executable, "-m", *module, "serve", "--data", str(data), "--port", str(port), *arguments]
        self.process = processes.start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.log: list[str] = []
        self.flink = ""  # the address of the default cluster
        threading.Thread(target=self._listen, daemon=True).start()
        self.url = self._ready()

    @property
    def port(self) -> int:
        """Where it listens: one that is started after its end may take the same."""
        return int(self.url.rpartition(":")[2])

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE)

    def end(self) -> int:
        """End it as an operator does; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """Call an API of the service; the decoded answer. Raises `urllib.error.HTTPError`."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    def dli(self, method: str, path: str, body: object = None) -> Any:
        """Call DLI's API below `/streaming`."""
        return self.call(method, f"/v1.0/{self.project}/streaming{path}", body)

    def create(self, name: str, sql: str, **fields: object) -> int:
        """Make a job."""
        return int(self.dli("POST", "/sql-jobs", {"name": name, "sql_body": sql, **fields})["job"]["job_id"])

    def job(self, job_id: int) -> dict[str, Any]:
        """DLI's view of a job."""
        detail: dict[str, Any] = self.dli("GET", f"/jobs/{job_id}")["job_detail"]
        return detail

    def until(self, job_id: int, *statuses: str) -> dict[str, Any]:
        """Wait until a job has one of these statuses; fails at any other that it would stay in."""
        seen: dict[str, Any] = {}

        def arrived() -> bool:
            seen.update(self.job(job_id))
            assert seen["status"] in ACTIVE | {"job_running", *statuses}, seen["status_desc"]
            return seen["status"] in statuses

        wait_for(arrived)
        return seen

    def start(self, jobs: Sequence[int], *, resume: bool = False) -> None:
        """Run jobs and wait until all are running."""
        self.dli("POST", "/jobs/run", {"job_ids": list(jobs), "resume_savepoint": resume})
        for job in jobs:
            self.until(job, "job_running")

    def ready(self) -> bool:
        """Whether it says that it can take work."""
        try:
            return bool(self.call("GET", "/readyz")["status"] == "ok")
        except OSError:
            return False

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line)

    def _ready(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := re.search(r"ready at (https?://\S+)", line):
                of_cluster = re.search(r"Flink at (\S+)", self.process.stdout.readline())
                self.flink = of_cluster[1] if of_cluster else ""
                threading.Thread(target=self.process.stdout.read, daemon=True).start()
                return found[1]
        raise AssertionError(f"the service ended with {self.process.wait(10)}: {''.join(self.log)}")


def wait_for(happened: Callable[[], bool], seconds: float = PATIENCE, pause: float = 0.1) -> None:
    """Wait until something has happened, however slow the machine is."""
    end = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(pause)
