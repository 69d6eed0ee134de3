"""`/openapi.json`: what it says beside what Litestar finds by itself."""

import json
import re
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from tests.support.services.native_api import api_of_nothing

OWN = "/api/v1/projects/{project_id}"


@pytest.fixture
def client(tmp_path: Path) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=api_of_nothing(tmp_path))  # type: ignore[arg-type]
    return httpx.AsyncClient(transport=transport, base_url="http://test")


async def described(client: httpx.AsyncClient) -> dict[str, Any]:
    return cast("dict[str, Any]", (await client.get("/openapi.json")).json())


async def test_every_operation_says_what_the_way_to_it_may_answer(client: httpx.AsyncClient) -> None:
    for path, methods in (await described(client))["paths"].items():
        for method, operation in methods.items():
            answers = operation["responses"]
            assert {"429", "500", "503"} <= set(answers), path
            assert ("401" in answers) == (operation.get("security") != []) or path == "/v3/auth/tokens"
            assert ("413" in answers) == ("requestBody" in operation), f"{method} {path}"
            assert all(answer["headers"]["X-Request-Id"]["required"] for answer in answers.values())
            assert "Retry-After" in answers["429"]["headers"]


async def test_bounds_of_ids_are_whole_numbers(client: httpx.AsyncClient) -> None:
    schema = await described(client)
    [_, stop] = schema["paths"][f"{OWN}/stops/{{stop_id}}"]["get"]["parameters"]
    body = schema["components"]["schemas"]["native_wire_StopRequest"]["properties"]
    for found in (stop["schema"], body["job_ids"]["items"]):
        assert (found["minimum"], found["maximum"]) == (1, 2**63 - 1)
        assert isinstance(found["maximum"], int)
    assert body["timeout_seconds"]["exclusiveMinimum"] == 0


async def test_bodies_of_our_own_take_no_unknown_fields_and_those_of_dli_do(client: httpx.AsyncClient) -> None:
    schemas = (await described(client))["components"]["schemas"]
    for own in ("native_wire_StopRequest", "Wave", "OnSavepointFailure", "AbortWhen", "SavepointRequest"):
        assert schemas[own]["additionalProperties"] is False
    assert "additionalProperties" not in schemas["dli_wire_StopRequest"]


async def test_its_names_are_not_those_of_the_files_of_the_service(client: httpx.AsyncClient) -> None:
    schema = await described(client)
    assert {name for name in schema["components"]["schemas"] if "_" in name} == {
        "dli_resource_wire_ResourceList",
        "dli_wire_StopRequest",
        "health_Health",
        "native_wire_Health",
        "native_wire_ResourceList",
        "native_wire_StopRequest",
        "savepoints_ImportRequest",
        "transfer_ImportRequest",
    }
    operations = [operation["operationId"] for methods in schema["paths"].values() for operation in methods.values()]
    assert {name.partition("_")[0] for name in operations} == {"api", "auth", "dli", "native"}
    assert len(set(operations)) == len(operations)
    assert set(re.findall(r"#/components/schemas/(\w+)", json.dumps(schema))) <= set(schema["components"]["schemas"])


async def test_a_union_is_of_any_of_its_types(client: httpx.AsyncClient) -> None:
    schema = await described(client)
    [listed] = schema["paths"]["/v1.0/{project_id}/streaming/jobs"]["get"]["responses"]["200"]["content"].values()
    assert len(listed["schema"]["anyOf"]) == 2  # an empty list is both


@pytest.mark.parametrize("path", ["/api/v1/projects/p/stops", "/v3/auth/tokens", "/v1.0/p/streaming/jobs"])
async def test_options_is_no_method_of_ours(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.options(path)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")
