"""The service with sign-in on, as a process: the vendor's SDK with AK/SK, tokens, and our own commands."""

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkcore.exceptions.exceptions import ClientRequestException
from huaweicloudsdkcore.region.region import Region
from huaweicloudsdkdli.v1 import (
    BatchRunFlinkJobsRequest,
    BatchRunFlinkJobsRequestBody,
    BatchStopFlinkJobsRequest,
    CreateFlinkSqlJobRequest,
    CreateFlinkSqlJobRequestBody,
    DeleteFlinkJobRequest,
    DliAsyncClient,
    DliClient,
    ListFlinkJobsRequest,
    ShowFlinkJobRequest,
    StopFlinkJobsRequestBody,
)
from tests.support.doubles.fleet import PROJECT, FakeCluster, Fleet
from tests.support.people import users
from tests.support.people.sdk import Key, client, code_of, credentials
from tests.support.people.users import access
from tests.support.services.process import ServiceProcess

from sluiceway.cli.main import run

pytestmark = pytest.mark.process


class Site:
    """A service with jobs on a fake Flink, and its administrator."""

    def __init__(self, data: Path, cluster: FakeCluster) -> None:
        self.data = data
        self.fleet = Fleet(data, cluster)
        self.user("root", "admin", "*")
        self.service = ServiceProcess(data, "--auth", cluster.option)

    def user(self, name: str, role: str, project: str, *more: str) -> dict[str, str]:
        """A new user with an access key."""
        return users.user(self.data, name, role, project, *more)

    def key(self, name: str, *more: str) -> dict[str, str]:
        return users.key(self.data, name, *more)

    def client(self, key: Key, kind: Any = DliClient, project: str = PROJECT) -> Any:
        """The vendor's client with this key."""
        return client(self.service.url, key, kind, project)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with FakeCluster() as cluster:
        made = Site(tmp_path_factory.mktemp("data"), cluster)
        yield made
        assert made.service.end() == 0
        assert "Traceback" not in "".join(made.service.log)


def stop_of(*jobs: int) -> BatchStopFlinkJobsRequest:
    return BatchStopFlinkJobsRequest(body=StopFlinkJobsRequestBody(job_ids=list(jobs), trigger_savepoint=True))


# The vendor's SDK. ---------------------------------------------------------------------------------------------------


def test_a_whole_life_of_a_job_with_an_access_key(site: Site) -> None:
    client = site.client(site.user("owner", "owner", PROJECT))
    body = CreateFlinkSqlJobRequestBody(name="签名-1", sql_body="SELECT '中文'", desc="über", queue_name="c0")
    made = client.create_flink_sql_job(CreateFlinkSqlJobRequest(body=body)).job.job_id
    shown = client.show_flink_job(ShowFlinkJobRequest(job_id=made)).job_detail
    assert (shown.name, shown.user_name, shown.user_id) == ("签名-1", "owner", "owner")
    [running] = site.fleet.run()
    assert client.batch_stop_flink_jobs(stop_of(running)).body[0].is_success == "true"
    site.fleet.until([running], "stopped")
    body = BatchRunFlinkJobsRequestBody(job_ids=[running], resume_savepoint=True)
    assert client.batch_run_flink_jobs(BatchRunFlinkJobsRequest(body=body)).body[0].is_success == "true"
    listed = client.list_flink_jobs(ListFlinkJobsRequest(name="签名", show_detail=True, limit=100)).job_list
    assert [job.job_id for job in listed.jobs] == [made]
    assert client.delete_flink_job(DeleteFlinkJobRequest(job_id=made)).is_success == "true"


def test_the_asynchronous_client(site: Site) -> None:
    client = site.client(site.user("async", "operator", PROJECT), DliAsyncClient)
    jobs = site.fleet.run(3)
    answers = [client.batch_stop_flink_jobs_async(stop_of(job)) for job in jobs]
    assert [answer.result().body[0].is_success for answer in answers] == ["true"] * 3
    site.fleet.until(jobs, "stopped")
    wrong = site.key("async") | {"secret": "wrong"}
    assert code_of(site.client(wrong, DliAsyncClient).list_flink_jobs_async(ListFlinkJobsRequest()).result) == (
        401,
        "APIGW.0301",
    )


def test_keys_that_are_not_good(site: Site) -> None:
    good = site.user("keys", "viewer", PROJECT)
    revoked, temporary, ended = site.key("keys"), site.key("keys", "--expires=1h"), site.key("keys", "--expires=0.001s")
    access(site.data, "keys", "revoke", revoked["access"])
    for key, expected in (
        (good, None),
        (temporary, None),
        (good | {"secret": good["secret"][:-1]}, (401, "APIGW.0301")),
        (good | {"access": "A" * 20}, (401, "APIGW.0301")),
        (revoked, (401, "APIGW.0301")),
        (ended, (401, "APIGW.0301")),
        (temporary | {"security_token": ""}, (401, "APIGW.0301")),
        (temporary | {"security_token": "another"}, (401, "APIGW.0301")),
    ):
        client = site.client(key)
        if expected is None:
            assert client.list_flink_jobs(ListFlinkJobsRequest()).is_success == "true"
        else:
            assert code_of(lambda: client.list_flink_jobs(ListFlinkJobsRequest())) == expected  # noqa: B023
    access(site.data, "users", "disable", "keys")
    assert code_of(lambda: site.client(good).list_flink_jobs(ListFlinkJobsRequest())) == (401, "APIGW.0301")


def test_the_key_of_another_project(site: Site) -> None:
    [job] = site.fleet.run()
    stranger = site.user("stranger", "admin", "other")
    theirs = site.client(stranger)
    assert code_of(lambda: theirs.batch_stop_flink_jobs(stop_of(job))) == (403, "APIGW.0302")
    assert code_of(lambda: theirs.show_flink_job(ShowFlinkJobRequest(job_id=job))) == (403, "APIGW.0302")
    own = site.client(stranger, project="other")
    assert code_of(lambda: own.show_flink_job(ShowFlinkJobRequest(job_id=job))) == (400, "DLI.16001")
    assert code_of(lambda: own.delete_flink_job(DeleteFlinkJobRequest(job_id=job))) == (400, "DLI.17001")
    assert site.fleet.status(job) == "running"


def test_a_client_with_a_region_finds_its_project(site: Site) -> None:
    key = site.user("regional", "viewer", "euwest101")
    regional = credentials(key, project=None).with_iam_endpoint(site.service.url)
    region = Region("eu-west-101", site.service.url)
    client = DliClient.new_builder().with_credentials(regional).with_region(region).build()
    assert client.list_flink_jobs(ListFlinkJobsRequest()).job_list.total_count == 0
    assert regional.project_id == "euwest101"


def test_a_token_in_the_sdk_and_its_end(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    site.user("ann", "viewer", PROJECT)
    users.set_password(site.data, "ann", "correct horse")
    token = users.token(site.service.url, "ann", "correct horse")
    client = site.client({"access": "none", "secret": "none", "security_token": ""})

    def ask() -> Any:
        invoker = client.list_flink_jobs_invoker(ListFlinkJobsRequest())
        return invoker.add_header("X-Auth-Token", token).invoke()  # beside a signature with keys of nobody's

    with pytest.raises(ClientRequestException):
        client.list_flink_jobs(ListFlinkJobsRequest())
    assert ask().is_success == "true"
    monkeypatch.setenv("SLUICEWAY_TOKEN", token)
    command = ["jobs", "list", "--server", site.service.url, "--project", PROJECT]
    assert run(command) == 0
    assert access(site.data, "tokens", "revoke", "ann") == {"user": "ann", "revoked": 1}
    assert code_of(ask) == (401, "APIGW.0301")
    assert run(command) == 4
    assert "APIGW.0301" in capsys.readouterr().err


# Our own commands. ---------------------------------------------------------------------------------------------------


def test_commands_sign_with_the_key_of_the_environment(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    common = ("--server", site.service.url, "--project", PROJECT)
    [job] = site.fleet.run()
    assert run(["jobs", "list", *common]) == 4
    assert "APIGW.0301" in capsys.readouterr().err
    site.user("cli", "operator", PROJECT)
    key = site.key("cli", "--expires=1h")
    for name, part in (("ACCESS_KEY", "access"), ("SECRET_KEY", "secret"), ("SECURITY_TOKEN", "security_token")):
        monkeypatch.setenv(f"SLUICEWAY_{name}", key[part])
    assert run(["jobs", "list", "--name", "a b&c=中文", *common]) == 3, "it was understood, and nothing matches"
    assert run(["stop", str(job), "--wait", "--reason", "über", *common]) == 0
    assert run(["events", *common]) == 0
    assert "cli" in capsys.readouterr().out
    assert run(["jobs", "delete", str(job), "--yes", *common]) == 4
    monkeypatch.delenv("SLUICEWAY_SECRET_KEY")
    assert run(["jobs", "list", *common]) == 2
    assert "go together" in capsys.readouterr().err


def test_what_is_open_is_open_and_nothing_else(site: Site) -> None:
    for path in ("/", "/healthz", "/readyz", "/docs", "/docs/errors", "/docs/errors.json", "/openapi.json"):
        with urllib.request.urlopen(site.service.url + path, timeout=30) as answer:
            assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError) as error:
        site.service.call("GET", f"/api/v1/projects/{PROJECT}/stops")
    assert (error.value.code, json.load(error.value)["error_code"]) == (401, "APIGW.0301")


def test_many_signed_requests_at_once(site: Site) -> None:
    client = site.client(site.user("busy", "viewer", PROJECT))

    async def ask() -> list[str]:
        calls = (asyncio.to_thread(client.list_flink_jobs, ListFlinkJobsRequest(offset=n)) for n in range(60))
        return [answer.is_success for answer in await asyncio.gather(*calls)]

    assert asyncio.run(ask()) == ["true"] * 60
