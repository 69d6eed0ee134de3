"""What it costs to say beforehand what resuming SQL jobs comes to, beside starting them, on one real cluster."""

import json
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from tests.changes.cases import BASES, sql_of
from tests.support.flink.real import RealFlink
from tests.support.services.process import ServiceProcess, wait_for

from bench.stops import flink_jobs, met

JOBS = 100
WARM_UP = 20  # other jobs, which are looked at before it counts
PATIENCE = 1800.0  # seconds for anything that is not measured, and for what is

# The targets.
SECONDS = 0.25  # a job, with a warm planner
AGAIN = 0.1  # of the first time, where nothing has changed

_KINDS = [base for base in BASES if "{root}" not in base.sql and not base.native and not base.options]


def main(jobs: int = JOBS) -> bool:
    """Print what was measured with so many jobs; whether the targets are met."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        flink = RealFlink(directory / "flink", slots=jobs + WARM_UP + 4, heap_mb=2048).start()
        service = ServiceProcess(directory / "data", f"--cluster=real={flink.url}")
        try:
            seconds = measured(service, flink, jobs)
        finally:
            service.end()
            flink.stop()
    return report(jobs, seconds)


def measured(service: ServiceProcess, flink: RealFlink, count: int) -> dict[str, float]:
    """Seconds for so many jobs: of starting them, of two dry runs of their resume, and of that resume."""
    total = WARM_UP + count
    every = [service.create(f"job-{n}", sql_of(_KINDS[n % len(_KINDS)], f"job-{n}")) for n in range(total)]
    warm, ids = every[:WARM_UP], every[WARM_UP:]
    _run(service, flink, warm, WARM_UP)
    begun = time.perf_counter()
    _run(service, flink, ids, total)
    start = time.perf_counter() - begun
    wait_for(lambda: _listed(service, "job_running") == total, PATIENCE)
    _own(service, "/stops", {"job_ids": every})
    wait_for(lambda: _listed(service, "job_cancel_success") == total, PATIENCE)
    _own(service, "/resumes", {"job_ids": warm, "dry_run": True})

    def looked_at() -> None:
        answer = _own(service, "/resumes", {"job_ids": ids, "dry_run": True})
        fits = [job["way_back"]["fit"]["kind"] for job in answer["jobs"]]
        assert fits == ["same"] * count, fits

    def resumed() -> None:
        _own(service, "/resumes", {"job_ids": ids})
        wait_for(lambda: len(flink_jobs(flink.url, "RUNNING")) == count, PATIENCE)

    return {"start": start, "look": _timed(looked_at), "again": _timed(looked_at), "resume": _timed(resumed)}


def _run(service: ServiceProcess, flink: RealFlink, ids: list[int], running: int) -> None:
    """Start jobs, and wait until so many are there whose tasks all run."""
    service.dli("POST", "/jobs/run", {"job_ids": ids, "resume_savepoint": False})
    wait_for(lambda: len(flink_jobs(flink.url, "RUNNING")) == running, PATIENCE)


def report(jobs: int, seconds: dict[str, float]) -> bool:
    """Print the table; whether the targets hold."""
    table = Table(title=f"{jobs} SQL jobs: seconds a job, and as a share of starting them")
    for name in ("", "seconds a job", "of starting"):
        table.add_column(name, justify="right")
    names = {
        "start": "starting them, until all of their tasks run",
        "look": "dry run of their resume",
        "again": "the same once more",
        "resume": "resuming them, until all of their tasks run",
    }
    for key, name in names.items():
        table.add_row(name, f"{seconds[key] / jobs:.3f}", f"{seconds[key] / seconds['start']:.3f}")
    Console().print(table)
    first = seconds["look"] / jobs
    return all(
        [
            met("dry run of a resume, warm planner, seconds a job", first, SECONDS),
            met("the same jobs once more, seconds a job", seconds["again"] / jobs, AGAIN * first),
        ]
    )


def _timed(step: Callable[[], None]) -> float:
    begun = time.perf_counter()
    step()
    return time.perf_counter() - begun


def _own(service: ServiceProcess, path: str, body: object) -> Any:
    """As `ServiceProcess.call`, with more patience: a hundred jobs on a slow machine take more than half a minute."""
    url = f"{service.url}/api/v1/projects/{service.project}{path}"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)


def _listed(service: ServiceProcess, status: str) -> int:
    return int(service.dli("GET", f"/jobs?status={status}&limit=1")["job_list"]["total_count"])
