"""The vendor's own SDK drives the whole life of jobs against real Flink."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkdli.v1 import (
    BatchDeleteFlinkJobsRequest,
    BatchDeleteFlinkJobsRequestBody,
    BatchRunFlinkJobsRequest,
    BatchRunFlinkJobsRequestBody,
    BatchStopFlinkJobsRequest,
    CreateFlinkSqlJobRequest,
    CreateFlinkSqlJobRequestBody,
    DeleteFlinkJobRequest,
    DliClient,
    ExecuteFlinkJobSavepointRequest,
    ExecuteFlinkJobSavepointRequestBody,
    ImportFlinkJobSavepointRequest,
    ImportFlinkJobSavepointRequestBody,
    ListFlinkJobsRequest,
    ShowFlinkJobExecutionGraphRequest,
    ShowFlinkJobRequest,
    StopFlinkJobsRequestBody,
    UpdateFlinkSqlJobRequest,
    UpdateFlinkSqlJobRequestBody,
)
from tests.service import PATIENCE, ServiceProcess

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


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    process = ServiceProcess(tmp_path_factory.mktemp("data"), "--embedded")
    yield process
    assert process.end() == 0, "it ends gracefully"


@pytest.fixture(scope="module")
def client(service: ServiceProcess) -> Any:
    credentials = BasicCredentials("ak", "sk", service.project)
    return DliClient.new_builder().with_credentials(credentials).with_endpoint(service.url).build()


def create(client: Any, name: str, sql: str, **fields: Any) -> int:
    body = CreateFlinkSqlJobRequestBody(name=name, sql_body=sql, **fields)
    answer = client.create_flink_sql_job(CreateFlinkSqlJobRequest(body=body))
    assert (answer.is_success, answer.job.status_name) == ("true", "job_init")
    return int(answer.job.job_id)


def show(client: Any, job: int) -> Any:
    return client.show_flink_job(ShowFlinkJobRequest(job_id=job)).job_detail


def until(client: Any, job: int, status: str) -> Any:
    end = time.monotonic() + PATIENCE
    while (detail := show(client, job)).status != status:
        assert time.monotonic() < end, f"still {detail.status}: {detail.status_desc}"
        time.sleep(0.2)
    return detail


def run(client: Any, jobs: list[int], *, resume: bool | None = None) -> list[str]:
    body = BatchRunFlinkJobsRequestBody(job_ids=jobs, resume_savepoint=resume)
    answers = client.batch_run_flink_jobs(BatchRunFlinkJobsRequest(body=body)).body
    return [answer.is_success for answer in answers]


def stop(client: Any, jobs: list[int], *, savepoint: bool | None = None) -> list[str]:
    body = StopFlinkJobsRequestBody(job_ids=jobs, trigger_savepoint=savepoint)
    answers = client.batch_stop_flink_jobs(BatchStopFlinkJobsRequest(body=body)).body
    return [answer.is_success for answer in answers]


def numbers(directory: Path) -> list[int]:
    """What the job has committed: files under other names are still being written."""
    files = [path for path in directory.glob("part-*") if path.is_file()]
    return sorted(int(line) for path in files for line in path.read_text().split())


def test_the_whole_life_of_two_jobs(client: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    counter = create(
        client,
        "counter",
        COUNTER.format(directory=out),
        checkpoint_enabled=True,
        checkpoint_interval=1,
        checkpoint_mode=1,
        parallel_number=1,
    )
    plain = create(client, "plain", SILENT)
    body = UpdateFlinkSqlJobRequestBody(desc="改过的", parallel_number=2)
    assert client.update_flink_sql_job(UpdateFlinkSqlJobRequest(job_id=plain, body=body)).is_success == "true"
    assert show(client, plain).desc == "改过的"

    listed = client.list_flink_jobs(ListFlinkJobsRequest(name="counter", show_detail=True)).job_list
    assert (listed.total_count, listed.jobs[0].job_id) == (1, counter)

    assert run(client, [counter, plain]) == ["true", "true"]
    running = until(client, counter, "job_running")
    assert (running.job_config.checkpoint_mode, running.job_config.checkpoint_interval) == ("exactly_once", 1)
    until(client, plain, "job_running")
    graph = client.show_flink_job_execution_graph(ShowFlinkJobExecutionGraphRequest(job_id=plain)).execute_graph
    assert graph.state == "RUNNING"

    end = time.monotonic() + PATIENCE
    while not numbers(out):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert stop(client, [counter], savepoint=True) == ["true"]
    assert stop(client, [plain]) == ["true"]
    stopped = until(client, counter, "job_cancel_success")
    assert stopped.has_savepoint
    assert not until(client, plain, "job_cancel_success").has_savepoint
    before = numbers(out)
    assert before == list(range(1, before[-1] + 1)), "all that the savepoint covers is committed"

    with pytest.raises(ClientRequestException) as refused:
        run(client, [plain], resume=True)
    assert "DLI.13017" in refused.value.error_msg, "there is nothing to resume from"
    assert run(client, [counter], resume=True) == ["true"]
    until(client, counter, "job_running")
    while len(numbers(out)) <= len(before):
        assert time.monotonic() < end
        time.sleep(0.2)
    stop(client, [counter], savepoint=True)
    until(client, counter, "job_cancel_success")
    after = numbers(out)
    assert after == list(range(1, after[-1] + 1)), "it carried on: nothing twice, nothing missing"
    assert after[-1] > before[-1]

    assert client.delete_flink_job(DeleteFlinkJobRequest(job_id=plain)).is_success == "true"
    body = BatchDeleteFlinkJobsRequestBody(job_ids=[counter])
    assert client.batch_delete_flink_jobs(BatchDeleteFlinkJobsRequest(body=body)).body[0].is_success == "true"
    with pytest.raises(ClientRequestException) as gone:
        show(client, counter)
    assert gone.value.error_code == "DLI.16001"


def test_a_job_goes_on_from_a_savepoint_that_was_taken_while_it_ran(client: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    # So rare a checkpoint that the savepoint is all that there is.
    job = create(client, "saved", COUNTER.format(directory=out), checkpoint_enabled=True, checkpoint_interval=3600)
    run(client, [job])
    until(client, job, "job_running")
    body = ExecuteFlinkJobSavepointRequestBody(action="TRIGGER", savepoint_path="obs://my-bucket/nightly/")
    end = time.monotonic() + PATIENCE
    while not (detail := show(client, job)).has_savepoint:  # its tasks may not all run yet
        if detail.status == "job_running":
            client.execute_flink_job_savepoint(ExecuteFlinkJobSavepointRequest(job_id=str(job), body=body))
        assert time.monotonic() < end, detail.status_desc
        time.sleep(0.2)
    saved = until(client, job, "job_running")
    assert "/my-bucket/nightly/" in saved.savepoint_path
    graph = client.show_flink_job_execution_graph(ShowFlinkJobExecutionGraphRequest(job_id=job)).execute_graph
    assert graph.state == "RUNNING", "it has run on"

    stop(client, [job])
    until(client, job, "job_cancel_success")
    assert run(client, [job], resume=True) == ["true"]
    until(client, job, "job_running")
    time.sleep(1.0)  # for some numbers more
    stop(client, [job], savepoint=True)
    until(client, job, "job_cancel_success")
    found = numbers(out)
    assert found == list(range(1, found[-1] + 1)), "nothing twice, nothing missing"

    choice = ImportFlinkJobSavepointRequestBody(job_id=job, savepoint_path=saved.savepoint_path)
    answer = client.import_flink_job_savepoint(ImportFlinkJobSavepointRequest(job_id=str(job), body=choice))
    assert answer.is_success == "true"
    assert show(client, job).savepoint_path == saved.savepoint_path, "the next run begins there, though it is older"


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("INSERT INTO nowhere SELECT 1", "nowhere"),
        ("CREATE TABLE s (n BIGINT) WITH ('connector' = 'kafkaesque'); INSERT INTO s SELECT 1", "kafkaesque"),
        ("CREATE TABLE s (n BIGINT) WITH ('connector' = 'blackhole'); INSERT INTO s SELECT nothing", "nothing"),
    ],
)
def test_sql_that_does_not_compile_says_so_in_plain_words(client: Any, sql: str, says: str) -> None:
    job = create(client, f"broken-{says}", sql)
    run(client, [job])
    failed = until(client, job, "job_submit_fail")
    assert says in failed.status_desc
    assert "Exception" not in failed.status_desc
    assert "\tat " not in failed.status_desc


def test_a_job_that_fails_or_finishes_shows_it_by_itself(client: Any) -> None:
    finishing = create(client, "finishing", SILENT.replace("'rows-per-second' = '10'", "'number-of-rows' = '5'"))
    failing = create(client, "failing", SILENT.replace("SELECT n", "SELECT n / (n - n)"))
    run(client, [finishing, failing])
    until(client, finishing, "job_finish")
    assert until(client, failing, "job_running_exception").status_desc
