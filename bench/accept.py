"""The accept call alone: 10,000 ids with 100,000 jobs in the table, beside the bare SQL transaction."""

import http.client
import json
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

from rich.console import Console
from tests.support.services.process import ServiceProcess

from bench.stops import met, say
from sluiceway.domain.job import JobSpec
from sluiceway.reconcile.worker import LEASE
from sluiceway.store.migrating import migrate
from sluiceway.store.rows import to_json

JOBS = 100_000
IDS = 10_000
CLUSTERS = 10
REPEATS = 100  # p99 is then the second slowest
WARM_UP = 5

# The targets.
TIMES_THE_SQL = 1.5
MEMORY_MB = 200.0

PREPARE = f"""
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
INSERT INTO jobs (project, name, desc, kind, user, status, created_at, updated_at, run_id, cluster, flink_job_id)
SELECT 'proj0123', 'job-' || i, '', 'flink_opensource_sql_job', 'bench',
       CASE WHEN i % {JOBS // IDS} = 0 THEN 'running' ELSE 'stopped' END, 0, 0, i, 'c' || (i % {CLUSTERS}),
       printf('%032x', i)
FROM n;
"""
RUNS = """
INSERT INTO runs (job_id, cluster, flink_job_id, phase, created_at)
SELECT id, cluster, flink_job_id, CASE status WHEN 'running' THEN 'running' ELSE 'finished' END, 0 FROM jobs;
"""
RESET = """
DELETE FROM stops; DELETE FROM batches; DELETE FROM events;
UPDATE jobs SET status = 'running', stop_id = NULL WHERE status = 'savepointing';
"""
# What the accept call writes, as a single hand-written transaction.
TRANSACTION = [
    """SELECT q.value, j.status, s.id FROM json_each(:ids) q
       LEFT JOIN jobs j ON j.id = q.value AND j.project = 'proj0123' AND j.deleted_at IS NULL
       LEFT JOIN stops s ON s.id = j.stop_id
       WHERE j.id IS NULL OR j.status NOT IN ('running')""",
    "INSERT INTO batches (project, savepoint, reason, created_at) VALUES ('proj0123', 1, '', 0)",
    """INSERT INTO stops (batch_id, job_id, run_id, cluster, flink_job_id, savepoint, root, token, phase, deadline,
                          created_at)
       SELECT (SELECT max(id) FROM batches), id, run_id, cluster, flink_job_id, 1,
              'file:///bench/jobs/savepoint/' || id || '/20260101T000000.000', lower(hex(randomblob(16))), 'waiting',
              0, 0
       FROM jobs WHERE id IN (SELECT value FROM json_each(:ids)) ORDER BY id""",
    """UPDATE jobs SET status = 'savepointing', why = '', stop_id = stops.id FROM stops
       WHERE jobs.id = stops.job_id AND stops.batch_id = (SELECT max(id) FROM batches)""",
    "INSERT INTO events (kind, at, project, batch_id) VALUES ('stop_accepted', 0, 'proj0123', 1)",
    "SELECT DISTINCT cluster FROM stops WHERE batch_id = (SELECT max(id) FROM batches)",
]


def main() -> bool:
    """Measure and print; whether the targets are met."""
    with tempfile.TemporaryDirectory() as directory:
        bare, served = Path(directory) / "bare", Path(directory) / "served"
        for data in (bare, served):
            data.mkdir()
            fill(data / "sluiceway.db")
        # The call alone: another worker, this one, holds the clusters' leases, so the service takes no turns beside it.
        hold_leases(served / "sluiceway.db")
        clusters = [f"--cluster=c{number}=http://127.0.0.1:9" for number in range(CLUSTERS)]
        service = ServiceProcess(served, *clusters)
        try:
            ours, sql = measure(service, served / "sluiceway.db", bare / "sluiceway.db")
            memory = resident_mb(service.process.pid)
        finally:
            service.end()
    return report(ours, sql, memory)


def fill(path: Path) -> None:
    """A database with `JOBS` jobs, `IDS` of them running."""
    migrate(path)
    with sqlite3.connect(path) as db:
        db.execute(PREPARE)
        spec = to_json(JobSpec("INSERT INTO sink SELECT * FROM source"))
        db.execute("INSERT INTO specs SELECT id, ?, '{}' FROM jobs", [spec])
        db.execute(RUNS)
        db.execute("ANALYZE")
    db.close()


def hold_leases(path: Path) -> None:
    """Hold the leases of all clusters for the next seconds."""
    until = round((time.time() + LEASE.total_seconds() * 1.8) * 1000)
    rows = [(f"c{number}", "bench", until, 1) for number in range(CLUSTERS)]
    with sqlite3.connect(path, timeout=60) as db:
        db.executemany("INSERT OR REPLACE INTO leases (cluster, owner, until, fence) VALUES (?, ?, ?, ?)", rows)
    db.close()


def measure(service: ServiceProcess, served: Path, bare: Path) -> tuple[list[float], list[float]]:
    """Seconds of each call, and of each bare transaction, taken in turns."""
    ids = list(range(JOBS // IDS, JOBS + 1, JOBS // IDS))
    body = json.dumps({"job_ids": ids, "trigger_savepoint": True}).encode()
    ours, sql = [], []
    with sqlite3.connect(bare, isolation_level=None) as db, sqlite3.connect(served, timeout=60) as other:
        db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-8000;")
        for _ in range(WARM_UP + REPEATS):
            other.executescript(RESET)
            hold_leases(served)
            db.executescript(RESET)
            ours.append(call(service, body))
            sql.append(transaction(db, json.dumps(ids)))
    return ours[WARM_UP:], sql[WARM_UP:]


def call(service: ServiceProcess, body: bytes) -> float:
    """One stop of all ids over HTTP; seconds until the answer is read."""
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc)
    path = f"/v1.0/{service.project}/streaming/jobs/stop"
    connection.connect()
    begun = time.perf_counter()
    connection.request("POST", path, body, {"Content-Type": "application/json"})
    answer = connection.getresponse().read()
    seconds = time.perf_counter() - begun
    connection.close()
    assert answer.count(b'"is_success":"true"') == IDS, answer[:300]
    return seconds


def transaction(db: sqlite3.Connection, ids: str) -> float:
    """The same, as SQL alone."""
    begun = time.perf_counter()
    db.execute("BEGIN IMMEDIATE")
    for statement in TRANSACTION:
        db.execute(statement, {"ids": ids} if ":ids" in statement else {}).fetchall()
    db.execute("COMMIT")
    return time.perf_counter() - begun


def resident_mb(pid: int) -> float:
    """The memory of a process now, in MB."""
    [line] = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1024


def report(ours: list[float], sql: list[float], memory: float) -> bool:
    """Print the figures; whether the targets hold."""
    say(f"\nAccepting the stop of {IDS} jobs with {JOBS} in the table, {REPEATS} times")
    for name, seconds in (("Sluiceway, over HTTP", ours), ("bare SQL transaction", sql)):
        say(f"  {name}: p50 {percentile(seconds, 50) * 1000:.0f} ms, p99 {percentile(seconds, 99) * 1000:.0f} ms")
    ratios = [percentile(ours, p) / percentile(sql, p) for p in (50, 99)]
    return all(
        [
            met("accept / bare SQL, p50", ratios[0], TIMES_THE_SQL),
            met("accept / bare SQL, p99", ratios[1], TIMES_THE_SQL),
            met("memory of the service (MB)", memory, MEMORY_MB),
        ]
    )


def percentile(seconds: list[float], p: int) -> float:
    """The p-th percentile."""
    return statistics.quantiles(seconds, n=100, method="inclusive")[p - 1]


if __name__ == "__main__":
    Console().print(main())
