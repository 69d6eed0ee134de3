"""The vendor's own SDK drives the whole life of jobs against real Flink."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import DliClient
from tests.support.people import users
from tests.support.people.sdk import KINDS, PROJECT, Key, Sdk, client, code_of, refusal
from tests.support.services.process import PATIENCE, ServiceProcess

pytestmark = pytest.mark.real

COUNTER = """
CREATE TABLE numbers (n BIGINT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '200',
  'fields.n.kind' = 'sequence', 'fields.n.start' = '1', 'fields.n.end' = '100000');
CREATE TABLE seen (n BIGINT) WITH ('connector' = 'filesystem', 'path' = '{directory}', 'format' = 'csv');
INSERT INTO seen SELECT n FROM numbers;
"""
SILENT = """
CREATE TABLE s (n BIGINT) WITH ('connector' = 'datagen', 'rows-per-second' = '10');
CREATE TABLE b (n BIGINT) WITH ('connector' = 'blackhole');
INSERT INTO b SELECT n FROM s;
"""


@dataclass(frozen=True)
class Signed:
    """A service with a Flink beside it, and the access key of an owner of the project."""

    service: ServiceProcess
    owner: Key

    @classmethod
    def start(cls, data: Path) -> "Signed":
        owner = users.user(data, "owner", "owner", PROJECT)
        return cls(ServiceProcess(data, "--embedded", "--auth"), owner)

    def sdk(self, kind: Any = DliClient) -> Sdk:
        """The owner's client."""
        return Sdk(client(self.service.url, self.owner, kind))


@pytest.fixture(scope="module")
def signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    started = Signed.start(tmp_path_factory.mktemp("data"))
    yield started
    assert started.service.end() == 0, "it ends gracefully"


@pytest.fixture
def sdk(signed: Signed) -> Sdk:
    return signed.sdk()


def create(sdk: Sdk, name: str, sql: str, **fields: Any) -> int:
    answer = sdk("create_flink_sql_job", name=name, sql_body=sql, **fields)
    assert (answer.is_success, answer.job.status_name) == ("true", "job_init")
    return int(answer.job.job_id)


def show(sdk: Sdk, job: int) -> Any:
    return sdk("show_flink_job", job_id=job).job_detail


def until(sdk: Sdk, job: int, status: str) -> Any:
    end = time.monotonic() + PATIENCE
    while (detail := show(sdk, job)).status != status:
        assert time.monotonic() < end, f"still {detail.status}: {detail.status_desc}"
        time.sleep(0.2)
    return detail


def run(sdk: Sdk, jobs: list[int], *, resume: bool | None = None) -> list[str]:
    return [answer.is_success for answer in sdk("batch_run_flink_jobs", job_ids=jobs, resume_savepoint=resume).body]


def stop(sdk: Sdk, jobs: list[int], *, savepoint: bool | None = None) -> list[str]:
    answers = sdk("batch_stop_flink_jobs", job_ids=jobs, trigger_savepoint=savepoint).body
    return [answer.is_success for answer in answers]


def state(sdk: Sdk, job: int) -> str:
    """What Flink says of it."""
    return str(sdk("show_flink_job_execution_graph", job_id=job).execute_graph.state)


def numbers(directory: Path) -> list[int]:
    """What the job has committed: files under other names are still being written."""
    files = [path for path in directory.glob("part-*") if path.is_file()]
    return sorted(int(line) for path in files for line in path.read_text().split())


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_the_whole_life_of_two_jobs(signed: Signed, kind: Any, tmp_path: Path) -> None:
    sdk, out = signed.sdk(kind), tmp_path / "out"
    word = f"counter-{kind.__name__}"
    counter = create(
        sdk,
        word,
        COUNTER.format(directory=out),
        checkpoint_enabled=True,
        checkpoint_interval=1,
        checkpoint_mode=1,
        parallel_number=1,
    )
    plain = create(sdk, f"plain-{kind.__name__}", SILENT)
    assert sdk("update_flink_sql_job", job_id=plain, desc="改过的", parallel_number=2).is_success == "true"
    assert show(sdk, plain).desc == "改过的"
    listed = sdk("list_flink_jobs", name=word, show_detail=True).job_list
    assert (listed.total_count, listed.jobs[0].job_id) == (1, counter)
    drawn = sdk("create_flink_sql_job_graph", job_id=str(plain), sql_body=SILENT, graph_type="job_graph")
    assert {node["parallelism"] for node in json.loads(drawn.stream_graph)["nodes"]} == {1}

    assert run(sdk, [counter, plain]) == ["true", "true"]
    running = until(sdk, counter, "job_running")
    assert (running.job_config.checkpoint_mode, running.job_config.checkpoint_interval) == ("exactly_once", 1)
    until(sdk, plain, "job_running")
    assert state(sdk, plain) == "RUNNING"
    shown = sdk("show_flink_metric", job_ids=[counter, plain])
    assert (shown.is_success, [each.job_id for each in shown.metrics.jobs]) == (True, [counter, plain])

    end = time.monotonic() + PATIENCE
    while not numbers(out):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert stop(sdk, [counter], savepoint=True) == ["true"]
    assert stop(sdk, [plain]) == ["true"]
    stopped = until(sdk, counter, "job_cancel_success")
    assert stopped.has_savepoint
    assert not until(sdk, plain, "job_cancel_success").has_savepoint
    before = numbers(out)
    assert before == list(range(1, before[-1] + 1)), "all that the savepoint covers is committed"

    assert "DLI.13017" in refusal(run, sdk, [plain], resume=True).error_msg, "there is nothing to resume from"
    [file] = sdk("export_flink_jobs", obs_dir="bucket/exports", is_selected=True, job_selected=[counter]).zip_file
    sdk("update_flink_sql_job", job_id=counter, sql_body="SELECT 'nothing'")
    [moved] = sdk("import_flink_jobs", zip_file=file, is_cover=True).job_mapping
    assert (moved.new_job_id, show(sdk, counter).status) == (counter, "job_init")
    assert run(sdk, [counter], resume=True) == ["true"], "a job that was replaced keeps its savepoints"
    until(sdk, counter, "job_running")
    while len(numbers(out)) <= len(before):
        assert time.monotonic() < end
        time.sleep(0.2)
    stop(sdk, [counter], savepoint=True)
    until(sdk, counter, "job_cancel_success")
    after = numbers(out)
    assert after == list(range(1, after[-1] + 1)), "it carried on: nothing twice, nothing missing"
    assert after[-1] > before[-1]

    assert sdk("delete_flink_job", job_id=plain).is_success == "true"
    assert sdk("batch_delete_flink_jobs", job_ids=[counter]).body[0].is_success == "true"
    assert code_of(show, sdk, counter) == (400, "DLI.16001")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_job_goes_on_from_a_savepoint_that_was_taken_while_it_ran(signed: Signed, kind: Any, tmp_path: Path) -> None:
    sdk, out = signed.sdk(kind), tmp_path / "out"
    # So rare a checkpoint that the savepoint is all that there is.
    rare = {"checkpoint_enabled": True, "checkpoint_interval": 3600}
    job = create(sdk, f"saved-{kind.__name__}", COUNTER.format(directory=out), **rare)
    run(sdk, [job])
    until(sdk, job, "job_running")
    end = time.monotonic() + PATIENCE
    while not (detail := show(sdk, job)).has_savepoint:  # its tasks may not all run yet
        if detail.status == "job_running":
            path = "obs://my-bucket/nightly/"
            sdk("execute_flink_job_savepoint", job_id=str(job), action="TRIGGER", savepoint_path=path)
        assert time.monotonic() < end, detail.status_desc
        time.sleep(0.2)
    saved = until(sdk, job, "job_running")
    assert "/my-bucket/nightly/" in saved.savepoint_path
    assert state(sdk, job) == "RUNNING", "it has run on"

    stop(sdk, [job])
    until(sdk, job, "job_cancel_success")
    assert run(sdk, [job], resume=True) == ["true"]
    until(sdk, job, "job_running")
    time.sleep(1.0)  # for some numbers more
    stop(sdk, [job], savepoint=True)
    until(sdk, job, "job_cancel_success")
    found = numbers(out)
    assert found == list(range(1, found[-1] + 1)), "nothing twice, nothing missing"

    answer = sdk("import_flink_job_savepoint", job_id=job, savepoint_path=saved.savepoint_path)
    assert answer.is_success == "true"
    assert show(sdk, job).savepoint_path == saved.savepoint_path, "the next run begins there, though it is older"
    assert run(sdk, [job], resume=True) == ["true"]
    until(sdk, job, "job_running")
    assert stop(sdk, [job]) == ["true"]
    until(sdk, job, "job_cancel_success")


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("INSERT INTO nowhere SELECT 1", "nowhere"),
        ("CREATE TABLE s (n BIGINT) WITH ('connector' = 'kafkaesque'); INSERT INTO s SELECT 1", "kafkaesque"),
        ("CREATE TABLE s (n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO s SELECT nothing", "nothing"),
    ],
)
def test_sql_that_does_not_compile_says_so_in_plain_words(sdk: Sdk, sql: str, says: str) -> None:
    job = create(sdk, f"broken-{says}", sql)
    run(sdk, [job])
    failed = until(sdk, job, "job_submit_fail")
    assert says in failed.status_desc
    assert "Exception" not in failed.status_desc
    assert "\tat " not in failed.status_desc


def test_a_job_that_fails_or_finishes_shows_it_by_itself(sdk: Sdk) -> None:
    finishing = create(sdk, "finishing", SILENT.replace("'rows-per-second' = '10'", "'number-of-rows' = '5'"))
    failing = create(sdk, "failing", SILENT.replace("SELECT n", "SELECT n / (n - n)"))
    run(sdk, [finishing, failing])
    until(sdk, finishing, "job_finish")
    assert until(sdk, failing, "job_running_exception").status_desc
