"""What a stop, or a savepoint of a running job, must never do to a job: on real Flink, through the service."""

import json
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.services.process import ServiceProcess, wait_for

pytestmark = pytest.mark.real

SOURCE = "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');"
ROWS = "CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');"
COUNTS = "CREATE TABLE b (n BIGINT, c BIGINT) WITH ('connector' = 'blackhole');"
COUNT = f"{SOURCE}{COUNTS} INSERT INTO b SELECT MOD(n, 10), COUNT(*) FROM s GROUP BY MOD(n, 10);"
COPY = f"{SOURCE}{ROWS} INSERT INTO b SELECT n FROM s;"
JOIN = f"{SOURCE}{COUNTS} INSERT INTO b SELECT a.n, c.n FROM s AS a JOIN s AS c ON a.n = c.n;"
ASYNC = "SET 'table.exec.async-state.enabled' = 'true';"
HEAVY = (
    "CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10', 'fields.n.kind' = 'sequence',"
    f" 'fields.n.start' = '1', 'fields.n.end' = '700000'); {ROWS} INSERT INTO b SELECT n FROM s;"
)
HALF = (
    "CREATE TABLE once (n BIGINT) WITH ('connector' = 'datagen', 'number-of-rows' = '1');"
    "CREATE TABLE c (n BIGINT) WITH ('connector' = 'blackhole');"
    f"INSERT INTO c SELECT n FROM once; {COPY}"
)
AGAIN: dict[str, object] = {"restart_when_exception": True}
CHECKPOINTS: dict[str, object] = {"checkpoint_enabled": True, "checkpoint_interval": 1}
AFTER_FINISH = "execution.checkpointing.checkpoints-after-tasks-finish.enabled"

# Every job of these tests, by name: they are planned once, together.
JOBS: dict[str, tuple[str, dict[str, object]]] = {
    "sync": (COUNT, {}),
    "async": (ASYNC + COUNT, AGAIN),
    "async-kept": (ASYNC + COUNT, AGAIN),
    "async-join": (ASYNC + JOIN, {**AGAIN, "runtime_config": "state.backend.type=rocksdb"}),
    "forst": (COPY, {"runtime_config": "state.backend.type=forst"}),
    "heavy": (HEAVY, {}),
    "expiring": (COPY, {**AGAIN, "runtime_config": "execution.checkpointing.timeout=10 ms"}),
    "expiring-for-good": (COPY, {"runtime_config": "execution.checkpointing.timeout=10 ms"}),
    "half": (HALF, {"runtime_config": f"{AFTER_FINISH}=false"}),
    "checkpointed": (COPY, {**AGAIN, **CHECKPOINTS}),
    "changelog": (COUNT, {**CHECKPOINTS, "runtime_config": "state.changelog.enabled=true"}),
}


class Stage:
    """The service, its embedded Flink, and all jobs, which run."""

    def __init__(self, directory: Path) -> None:
        self.service = ServiceProcess(directory, "--embedded")
        self.ids = {name: self.service.create(name, sql, **fields) for name, (sql, fields) in JOBS.items()}
        self.service.start(list(self.ids.values()))
        for name in JOBS:
            wait_for(lambda name=name: self.runs(name))  # type: ignore[misc]

    def native(self, method: str, path: str, body: object = None) -> Any:
        return self.service.call(method, f"/api/v1/projects/{self.service.project}{path}", body)

    def flink(self, path: str) -> Any:
        with urllib.request.urlopen(self.service.flink + path, timeout=20) as answer:
            return json.load(answer)

    def line(self, name: str) -> dict[str, Any]:
        jid = self.service.dli("GET", f"/jobs/{self.ids[name]}/execute-graph")["execute_graph"]["jid"]
        [line] = [job for job in self.flink("/jobs/overview")["jobs"] if job["jid"] == jid]
        return dict(line)

    def runs(self, name: str) -> bool:
        line = self.line(name)
        tasks = line["tasks"]
        return bool(line["state"] == "RUNNING" and tasks["running"] + tasks["finished"] == tasks["total"])

    def restarts(self, name: str) -> int:
        """When the job was last restarted, in ms; 0 for never. Flink tells it some 3 s late."""
        return int(self.flink(f"/jobs/{self.line(name)['jid']}")["timestamps"]["RESTARTING"])

    def dry(self, name: str, **fields: object) -> dict[str, Any]:
        [answer] = self.native("POST", "/stops", {"job_ids": [self.ids[name]], "dry_run": True, **fields})["jobs"]
        return dict(answer)

    def dry_run(self, name: str) -> str:
        """What the command prints of one job."""
        command = [sys.executable, "-m", "sluiceway", "stop", str(self.ids[name]), "--dry-run"]
        place = ["--server", self.service.url, "--project", self.service.project]
        return subprocess.run([*command, *place], capture_output=True, text=True, timeout=120).stdout

    def stop(self, name: str, **fields: object) -> dict[str, Any]:
        """Stop one job, and wait until that has settled."""
        batch = self.native("POST", "/stops", {"job_ids": [self.ids[name]], **fields})["id"]
        return self.settled(batch)

    def settled(self, batch: int) -> dict[str, Any]:
        wait_for(lambda: self.native("GET", f"/stops/{batch}")["settled"])
        [view] = self.native("GET", f"/stops/{batch}")["jobs"]
        return dict(view)

    def kept(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.native("GET", f"/savepoints?job_id={self.ids[name]}")["savepoints"]
        return found


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    stage = Stage(tmp_path_factory.mktemp("destroys-nothing"))
    yield stage
    stage.service.end()


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        ("sync", "canonical", "hashmap writes both formats"),
        ("async", "native", "asynchronous"),
        ("async-join", "native", "asynchronous"),
        ("forst", "native", "ForSt"),
    ],
)
def test_a_stop_through_dli_takes_a_format_that_the_job_survives(
    stage: Stage, name: str, expected: str, why: str
) -> None:
    job = stage.ids[name]
    stage.service.dli("POST", "/jobs/stop", {"job_ids": [job], "trigger_savepoint": True})
    stage.service.until(job, "job_cancel_success")
    [kept] = stage.kept(name)
    assert (kept["format"], bool(kept["verified_at"])) == (expected, True)
    assert why in kept["format_reason"]


def test_a_savepoint_of_a_running_job_leaves_it_as_it_was(stage: Stage) -> None:
    before = stage.line("async-kept")["last-modification"]
    stage.service.dli("POST", f"/jobs/{stage.ids['async-kept']}/savepoint", {"action": "TRIGGER"})
    wait_for(lambda: bool(stage.kept("async-kept")))
    assert stage.kept("async-kept")[0]["format"] == "native"
    assert stage.line("async-kept")["last-modification"] == before, "no task was restarted"


def test_a_wish_that_would_kill_is_refused_before_anything_is_sent(stage: Stage) -> None:
    wish = {"job_ids": [stage.ids["async-kept"]], "format": "canonical"}
    for found in (stage.dry("async-kept", format="canonical"), stage.native("POST", "/stops", wish)["jobs"][0]):
        assert (found["accepted"], found["code"]) == (False, "deadly_format")
        assert "would make the job fail" in found["message"]
    taken = stage.native("POST", "/savepoints", wish)
    assert (taken["accepted"], taken["jobs"][0]["code"]) == (0, "deadly_format")
    assert stage.service.job(stage.ids["async-kept"])["status"] == "job_running"


def test_a_job_with_much_state_and_no_checkpoints_is_stopped_with_all_of_it(stage: Stage) -> None:
    stopped = stage.stop("heavy")
    assert (stopped["phase"], stopped["verified"]) == ("stopped", True)
    assert stopped["size"] > 5_242_880


def test_a_restart_from_nothing_is_told_and_no_second_attempt_follows(stage: Stage) -> None:
    finding = stage.dry("expiring")["finding"]
    assert (finding["if_savepoint_fails"], finding["timeout_seconds"]) == ("restarts_from_nothing", 0.01)
    assert "restarts from nothing" in stage.dry_run("expiring")
    before = stage.restarts("expiring")
    failed = stage.stop("expiring")
    assert (failed["phase"], failed["attempt"]) == ("failed", 1), failed
    assert "expired" in failed["reason"]
    assert "from nothing" in failed["reason"]
    assert stage.restarts("expiring") > before == 0
    assert stage.service.job(stage.ids["expiring"])["status"] == "job_cancel_fail"


def test_a_job_that_is_not_restarted_is_told_to_end_and_its_end_has_the_cause(stage: Stage) -> None:
    assert stage.dry("expiring-for-good")["finding"]["if_savepoint_fails"] == "ends"
    ended = stage.stop("expiring-for-good")
    assert ended["phase"] == "ended"
    assert "expired" in ended["reason"]


def test_a_job_with_checkpoints_would_restart_from_the_last_one(stage: Stage) -> None:
    wait_for(lambda: "last_checkpoint" in stage.dry("checkpointed")["finding"])
    finding = stage.dry("checkpointed")["finding"]
    assert finding["if_savepoint_fails"] == "restarts_from_checkpoint"
    assert "/chk-" in finding["if_savepoint_fails_reason"]
    assert finding.get("problems", []) == []


def test_a_finished_source_without_checkpoints_after_it_is_in_the_dry_run(stage: Stage) -> None:
    wait_for(lambda: stage.line("half")["tasks"]["finished"] > 0)
    finding = stage.dry("half")["finding"]
    assert finding["if_savepoint_fails"] == "runs_on"
    assert any(AFTER_FINISH in problem for problem in finding["problems"])
    failed = stage.stop("half")
    assert failed["phase"] == "failed"
    assert failed["sent_at"] is None
    assert AFTER_FINISH in failed["reason"]
    assert stage.runs("half")


def test_a_job_with_a_changelog_is_resumed_and_what_it_began_from_is_flinks_then(stage: Stage) -> None:
    job = stage.ids["changelog"]
    stopped = stage.stop("changelog")
    assert stopped["phase"] == "stopped", stopped
    stage.service.start([job], resume=True)
    wait_for(lambda: stage.runs("changelog"))

    def has_checkpoint() -> bool:
        latest = stage.flink(f"/jobs/{stage.line('changelog')['jid']}/checkpoints")["latest"]
        return latest["completed"] is not None

    wait_for(has_checkpoint)
    [kept] = stage.kept("changelog")
    assert kept["needed"]
    assert "Flink owns it" in kept["needed_by"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        stage.native("DELETE", f"/savepoints/{kept['id']}?force=true")
    assert refused.value.code == 409
    other = stage.ids["sync"]
    with pytest.raises(urllib.error.HTTPError) as refused:
        stage.service.dli("POST", f"/jobs/{other}/import-savepoint", {"savepoint_path": kept["path"]})
    assert b"claim mode" in refused.value.read()


TWICE = (
    f"{SOURCE}{ROWS} INSERT INTO b SELECT n FROM s;"
    "DROP TABLE b; CREATE TABLE b (n BIGINT) WITH ('connector' = 'print'); INSERT INTO b SELECT n FROM s;"
)
COUNTER = f"SET 'table.exec.uid.generation' = 'ALWAYS'; {COUNT}"


@pytest.mark.parametrize(("sql", "why"), [(TWICE, "b"), (COUNTER, "uid.generation")])
def test_what_could_not_be_right_or_not_be_resumed_is_refused_before_it_runs(stage: Stage, sql: str, why: str) -> None:
    job = stage.service.create("refused-" + why.replace(".", "-"), sql)
    try:
        stage.service.dli("POST", "/jobs/run", {"job_ids": [job], "resume_savepoint": False})
    except urllib.error.HTTPError as at_once:  # what its SQL sets, where the planner has read it in time
        refused = at_once.read().decode()
        assert "uid.generation" in refused
    else:
        refused = stage.service.until(job, "job_submit_fail")["status_desc"]
    assert why in refused
    assert len(refused) > 100, "with the reason and the way out"
