"""The page of the error codes: every code is on it, and every refusal points to its line."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
import pytest
from litestar.types import Message
from tests.support.services.thread import BASE, ServiceThread

from sluiceway.api import connections
from sluiceway.api.admissions import Admission
from sluiceway.api.errors import native_codes as codes
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.dli_texts import TABLE
from sluiceway.api.errors.gateway import refuse
from sluiceway.api.errors.language import Language
from sluiceway.api.errors.native_codes import ALREADY_STOPPED
from sluiceway.api.origin import OwnOrigin
from sluiceway.domain.admission import Refusal
from sluiceway.settings import MAX_BODY

SOURCES = Path(__file__).parents[2] / "src" / "sluiceway"
NATIVE = "/api/v1/projects/proj0123"
LINK = re.compile(r'<(/docs/errors)#([^>]+)>; rel="help"')
EVERY_CODE = {*Code, *codes.Code, *Refusal, ALREADY_STOPPED}


class Page(HTMLParser):
    """What the page consists of."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.rows: list[list[str]] = []
        self.language = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.append(tag)
        self.language = given.get("lang") or self.language
        self.ids += [given["id"] or ""] if "id" in given else []
        self.addresses += [given[name] or "" for name in ("href", "src", "action") if name in given]
        if tag == "tr":
            self.rows.append([])
        if tag == "td":
            self.rows[-1].append("")

    def handle_data(self, data: str) -> None:
        if self.rows and self.rows[-1]:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceThread]:
    with ServiceThread(tmp_path_factory.mktemp("data")) as running:
        yield running


def page(service: ServiceThread, **headers: str) -> Page:
    answer = service.http.get("/docs/errors", headers={name.replace("_", "-"): v for name, v in headers.items()})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    return Page(answer.text)


def test_every_code_has_one_line(service: ServiceThread) -> None:
    shown = page(service)
    assert len(shown.ids) == len(set(shown.ids))
    assert set(shown.ids) == EVERY_CODE
    written = {
        code for file in SOURCES.rglob("*.py") for code in re.findall(r'"((?:DLI|APIGW)\.\d{4,})"', file.read_text())
    }
    assert len(written) > 50
    assert written <= set(shown.ids)


@pytest.mark.parametrize(
    ("headers", "language"),
    [
        ({}, "en-us"),
        ({"accept_language": "en-GB,en;q=0.9,zh;q=0.1"}, "en-us"),
        ({"accept_language": "zh-CN,zh;q=0.9,en;q=0.8"}, "zh-cn"),
        ({"x_language": "zh-cn"}, "zh-cn"),
        ({"x_language": "en-us", "accept_language": "zh-CN"}, "en-us"),
    ],
)
def test_the_page_is_in_the_language_that_is_asked_for(
    service: ServiceThread, headers: dict[str, str], language: str
) -> None:
    shown = page(service, **headers)
    assert shown.language == language
    found = {row[0]: row[1:] for row in shown.rows if row}
    assert found["DLI.15001"][0] == "400"
    for code, cells in found.items():
        assert all(cells[1:]), f"{code} is not explained"
        chinese = re.search("[一-鿿]", cells[1] + cells[2]) is not None
        assert chinese == (language == "zh-cn"), code


def test_the_page_needs_nothing_else(service: ServiceThread) -> None:
    shown = page(service)
    assert "script" not in shown.tags
    assert {address for address in shown.addresses if not address.startswith("#")} == {"data:,"}
    answer = service.http.get("/docs/errors")
    assert "://" not in answer.text
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "style-src 'self' 'unsafe-inline'" in policy


def test_the_bare_address_says_where_to_go(service: ServiceThread) -> None:
    answer = service.http.get("/")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    named = [address.removeprefix(service.url) for address in re.findall(r"  (http://\S+)", answer.text)]
    assert named == ["/docs", "/docs/errors", "/openapi.json", "/readyz"]
    assert [service.http.get(path).status_code for path in named] == [200] * 4
    assert re.search("[一-鿿]", service.http.get("/", headers={"X-Language": "zh-cn"}).text)
    browser = service.http.get("/", headers={"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"})
    assert (browser.status_code, browser.headers["location"]) == (302, "/docs")


def test_programs_get_the_same_as_json(service: ServiceThread) -> None:
    for language in ("en-us", "zh-cn"):
        found = service.http.get("/docs/errors.json", headers={"X-Language": language}).json()["errors"]
        rows = [row for row in page(service, x_language=language).rows if row]
        assert [each["code"] for each in found] == [row[0] for row in rows]
        assert ["" if each["status"] is None else str(each["status"]) for each in found] == [row[1] for row in rows]
        assert [each["meaning"] for each in found] == [row[2] for row in rows]
    assert service.http.get("/docs/errors.json").json()["errors"][0] == {
        "code": "APIGW.0101",
        "status": 404,
        "meaning": "No such path, or not with this method.",
        "advice": "No API answers {method} {path}. Check the path and the method; /docs lists what there is.",
    }


# --- what points to it ----------------------------------------------------------------------------------------------


def codes_in(body: Any) -> list[str]:
    """The codes of an error answer, one or many."""
    return [each["error_code"] for each in (body if isinstance(body, list) else [body])]


def check(shown: Page, status: int, link: str, body: bytes) -> set[str]:
    """An error answer's header names the page's lines for exactly its codes; these codes."""
    assert status >= 400
    found = set(codes_in(json.loads(body)))
    assert {code for _, code in LINK.findall(link)} == found
    assert re.sub(LINK, "", link).strip(", ") == "", "and nothing else"
    assert found <= set(shown.ids)
    return found


REQUESTS: list[tuple[str, str, str, Any, set[str]]] = [
    ("unknown path", "GET", "/nowhere", None, {"APIGW.0101"}),
    ("unknown method", "PATCH", f"{BASE}/jobs", None, {"APIGW.0101"}),
    ("bad project", "GET", "/v1.0/a-b/streaming/jobs", None, {"DLI.10010"}),
    ("bad id", "GET", f"{BASE}/jobs/x", None, {"DLI.12001"}),
    ("no body", "POST", f"{BASE}/jobs/stop", None, {"DLI.0001"}),
    ("no JSON", "POST", f"{BASE}/jobs/stop", b"{", {"DLI.10004"}),
    ("all refused", "POST", f"{BASE}/jobs/stop", {"job_ids": [98, 99, 98]}, {"DLI.15001"}),
    ("refused for several reasons", "POST", f"{BASE}/jobs/stop", {"job_ids": [1, 99]}, {"DLI.15001", "DLI.15002"}),
    ("too large", "POST", f"{BASE}/sql-jobs", b" " * (MAX_BODY + 1), {"APIGW.0201"}),
    ("a token is asked for", "POST", "/v3/auth/tokens", {"auth": {}}, {"DLI.0001"}),
    ("own, unknown", "GET", f"{NATIVE}/stops/99", None, {"unknown_stop"}),
    ("own, bad parameter", "GET", f"{NATIVE}/stops?limit=x", None, {"bad_request"}),
    ("own, unknown field", "POST", f"{NATIVE}/stops", {"everything": True}, {"bad_request"}),
    ("own, no JSON", "POST", f"{NATIVE}/stops", b"{", {"bad_request"}),
    ("own, too large", "POST", f"{NATIVE}/stops", b" " * (MAX_BODY + 1), {"too_large"}),
    ("own, unknown path", "GET", f"{NATIVE}/nothing", None, {"APIGW.0101"}),
    ("own, unknown savepoint", "DELETE", f"{NATIVE}/savepoints/9", None, {"unknown_savepoint"}),
    ("own, unusable path", "POST", f"{NATIVE}/savepoints", {"job_ids": [1], "target": "../x"}, {"unusable_path"}),
]


@pytest.mark.parametrize(
    ("method", "path", "body", "wanted"),
    [request[1:] for request in REQUESTS],
    ids=[request[0] for request in REQUESTS],
)
def test_a_refusal_points_to_its_line(
    service: ServiceThread, method: str, path: str, body: Any, wanted: set[str]
) -> None:
    if not service.http.get(f"{BASE}/jobs").json()["job_list"]["total_count"]:
        assert service.create("job") == 1
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    answer = service.http.request(method, path, content=content)
    assert check(page(service), answer.status_code, answer.headers["link"], answer.content) == wanted


def test_a_success_points_nowhere(service: ServiceThread) -> None:
    job = service.create("fine")
    for answer in (service.http.get(f"{BASE}/jobs/{job}"), service.http.get(f"{NATIVE}/stops")):
        assert answer.status_code == 200
        assert "link" not in answer.headers


@dataclass
class Sent:
    """What an ASGI application sends."""

    messages: list[Any] = field(default_factory=list)

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    def check(self, shown: Page) -> set[str]:
        start, body = self.messages
        return check(shown, start["status"], dict(start["headers"])[b"link"].decode(), body["body"])


async def nothing(*_: Any) -> Any:
    raise AssertionError("the request goes no further")


SCOPE: Any = {"type": "http", "scheme": "http", "method": "GET", "path": "/", "headers": [(b"host", b"evil.example")]}


@pytest.mark.parametrize("code", Code)
async def test_what_is_refused_before_any_route_points_to_its_line(service: ServiceThread, code: Code) -> None:
    sent = Sent()
    params: dict[str, Any] = dict.fromkeys(re.findall(r"\{(\w+)\}", TABLE[code].text.en), "x")
    await refuse(SCOPE, sent, DliError(code, **params))
    assert sent.check(page(service)) == {code}


async def test_so_do_the_refusals_of_foreign_pages_and_of_too_many_connections(service: ServiceThread) -> None:
    foreign, crowded = Sent(), Sent()
    await OwnOrigin(nothing)(SCOPE, nothing, foreign)
    assert foreign.check(page(service)) == {"APIGW.0302"}
    await connections._TOO_MANY[Admission.FULL](SCOPE, nothing, crowded)
    assert crowded.check(page(service)) == {"APIGW.0202"}


@pytest.mark.parametrize("status", connections._WORDS)
def test_and_those_that_end_a_connection(service: ServiceThread, status: HTTPStatus) -> None:
    head, _, body = connections._raw(status, Language.ENGLISH).partition(b"\r\n\r\n")
    headers = httpx.Headers([line.split(b": ", 1) for line in head.split(b"\r\n")[1:]])  # type: ignore[arg-type]
    assert check(page(service), status, headers["link"], body) == {"APIGW.0201"}
