"""Tags of jobs through the vendor's SDK and as raw JSON, on the whole service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import (
    BatchCreateResourceTagsRequest,
    BatchCreateResourceTagsRequestBody,
    BatchDeleteResourceTagsRequest,
    BatchDeleteResourceTagsRequestBody,
    ListFlinkJobsRequest,
    ShowResourceTagsRequest,
    Tag,
)
from tests.support.services.thread import BASE, PROJECT, ServiceThread, code_of

KIND = "dli_flink_job"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path) as running:
        yield running


def url(job: int | str, action: str = "") -> str:
    return f"/v3/{PROJECT}/{KIND}/{job}/tags{action}"


def tags(service: ServiceThread, job: int) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in service.http.get(url(job)).json()["tags"]}


def listed(service: ServiceThread, query: str) -> list[int]:
    found = service.http.get(f"{BASE}/jobs?order=asc&{query}").json()["job_list"]
    assert found["total_count"] == len(found["jobs"])
    return [job["job_id"] for job in found["jobs"]]


def test_the_sdk_reads_adds_and_removes_tags(service: ServiceThread) -> None:
    client = service.sdk()
    job = service.create("job", tags=[{"key": "team", "value": "a"}])
    more = BatchCreateResourceTagsRequestBody([Tag("team", "b"), Tag("环境", "生产")])
    client.batch_create_resource_tags(BatchCreateResourceTagsRequest(KIND, str(job), more))
    shown = client.show_resource_tags(ShowResourceTagsRequest(KIND, str(job)))
    assert ([(tag.key, tag.value) for tag in shown.tags], shown.count) == ([("team", "b"), ("环境", "生产")], 2)
    less = BatchDeleteResourceTagsRequestBody([Tag("team", "b"), Tag("nobody", "")])
    client.batch_delete_resource_tags(BatchDeleteResourceTagsRequest(KIND, str(job), less))
    assert tags(service, job) == {"环境": "生产"}

    found = client.list_flink_jobs(ListFlinkJobsRequest(tags="环境=生产")).job_list
    assert (found.total_count, [each.job_id for each in found.jobs]) == (1, [job])


def test_a_job_without_tags_has_an_empty_list_of_them(service: ServiceThread) -> None:
    # Terraform's provider asks this of every job that it reads.
    assert service.http.get(url(service.create("job"))).json() == {"tags": [], "count": 0}


def test_tags_are_paged(service: ServiceThread) -> None:
    job = service.create("job", tags=[{"key": f"k{n}", "value": "v"} for n in range(5)])
    found = service.http.get(url(job), params={"limit": 2, "offset": 3}).json()
    assert ([tag["key"] for tag in found["tags"]], found["count"]) == (["k3", "k4"], 5)


def test_success_has_no_body(service: ServiceThread) -> None:
    """Anything else is an error to Go's client, and Terraform would make the job anew."""
    job = service.create("job")
    for action in ("/create", "/delete"):
        answer = service.http.post(url(job, action), json={"tags": [{"key": "k", "value": "v"}]})
        assert (answer.status_code, answer.content) == (204, b"")


def test_an_update_of_the_job_leaves_its_tags_as_they_are_now(service: ServiceThread) -> None:
    job = service.create("job", tags=[{"key": "a", "value": "1"}])
    service.http.post(url(job, "/create"), json={"tags": [{"key": "b", "value": "2"}]})
    service.http.post(url(job, "/delete"), json={"tags": [{"key": "a"}]})
    assert service.http.put(f"{BASE}/sql-jobs/{job}", json={"desc": "new", "tags": None}).status_code == 200
    assert tags(service, job) == {"b": "2"}


def test_a_tag_with_another_value_is_not_removed(service: ServiceThread) -> None:
    job = service.create("job", tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "1"}])
    service.http.post(url(job, "/delete"), json={"tags": [{"key": "a", "value": "2"}, {"key": "b"}]})
    assert tags(service, job) == {"a": "1"}


def test_jobs_are_listed_by_tags_and_by_what_else_is_asked(service: ServiceThread) -> None:
    both = service.create("both", tags=[{"key": "env", "value": "prod"}, {"key": "team", "value": "a=b"}])
    one = service.create("one", tags=[{"key": "env", "value": "prod"}])
    service.create("other", tags=[{"key": "env", "value": "test"}, {"key": "team", "value": "a=b"}])
    service.create("none")
    assert listed(service, "tags=env=prod") == [both, one]
    assert listed(service, "tags=env%3Dprod%2Cteam%3Da%3Db") == [both]
    assert listed(service, "tags=env=prod&name=on") == [one]
    assert listed(service, "tags=env=prod&status=job_running") == []
    assert listed(service, "tags=env=prod,env=test") == []
    page = service.http.get(f"{BASE}/jobs?tags=env=prod&limit=1&offset=1").json()["job_list"]
    assert (page["total_count"], [job["job_id"] for job in page["jobs"]]) == (2, [both])
    service.http.delete(f"{BASE}/jobs/{both}")
    assert listed(service, "tags=env=prod") == [one]


TWENTY = [{"key": f"k{n}", "value": ""} for n in range(20)]
BAD: list[tuple[Any, str]] = [
    ({"tags": []}, "DLI.0001"),
    ({}, "DLI.0001"),
    ({"tags": [{"value": "v"}]}, "DLI.0001"),
    ({"tags": [{"key": "", "value": "v"}]}, "DLI.0001"),
    ({"tags": [*TWENTY, {"key": "more"}]}, "DLI.0001"),
]


@pytest.mark.parametrize("action", ["/create", "/delete"])
@pytest.mark.parametrize(("body", "code"), BAD)
def test_bad_bodies_change_nothing(service: ServiceThread, action: str, body: Any, code: str) -> None:
    job = service.create("job", tags=[{"key": "k", "value": "v"}])
    answer = service.http.post(url(job, action), json=body)
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
    assert tags(service, job) == {"k": "v"}


def test_a_job_has_twenty_tags_at_most(service: ServiceThread) -> None:
    job = service.create("job", tags=TWENTY)
    assert service.http.post(url(job, "/create"), json={"tags": [{"key": "more"}]}).status_code == 400
    assert service.http.post(url(job, "/create"), json={"tags": [{"key": "k0", "value": "new"}]}).status_code == 204
    assert (len(tags(service, job)), tags(service, job)["k0"]) == (20, "new")


def test_an_unknown_job_has_no_tags(service: ServiceThread) -> None:
    client, other = service.sdk(), service.sdk("other")
    job = str(service.create("job"))
    one = [Tag("k", "v")]
    added, removed = BatchCreateResourceTagsRequestBody(one), BatchDeleteResourceTagsRequestBody(one)
    for which, number in ((client, "999"), (other, job)):
        for call, request in (
            (which.show_resource_tags, ShowResourceTagsRequest(KIND, number)),
            (which.batch_create_resource_tags, BatchCreateResourceTagsRequest(KIND, number, added)),
            (which.batch_delete_resource_tags, BatchDeleteResourceTagsRequest(KIND, number, removed)),
        ):
            assert code_of(call, request) == (400, "DLI.16001")
    assert code_of(client.show_resource_tags, ShowResourceTagsRequest(KIND, "x")) == (400, "DLI.12001")
    assert tags(service, int(job)) == {}


def test_a_page_of_them_counts_neither_deleted_jobs_nor_those_of_other_projects(service: ServiceThread) -> None:
    made = [service.create(f"job-{n}", tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]) for n in range(3)]
    body = {"name": "theirs", "tags": [{"key": "a", "value": "1"}, {"key": "b", "value": "2"}]}
    assert service.http.post("/v1.0/other/streaming/sql-jobs", json=body).status_code == 200
    service.http.delete(f"{BASE}/jobs/{made[0]}")
    for query in ("tags=a%3D1", "tags=a%3D1%2Cb%3D2"):
        page = service.http.get(f"{BASE}/jobs?limit=1&{query}").json()["job_list"]
        assert (page["total_count"], [job["job_id"] for job in page["jobs"]]) == (2, [made[2]])
