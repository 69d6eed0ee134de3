"""A move on real Flink: from one cluster to another and back, while the service is killed between the halves."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.flink.real import RealFlink
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real

COUNTS = """
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '20',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000');
CREATE TABLE f (n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'file://{out}');
INSERT INTO f SELECT n FROM s;
"""
NAMES = ("orders", "payments")


@pytest.fixture
def other_flink(tmp_path: Path) -> Iterator[RealFlink]:
    flink = RealFlink(tmp_path / "other", slots=4, heap_mb=768)
    try:
        yield flink.start()
    finally:
        flink.stop()


def test_counts_go_on_on_the_other_cluster_whenever_the_service_dies(
    tmp_path: Path, real_flink: RealFlink, other_flink: RealFlink
) -> None:
    data, out = tmp_path / "data", tmp_path / "out"
    clusters = (f"--cluster=here={real_flink.url}", f"--cluster=there={other_flink.url}")

    def move(name_from: str, to: str, *, dies: str) -> None:
        doomed = ServiceProcess(data, *clusters, crash=dies)
        asked = {"queue": name_from, "to": to}
        placed = doomed.call("POST", f"/api/v1/projects/{doomed.project}/moves", asked)
        assert placed["accepted"] == len(NAMES), placed
        assert doomed.process.wait(120) == -9, "it died between the halves"
        service = ServiceProcess(data, *clusters)
        command = ("moves", "show", str(placed["id"]), "--wait", "--timeout", "100")
        where = ("--server", service.url, "--project", service.project)
        done = subprocess.run(
            [sys.executable, "-m", "sluiceway", *command, *where], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        shown = service.call("GET", f"/api/v1/projects/{service.project}/moves/{placed['id']}")
        assert (shown["phases"], shown["settled"]) == ({"moved": len(NAMES)}, True)
        assert all(view["verified"] and view["queue"] == to for view in shown["jobs"])
        assert service.end() == 0

    service = ServiceProcess(data, *clusters)
    often = {"checkpoint_enabled": True, "checkpoint_interval": 1, "queue_name": "here"}
    jobs = [service.create(name, COUNTS.format(out=out / name), **often) for name in NAMES]
    service.start(jobs)
    wait_for(lambda: all(counts(out / name) for name in NAMES))
    assert service.end() == 0
    move("here", "there", dies="before_landing_is_stored")
    move("there", "here", dies="after_landing_is_stored")

    service = ServiceProcess(data, *clusters)
    service.dli("POST", "/jobs/stop", {"job_ids": jobs, "trigger_savepoint": True})
    for job in jobs:
        service.until(job, "job_cancel_success")
    assert service.end() == 0
    for name in NAMES:
        written = counts(out / name)
        assert written == list(range(1, len(written) + 1)), "none is missing, none was written twice"


def counts(place: Path) -> list[int]:
    """What a job has written, as far as it is committed."""
    return sorted(int(line) for part in place.glob("part-*") for line in part.read_text().split())
