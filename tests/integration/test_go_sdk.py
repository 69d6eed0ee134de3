"""The vendor's own Go SDK, on the service with sign-in on; and that every other client reads what it read before."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.golang import golangsdk, official
from tests.golang.decoding import Undecodable, listed, loads
from tests.golang.golangsdk import TERRAFORM, USER_AGENT, Key
from tests.golang.official import OfficialClient, ServiceResponseError
from tests.golang.stage import Stage
from tests.support.services.plane import PROJECT

from sluiceway.domain.job import JobStatus

BASE = f"/v1.0/{PROJECT}/streaming"
PYTHON = "huaweicloud-usdk-python/3.0"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Stage(tmp_path_factory.mktemp("data"), clusters=3) as made:
        yield made


@pytest.fixture
def site(here: Stage) -> Iterator[Stage]:
    yield here
    here.clear()


def create(site: Stage, name: str = "job") -> int:
    fields = [("name", name), ("sql_body", "INSERT INTO a SELECT '语 <&>\u2028' FROM b"), ("desc", None)]
    client = site.official()
    made = client.call("POST", f"{BASE}/sql-jobs", official.CREATED, fields)
    assert made["is_success"] == "true"
    job: int = made["job"]["job_id"]
    return job


def batch(site: Stage, operation: str, *jobs: int, client: OfficialClient | None = None, **more: Any) -> Any:
    client = client or site.official()
    body = [*more.items(), ("job_ids", list(jobs))]
    return client.call("POST", f"{BASE}/jobs/{operation}", listed(official.SUCCESS), body)


def test_a_whole_life_of_a_job(site: Stage) -> None:
    client, job = site.official(), create(site)
    assert client.call("GET", f"{BASE}/jobs/{job}", official.SHOWN)
    [run] = batch(site, "run", job)
    assert run["is_success"] is True
    site.until(job, JobStatus.RUNNING)
    body = [("action", "TRIGGER"), ("savepoint_path", "bucket/saves/")]
    taken = client.call("POST", f"{BASE}/jobs/{job}/savepoint", official.SUCCESS, body)
    assert taken["is_success"] is True
    site.until(job, JobStatus.SAVEPOINTING)
    site.until(job, JobStatus.RUNNING)
    [stop] = batch(site, "stop", job, trigger_savepoint=True)
    assert stop["is_success"] is True
    saved = (site.until(job, JobStatus.STOPPED)).savepoint_path
    chosen = [("job_id", job), ("savepoint_path", saved)]
    answer = client.call("POST", f"{BASE}/jobs/{job}/import-savepoint", official.SUCCESS, chosen)
    assert answer["is_success"] is True
    shown = (client.call("GET", f"{BASE}/jobs/{job}", official.SHOWN))["job_detail"]
    assert (shown["status"], shown["has_savepoint"], shown["user_name"]) == ("job_cancel_success", True, "ann")
    query = [("show_detail", "true"), ("name", "jo"), ("limit", "100")]
    found = client.call("GET", f"{BASE}/jobs", official.LISTED, query=query)
    assert [each["job_id"] for each in found["job_list"]["jobs"]] == [job]
    gone = client.call("DELETE", f"{BASE}/jobs/{job}", official.SUCCESS)
    assert gone["is_success"] is True


def test_a_position_that_is_refused_is_a_boolean_too(site: Stage) -> None:
    job = create(site)
    answers = batch(site, "run", job, 999)
    assert [each["is_success"] for each in answers] == [True, False]
    assert answers[1]["message"].startswith("DLI.13007")
    deleted = batch(site, "delete", job, 999)
    assert [each["is_success"] for each in deleted] == [True, False]
    with pytest.raises(ServiceResponseError) as error:
        batch(site, "stop", 999)
    assert error.value.status == 400


def test_what_else_it_calls(site: Stage) -> None:
    client, job = site.official(), create(site)
    bucket = [("obs_buckets", ["bucket"])]
    done = client.call("POST", f"/v1.0/{PROJECT}/dli/obs-authorize", official.SUCCESS, bucket)
    assert done["is_success"] is True
    template = [("name", "t"), ("sql_body", "SELECT 1")]
    made = client.call("POST", f"{BASE}/job-templates", official.TEMPLATE, template)
    assert made["is_success"] is True
    tags = f"/v3/{PROJECT}/dli_flink_job/{job}/tags"
    assert client.call("POST", f"{tags}/create", None, [("tags", [{"key": "a", "value": "b"}])]) is None
    assert client.call("GET", tags, golangsdk.TAGS) == {"tags": [{"key": "a", "value": "b"}]}
    queues = client.call("GET", f"/v1.0/{PROJECT}/queues", official.QUEUES)
    assert [each["queue_name"] for each in queues["queues"]] == ["c0", "c1", "c2"]


def test_what_it_signs(site: Stage) -> None:
    made = site.run(site.access.add_key("ann", timedelta(hours=1)))
    assert made.security_token
    client = site.official(key=Key(made.access, made.secret, made.security_token))
    client.call("GET", f"{BASE}/jobs", official.LISTED)
    assert b"SignedHeaders=user-agent;x-project-id;x-sdk-date;x-security-token," in client.http.sent[0]
    found = site.official().call("GET", "/v3/auth/domains", None)
    assert found is None, "no decoder, no error"


# --- who is told what ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("agent", ["huaweicloud-usdk-go/3.0", "huaweicloud-usdk-go/3.0; mine/1.0"])
def test_the_official_sdk_reads_booleans_by_its_agent(site: Stage, agent: str) -> None:
    job = create(site)
    [answer] = batch(site, "run", job, client=site.official(user_agent=agent))
    assert answer["is_success"] is True


@pytest.mark.parametrize(
    "agent",
    [USER_AGENT, TERRAFORM, PYTHON, "Go-http-client/1.1", "", "x huaweicloud-usdk-go/3.0", "Huaweicloud-usdk-go/3.0"],
)
def test_everybody_else_keeps_the_text(site: Stage, agent: str) -> None:
    client = site.golangsdk(user_agent=agent)
    made = client.create_sql_job(name="job", sql_body="-")
    job = made["job"]["job_id"]
    assert client.run(job) == [{"is_success": True, "message": ANY}]
    assert (client.delete(job))["is_success"] is True
    assert (client.authorize("bucket"))["is_success"] is True


def test_neither_reads_what_is_meant_for_the_other(site: Stage) -> None:
    """The decoders are as strict as Go's: this is why there are two forms."""
    text, boolean = b'[{"is_success":"true","message":""}]', b'[{"is_success":true,"message":""}]'
    for into, good, bad in ((official.SUCCESS, boolean, text), (golangsdk.COMMON, text, boolean)):
        assert listed(into)(loads(good))[0]["is_success"] is True
        with pytest.raises(Undecodable):
            listed(into)(loads(bad))


class _Any:
    def __eq__(self, other: object) -> bool:
        return isinstance(other, str)

    __hash__ = None  # type: ignore[assignment]


ANY = _Any()
