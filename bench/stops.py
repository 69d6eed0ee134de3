"""Stopping many jobs with savepoints, four ways, on one real cluster with the same jobs."""

import asyncio
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from rich.console import Console
from rich.table import Table
from tests.support.flink.real import ENDLESS, RealFlink
from tests.support.services.process import ServiceProcess, wait_for

from sluiceway.engines.planning.java import MODULE_FLAGS, find_java, flink_jars

COUNTS = (20, 100)
ROUNDS = 3  # of the two ways that are close; the median counts
LOOP = 10  # jobs of the `flink stop` loop, which is then scaled
POLL = 0.05  # seconds between polls of the raw ways

# The targets: ratios at 100 jobs, and requests to Flink for each stopped job.
AT_MOST_RAW = 1.10
FASTER_THAN_SERIAL = 4.0
FASTER_THAN_LOOP = 30.0
REQUESTS = 2.5


@dataclass
class Figures:
    """Seconds for all jobs, by way; one entry a round."""

    jobs: int
    raw: list[float] = field(default_factory=list)
    ours: list[float] = field(default_factory=list)
    serial: float = 0.0
    loop: float = 0.0
    requests: list[float] = field(default_factory=list)  # to Flink, for each stopped job


def main() -> bool:
    """Measure and print; whether the targets are met."""
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(Path(directory))
        try:
            figures = [bench.measure(count) for count in COUNTS]
        finally:
            bench.flink.stop()
    return report(figures)


class Bench:
    """One real cluster, and a service that starts the jobs and, when it is its turn, stops them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.flink = RealFlink(directory / "flink", slots=200, heap_mb=2048).start()
        self.data = directory / "data"
        self.jobs: list[int] = []

    def measure(self, count: int) -> Figures:
        """All ways in turn. The first round warms the cluster up and does not count."""
        figures = Figures(count)
        self._stop_ours(count)
        for number in range(ROUNDS):
            figures.raw.append(self._raw(count, at_once=count))
            seconds, requests = self._stop_ours(count)
            figures.ours.append(seconds)
            figures.requests.append(requests)
            say(f"{count} jobs, round {number + 1}: raw {figures.raw[-1]:.2f} s, sluiceway {seconds:.2f} s")
        figures.serial = self._raw(count, at_once=1)
        figures.loop = self._loop(count)
        return figures

    @contextmanager
    def _service(self) -> Iterator[ServiceProcess]:
        report = self.directory / "requests.json"
        service = ServiceProcess(self.data, f"--cluster=real={self.flink.url}", module=("bench.counting", str(report)))
        try:
            yield service
        finally:
            service.end()

    def _run(self, service: ServiceProcess, count: int) -> list[str]:
        """Start so many jobs and wait until all their tasks run; the Flink job ids."""
        for number in range(len(self.jobs), count):
            self.jobs.append(service.create(f"job-{number}", ENDLESS))
        wait_for(lambda: not service.dli("GET", "/jobs?status=job_running&limit=1")["job_list"]["total_count"])
        before = set(flink_jobs(self.flink.url, "RUNNING"))
        service.start(self.jobs[:count])
        wait_for(lambda: len(set(flink_jobs(self.flink.url, "RUNNING")) - before) == count)
        time.sleep(2)  # let the machine come to rest before it is measured
        return sorted(set(flink_jobs(self.flink.url, "RUNNING")) - before)

    def _stop_ours(self, count: int) -> tuple[float, float]:
        with self._service() as service:
            self._run(service, count)
            before = self._asked(service)
            begun = time.perf_counter()
            service.dli("POST", "/jobs/stop", {"job_ids": self.jobs[:count], "trigger_savepoint": True})
            while service.dli("GET", "/jobs?status=job_cancel_success&limit=1")["job_list"]["total_count"] < count:
                time.sleep(POLL)
            seconds = time.perf_counter() - begun
            return seconds, (self._asked(service) - before) / count

    def _asked(self, service: ServiceProcess) -> int:
        report = self.directory / "requests.json"
        report.unlink(missing_ok=True)
        service.process.send_signal(signal.SIGUSR1)
        wait_for(lambda: report.exists() and report.stat().st_size > 0)
        return sum(json.loads(report.read_text()).values())

    def _raw(self, count: int, at_once: int) -> float:
        with self._service() as service:
            ids = self._run(service, count)
        return asyncio.run(stop_raw(self.flink.url, ids, f"file://{self.directory}/raw", at_once))

    def _loop(self, count: int) -> float:
        with self._service() as service:
            ids = self._run(service, LOOP)
        begun = time.perf_counter()
        for job in ids:
            flink_stop(self.flink.url, job, self.directory)
        return (time.perf_counter() - begun) / LOOP * count


async def stop_raw(url: str, ids: Sequence[str], target: str, at_once: int) -> float:
    """What a script would do over REST: every stop is sent, then polled until its savepoint is told."""
    gate = asyncio.Semaphore(at_once)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, connector=connector) as session:

        async def stop(job: str) -> None:
            async with gate:
                async with session.post(f"/jobs/{job}/stop", json={"targetDirectory": target}) as answer:
                    trigger = (await answer.json())["request-id"]
                while not await done(job, trigger):
                    await asyncio.sleep(POLL)

        async def done(job: str, trigger: str) -> bool:
            async with session.get(f"/jobs/{job}/savepoints/{trigger}") as answer:
                said: dict[str, Any] = await answer.json()
            assert "failure-cause" not in (said.get("operation") or {}), "the raw way failed"
            return bool(said["status"]["id"] == "COMPLETED")

        begun = time.perf_counter()
        await asyncio.gather(*(stop(job) for job in ids))
        return time.perf_counter() - begun


def flink_stop(url: str, job: str, directory: Path) -> None:
    """`flink stop -p DIR JOB`, as Flink's own command line does it."""
    conf = directory / "conf"
    conf.mkdir(exist_ok=True)
    (conf / "config.yaml").write_text("rest.address: 127.0.0.1\n")
    classpath = ":".join(map(str, flink_jars()))
    java = [str(find_java()), *MODULE_FLAGS, "-cp", classpath, "org.apache.flink.client.cli.CliFrontend"]
    subprocess.run(
        [*java, "stop", "-m", url.removeprefix("http://"), "-p", f"file://{directory}/loop", job],
        check=True,
        capture_output=True,
        env={**os.environ, "FLINK_CONF_DIR": str(conf)},
    )


def flink_jobs(url: str, state: str) -> list[str]:
    """The ids of all jobs in a state whose tasks all run."""
    import urllib.request

    with urllib.request.urlopen(f"{url}/jobs/overview", timeout=30) as answer:
        jobs = json.load(answer)["jobs"]
    return [job["jid"] for job in jobs if job["state"] == state and job["tasks"]["running"] == job["tasks"]["total"]]


def report(figures: Sequence[Figures]) -> bool:
    """Print the table; whether the targets hold at the largest count."""
    table = Table(title="Stopping jobs with savepoints: seconds for all (median), and times as long as Sluiceway")
    for name in ("jobs", "Sluiceway", "raw REST, all at once", "REST, one by one", "flink stop loop", "requests a job"):
        table.add_column(name, justify="right")
    for f in figures:
        ours = statistics.median(f.ours)
        others = (statistics.median(f.raw), f.serial, f.loop)
        cells = [f"{seconds:.2f} s ({seconds / ours:.2f}x)" for seconds in others]
        table.add_row(str(f.jobs), f"{ours:.2f} s", *cells, f"{statistics.median(f.requests):.2f}")
    Console().print(table)
    last = figures[-1]
    ours = statistics.median(last.ours)
    return all(
        [
            met("Sluiceway / raw REST", ours / statistics.median(last.raw), AT_MOST_RAW),
            met("Sluiceway / one by one", ours / last.serial, 1 / FASTER_THAN_SERIAL),
            met("Sluiceway / flink stop", ours / last.loop, 1 / FASTER_THAN_LOOP),
            met("requests to Flink a job", statistics.median(last.requests), REQUESTS),
        ]
    )


def met(name: str, value: float, at_most: float) -> bool:
    """Print one target and whether it is met."""
    kept = value <= at_most
    say(f"{'ok  ' if kept else 'MISS'}  {name}: {value:.3f} (to reach: at most {at_most:.3f})")
    return kept


def say(text: str) -> None:
    """One line, at once."""
    Console().print(text, highlight=False)
    sys.stdout.flush()
