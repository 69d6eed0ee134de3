"""Connections with limits: how many there are, how long a request takes to arrive and an answer to be read, how large a
head may be.

uvicorn reads a head of any size for any time, keeps an answer for as long as nobody reads it, works on for callers that
are gone, and has no words of ours for having too many connections.
"""

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final
from uuid import uuid4

import httptools
import msgspec
import uvicorn
from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from sluiceway.api.admissions import Admission, Admissions
from sluiceway.api.caller import network_of
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError, ErrorBody
from sluiceway.api.errors.gateway import refuse
from sluiceway.api.errors.language import Language, Text
from sluiceway.api.errors.links import help_for
from sluiceway.api.proxies import Proxies
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders
from sluiceway.store import kept

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

MAX_HEAD: Final = 64 * 2**10  # bytes of the request line and the headers
MAX_HEADERS: Final = 200
PATIENCE: Final = 60.0  # seconds for a head to arrive, and for each further piece of a body
TURNED_AWAY: Final = 5.0  # seconds for the head of a request that hears that there are too many
PIECE: Final = 2**20  # bytes of a body
STALL: Final = 20.0  # seconds within which a caller reads at least `READ` bytes of an answer that waits for them
READ: Final = 16 * 2**10
LOOK_EVERY: Final = 1.0  # seconds
UNREAD: Final = 64 * 2**10  # bytes that the kernel takes for one caller (Linux: twice as many); by itself it takes MBs
AT_ONCE: Final = 4 * 2**10  # bytes that are parsed in one go, so that few requests of one connection wait in memory

# What decides something is there once: two of a kind could be read one way here and another way by a proxy.
ONCE: Final = frozenset(
    b"host content-length transfer-encoding content-type content-encoding expect authorization x-auth-token"
    b" x-security-token x-subject-token x-sdk-date x-sdk-content-sha256 x-language origin sec-fetch-site"
    b" idempotency-key last-event-id".split()
)

_WORDS: Final = {
    HTTPStatus.BAD_REQUEST: Text(
        "This is no HTTP request that can be read; its address may be too long. Correct it.",
        "无法解析该 HTTP 请求，其地址可能过长。请修改。",
    ),
    HTTPStatus.REQUEST_TIMEOUT: Text(
        "The request did not arrive in time. Send it again.", "请求未在规定时间内到达。请重新发送。"
    ),
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: Text(
        f"The headers are larger than {MAX_HEAD // 1024} KB. Send fewer.",
        f"请求头超过 {MAX_HEAD // 1024} KB。请减少请求头。",
    ),
}
_TWICE: Final = "The header {name} is there twice. Send it once."
_TWICE_ZH: Final = "请求头 {name} 重复。请只发送一次。"
_NO_HOST: Final = Text("The header host is missing. Send it.", "缺少请求头 host。请添加。")
_OTHER_HOST: Final = Text(
    "The address names another host than the header host does. Send the path alone.",
    "请求地址中的主机与请求头 host 不一致。请只发送路径。",
)
_TWO_LENGTHS: Final = Text(
    "The headers content-length and transfer-encoding exclude each other. Send one of them.",
    "请求头 content-length 与 transfer-encoding 互斥。请只发送其中一个。",
)
_MANY: Final = Text(
    f"There are more than {MAX_HEADERS} headers. Send fewer.", f"请求头超过 {MAX_HEADERS} 个。请减少请求头。"
)


class BadHead(Exception):
    """A head that could be understood in two ways, or holds too much; with the words for it."""

    def __init__(self, why: Text) -> None:
        super().__init__(why.en)
        self.why = why


def check_head(version: str, url: bytes, headers: list[tuple[bytes, bytes]]) -> None:
    """Raises `BadHead`."""
    if len(headers) > MAX_HEADERS:
        raise BadHead(_MANY)
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in ONCE:
            if name in found:
                told = name.decode()
                raise BadHead(Text(_TWICE.format(name=told), _TWICE_ZH.format(name=told)))
            found[name] = value
    if b"content-length" in found and b"transfer-encoding" in found:
        raise BadHead(_TWO_LENGTHS)
    host = found.get(b"host")
    if host is None and version == "1.1":
        raise BadHead(_NO_HOST)
    if not url.startswith((b"/", b"*")) and host is not None:
        _check_authority(url, host)


def _check_authority(url: bytes, host: bytes) -> None:
    parsed = httptools.parse_url(url)
    port = f":{parsed.port}".encode() if parsed.port else b""
    name = parsed.host or b""
    if host.lower() not in {name.lower() + port, b"[" + name.lower() + b"]" + port}:
        raise BadHead(_OTHER_HOST)


class _Flow(FlowControl):
    """Reads no further while earlier input waits to be parsed."""

    held = False

    def resume_reading(self) -> None:
        """Not while it is held."""
        if not self.held:
            super().resume_reading()

    def hold(self, *, held: bool) -> None:
        """Stop reading, or go on when somebody asks for more."""
        self.held = held
        if held:
            self.pause_reading()


class Connection(HttpToolsProtocol):
    """One connection."""

    admissions: ClassVar[Admissions]
    patience: float = PATIENCE
    flow: _Flow
    stall: ClassVar[float] = STALL
    look_every: ClassVar[float] = LOOK_EVERY

    _close: Callable[[], object] | None = None  # None: it has not arrived yet
    _late: asyncio.TimerHandle | None = None
    _looking: asyncio.TimerHandle | None = None
    _in_head = True
    _size = 0  # bytes of this head, or of this piece of a body
    _unread: memoryview | None = None  # what came, and was not parsed yet
    _work: kept.Work | None = None
    _why: Text | None = None  # what is wrong with the head
    _unsent = 0  # bytes that waited for the caller when they last read something
    _read_at = 0.0

    def arrive(self, host: str, hang_up: Callable[[], object]) -> bool:
        """Count it from its arrival. Whether it may stay, if only to hear no.

        `hang_up` closes it as long as it has not begun.
        """
        admission = self.admissions.enter(self, network_of(host))
        if admission is Admission.CUT:
            hang_up()
            return False
        self._close = hang_up
        if admission is not Admission.INSIDE:
            self.app, self.patience = _TOO_MANY[admission], min(self.patience, TURNED_AWAY)
        self.admissions.idle(self, asked=False)
        return True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        self.flow = _Flow(transport)
        with contextlib.suppress(OSError):
            transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNREAD)
        if self._close is None and not self.arrive(self.client[0] if self.client else "", transport.abort):
            return
        self._close = transport.close
        self._looking = self.loop.call_later(self.look_every, self._look)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer, and drop the work for the caller."""
        self._stop_waiting()
        if self._looking is not None:
            self._looking.cancel()
        self._unread = None
        self.admissions.left(self)
        super().connection_lost(exc)
        if self._work is not None and not self.cycle.response_complete:
            self._work.drop()

    def leave(self) -> None:
        """Make room for another one."""
        self._stop_waiting()
        if self._close is not None:
            self._close()

    def shutdown(self) -> None:
        """The service ends. An answer without an end ends with it; the caller asks again for the rest of it."""
        cycle: RequestResponseCycle | None = self.cycle
        if cycle is not None and cycle.chunked_encoding and not cycle.response_complete:
            self.transport.close()
            return
        super().shutdown()

    def data_received(self, data: bytes) -> None:
        """Read on, as long as there is an end to it."""
        self._unread = memoryview(data if self._unread is None else bytes(self._unread) + data)
        self._parse()

    def _parse(self) -> None:
        """Parse the input, a little at a time, and no more while requests wait for the one before them."""
        while self._unread and not self.pipeline and not self.transport.is_closing():
            piece, self._unread = self._unread[:AT_ONCE], self._unread[AT_ONCE:]
            self._take(piece)
        self._unread = self._unread or None
        self.flow.hold(held=self._unread is not None)

    def _take(self, piece: memoryview) -> None:
        self._size += len(piece)
        super().data_received(piece)  # type: ignore[arg-type]  # httptools takes any buffer
        if self._in_head and self._size > MAX_HEAD:
            self._turn_away(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif not self._in_head and self._size >= PIECE and not self.cycle.response_complete:
            self._size = 0
            self._wait()

    def on_message_begin(self) -> None:
        """A head begins."""
        self.admissions.busy(self)
        self._wait()
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Part of the head. What comes after a body in pieces is not: it was not there when the head was checked."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """A body begins, be it an empty one."""
        try:
            check_head(self.parser.get_http_version(), self.url, self.headers)
        except BadHead as bad:
            self._why = bad.why
            raise
        super().on_headers_complete()  # raises for an address that is none, and then there is no body
        self._in_head, self._size = False, 0
        self._wait()

    def on_message_complete(self) -> None:
        """The request is here in full; the next one has not begun."""
        self._in_head, self._size = True, 0
        self._stop_waiting()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """The next request, if it is here; otherwise this connection may be closed for others."""
        super().on_response_complete()
        if self._unread is not None:
            self.loop.call_soon(self._parse)
        elif not self.pipeline and self._in_head:
            self.admissions.idle(self, asked=True)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """The input is not HTTP."""
        self._turn_away(HTTPStatus.BAD_REQUEST)

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        super()._start_asgi_task(cycle, partial(self._while_wanted, cycle, app))

    async def _while_wanted(
        self, cycle: RequestResponseCycle, app: "ASGIApp", scope: "Scope", receive: "Receive", send: "Send"
    ) -> None:
        """Answer a request, unless the caller is gone."""
        await asyncio.sleep(0)  # notices here that the caller has hung up meanwhile
        if cycle.disconnected or self.transport.is_closing():
            cycle.disconnected = True
            return
        task = asyncio.current_task()
        assert task is not None
        self._work = kept.Work(task)
        kept.begin(self._work)
        try:
            await self.flow.drain()  # one answer waits to be read, and the next one is not made meanwhile
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if not cycle.disconnected:  # the service ends, and has waited for long enough
                cycle.disconnected = True
                self.transport.abort()
        finally:
            self._work = None

    def _look(self) -> None:
        """Hang up when the caller does not read: the waiting answer keeps others out."""
        self._looking = self.loop.call_later(self.look_every, self._look)
        waiting, now = self.transport.get_write_buffer_size(), self.loop.time()
        if not waiting or waiting <= self._unsent - READ or not self._unsent:
            self._unsent, self._read_at = waiting, now
        elif now - self._read_at > self.stall:
            if self.cycle is not None:
                self.cycle.disconnected = True  # nothing more is written from here on
            self.transport.abort()

    def resume_writing(self) -> None:
        """The caller has read most of what waited."""
        self._unsent = 0
        super().resume_writing()

    def _wait(self) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(self.patience, self._turn_away, HTTPStatus.REQUEST_TIMEOUT)

    def _stop_waiting(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _turn_away(self, status: HTTPStatus) -> None:
        """Say why, unless another answer is under way or nothing was asked, and hang up."""
        self._stop_waiting()
        if self.transport.is_closing():
            return
        last: RequestResponseCycle | None = self.cycle
        if self._in_head:
            free = self._size > 0 and (last is None or last.response_complete)
        else:
            free = last is not None and not (last.response_started or self.pipeline)
        if free:
            asked = dict(self.headers or []).get(b"x-language", b"")  # if it has come
            words = self._why or _WORDS[status]
            self.transport.write(_raw(status, words.in_(Language.of(asked.decode("latin-1")))))
        self.transport.close()


def limited(most: int, proxies: Proxies | None = None) -> type[Connection]:
    """The kind of connection of which there are `most` at once, and half as many of one address that is no proxy."""
    is_proxy = (proxies or Proxies()).trusts
    return type("LimitedConnection", (Connection,), {"admissions": Admissions(most, is_proxy)})


def server_config(
    app: "ASGIApp", most: int, proxies: Proxies, grace: int, tls: ssl.SSLContext | None = None
) -> uvicorn.Config:
    """How uvicorn serves, and how many seconds requests get at the end.

    By itself it believes what any program on this machine says of where a request comes from.
    """
    return uvicorn.Config(
        app,
        http=limited(most, proxies),
        ws="none",
        proxy_headers=bool(proxies.networks),
        forwarded_allow_ips=[str(network) for network in proxies.networks],
        ssl_context_factory=None if tls is None else lambda *_: tls,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=grace,
    )


def _raw(status: HTTPStatus, words: str) -> bytes:
    ours = uuid4().hex
    body = msgspec.json.encode(ErrorBody(Code.TOO_LARGE, words, ours))
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"x-request-id: {ours}\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\n"
        f"link: {help_for([Code.TOO_LARGE])}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


def _refusing(en: str, zh: str) -> "ASGIApp":
    async def refusing(scope: "Scope", _: "Receive", send: "Send") -> None:
        error = DliError(Code.BUSY, why=Text(en, zh))
        await refuse(scope, send, error, [(b"retry-after", b"5"), (b"connection", b"close")])

    return RequestIds(SecurityHeaders(refusing))


_TOO_MANY: Final = {
    Admission.FULL: _refusing("too many connections are open", "打开的连接过多"),
    Admission.SHARE: _refusing("too many connections are open from your address", "来自您的地址的连接过多"),
}
