"""What our own API takes for an id, a status and a directory, and what it refuses."""

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from tests.support.services.thread import ServiceThread

OWN = "/api/v1/projects/p"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.mark.parametrize("written", ["1_0", "+1", " 1", "1 ", "01", "\u0663", "\uff11", "-0", "1\n", "0_1"])
@pytest.mark.parametrize("path", ["/stops/{}", "/stops/{}/events", "/savepoints/{}"])
def test_an_id_is_written_in_digits(service: ServiceThread, written: str, path: str) -> None:
    """Another way to write a number must not name a stop: whoever looks at the address would see another one."""
    answer = service.http.get(OWN + path.format(quote(written)))
    assert answer.status_code in {400, 404}
    assert "unknown" not in answer.json()["error_code"]


@pytest.mark.parametrize("call", ["abort", "proceed", "resume"])
def test_nor_is_anything_done_to_one(service: ServiceThread, call: str) -> None:
    answer = service.http.post(f"{OWN}/stops/1_0/{call}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, "bad_request")


def test_a_plain_id_is_looked_for(service: ServiceThread) -> None:
    assert service.http.get(f"{OWN}/stops/10").json()["error_code"] == "unknown_stop"
    assert service.http.get(f"{OWN}/savepoints/10").json()["error_code"] == "unknown_savepoint"


def test_few_statuses_in_a_request(service: ServiceThread) -> None:
    """A list of 300,000 was a statement with 300,000 parameters."""
    statuses = ["submitting", "running", "stop_failed", "stopped"]
    for given, status in ((statuses, 202), (statuses * 6, 400)):
        answer = service.http.post(f"{OWN}/stops", json={"status": given, "dry_run": True})
        assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "target", ["://", "x", "1://x", "file://", "file:///a b", "file:///a\u202e", "/a\x7f", "/a\x1b[31m", "é://x"]
)
def test_a_target_is_a_place_that_can_be_read(service: ServiceThread, target: str) -> None:
    answer = service.http.post(f"{OWN}/stops", content=json.dumps({"job_ids": [1], "target": target, "dry_run": True}))
    assert answer.status_code == 400
    assert "target is a directory" in answer.json()["error_msg"]


@pytest.mark.parametrize("target", ["/mnt/flink/tonight", "file:///mnt/数据", "s3://bucket/dir", "hdfs://nn:8020/x/"])
def test_a_good_target_is_taken(service: ServiceThread, target: str, tmp_path: Path) -> None:
    answer = service.http.post(f"{OWN}/stops", json={"job_ids": [1], "target": target, "dry_run": True})
    assert answer.status_code == 202
