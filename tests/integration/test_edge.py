"""What DLI has and there is none of here is refused clearly, through the vendor's SDK and by hand."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from huaweicloudsdkdli.v1 import (
    CreateFlinkSqlJobRequest,
    CreateFlinkSqlJobRequestBody,
    CreateIefMessageChannelRequest,
    CreateIefMessageChannelRequestBody,
)
from tests.support.services.thread import BASE, PROJECT, ServiceThread, code_of


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path_factory.mktemp("data")) as running:
        yield running


def test_the_sdk_reads_that_there_are_no_edge_nodes(service: ServiceThread, tmp_path: Path) -> None:
    client = service.sdk()
    channel = CreateIefMessageChannelRequest(CreateIefMessageChannelRequestBody(node_id="n"))
    assert code_of(client.create_ief_message_channel, channel) == (400, "DLI.0007")
    for fields in ({"job_type": "flink_sql_edge_job"}, {"run_mode": "edge_node"}):
        job = CreateFlinkSqlJobRequest(CreateFlinkSqlJobRequestBody(name="edge", **fields))
        assert code_of(client.create_flink_sql_job, job) == (400, "DLI.0007")


@pytest.mark.parametrize("call", ["message-channel", "system-events", "messages", "job-report"])
@pytest.mark.parametrize("body", [b"", b"{", b'{"node_id":"n"}'])
def test_every_call_of_an_edge_node_is_refused_whatever_it_says(service: ServiceThread, call: str, body: bytes) -> None:
    answer = service.http.post(f"/v1/{PROJECT}/edgesrv/{call}", content=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, "DLI.0007")
    assert "edge nodes" in answer.json()["error_msg"]


def test_any_other_is_unknown(service: ServiceThread) -> None:
    for method, path in (("POST", "other"), ("GET", "messages"), ("OPTIONS", "messages")):
        answer = service.http.request(method, f"/v1/{PROJECT}/edgesrv/{path}")
        assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")


def test_no_job_has_sinks_of_api_gateway(service: ServiceThread) -> None:
    job = service.create("job")
    for number, code in ((str(job), "DLI.11098"), ("999", "DLI.16001"), ("x", "DLI.12001")):
        answer = service.http.get(f"{BASE}/jobs/{number}/apig-sinks")
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)
