"""The embedded Flink ends with the service, whatever way that ends, and is started again when it dies by itself."""

import json
import os
import signal
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real

# The same moment in every row, as text in the zone that the job is planned under.
SQL = """
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE f (epoch STRING, n BIGINT) WITH ('connector' = 'filesystem', 'format' = 'csv', 'path' = 'file://{out}');
INSERT INTO f SELECT CAST(TO_TIMESTAMP_LTZ(0, 0) AS STRING), n FROM s;
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


def hours(out: Path) -> list[str]:
    """The date and hour in each row that a job has written."""
    return [line.partition(":")[0] for part in out.glob("part-*") for line in part.read_text().splitlines()]


def test_what_becomes_of_the_embedded_flink_and_its_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC")
    service = ServiceProcess(tmp_path, "--embedded")
    out, anew = tmp_path / "out", tmp_path / "anew"
    often = {"checkpoint_enabled": True, "checkpoint_interval": 1}
    job = service.create("survivor", SQL.format(out=out), **often)
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

    monkeypatch.setenv("TZ", "Asia/Shanghai")  # to which the machine has moved
    service = ServiceProcess(tmp_path, "--embedded")
    assert "embedded Flink" in service.until(job, "job_running_exception")["status_desc"]
    service.start([job], resume=True)
    service.dli("POST", "/jobs/stop", {"job_ids": [job], "trigger_savepoint": True})
    stopped = service.until(job, "job_cancel_success")
    own = f"/api/v1/projects/{service.project}/resumes"
    [told] = service.call("POST", own, {"job_ids": [job], "dry_run": True})["jobs"]
    assert (told["accepted"], told["way_back"].get("concerns", [])) == (True, [])
    before = len(hours(out))
    service.start([job], resume=True)
    service.start([service.create("anew", SQL.format(out=anew), **often)])
    assert restored_from(service, job).removeprefix("file:") == stopped["savepoint_path"].removeprefix("file://")
    wait_for(lambda: bool(hours(anew)) and len(hours(out)) > before)
    assert set(hours(anew)) == {'"1970-01-01 08'}, "what begins anew is planned under the zone of the machine"
    assert set(hours(out)) == {'"1970-01-01 00'}, "what is resumed keeps the zone that its state was made under"
    javas = javas_of(service)
    assert set(javas) == {"flink", "planner"}
    assert service.end() == 0
    assert not any(alive(java) for java in javas.values())
