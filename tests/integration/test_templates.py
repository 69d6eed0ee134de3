"""Templates through the vendor's SDK and as raw JSON, on the whole service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huaweicloudsdkdli.v1 import (
    CreateFlinkSqlJobRequest,
    CreateFlinkSqlJobRequestBody,
    CreateFlinkSqlJobTemplateRequest,
    CreateFlinkSqlJobTemplateRequestBody,
    DeleteFlinkSqlJobTemplateRequest,
    ListFlinkSqlJobTemplatesRequest,
    ShowFlinkJobRequest,
    Tag,
    UpdateFlinkSqlJobTemplateRequest,
    UpdateFlinkSqlJobTemplateRequestBody,
)
from tests.support.services.thread import BASE, ServiceThread, code_of

TEMPLATES = f"{BASE}/job-templates"


@pytest.fixture
def service(tmp_path: Path) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path) as running:
        yield running


def create(service: ServiceThread, name: str = "t", **fields: Any) -> int:
    answer = service.http.post(TEMPLATES, json={"name": name, **fields})
    assert answer.status_code == 200, answer.text
    return int(answer.json()["template"]["template_id"])


def names(service: ServiceThread, query: str = "") -> tuple[int, list[str]]:
    found = service.http.get(f"{TEMPLATES}{query}").json()["template_list"]
    return found["total_count"], [each["name"] for each in found["templates"]]


def test_the_sdk_makes_finds_changes_and_deletes_a_template(service: ServiceThread) -> None:
    client = service.sdk()
    body = CreateFlinkSqlJobTemplateRequestBody(
        name="订单", desc="d", sql_body="SELECT 1", tags=[Tag("k", "v")], job_type="flink_opensource_sql_job"
    )
    made = client.create_flink_sql_job_template(CreateFlinkSqlJobTemplateRequest(body))
    assert (made.is_success, made.template.name, made.template.desc) == (True, "订单", "d")
    assert made.template.job_type == "flink_opensource_sql_job"
    assert isinstance(made.template.create_time, int)
    number = made.template.template_id

    changes = UpdateFlinkSqlJobTemplateRequestBody(desc="new")
    changed = client.update_flink_sql_job_template(UpdateFlinkSqlJobTemplateRequest(number, changes))
    assert changed.is_success is True

    found = client.list_flink_sql_job_templates(ListFlinkSqlJobTemplatesRequest(name="单", tags="k=v")).template_list
    assert found.total_count == 1
    [template] = found.templates
    assert (template.template_id, template.desc, template.sql_body) == (number, "new", "SELECT 1")
    assert template.update_time >= template.create_time

    gone = client.delete_flink_sql_job_template(DeleteFlinkSqlJobTemplateRequest(number))
    assert (gone.is_success, gone.template.template_id) == (True, number)
    assert client.list_flink_sql_job_templates(ListFlinkSqlJobTemplatesRequest()).template_list.total_count == 0


def test_success_is_a_boolean_and_ids_and_times_are_integers(service: ServiceThread) -> None:
    made = service.http.post(TEMPLATES, json={"name": "t", "desc": None, "tags": None, "job_type": None}).json()
    assert set(made) == {"is_success", "message", "template"}
    assert set(made["template"]) == {"template_id", "name", "desc", "create_time", "job_type"}
    assert made["is_success"] is True
    assert made["template"]["job_type"] == "flink_sql_job"
    assert type(made["template"]["template_id"]) is type(made["template"]["create_time"]) is int
    listed = service.http.get(TEMPLATES).json()
    assert listed["is_success"] is True
    assert set(listed["template_list"]["templates"][0]) == {
        *("template_id", "name", "desc", "create_time", "update_time", "sql_body", "job_type")
    }
    number = made["template"]["template_id"]
    assert service.http.put(f"{TEMPLATES}/{number}", json={"name": "u"}).json()["is_success"] is True
    gone = service.http.delete(f"{TEMPLATES}/{number}").json()
    assert (gone["is_success"], gone["template"]) == (True, {"template_id": number})


def test_templates_are_filtered_sorted_and_paged(service: ServiceThread) -> None:
    for number in range(12):
        create(service, f"t{number}", tags=[{"key": "even", "value": str(number % 2)}, {"key": "all"}])
    create(service, "100%_sure")
    assert names(service) == (13, ["100%_sure", *(f"t{n}" for n in range(11, 2, -1))])
    assert names(service, "?&limit=100&name=t1") == (3, ["t11", "t10", "t1"])
    assert names(service, "?name=%25_") == (1, ["100%_sure"])
    assert names(service, "?order=asc&offset=3&limit=2") == (13, ["t3", "t4"])
    assert names(service, "?tags=even=1,all=&order=asc&limit=2") == (6, ["t1", "t3"])
    assert names(service, "?tags=even=2") == (0, [])
    assert names(service, "?tags=even=1,even=0") == (0, [])
    assert names(service, "?limit=0") == (13, [])
    assert names(service, "?name=%00") == (0, [])


def test_a_project_has_a_hundred_templates_and_its_own(service: ServiceThread) -> None:
    numbers = [create(service, f"t{number}") for number in range(100)]
    client = service.sdk()
    more = CreateFlinkSqlJobTemplateRequest(CreateFlinkSqlJobTemplateRequestBody(name="more"))
    assert code_of(client.create_flink_sql_job_template, more) == (400, "DLI.18003")
    other = service.sdk("other")
    other.create_flink_sql_job_template(more)
    gone = DeleteFlinkSqlJobTemplateRequest(numbers[0])
    assert code_of(other.delete_flink_sql_job_template, gone) == (400, "DLI.18004")
    client.delete_flink_sql_job_template(gone)
    client.create_flink_sql_job_template(more)


def test_a_job_takes_the_sql_of_its_template_unless_it_has_its_own(service: ServiceThread) -> None:
    client = service.sdk()
    number = create(service, sql_body="SELECT 'template'")

    def sql_of(**fields: Any) -> str:
        made = client.create_flink_sql_job(CreateFlinkSqlJobRequest(CreateFlinkSqlJobRequestBody(**fields)))
        return str(client.show_flink_job(ShowFlinkJobRequest(made.job.job_id)).job_detail.sql_body)

    assert sql_of(name="a", template_id=number) == "SELECT 'template'"
    assert sql_of(name="b", template_id=str(number), sql_body="") == "SELECT 'template'"
    assert sql_of(name="c", template_id=number, sql_body="SELECT 'own'") == "SELECT 'own'"
    assert sql_of(name="d", template_id=0) == ""
    client.delete_flink_sql_job_template(DeleteFlinkSqlJobTemplateRequest(number))
    assert code_of(sql_of, name="e", template_id=number) == (400, "DLI.18004")
    assert code_of(sql_of, name="e", template_id="x") == (400, "DLI.18008")
    assert sql_of(name="e") == "", "the name was not taken by the refused ones"


REFUSALS = [
    ({"name": ""}, "DLI.18001"),
    ({"name": "  "}, "DLI.18001"),
    ({"name": "taken"}, "DLI.18002"),
    ({"name": "n" * 65}, "DLI.18009"),
    ({"name": "a\nb"}, "DLI.0001"),
    ({"name": "x", "desc": "d" * 2049}, "DLI.18005"),
    ({"name": "x", "sql_body": "s" * (1024 * 1024 + 1)}, "DLI.18006"),
    ({"name": "x", "sql_body": "a\0"}, "DLI.0001"),
    ({"name": "x", "job_type": "flink_jar_job"}, "DLI.18007"),
    ({"name": "x", "tags": [{"key": "a=b"}]}, "DLI.0001"),
    ({"name": 1}, "DLI.0001"),
    ({}, "DLI.0001"),
]


@pytest.mark.parametrize(("body", "code"), REFUSALS, ids=lambda value: str(value)[:40])
def test_what_a_template_may_not_be(service: ServiceThread, body: dict[str, Any], code: str) -> None:
    create(service, "taken")
    for language, shown in (("en-us", str.isascii), ("zh-cn", lambda text: not text.isascii())):
        answer = service.http.post(TEMPLATES, json=body, headers={"X-Language": language})
        assert (answer.status_code, answer.json()["error_code"]) == (400, code)
        assert shown(answer.json()["error_msg"])
    assert names(service)[0] == 1


def test_an_update_is_refused_for_what_a_create_is(service: ServiceThread) -> None:
    create(service, "taken")
    number = create(service, "mine", sql_body="SELECT 1")
    for body, code in REFUSALS[:8]:
        answer = service.http.put(f"{TEMPLATES}/{number}", json=body)
        assert (answer.status_code, answer.json()["error_code"]) == (400, code), body
    assert service.http.put(f"{TEMPLATES}/999", json={"desc": "d"}).json()["error_code"] == "DLI.1205"
    assert names(service) == (2, ["mine", "taken"])
    assert service.http.put(f"{TEMPLATES}/{number}", json={"name": "mine"}).status_code == 200
    assert service.http.put(f"{TEMPLATES}/{number}", json={}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "?offset=-1", "DLI.1206"),
        ("GET", "?offset=x", "DLI.1206"),
        ("GET", "?limit=-1", "DLI.1206"),
        ("GET", "?limit=x", "DLI.1206"),
        ("GET", "?order=up", "DLI.0001"),
        ("GET", "?tags=x", "DLI.0001"),
        ("DELETE", "/0", "DLI.18008"),
        ("DELETE", "/x", "DLI.18008"),
        ("DELETE", f"/{2**63}", "DLI.18008"),
        ("DELETE", "/7", "DLI.18004"),
    ],
)
def test_bad_paths_and_queries_have_their_codes(service: ServiceThread, method: str, path: str, code: str) -> None:
    answer = service.http.request(method, f"{TEMPLATES}{path}")
    assert (answer.status_code, answer.json()["error_code"]) == (400, code)
