"""`sluiceway serve` with its storage in an object store, before a fake Flink that writes there."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkdli.v1 import DliClient, RegisterBucketRequest, RegisterBucketRequestBody
from tests.support.doubles.fleet import FakeCluster, Fleet
from tests.support.doubles.object_store import KEYS, ObjectStore
from tests.support.doubles.places import S3Place
from tests.support.doubles.s3_disk import S3Disk
from tests.support.services.process import ServiceProcess

pytestmark = [pytest.mark.process, pytest.mark.usefixtures("keys_at_hand")]
NOWHERE = "--cluster=c0=http://127.0.0.1:9"  # nobody listens there


@pytest.mark.filterwarnings("ignore:Method 'register_bucket'")
def test_jobs_are_stopped_with_savepoints_in_an_object_store(object_store: ObjectStore, tmp_path: Path) -> None:
    place = S3Place(object_store)
    with FakeCluster(S3Disk(object_store)) as cluster:
        fleet = Fleet(tmp_path, cluster)
        jobs = fleet.run(20)
        options = ("--storage", place.storage.uri, "--s3-endpoint", object_store.endpoint)
        service = ServiceProcess(tmp_path, cluster.option, *options)
        assert authorized(service, "data").is_success is True
        service.dli("PUT", f"/sql-jobs/{jobs[0]}", {"obs_bucket": "data"})
        service.dli("POST", "/jobs/stop", {"job_ids": jobs, "trigger_savepoint": True})
        fleet.until(jobs, "stopped")
        kept = dict(fleet.rows("SELECT job_id, savepoint_path FROM stops WHERE verified"))
        assert {f"{path}/_metadata" for path in kept.values()} == {place.flink(key) for key in place.everything()}
        assert kept[jobs[0]].startswith(f"{place.storage.uri}/data/jobs/savepoint/{jobs[0]}/")
        assert kept[jobs[1]].startswith(f"{place.storage.uri}/jobs/savepoint/{jobs[1]}/")
        assert service.end() == 0
    said = "".join(service.log) + (tmp_path / "sluiceway.db").read_bytes().decode(errors="replace")
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in said


def authorized(service: ServiceProcess, *buckets: str) -> Any:
    """What the vendor's SDK makes of authorizing buckets."""
    credentials = BasicCredentials("ak", "sk", service.project)
    client = DliClient.new_builder().with_credentials(credentials).with_endpoint(service.url).build()
    return client.register_bucket(RegisterBucketRequest(body=RegisterBucketRequestBody(obs_buckets=list(buckets))))


def test_a_service_starts_without_its_object_store_and_says_so(tmp_path: Path) -> None:
    service = ServiceProcess(tmp_path, NOWHERE, "--storage=s3://company/flink", "--s3-endpoint=http://127.0.0.1:1")
    assert service.ready()
    assert service.end() == 0
    assert "storage_unreadable" in "".join(service.log)
    assert "s3://company/flink cannot be read: http://127.0.0.1:1 does not answer" in "".join(service.log)


def test_a_bucket_that_does_not_exist_is_told_before_anything_is_begun(
    object_store: ObjectStore, tmp_path: Path
) -> None:
    options = ("--storage", "s3://no-such-bucket/flink", "--s3-endpoint", object_store.endpoint)
    command = [sys.executable, "-m", "sluiceway", "serve", "--data", str(tmp_path), "--port=0", NOWHERE, *options]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "s3://no-such-bucket/flink cannot be used: NoSuchBucket: The specified bucket does not exist" in ended.stderr
    assert "Traceback" not in ended.stderr
