"""A service process over many lean fake JobManagers, with jobs that run there already, and what it costs.

The jobs are rows put into a database that the build's own `serve` has made: to plan the SQL of thousands of jobs would
take far longer than all that is measured. Only columns that a build has are filled, with what a service leaves in them
that has watched the jobs for a while.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from tests.support.services.process import ServiceProcess, wait_for

from bench.lean_flink import job_id

PROJECT = "proj0123"
POLL = 0.25  # seconds between questions to the service; each costs it a millisecond
PATIENCE = 900.0  # seconds for anything that a slow build does on a busy machine
_TICKS = os.sysconf("SC_CLK_TCK")
_KNOWN = {  # what a watched run has in columns that not every build has
    "traits": '{"backend":"hashmap","changelog":false,"in_memory":false,"after_finish":true}',
    "condition": "running",
    "condition_since": 0,
    "proof": "given",
    "up_at": 0,
}


@dataclass(frozen=True, slots=True)
class Build:
    """A source tree of the service."""

    name: str
    source: Path  # the directory that `sluiceway` lies in


@dataclass(frozen=True, slots=True)
class Shape:
    """How large a fleet is. A job's id in the service is 1 + its number; its cluster is its number modulo clusters."""

    clusters: int
    jobs: int  # in each
    stop_seconds: float = 2.0
    goes_after: float | None = None  # seconds; these are application clusters, see `bench.lean_flink`

    @property
    def total(self) -> int:
        """Of all jobs."""
        return self.clusters * self.jobs


class Fakes:
    """A process of lean fakes."""

    def __init__(self, shape: Shape) -> None:
        asked = {"clusters": shape.clusters, "jobs": shape.jobs, "stop-seconds": shape.stop_seconds}
        if shape.goes_after is not None:
            asked["goes-after"] = shape.goes_after
        options = [f"--{name}={value}" for name, value in asked.items()]
        command = [sys.executable, "-m", "bench.lean_flink", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline().strip() for _ in range(shape.clusters + 1)]
        assert lines[-1], "the fakes did not start"
        self._control, self.urls = lines[0], lines[1:]

    def counts(self) -> Counter[str]:
        """Requests so far, by kind."""
        with urllib.request.urlopen(f"{self._control}/counts", timeout=60) as answer:
            return Counter(json.load(answer))

    def unseen(self) -> float:
        """The longest time between two looks at any cluster, in seconds, since this was last asked."""
        with urllib.request.urlopen(f"{self._control}/unseen", timeout=60) as answer:
            return float(json.load(answer))

    def fail(self, cluster: int, jid: str) -> None:
        """Let a job fail."""
        request = urllib.request.Request(f"{self._control}/fail/{cluster}/{jid}", b"", method="POST")
        urllib.request.urlopen(request, timeout=60).close()

    def end(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait(30)


@dataclass
class Fleet:
    """The two together."""

    shape: Shape
    fakes: Fakes
    service: ServiceProcess
    begun: Counter[str] = field(default_factory=Counter)

    @property
    def ids(self) -> list[int]:
        """The ids of all jobs; any so many in a row are spread evenly over the clusters."""
        return list(range(1, self.shape.total + 1))

    def stop(self, ids: Sequence[int]) -> tuple[int, float]:
        """Stop jobs with savepoints in one call; the number of the order, and seconds until the answer was there."""
        body = {"job_ids": list(ids), "trigger_savepoint": True}
        begun = time.perf_counter()
        answer = self._call("POST", f"/v1.0/{PROJECT}/streaming/jobs/stop", body)
        seconds = time.perf_counter() - begun
        refused = [one for one in answer if one["is_success"] != "true"]
        assert not refused, f"{len(refused)} stops were refused: {refused[:1]}"
        return self.orders()[0]["id"], seconds

    def orders(self) -> list[dict[str, Any]]:
        """The latest orders, the newest first."""
        path = f"/api/v1/projects/{PROJECT}/stops"
        return cast(list[dict[str, Any]], self._call("GET", path)["stops"])

    def under_way(self, order: int) -> int:
        """How many jobs of an order have not settled."""
        [found] = [one for one in self.orders() if one["id"] == order]
        return int(found["jobs_total"] - found["jobs_settled"])

    def until_settled(self, order: int) -> None:
        """Wait for the end of an order."""
        wait_for(lambda: not self.under_way(order), PATIENCE, POLL)

    def showing(self, status: str) -> int:
        """How many jobs have a status, in DLI's words."""
        path = f"/v1.0/{PROJECT}/streaming/jobs?status={status}&limit=1"
        return int(self._call("GET", path)["job_list"]["total_count"])

    def until_watched(self) -> None:
        """Wait until each cluster was looked at a few times."""
        enough = self.fakes.counts()["jobs"] + 3 * self.shape.clusters
        wait_for(lambda: self.fakes.counts()["jobs"] >= enough, PATIENCE, POLL)

    def asked(self) -> Counter[str]:
        """Requests to Flink since the last time that this was asked."""
        now = self.fakes.counts()
        found, self.begun = now - self.begun, now
        assert not found["other"] + found["rival"], f"the fakes were asked what they do not know: {found}"
        return found

    def cpu(self) -> float:
        """Seconds of CPU that the service has taken so far."""
        return cpu_of(self.service.process.pid)

    def sockets(self) -> int:
        """How many the service has open now."""
        links = Path(f"/proc/{self.service.process.pid}/fd").iterdir()
        return sum("socket:" in _target(link) for link in links)

    def written(self) -> float:
        """KB that the service has had written to disk so far; 0 for ever where its data is in memory."""
        lines = Path(f"/proc/{self.service.process.pid}/io").read_text().splitlines()
        [line] = [line for line in lines if line.startswith("write_bytes:")]
        return int(line.split()[1]) / 1024

    def memory(self, what: str = "VmRSS") -> float:
        """MB that the service has in memory now; `VmHWM` for the most that it ever had."""
        status = Path(f"/proc/{self.service.process.pid}/status").read_text()
        [line] = [line for line in status.splitlines() if line.startswith(f"{what}:")]
        return int(line.split()[1]) / 1024

    def _call(self, method: str, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.service.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process has taken so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


NOWHERE = "--cluster=c0=http://127.0.0.1:9"  # nobody listens there


@contextmanager
def running(build: Build, shape: Shape) -> Iterator[Fleet]:
    """A fleet of this build that has come to rest."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        fakes = Fakes(shape)
        stack.callback(fakes.end)
        data = Path(directory)
        clusters = _registered(data / "applications.json", shape, fakes.urls)
        _serve(build, data, [NOWHERE]).end()  # makes the database, and finds no job to adopt
        fill(data / "sluiceway.db", shape)
        service = _serve(build, data, clusters)
        stack.callback(service.end)
        fleet = Fleet(shape, fakes, service)
        fleet.until_watched()
        fleet.asked()
        yield fleet


def _registered(path: Path, shape: Shape, urls: Sequence[str]) -> list[str]:
    """The options that name the clusters. Thousands of application clusters come in a file."""
    if shape.goes_after is None:
        return [f"--cluster=c{number}={url}" for number, url in enumerate(urls)]
    entries = [{"name": f"c{n}", "addresses": [url], "kind": "application"} for n, url in enumerate(urls)]
    path.write_text(json.dumps(entries))
    return [f"--clusters-from={path}"]


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except FileNotFoundError:  # it has just been closed
        return ""


def _serve(build: Build, data: Path, clusters: Sequence[str]) -> ServiceProcess:
    return ServiceProcess(data, *clusters, "--rate-limit=0", module=("bench.of_build", str(build.source)))


def fill(path: Path, shape: Shape) -> None:
    """Put the jobs into a database, each in its first run."""
    places = [divmod(number, shape.clusters) for number in range(shape.total)]
    numbers = [(n + 1, f"c{cluster}", job_id(cluster, job)) for n, (job, cluster) in enumerate(places)]
    with sqlite3.connect(path, timeout=60) as db:
        has = {row[1] for row in db.execute("PRAGMA table_info(runs)")}
        db.executemany(
            "INSERT INTO jobs (id, project, name, desc, kind, user, status, created_at, updated_at, started_at, run_id,"
            f" cluster, flink_job_id) VALUES (?1, '{PROJECT}', 'job-' || ?1, '', 'flink_opensource_sql_job', 'bench',"
            " 'running', 0, 0, 0, ?1, ?2, ?3)",
            numbers,
        )
        sql = json.dumps({"sql": "INSERT INTO sink SELECT * FROM source"})
        db.execute("INSERT INTO specs (job_id, spec, config) SELECT id, ?, '{}' FROM jobs", [sql])
        known = {name: value for name, value in _KNOWN.items() if name in has}
        columns = ", ".join(("id, job_id, cluster, flink_job_id, phase, acknowledged, created_at, started_at", *known))
        values = ", ".join(("id, id, cluster, flink_job_id, 'running', 1, 0, 0", *("?" for _ in known)))
        db.execute(f"INSERT INTO runs ({columns}) SELECT {values} FROM jobs", list(known.values()))
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'run_tables'").fetchone():
            tables = json.dumps(["source"]), json.dumps(["sink"])
            db.execute("INSERT INTO run_tables (run_id, sources, sinks, whole) SELECT id, ?, ?, 1 FROM runs", tables)
        db.execute("ANALYZE")
    db.close()
