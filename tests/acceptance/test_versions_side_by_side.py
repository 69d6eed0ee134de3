"""Flink 1.20 and 2.3 side by side: jobs of others and our own, stopped in one batch, started again, and moved.

Others start theirs in the two ways there are, behind our back: Flink's own client, and `/jars/:id/run`.
"""

import asyncio
import json
import os
import shlex
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.contract.clusters import Cluster, RealPlace, fresh_id, is_ready
from tests.support.flink import jar_job
from tests.support.flink.real import ENDLESS, RealFlink
from tests.support.services.process import PATIENCE, ServiceProcess, wait_for

from sluiceway.domain.facts import Acknowledged
from sluiceway.engines.jobmanager.submit_errors import already_submitted, causes_of
from sluiceway.engines.planning.distributions import Distribution, Distributions, installed
from sluiceway.engines.planning.java import MODULE_FLAGS, find_java
from sluiceway.engines.planning.options import JOB_ID, NAME

pytestmark = pytest.mark.real

EACH_SECOND = {"execution.checkpointing.interval": "1s"}
COUNTS = """
CREATE TABLE s (k INT, t AS PROCTIME()) WITH ('connector' = 'datagen', 'rows-per-second' = '20',
  'fields.k.kind' = 'random', 'fields.k.min' = '1', 'fields.k.max' = '1');
CREATE TABLE f (k INT, n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'file://{out}');
INSERT INTO f SELECT k, COUNT(*) OVER (PARTITION BY k ORDER BY t ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
  FROM s;
"""


@dataclass
class Site:
    """A cluster, with what those do there who know nothing of us."""

    name: str
    flink: RealFlink
    distribution: Distribution
    directory: Path

    def __post_init__(self) -> None:
        self.directory.mkdir()
        self.jar = self.directory / f"side-{self.name}.jar"
        self.jar.write_bytes(jar_job.compiled(self.flink))
        conf = {"execution.target": "remote", "rest.address": "127.0.0.1", **EACH_SECOND}
        conf["rest.port"] = self.flink.url.rpartition(":")[2]
        (self.directory / "config.yaml").write_text("".join(f"{key}: {value}\n" for key, value in conf.items()))

    @property
    def by_client(self) -> str:
        """The job that Flink's client starts."""
        return f"side-client-{self.name}"

    @property
    def by_jar(self) -> str:
        """The job that is started from an uploaded jar."""
        return f"side-jar-{self.name}"

    @property
    def ours(self) -> str:
        """The job that we make of SQL."""
        return f"side-sql-{self.name}"

    def out(self, job: str) -> Path:
        """Where a job writes."""
        return self.directory / job

    def program(self, job: str) -> list[str]:
        """The arguments of the program that is a job."""
        return ["plain", str(self.out(job))]

    def flink_run(self, command: str) -> None:
        """A command that begins with `flink run`, with the class and the jar of the job in it."""
        words = [{"MAIN_CLASS": jar_job.MAIN, "PROGRAM.jar": str(self.jar)}.get(w, w) for w in shlex.split(command)]
        words[2:2] = [f"-Dpipeline.name={self.by_client}"]
        jars = os.pathsep.join(str(jar.resolve()) for jar in self.distribution.jars)
        java = [str(find_java()), *MODULE_FLAGS, "-XX:+UseSerialGC", "-Xmx256m", "-cp", jars]
        client = [*java, "org.apache.flink.client.cli.CliFrontend", *words[1:], *self.program(self.by_client)]
        there = {**os.environ, "FLINK_CONF_DIR": str(self.directory)}
        done = subprocess.run(client, env=there, capture_output=True, text=True, timeout=PATIENCE, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def run_jar(self) -> None:
        """Upload the jar, and have the cluster run it, twice as parallel."""
        boundary = "side-by-side"
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="jarfile"; filename="{self.jar.name}"\r\n'
        body = f"{head}Content-Type: application/java-archive\r\n\r\n".encode()
        body += self.jar.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        made = self._post("/jars/upload", body, f"multipart/form-data; boundary={boundary}")
        options = {"pipeline.name": self.by_jar, **EACH_SECOND}
        wish = {"entryClass": jar_job.MAIN, "programArgsList": self.program(self.by_jar), "parallelism": 2}
        request = json.dumps({**wish, "flinkConfiguration": options}).encode()
        self._post(f"/jars/{made['filename'].rpartition('/')[2]}/run", request, "application/json")

    def _post(self, path: str, body: bytes, kind: str) -> Any:
        request = urllib.request.Request(self.flink.url + path, body, {"Content-Type": kind})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return json.load(answer)

    def lines(self, job: str) -> list[list[str]]:
        """What a job has written and made visible."""
        parts = [part for part in self.out(job).rglob("*") if part.is_file() and not part.name.startswith(".")]
        return [line.split(",") for part in parts for line in part.read_text().splitlines()]

    def counts(self, job: str) -> list[int]:
        """The counts among it, in their order."""
        return sorted(int(line[1]) for line in self.lines(job))


@dataclass
class Told:
    """Commands to the service, and what they say."""

    service: ServiceProcess

    def __call__(self, *command: str, code: int = 0) -> str:
        where = ("--server", self.service.url, "--project", "default")
        end = command.index("--") if "--" in command else len(command)
        done = subprocess.run(
            [sys.executable, "-m", "sluiceway", *command[:end], *where, *command[end:]],
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def sites(old_flink: RealFlink, real_flink: RealFlink, older: Distributions, tmp_path: Path) -> tuple[Site, Site]:
    assert (old_flink.version, real_flink.version) == ("1.20.5", "2.3.0")
    old = Site("old", old_flink, older.of(old_flink.version, "old"), tmp_path / "old")
    return old, Site("new", real_flink, installed(), tmp_path / "new")


def test_jobs_of_two_versions_are_stopped_in_one_batch_and_all_of_them_go_on(
    sites: tuple[Site, Site], older: Distributions, tmp_path: Path
) -> None:
    old, _ = sites
    both = ThreadPoolExecutor(2)
    started = [both.submit(site.flink_run, "flink run --detached --class MAIN_CLASS PROGRAM.jar") for site in sites]
    for site in sites:
        site.run_jar()
    data = tmp_path / "data"
    data.mkdir()
    (data / "distributions").symlink_to(older.directory)
    clusters = [word for site in sites for word in ("--cluster", f"{site.name}={site.flink.url}")]
    service = ServiceProcess(data, *clusters, "--adopt", "matching side-*")
    service.project = "default"
    told = Told(service)

    # SQL is planned for each by its own version; what others have started is found beside it.
    ours = {}
    for site in sites:
        sql = COUNTS.format(out=site.out(site.ours))
        often = {"checkpoint_enabled": True, "checkpoint_interval": 1, "queue_name": site.name}
        ours[site.name] = service.create(site.ours, sql, **often)
    service.start(list(ours.values()))
    for each in started:
        each.result()
    everything = {name: site for site in sites for name in (site.by_client, site.by_jar, site.ours)}
    wait_for(
        lambda: {job["name"]: job["status"] for job in listed(service)} == dict.fromkeys(everything, "job_running")
    )
    ids = {job["name"]: job["job_id"] for job in listed(service)}
    wait_for(lambda: all(len(site.counts(name)) > 30 for name, site in everything.items()))

    # The one who has uploaded a jar tells what is made of it, while it runs.
    for site in sites:
        made = (
            "--jar-of-cluster",
            site.jar.name,
            "--class",
            jar_job.MAIN,
            "--checkpoint-interval",
            "1",
        )
        assert f"is made of {site.jar.name}" in told(
            "jobs", "program", site.by_jar, *made, "--", *site.program(site.by_jar)
        )

    # One batch of both clusters.
    said = told("stop", "--all", "--wait", "--yes")
    stop = service.call("GET", "/api/v1/projects/default/stops?limit=1")["stops"][0]
    stopped = {v["name"]: v for v in service.call("GET", f"/api/v1/projects/default/stops/{stop['id']}")["jobs"]}
    assert set(stopped) == set(everything)
    assert {(v["phase"], v["verified"]) for v in stopped.values()} == {("stopped", True)}
    before = {name: site.counts(name) for name, site in everything.items()}
    assert all(site.jar.name in said for site in sites), said

    # We start what we know: programs in jars that the clusters still have, and SQL.
    resumed = told("resume", str(stop["id"]), code=1)
    assert resumed.count("Nobody has said what it is made of") == len(sites), resumed

    # The others are started by Flink's client, exactly as the answer says.
    commands = {name: view["start_again"] for name, view in stopped.items() if view["start_again"]}
    assert set(commands) == {site.by_client for site in sites}
    list(both.map(lambda site: site.flink_run(commands[site.by_client]), sites))
    wait_for(lambda: all(len(site.counts(name)) > len(before[name]) + 20 for name, site in everything.items()))

    # All SQL of the old one moves to the new one, and goes on there. What neither has a jar for stays where it is.
    seen = len(old.counts(old.ours))
    moving = ("move", "--from", "old", "--to", "new", "--name", "side-*")
    shown = told(*moving, "--dry-run", code=1)
    assert "1.20.5" in shown, shown
    told(*moving, "--wait", "--yes", code=1)
    wait_for(lambda: len(old.counts(old.ours)) > seen + 20)
    runs = {job["name"]: job for job in service.call("GET", "/api/v1/projects/default/jobs")["jobs"]}
    assert {name: runs[name]["job_id"] for name in everything} == ids, "each is the job that it was"
    assert {name: runs[name]["queue"] for name in everything} == {
        name: "new" if name == old.ours else site.name for name, site in everything.items()
    }
    assert {job["vertices"][0]["parallelism"] for job in graphs(service, [ids[site.by_jar] for site in sites])} == {2}

    # Nothing was lost, and nothing done twice.
    told("stop", "--all", "--wait", "--yes")
    for name, site in everything.items():
        counts = site.counts(name)
        assert counts == list(range(1, len(counts) + 1)), name
    assert service.end() == 0


@pytest.mark.parametrize("version", ["old_flink", "real_flink"])
async def test_a_job_that_is_packed_here_is_taken_as_if_flinks_client_had_sent_it(
    request: pytest.FixtureRequest, version: str, tmp_path: Path
) -> None:
    """By our own HTTP client, which knows https, paths, headers and passwords."""
    flink: RealFlink = request.getfixturevalue(version)
    jid = fresh_id()
    script = await asyncio.to_thread(flink.read, ENDLESS)
    packing = flink.jvm.pack_sql(script, {JOB_ID: jid, NAME: "packed"})
    packed = await asyncio.to_thread(flink.run, packing)
    graph = await asyncio.to_thread(flink.run, flink.jvm.plan_sql(script, {}, chained=False))
    assert json.loads(graph)["nodes"][0]["type"].startswith("Source: s"), "which each draws, too"
    async with aiohttp.ClientSession() as session:
        cluster = Cluster(RealPlace(flink), session, tmp_path)
        assert await cluster.rest.submit(packed) is None
        assert (await cluster.until(jid, is_ready)).name == "packed"
        assert already_submitted(causes_of(await cluster.rest.submit(packed) or ""))
        assert await cluster.rest.submit(b"no job") is not None
        assert await cluster.rest.cancel(jid) == Acknowledged()


def listed(service: ServiceProcess) -> Sequence[Mapping[str, Any]]:
    """The jobs of the project."""
    found: Sequence[Mapping[str, Any]] = service.dli("GET", "/jobs?limit=100")["job_list"]["jobs"]
    return found


def graphs(service: ServiceProcess, jobs: Sequence[int]) -> list[Mapping[str, Any]]:
    """Flink's own descriptions of their runs."""
    return [service.dli("GET", f"/jobs/{job}/execute-graph")["execute_graph"] for job in jobs]
