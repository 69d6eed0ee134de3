"""Records and rates of jobs through the vendor's SDK and as raw JSON, over a fake Flink."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import ShowFlinkMetricRequest, ShowFlinkMetricRequestBody
from tests.support.doubles.fleet import FakeCluster, Fleet
from tests.support.services.thread import BASE, ServiceThread, code_of


@pytest.fixture
def cluster() -> Iterator[FakeCluster]:
    with FakeCluster() as running:
        yield running


@pytest.fixture
def fleet(tmp_path: Path, cluster: FakeCluster) -> Fleet:
    return Fleet(tmp_path, cluster)


@pytest.fixture
def service(tmp_path: Path, fleet: Fleet, cluster: FakeCluster) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path, cluster.option.removeprefix("--cluster=")) as running:
        yield running


def metrics(service: ServiceThread, *jobs: int | str) -> dict[str, Any]:
    answer = service.http.post(f"{BASE}/jobs/metrics", json={"job_ids": jobs})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_the_sdk_reads_records_and_rates(service: ServiceThread, fleet: Fleet) -> None:
    [job] = fleet.run(records=700, rate=12.5, corrupted=3)
    shown = service.sdk().show_flink_metric(ShowFlinkMetricRequest(ShowFlinkMetricRequestBody([job])))
    assert shown.is_success is True
    [one] = shown.metrics.jobs
    assert (one.job_id, one.metrics.total_read_rate, one.metrics.total_write_rate) == (job, 12.5, 12.5)
    [source], [sink] = one.metrics.sources, one.metrics.sinks
    assert (source.name, source.records, source.corrupted_records) == ("s", 700, 0)
    assert (sink.name, sink.records, sink.corrupted_records) == ("b", 700, 3)


def test_the_wire_form_is_as_documented(service: ServiceThread, fleet: Fleet) -> None:
    [job] = fleet.run(records=1)
    found = metrics(service, job, str(job))
    assert found == {
        "is_success": True,
        "message": "",
        "metrics": {
            "jobs": [
                {
                    "job_id": job,
                    "metrics": {
                        "sources": [{"name": "s", "records": 1, "corrupted_records": 0}],
                        "sinks": [{"name": "b", "records": 1, "corrupted_records": 0}],
                        "total_read_rate": 0.0,
                        "total_write_rate": 0.0,
                    },
                }
            ]
        },
    }
    assert type(found["metrics"]["jobs"][0]["metrics"]["sources"][0]["records"]) is int


def test_nothing_flows_through_a_job_that_does_not_run(service: ServiceThread, fleet: Fleet) -> None:
    nothing = {"sources": [], "sinks": [], "total_read_rate": 0.0, "total_write_rate": 0.0}
    draft, [ended] = fleet.draft(), fleet.run(records=5)
    jid = fleet.flink_job(ended).jid
    fleet.cluster.do(lambda fake: fake.finish(jid))
    found = metrics(service, draft, ended)["metrics"]["jobs"]
    assert [job["metrics"] for job in found] == [nothing, nothing]


def test_a_cluster_that_does_not_answer_is_not_a_zero(service: ServiceThread, fleet: Fleet) -> None:
    [job] = fleet.run(records=5)
    fleet.cluster.do(lambda fake: fake.fault("vertex", "html_503", times=None))
    found = metrics(service, job)
    assert found["metrics"]["jobs"] == [{"job_id": job, "metrics": None}]
    assert str(job) in found["message"]


def test_an_unknown_job_has_no_metrics(service: ServiceThread, fleet: Fleet) -> None:
    [job] = fleet.run()
    for client, jobs in ((service.sdk(), [job, 999]), (service.sdk("other"), [job])):
        request = ShowFlinkMetricRequest(ShowFlinkMetricRequestBody(jobs))
        assert code_of(client.show_flink_metric, request) == (400, "DLI.16001")


@pytest.mark.parametrize(
    ("jobs", "code"), [([], "DLI.0001"), (["x"], "DLI.0001"), ([0], "DLI.12001"), (list(range(1, 102)), "DLI.0009")]
)
def test_bad_ids_have_their_codes(service: ServiceThread, jobs: list[Any], code: str) -> None:
    answer = service.http.post(f"{BASE}/jobs/metrics", json={"job_ids": jobs})
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)


def test_the_graph_of_a_running_job_tells_what_is_held_up(service: ServiceThread, fleet: Fleet) -> None:
    [job] = fleet.run()
    [vertex] = service.http.get(f"{BASE}/jobs/{job}/execute-graph").json()["execute_graph"]["vertices"]
    assert vertex["backpressure-level"] == "ok"


def test_the_graph_is_shown_without_what_flink_does_not_tell(service: ServiceThread, fleet: Fleet) -> None:
    [job] = fleet.run()
    fleet.cluster.do(lambda fake: fake.fault("vertex", "html_503", times=None))
    answer = service.http.get(f"{BASE}/jobs/{job}/execute-graph")
    assert (answer.status_code, answer.json()["execute_graph"]["state"]) == (200, "RUNNING")
