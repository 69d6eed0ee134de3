"""The embedded Flink ends with the service, whatever way that ends, and is started again when it dies by itself."""

import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.service import ServiceProcess, wait_for

pytestmark = pytest.mark.real

SQL = """
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO b SELECT n FROM s;
"""


def javas_of(service: ServiceProcess) -> dict[str, int]:
    """The Java processes that the service has started: the name of the directory of each, and its id."""
    tasks = Path(f"/proc/{service.process.pid}/task").iterdir()
    children = [int(pid) for task in tasks for pid in (task / "children").read_text().split()]
    javas = [pid for pid in children if "java" in Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0]]
    return {Path(f"/proc/{pid}/cwd").readlink().name: pid for pid in javas}


def alive(pid: int) -> bool:
    try:
        return "(java) Z" not in Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False


def restored_from(service: ServiceProcess, job: int) -> str:
    """Where the running job began, as Flink tells it."""
    flink_id = service.dli("GET", f"/jobs/{job}/execute-graph")["execute_graph"]["jid"]
    url = f"{service.flink}/jobs/{flink_id}/checkpoints"
    with urllib.request.urlopen(url, timeout=10) as answer:
        told: dict[str, Any] = json.load(answer)
    return str(told["latest"]["restored"]["external_path"])


def test_what_becomes_of_the_embedded_flink_and_its_jobs(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, "--embedded")
    job = service.create("survivor", SQL, checkpoint_enabled=True, checkpoint_interval=1)
    service.start([job])
    checkpoints = tmp_path / "storage" / "jobs" / "checkpoint" / str(job)
    wait_for(lambda: any(checkpoints.rglob("chk-*/_metadata")))

    os.kill(javas_of(service)["flink"], signal.SIGKILL)
    ended = service.until(job, "job_running_exception")
    assert "embedded Flink" in ended["status_desc"]
    wait_for(service.ready)
    service.start([job], resume=True)
    assert "/chk-" in restored_from(service, job), "the latest checkpoint"

    java = javas_of(service)["flink"]
    service.kill()
    wait_for(lambda: not alive(java), 30)

    service = ServiceProcess(tmp_path, "--embedded")
    assert "embedded Flink" in service.until(job, "job_running_exception")["status_desc"]
    service.start([job], resume=True)
    service.dli("POST", "/jobs/stop", {"job_ids": [job], "trigger_savepoint": True})
    stopped = service.until(job, "job_cancel_success")
    service.start([job], resume=True)
    assert restored_from(service, job).removeprefix("file:") == stopped["savepoint_path"].removeprefix("file://")
    javas = javas_of(service)
    assert set(javas) == {"flink", "planner"}
    assert service.end() == 0
    assert not any(alive(java) for java in javas.values())
