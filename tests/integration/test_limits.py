"""Limits over real HTTP: the rate of a caller, the number of connections, slow and endless requests; and headers."""

import base64
import contextlib
import hashlib
import http.client
import json
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import uvicorn
from litestar import Litestar, Request, Response, Router, get, post
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sluiceway.api import docs
from sluiceway.api.auth.limits import RateLimit
from sluiceway.api.caller import called_by
from sluiceway.api.connections import MAX_HEAD, PIECE, limited
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders

GET = b"GET /ok HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n"


class Named(ASGIMiddleware):
    """Names callers by a header, as if somebody had checked it."""

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        if name := dict(scope["headers"]).get(b"x-who"):
            called_by(scope, name.decode())
        await next_app(scope, receive, send)


@get("/ok", sync_to_thread=False)
def ok() -> dict[str, bool]:
    return {"ok": True}


@get("/own", sync_to_thread=False)
def own() -> Response[str]:
    return Response("own", headers={"Content-Security-Policy": "default-src 'self'", "Cache-Control": "max-age=60"})


@post("/length")
async def length(request: Request[Any, Any, Any]) -> dict[str, int]:
    return {"length": len(await request.body())}


@dataclass
class At:
    """A server, and what there is to it."""

    port: int
    app: Litestar

    def ask(self, path: str = "/ok", **headers: str) -> tuple[int, "http.client.HTTPMessage", Any]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
            got = connection.getresponse()
            text = got.read().decode()
        return got.status, got.headers, json.loads(text) if text.startswith("{") else text

    @contextlib.contextmanager
    def socket(self, begin: bytes = b"") -> Iterator[socket.socket]:
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as opened:
            opened.sendall(begin)
            yield opened


@contextlib.contextmanager
def serving(rate: float = 1e6, most: int = 100, patience: float = 30.0, now: float | None = None) -> Iterator[At]:
    limit = RateLimit(rate, time.monotonic if now is None else lambda: now)
    config = docs.described()
    config.openapi_router = Router("/docs", route_handlers=[], include_in_schema=False)  # there is nothing to complete
    app = Litestar([ok, own, length, docs.assets()], middleware=[Named(), limit], openapi_config=config)
    kind = type("Impatient", (limited(most),), {"patience": patience})
    server = uvicorn.Server(
        uvicorn.Config(RequestIds(SecurityHeaders(app)), http=kind, lifespan="off", log_config=None, access_log=False)
    )
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield At(listening.getsockname()[1], app)
    finally:
        server.should_exit = True
        thread.join(30)


def answered(opened: socket.socket) -> tuple[int, dict[str, str], Any]:
    """What comes until the server hangs up: status, headers, body. 0 when nothing does."""
    received = b""
    with contextlib.suppress(ConnectionError):
        while piece := opened.recv(65536):
            received += piece
    if not received:
        return 0, {}, None
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    assert len(body) == int(headers["content-length"]), "one answer, and all of it"
    return int(first.split()[1]), headers, json.loads(body)


def is_cut(opened: socket.socket) -> bool:
    """Whether nobody listens any more."""
    try:
        for _ in range(100):
            opened.sendall(b"X: y\r\n")
            time.sleep(0.01)
    except ConnectionError:
        return True
    return False


# The rate. -----------------------------------------------------------------------------------------------------------


def test_who_asks_too_often_is_told_when_to_come_again() -> None:
    with serving(rate=0.5, now=100.0) as at:
        assert at.ask()[0] == 200
        status, headers, body = at.ask(X_Language="zh-cn")
        assert (status, headers["Retry-After"], body["error_code"]) == (429, "2", "APIGW.0308")
        assert body["error_msg"] == "请求过于频繁。请等待 2 秒后重试。"
        assert body["request_id"] == headers["X-Request-Id"]
        assert headers["Cache-Control"] == "no-store"
    with serving(rate=2.5, now=100.0) as at:
        assert [at.ask()[0] for _ in range(5)] == [200] * 5
        assert at.ask()[1]["Retry-After"] == "1", "never too early"


def test_each_caller_has_a_rate_of_its_own() -> None:
    with serving(rate=1, now=100.0) as at:
        assert [at.ask(X_Who="ann")[0] for _ in range(3)] == [200, 200, 429]
        assert [at.ask(X_Who="ben")[0] for _ in range(3)] == [200, 200, 429]
        assert [at.ask()[0] for _ in range(3)] == [200, 200, 429], "and so has who is not known, by the address"
        assert at.ask("/assets/swagger-ui.css")[0] == 429, "whatever the path"


# Connections. --------------------------------------------------------------------------------------------------------


def test_too_many_connections_are_answered_and_far_too_many_cut() -> None:
    with serving(most=4) as at, contextlib.ExitStack() as stack:
        kept = [stack.enter_context(at.socket(POST)) for _ in range(2)]
        with at.socket(GET) as third:
            status, headers, body = answered(third)
        assert (status, headers["retry-after"], headers["connection"]) == (503, "5", "close")
        assert body["error_code"] == "APIGW.0202"
        assert body["error_msg"].startswith(
            "The service has too much to do: too many connections are open from your address."
        )
        assert body["request_id"] == headers["x-request-id"]
        assert headers["x-content-type-options"] == "nosniff"
        silent = [stack.enter_context(at.socket()) for _ in range(3)]
        with at.socket(GET) as sixth:
            assert answered(sixth)[0] == 0
        for opened in kept:
            opened.sendall(b"1234567890")
            assert opened.recv(4096).startswith(b"HTTP/1.1 201"), "who is in stays in"
        for opened in (*kept, *silent):
            opened.close()
        wait = time.monotonic() + 30
        while at.ask()[0] != 200:
            assert time.monotonic() < wait, "there is room again"


# Slow and endless requests. ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "begun",
    [GET[:-2], b"G", POST + b"12345", POST, b"POST /length HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3"],
)
def test_a_request_that_does_not_go_on_is_given_up(begun: bytes) -> None:
    with serving(patience=0.3) as at, at.socket(begun) as opened:
        status, headers, body = answered(opened)
        assert (status, headers["connection"]) == (408, "close")
        assert body["error_code"] == "APIGW.0201"
        assert re.fullmatch("[0-9a-f]{32}", body["request_id"])
        assert at.ask()[0] == 200


def test_a_second_request_is_waited_for_no_longer_than_the_first() -> None:
    with serving(patience=0.3) as at, at.socket(GET) as opened:
        assert opened.recv(4096).endswith(b'{"ok":true}')
        opened.sendall(GET[:-2])
        assert answered(opened)[0] == 408


def test_a_connection_that_asks_nothing_is_closed_without_a_word() -> None:
    with serving(patience=0.3) as at, at.socket() as opened:
        assert answered(opened)[0] == 0


def test_a_head_that_trickles_in_is_given_up_too() -> None:
    with serving(patience=0.5) as at, at.socket(GET[:-2]) as opened:
        with contextlib.suppress(ConnectionError):
            for _ in range(2000):
                opened.sendall(b"X: y\r\n")
                time.sleep(0.01)
        assert answered(opened)[0] in {0, 408}
        assert is_cut(opened)


def test_a_body_may_take_its_time_as_long_as_it_goes_on() -> None:
    with serving(patience=2.0) as at, at.socket() as opened:
        opened.sendall(f"POST /length HTTP/1.1\r\nHost: h\r\nContent-Length: {5 * PIECE}\r\n\r\n".encode())
        for _ in range(5):
            time.sleep(0.6)
            opened.sendall(b"x" * PIECE)
        received = opened.recv(4096)
        while not received.endswith(b'{"length":%d}' % (5 * PIECE)):  # head and body may come apart
            piece = opened.recv(4096)
            assert piece, received
            received += piece


def test_the_answer_to_a_request_in_full_may_take_its_time() -> None:
    with serving(patience=0.2) as at, at.socket(POST + b"1234567890") as opened:
        assert opened.recv(4096).endswith(b'{"length":10}')
        time.sleep(0.5)
        opened.sendall(GET)
        assert opened.recv(4096).endswith(b'{"ok":true}'), "nor is one hurried to ask again"


@pytest.mark.parametrize("piece", [b"X: y\r\n", b"x"])
def test_a_head_without_an_end_is_cut_off(piece: bytes) -> None:
    with serving() as at, at.socket(GET[:-2] + b"Y: ") as opened:
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                opened.sendall(piece * (2 * MAX_HEAD // len(piece)))
                time.sleep(0.01)
        status, _, body = answered(opened)
        assert (status, body and body["error_code"]) in {(431, "APIGW.0201"), (0, None)}
        assert is_cut(opened)
        assert at.ask()[0] == 200


def test_a_head_that_is_a_little_too_large_is_told_so() -> None:
    with serving() as at, at.socket(GET[:-2] + b"Y: " + b"x" * MAX_HEAD) as opened:
        status, headers, body = answered(opened)
        assert (status, body["error_msg"]) == (431, "The headers are larger than 64 KB. Send fewer.")
        assert headers["x-request-id"] == body["request_id"]


@pytest.mark.parametrize(
    "sent",
    [
        b"this is no HTTP\r\n\r\n",
        GET[:-2] + b"X-Language: en-us\r\nno colon\r\n\r\n",
        GET.replace(b"/ok", b"/" + b"x" * (1 << 16)),
        POST[:-2].replace(b"Content-Length: 10", b"Transfer-Encoding: chunked") + b"\r\nno length\r\n",
    ],
    ids=["nothing", "header", "address", "chunk"],
)
def test_what_is_no_http_is_told_so_as_everything_is(sent: bytes) -> None:
    with serving() as at, at.socket(sent) as opened:
        status, headers, body = answered(opened)
        assert (status, headers["content-type"]) in {(400, "application/json"), (431, "application/json")}
        assert body["error_code"] == "APIGW.0201"
        assert headers["x-request-id"] == body["request_id"]
        assert headers["x-content-type-options"] == "nosniff"
        assert at.ask()[0] == 200


def test_many_requests_in_one_piece_are_all_answered() -> None:
    with serving() as at, at.socket(GET * 2000) as opened:
        received = b""
        while received.count(b"HTTP/1.1 200") < 2000:
            received += opened.recv(2**20)
        assert received.count(b'{"ok":true}') == 2000


# What browsers are told. ---------------------------------------------------------------------------------------------


def test_every_answer_of_the_api_forbids_all() -> None:
    with serving() as at:
        for path in ("/ok", "/none"):
            headers = at.ask(path)[1]
            assert headers["X-Content-Type-Options"] == "nosniff"
            assert headers["X-Frame-Options"] == "DENY"
            assert headers["Referrer-Policy"] == "no-referrer"
            assert headers["Cache-Control"] == "no-store"
            assert headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
            assert headers["Strict-Transport-Security"] is None, "there is no TLS to be strict about"
        assert at.ask("/assets/swagger-ui.css")[1]["Cache-Control"] is None
        headers = at.ask("/own")[1]
        assert headers.get_all("Content-Security-Policy") == ["default-src 'self'"], "what it says for itself stands"
        assert headers.get_all("Cache-Control") == ["max-age=60"]


def test_the_page_may_run_its_own_scripts_and_no_others() -> None:
    with serving() as at:
        _, headers, page = at.ask("/docs")
    policy = headers["Content-Security-Policy"]
    [script] = re.findall(r"<script type='text/javascript'>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'self' 'sha256-{digest}';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" in policy
    assert "unsafe-inline" not in policy.split("script-src")[1].split(";")[0]
