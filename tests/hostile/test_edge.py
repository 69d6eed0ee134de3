"""Connections that would keep others out: heads of two meanings, callers who do not read, who hang up, who are many."""

import asyncio
import contextlib
import json
import socket
import ssl
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.doubles.certificates import self_made
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from sluiceway.api.admissions import SILENT, Admission, Admissions
from sluiceway.api.connections import AT_ONCE, MAX_HEADERS, BadHead, check_head, server_config
from sluiceway.api.handshake import TlsServer
from sluiceway.api.health import AskedForHead
from sluiceway.api.proxies import Proxies
from sluiceway.api.security_headers import SecurityHeaders
from sluiceway.cli import serve
from sluiceway.cli.serve import _Server
from sluiceway.cli.tls import tls_context
from sluiceway.store import kept

Headers = list[tuple[bytes, bytes]]
HOST = (b"host", b"service:8640")


# Heads. --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["host", "content-length", "authorization", "x-auth-token", "x-sdk-date", "origin", "idempotency-key"]
)
def test_what_decides_something_is_there_once(name: str) -> None:
    twice = [HOST, (name.encode(), b"1"), (b"other", b"x"), (name.encode(), b"1")]
    with pytest.raises(BadHead, match=f"The header {name} is there twice. Send it once."):
        check_head("1.1", b"/", twice if name != "host" else twice[1:])


@pytest.mark.parametrize(
    ("version", "url", "headers", "why"),
    [
        ("1.1", b"/", [], "host is missing"),
        ("1.1", b"/", [HOST, (b"content-length", b"3"), (b"transfer-encoding", b"chunked")], "exclude each other"),
        ("1.1", b"http://other/x", [HOST], "names another host"),
        ("1.1", b"http://service:1/x", [HOST], "names another host"),
        ("1.1", b"/", [HOST, *[(b"x", b"y")] * MAX_HEADERS], "more than"),
    ],
)
def test_a_head_of_two_meanings_is_refused(version: str, url: bytes, headers: Headers, why: str) -> None:
    with pytest.raises(BadHead, match=why):
        check_head(version, url, headers)


@pytest.mark.parametrize(
    ("version", "url", "headers"),
    [
        ("1.0", b"/", []),
        ("1.1", b"/", [HOST, (b"accept", b"a"), (b"accept", b"b"), (b"x-forwarded-for", b"a"), (b"x", b"y")]),
        ("1.1", b"*", [HOST]),
        ("1.1", b"http://service:8640/x", [HOST]),
        ("1.1", b"http://SERVICE:8640/x", [HOST]),
        ("1.1", b"http://[::1]:8640/x", [(b"host", b"[::1]:8640")]),
    ],
)
def test_any_other_is_taken(version: str, url: bytes, headers: Headers) -> None:
    check_head(version, url, headers)


# Over real connections. ----------------------------------------------------------------------------------------------

App = Callable[[Any, Any, Any], Awaitable[None]]


async def answer(send: Any, body: bytes, status: int = 200, kind: bytes = b"text/plain") -> None:
    headers = [(b"content-length", str(len(body)).encode()), (b"content-type", kind)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


@dataclass
class At:
    """A server, and its connections."""

    port: int
    server: uvicorn.Server

    @contextlib.contextmanager
    def open(self, sent: bytes = b"", source: str = "127.0.0.1", receive: int = 0) -> Iterator[socket.socket]:
        with socket.socket() as opened:
            if receive:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive)
            opened.bind((source, 0))
            opened.settimeout(30)
            opened.connect(("127.0.0.1", self.port))
            opened.sendall(sent)
            yield opened

    def ask(self, *headers: str, path: str = "/", **where: Any) -> tuple[int, dict[str, str], Any]:
        lines = [f"GET {path} HTTP/1.1", "Host: service", "Connection: close", *headers, "", ""]
        with self.open("\r\n".join(lines).encode(), **where) as opened:
            return read(opened)

    def until(self, happened: Callable[[], bool]) -> None:
        end = time.monotonic() + 30
        while not happened():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.005)

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)


@contextlib.contextmanager
def serving(
    app: App, most: int = 100, proxies: tuple[str, ...] = (), tls: ssl.SSLContext | None = None, **kind: Any
) -> Iterator[At]:
    config = server_config(app, most, Proxies.named(proxies), grace=1, tls=tls)
    config.http = type("Tried", (config.http,), kind)  # type: ignore[arg-type]
    config.lifespan = "off"
    server = _Server(config)
    listening = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    try:
        yield At(listening.getsockname()[1], server)
    finally:
        server.should_exit = server.force_exit = True
        thread.join(30)


def read(opened: socket.socket) -> tuple[int, dict[str, str], Any]:
    """All that comes."""
    received = b"".join(iter(lambda: opened.recv(65536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(first.split()[1]), headers, json.loads(body) if "json" in headers.get("content-type", "") else body


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Who called, from where, and with which headers."""
    while (await receive()).get("more_body"):
        pass
    names = [name.decode() for name, _ in scope["headers"]]
    told = {"client": scope["client"][0], "scheme": scope["scheme"], "headers": names}
    await answer(send, json.dumps(told).encode(), kind=b"application/json")


def test_two_hosts_are_refused_in_words_and_before_any_route() -> None:
    with serving(echo) as at:
        status, headers, body = at.ask("Host: other", "X-Language: zh-cn")
        assert (status, body["error_code"]) == (400, "APIGW.0201")
        assert body["error_msg"] == "请求头 host 重复。请只发送一次。"
        assert headers["x-request-id"] == body["request_id"]
        for bad in ("Content-Length: 0\r\nContent-Length: 0", "Content-Length: 3\r\nTransfer-Encoding: chunked"):
            assert at.ask(bad)[0] == 400
        assert at.ask()[0] == 200


def test_what_follows_a_body_is_no_header() -> None:
    sent = b"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with serving(echo) as at, at.open(sent + b"X-Auth-Token: late\r\nHost: other\r\n\r\n") as opened:
        status, _, told = read(opened)
    assert (status, told["headers"]) == (200, ["host", "connection", "transfer-encoding"])


def test_whoever_does_not_read_is_cut_and_whoever_reads_slowly_is_not() -> None:
    async def large(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, bytes(16_000_000))

    get = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with serving(large, stall=0.4, look_every=0.05) as at, at.open(get, receive=4096) as deaf:
        with at.open(get[:-2] + b"Connection: close\r\n\r\n") as slow:
            got = 0
            for _ in range(12):  # longer than the time-out, and with pauses
                time.sleep(0.05)
                got += len(slow.recv(200_000, socket.MSG_WAITALL))
            while piece := slow.recv(1_000_000):
                got += len(piece)
        assert got > 16_000_000
        at.until(lambda: at.connections == 0)
        del deaf


def test_the_kernel_takes_little_of_an_answer_that_nobody_reads() -> None:
    async def large(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, bytes(16_000_000))

    with serving(large) as at, at.open(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n", receive=4096):
        at.until(lambda: at.connections == 1)
        [connection] = at.server.server_state.connections
        at.until(lambda: connection.transport.get_write_buffer_size() > 15_500_000)


def test_an_answer_that_is_small_and_not_read_does_not_stay_either() -> None:
    async def some(_scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, bytes(40_000))

    pipelined = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 300  # more than the kernel takes
    with serving(some, stall=0.2, look_every=0.05) as at, at.open(pipelined, receive=4096):
        at.until(lambda: at.connections == 0)


def test_no_answer_is_made_behind_one_that_nobody_reads() -> None:
    made: list[int] = []

    async def large(_scope: Any, _receive: Any, send: Any) -> None:
        made.append(1)
        await answer(send, bytes(4_000_000))

    get = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    with serving(large) as at, at.open(get * 3 + get[:-2] + b"Connection: close\r\n\r\n", receive=4096) as caller:
        at.until(lambda: at.connections == 1 and bool(made))
        [connection] = at.server.server_state.connections
        assert isinstance(connection, HttpToolsProtocol)
        at.until(lambda: len(connection.pipeline) == 2)  # the second one is at the head, and waits
        assert len(made) == 1
        got = 0
        while piece := caller.recv(1_000_000):
            got += len(piece)
        assert (len(made), got > 16_000_000) == (4, True)


def test_what_is_done_for_a_caller_who_is_gone_is_dropped_unless_it_writes() -> None:
    ended: Counter[str] = Counter()
    begun: list[str] = []
    go_on = threading.Event()

    async def waits(scope: Any, _receive: Any, send: Any) -> None:
        path = scope["path"]
        if path == "/writes":
            kept.keep()
        begun.append(path)
        try:
            while not go_on.is_set():
                await asyncio.sleep(0.005)
            ended[f"{path} done"] += 1
            await answer(send, b"x")
        except BaseException:
            ended[f"{path} dropped"] += 1
            raise

    with serving(waits) as at:
        for path in ("/reads", "/writes"):
            with at.open(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode()):
                at.until(lambda path=path: path in begun)  # type: ignore[misc]
        at.until(lambda: ended["/reads dropped"] == 1)
        go_on.set()
        at.until(lambda: ended["/writes done"] == 1)
    assert ended == {"/reads dropped": 1, "/writes done": 1}


def test_what_was_not_begun_for_callers_who_hang_up_is_never_begun() -> None:
    begun: list[str] = []
    inside, go_on = threading.Event(), threading.Event()

    async def busy(scope: Any, _receive: Any, send: Any) -> None:
        begun.append(scope["path"])
        if scope["path"] == "/first":
            inside.set()
            go_on.wait(30)  # the loop has no time for anybody
        await answer(send, b"x")

    with serving(busy) as at, at.open(b"GET /first HTTP/1.1\r\nHost: h\r\n\r\n"):
        assert inside.wait(30)
        for _ in range(20):
            with at.open(b"GET /gone HTTP/1.1\r\nHost: h\r\n\r\n"):
                pass
        go_on.set()
        assert at.ask(path="/last")[0] == 200
    assert begun == ["/first", "/last"]


def test_of_many_requests_in_one_piece_few_wait_in_memory() -> None:
    most = 0

    async def counts(_scope: Any, _receive: Any, send: Any) -> None:
        nonlocal most
        [connection] = at.server.server_state.connections
        assert isinstance(connection, HttpToolsProtocol)
        most = max(most, len(connection.pipeline))
        await answer(send, b"x")

    get, count = b"GET / HTTP/1.1\r\nHost:h\r\n\r\n", 3000
    with (
        serving(counts) as at,
        at.open(get * count + b"GET / HTTP/1.1\r\nHost:h\r\nConnection:close\r\n\r\n") as opened,
    ):
        received = b"".join(iter(lambda: opened.recv(65536), b""))
    assert received.count(b"HTTP/1.1 200") == count + 1, "each is answered"
    assert 0 < most <= AT_ONCE // len(get) + 1


def test_a_body_that_comes_behind_many_requests_arrives_whole() -> None:
    async def length(_scope: Any, receive: Any, send: Any) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await answer(send, str(size).encode())

    get = b"GET / HTTP/1.1\r\nHost:h\r\n\r\n"
    post = b"POST / HTTP/1.1\r\nHost:h\r\nConnection: close\r\nContent-Length: 700000\r\n\r\n"
    with serving(length) as at, at.open(get * 500 + post + bytes(700_000)) as opened:
        received = b"".join(iter(lambda: opened.recv(65536), b""))
    assert received.endswith(b"\r\n\r\n700000")


def test_load_balancers_may_ask_probes_with_head() -> None:
    async def method(scope: Any, _receive: Any, send: Any) -> None:
        await answer(send, scope["method"].encode())

    def head(at: At, path: str) -> tuple[int, dict[str, str], Any]:
        with at.open(f"HEAD {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode()) as opened:
            return read(opened)

    with serving(AskedForHead(method)) as at:
        for path in ("/healthz", "/readyz"):
            status, headers, body = head(at, path)
            assert (status, headers["content-length"], body) == (200, "3", b""), "what GET says, without the body"
        assert head(at, "/docs")[1]["content-length"] == "4", "elsewhere HEAD is HEAD"


# Proxies. ------------------------------------------------------------------------------------------------------------

TOLD = ("X-Forwarded-For: 192.0.2.7", "X-Forwarded-Proto: https", "Forwarded: for=192.0.2.8;proto=https")


def test_nobody_on_this_machine_says_where_requests_come_from() -> None:
    with serving(SecurityHeaders(echo)) as at:
        status, headers, told = at.ask(*TOLD)
    assert (status, told["client"], told["scheme"]) == (200, "127.0.0.1", "http")
    assert "strict-transport-security" not in headers


def test_a_proxy_that_is_named_does_and_of_what_it_heard_the_last_stranger_counts() -> None:
    with serving(SecurityHeaders(echo), proxies=("127.0.0.2", "10.0.0.0/8")) as at:
        _, headers, told = at.ask("X-Forwarded-For: 1.2.3.4, 192.0.2.7, 10.1.1.1", TOLD[1], source="127.0.0.2")
        assert (told["client"], told["scheme"]) == ("192.0.2.7", "https"), "what is left of it anybody can write"
        assert headers["strict-transport-security"]
        assert at.ask(*TOLD)[2]["client"] == "127.0.0.1", "others are not believed"


@pytest.mark.parametrize("name", ["proxy.example", "10.0.0.1/8", "*", "0.0.0.0/0", "::/0", "", "10.0.0.1:80"])
def test_a_proxy_is_named_by_an_address_or_a_network_that_is_not_everybody(name: str) -> None:
    with pytest.raises(ValueError, match=r"is no address|is everybody"):
        Proxies.named([name])


# Many. ---------------------------------------------------------------------------------------------------------------


@dataclass(eq=False)
class Guest:
    """A connection."""

    admissions: Admissions
    closed: bool = False

    def leave(self) -> None:
        self.closed = True
        self.admissions.left(self)


@dataclass
class Many:
    """A admissions, and the time."""

    most: int = 10
    now: float = 100.0
    admissions: Admissions = field(init=False)

    def __post_init__(self) -> None:
        self.admissions = Admissions(self.most, lambda address: address == "proxy", lambda: self.now)

    def enter(self, address: str) -> tuple[Guest, Admission]:
        guest = Guest(self.admissions)
        return guest, self.admissions.enter(guest, address)


def test_one_address_leaves_room_for_others() -> None:
    many = Many()
    assert [many.enter("a")[1] for _ in range(5)] == [Admission.INSIDE] * 5
    assert [many.enter("a")[1] for _ in range(7)] == [Admission.SHARE] * 7
    assert many.enter("a")[1] is Admission.CUT
    assert [many.enter("b")[1] for _ in range(5)] == [Admission.INSIDE] * 5
    assert many.enter("c")[1] is Admission.FULL
    assert len(many.admissions) == 10


def test_behind_a_proxy_are_many() -> None:
    many = Many()
    assert [many.enter("proxy")[1] for _ in range(10)] == [Admission.INSIDE] * 10


def test_who_has_been_answered_makes_room_and_who_is_silent_does_after_a_while() -> None:
    many = Many()
    guests = [many.enter(address)[0] for address in "aaaaabbbbb"]
    many.admissions.idle(guests[0], asked=False)
    assert many.enter("c")[1] is Admission.FULL, "one that is new may be about to ask"
    many.admissions.idle(guests[7], asked=True)
    assert many.enter("c")[1] is Admission.INSIDE
    assert [guest.closed for guest in guests].index(True) == 7
    many.now += SILENT
    assert many.enter("c")[1] is Admission.INSIDE
    assert guests[0].closed
    many.admissions.idle(guests[1], asked=True)
    many.admissions.busy(guests[1])
    assert many.enter("c")[1] is Admission.FULL, "it asks again, and stays"


STEPS = st.sampled_from(["enter", "leave", "idle", "busy", "wait"])


@settings(max_examples=50)
@given(st.lists(st.tuples(STEPS, st.sampled_from("abc"), st.booleans())))
def test_whatever_happens_there_are_never_too_many(what: list[tuple[str, str, bool]]) -> None:
    many, inside = Many(most=4), list[tuple[Guest, str]]()
    for step, address, flag in what:
        if step == "enter":
            guest, admission = many.enter(address)
            inside += [(guest, address)] if admission is Admission.INSIDE else []
        elif step == "wait":
            many.now += SILENT
        elif inside:
            guest, _ = inside[len(inside) // 2 if flag else 0]
            if step == "leave":
                guest.leave()
            elif step == "idle":
                many.admissions.idle(guest, asked=flag)
            else:
                many.admissions.busy(guest)
        inside = [(guest, address) for guest, address in inside if not guest.closed]
        assert len(many.admissions) == len(inside) <= 4
        assert max(Counter(address for _, address in inside).values(), default=0) <= 2


def test_idle_connections_are_closed_for_who_comes() -> None:
    with serving(echo, most=4) as at, contextlib.ExitStack() as stack:
        get = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
        kept_open = [stack.enter_context(at.open(get)) for _ in range(2)]
        assert [opened.recv(65536)[9:12] for opened in kept_open] == [b"200"] * 2
        assert at.ask()[0] == 200, "the share is used up, and one of them makes room"
        at.until(lambda: at.connections == 1)


# Over TLS. -----------------------------------------------------------------------------------------------------------

GET = b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """The server's, and one of a client that trusts it."""
    cert, key = self_made(tmp_path)
    context = tls_context(cert, key)
    assert context is not None
    return context, ssl.create_default_context(cafile=str(cert))


def begin(opened: socket.socket, trusting: ssl.SSLContext) -> tuple[ssl.SSLObject, ssl.MemoryBIO, ssl.MemoryBIO]:
    """The first half of a handshake: hello, and the server's answer to it, which is not answered."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = trusting.wrap_bio(incoming, outgoing, server_hostname="127.0.0.1")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    opened.sendall(outgoing.read())
    while True:
        incoming.write(opened.recv(65536))
        with contextlib.suppress(ssl.SSLWantReadError):
            client.do_handshake()
            return client, incoming, outgoing


def admissions_of(at: At) -> Admissions:
    kind: Any = at.server.config.http
    admissions: Admissions = kind.admissions
    return admissions


def over_tls(at: At, trusting: ssl.SSLContext) -> int:
    with at.open() as opened, trusting.wrap_socket(opened, server_hostname="127.0.0.1") as secure:
        secure.sendall(GET)
        return read(secure)[0]


def test_whoever_is_in_a_handshake_counts_and_makes_room_like_others(
    tls: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusting = tls
    with serving(echo, most=8, tls=context) as at, contextlib.ExitStack() as stack:
        admissions = admissions_of(at)
        silent = [stack.enter_context(at.open()) for _ in range(2)]
        halfway = [stack.enter_context(at.open()) for _ in range(2)]
        for opened in halfway:
            begin(opened, trusting)
        at.until(lambda: len(admissions) == 4)
        assert at.connections == 0, "none of them has come through"
        assert over_tls(at, trusting) == 503, "the share of this address is used up"
        monkeypatch.setattr(admissions, "_clock", lambda: time.monotonic() + SILENT)
        assert over_tls(at, trusting) == 200, "those who have asked nothing for a while make room"
        assert silent[0].recv(1) == b""


def test_whoever_hangs_up_in_a_handshake_or_speaks_no_tls_is_counted_no_more(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    context, trusting = tls
    with serving(echo, tls=context) as at:
        for sent in (b"", b"\x16\x03\x01"):
            with at.open(sent):
                at.until(lambda: len(admissions_of(at)) == 1)
            at.until(lambda: len(admissions_of(at)) == 0)
        with at.open() as opened:
            begin(opened, trusting)
            at.until(lambda: len(admissions_of(at)) == 1)
        with at.open(GET) as opened, contextlib.suppress(ConnectionError):
            while opened.recv(100):  # what TLS has to say of it
                pass
        at.until(lambda: len(admissions_of(at)) == 0)
        assert over_tls(at, trusting) == 200


def test_a_handshake_that_hangs_is_given_up(
    tls: tuple[ssl.SSLContext, ssl.SSLContext], monkeypatch: pytest.MonkeyPatch
) -> None:
    context, trusting = tls
    monkeypatch.setattr(serve, "TlsServer", partial(TlsServer, within=0.3))
    with serving(echo, tls=context) as at, at.open() as silent, at.open() as halfway:
        begin(halfway, trusting)
        assert silent.recv(1) == b""
        at.until(lambda: len(admissions_of(at)) == 0)


def test_a_request_that_comes_with_the_end_of_the_handshake_is_answered(
    tls: tuple[ssl.SSLContext, ssl.SSLContext],
) -> None:
    context, trusting = tls
    with serving(echo, tls=context) as at, at.open() as opened:
        client, incoming, outgoing = begin(opened, trusting)
        client.write(GET)
        opened.sendall(outgoing.read())  # both in one piece
        received = b""
        while not received.endswith(b"}"):
            incoming.write(opened.recv(65536))
            with contextlib.suppress(ssl.SSLWantReadError):
                received += client.read(65536)
        assert received.startswith(b"HTTP/1.1 200 ")
