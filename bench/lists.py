"""Lists of jobs: a page of 100 with 100,000 jobs in the table, beside the bare SQL queries that find it."""

import http.client
import itertools
import sqlite3
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, urlsplit

from rich.console import Console
from tests.support.services.process import ServiceProcess

from bench.accept import JOBS, percentile
from bench.stops import met, say
from sluiceway.domain.job import JobSpec
from sluiceway.store.migrating import migrate
from sluiceway.store.rows import to_json

REPEATS = 40
WARM_UP = 5
LIMIT = 100

# The target.
MILLISECONDS = 20.0

PREPARE = f"""
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {JOBS})
INSERT INTO jobs (project, name, desc, kind, queue, user, status, created_at, updated_at, cluster)
SELECT 'proj0123', 'orders-' || i, '', CASE WHEN i % 4 THEN 'flink_opensource_sql_job' ELSE 'flink_jar_job' END,
       CASE WHEN i % 3 THEN 'c' || (i % 10) END, 'user-' || (i % 20),
       CASE WHEN i % 10 THEN 'stopped' ELSE 'running' END, 0, 0, 'c' || (i % 7)
FROM n;
INSERT INTO job_tags SELECT id, 'env', CASE WHEN id % 2 THEN 'prod' ELSE 'test' END, project FROM jobs;
INSERT INTO job_tags SELECT id, 'team', 't' || (id % 100), project FROM jobs;
"""
PRESENT = "FROM jobs WHERE project = 'proj0123' AND deleted_at IS NULL"
JARS = f"{PRESENT} AND kind = 'flink_jar_job'"
TAGGED = """FROM job_tags t CROSS JOIN jobs ON jobs.id = t.job_id
    WHERE t.project = 'proj0123' AND t.key = 'env' AND t.value = 'prod' AND deleted_at IS NULL"""
# What is asked, and the condition that a hand-written query would have for it.
CASES: Sequence[tuple[str, str, str]] = (
    ("all", "", PRESENT),
    ("all, the last page", f"offset={JOBS - LIMIT}", PRESENT),
    ("all, the oldest first", "order=asc", PRESENT),
    ("status, 90 %", "status=job_cancel_success", f"{PRESENT} AND status = 'stopped'"),
    ("status, 10 %", "status=job_running", f"{PRESENT} AND status = 'running'"),
    ("job_type, 75 %", "job_type=flink_opensource_sql_job", f"{PRESENT} AND kind = 'flink_opensource_sql_job'"),
    ("queue_name", "queue_name=c1", f"{PRESENT} AND coalesce(queue, cluster) = 'c1'"),
    ("user_name", "user_name=user-7", f"{PRESENT} AND user = 'user-7'"),
    ("name, a part of one", "name=rders-99999", f"{PRESENT} AND id > 0 AND instr(name, 'rders-99999')"),
    ("name, a part of all", "name=rders", f"{PRESENT} AND id > 0 AND instr(name, 'rders')"),
    ("tags, 50 %", f"tags={quote('env=prod')}", TAGGED),
    (
        "status and job_type",
        "status=job_running&job_type=flink_jar_job",
        f"{PRESENT} AND status = 'running' AND kind = 'flink_jar_job'",
    ),
)


def main() -> bool:
    """Measure and print; whether the target is met."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "sluiceway.db"
        fill(path)
        service = ServiceProcess(Path(directory), "--cluster=c0=http://127.0.0.1:9")
        try:
            say(f"\nA page of {LIMIT} jobs of {JOBS}, {REPEATS} times: p50 over HTTP, and of the bare SQL")
            kept = [measure(service, path, *case) for case in CASES]  # every one of them, also after a miss
            return all(kept)
        finally:
            service.end()


def fill(path: Path) -> None:
    """A database with `JOBS` jobs of all sorts, and two tags of each."""
    migrate(path)
    with sqlite3.connect(path) as db:
        db.executescript(PREPARE)
        db.execute(
            "INSERT INTO specs SELECT id, ?, '{}' FROM jobs", [to_json(JobSpec("INSERT INTO b SELECT n FROM s"))]
        )
    db.close()


def measure(service: ServiceProcess, path: Path, name: str, query: str, condition: str) -> bool:
    """One case, the two in turns."""
    order = "ASC" if "order=asc" in query else "DESC"
    offset = JOBS - LIMIT if "offset" in query else 0
    connection = http.client.HTTPConnection(urlsplit(service.url).netloc)
    ours, sql = [], []
    with sqlite3.connect(path, isolation_level=None) as db:
        db.execute("PRAGMA cache_size=-8000")
        for _ in range(WARM_UP + REPEATS):
            ours.append(call(connection, f"/v1.0/{service.project}/streaming/jobs?limit={LIMIT}&{query}"))
            sql.append(bare(db, condition, order, offset))
    connection.close()
    mine, theirs = (percentile(seconds[WARM_UP:], 50) * 1000 for seconds in (ours, sql))
    say(f"  {name}: {mine:.1f} ms, {theirs:.1f} ms ({mine / theirs:.1f}x)")
    return met(f"{name}, p50 (ms)", mine, MILLISECONDS)


def call(connection: http.client.HTTPConnection, path: str) -> float:
    """One list; seconds until the answer is read."""
    begun = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - begun
    assert answer.status == 200, body[:300]
    return seconds


def bare(db: sqlite3.Connection, condition: str, order: str, offset: int) -> float:
    """The same as SQL alone: the count, and all columns of the page."""
    begun = time.perf_counter()
    db.execute(f"SELECT count(*) {condition}").fetchone()
    page = f"SELECT id {condition} ORDER BY id {order} LIMIT {LIMIT} OFFSET {offset}"
    if condition is TAGGED:
        page = f"SELECT t.job_id {condition} ORDER BY t.job_id {order} LIMIT {LIMIT} OFFSET {offset}"
    wanted = ", ".join(str(row[0]) for row in itertools.chain(db.execute(page)))
    db.execute(f"SELECT * FROM jobs JOIN specs ON job_id = id WHERE id IN ({wanted})").fetchall()
    return time.perf_counter() - begun


if __name__ == "__main__":
    Console().print(main())
