"""Connections with limits: how many there are, how long a request takes to arrive, how large its head may be.

uvicorn reads a head of any size for any time, and has no words of ours for having too many connections.
"""

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final
from uuid import uuid4

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from sluiceway.api.dli.errors import Code, DliError
from sluiceway.api.dli.gateway import refuse
from sluiceway.api.dli.language import Language, Text
from sluiceway.api.dli.wire import ErrorBody
from sluiceway.api.error_help import help_for
from sluiceway.api.request_id import RequestIds
from sluiceway.api.security_headers import SecurityHeaders

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

MAX_HEAD: Final = 64 * 2**10  # bytes of the request line and the headers
PATIENCE: Final = 60.0  # seconds for a head to arrive, and for each further piece of a body
PIECE: Final = 2**20  # bytes of a body

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


class Connection(HttpToolsProtocol):
    """One connection. Beyond `most` of them each request is answered 503, beyond twice as many they are cut."""

    most: ClassVar[int]
    patience: ClassVar[float] = PATIENCE

    _late: asyncio.TimerHandle | None = None
    _in_head = True
    _size = 0  # bytes of this head, or of this piece of a body

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for a head."""
        super().connection_made(transport)
        if len(self.connections) > 2 * self.most:
            transport.abort()
            return
        if len(self.connections) > self.most:
            self.app = _OVERLOADED
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no longer."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read on, as long as there is an end to it."""
        self._size += len(data)
        super().data_received(data)
        if self._in_head and self._size > MAX_HEAD:
            self._turn_away(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        elif not self._in_head and self._size >= PIECE and not self.cycle.response_complete:
            self._size = 0
            self._wait()

    def on_message_begin(self) -> None:
        """A head begins."""
        self._wait()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """A body begins, be it an empty one."""
        super().on_headers_complete()  # raises for an address that is none, and then there is no body
        self._in_head, self._size = False, 0
        self._wait()

    def on_message_complete(self) -> None:
        """The request is here in full; the next one has not begun."""
        self._in_head, self._size = True, 0
        self._stop_waiting()
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words
        """What came is no HTTP."""
        self._turn_away(HTTPStatus.BAD_REQUEST)

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
            self.transport.write(_raw(status, Language.of(asked.decode("latin-1"))))
        self.transport.close()


def limited(most: int) -> type[Connection]:
    """The kind of connection of which there are `most` at once."""
    return type("LimitedConnection", (Connection,), {"most": most})


def _raw(status: HTTPStatus, language: Language) -> bytes:
    ours = uuid4().hex
    body = msgspec.json.encode(ErrorBody(Code.TOO_LARGE, _WORDS[status].in_(language), ours))
    head = (
        f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        f"x-request-id: {ours}\r\nx-content-type-options: nosniff\r\ncache-control: no-store\r\n"
        f"link: {help_for([Code.TOO_LARGE])}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


async def _overloaded(scope: "Scope", _: "Receive", send: "Send") -> None:
    error = DliError(Code.BUSY, why=Text("too many connections are open", "打开的连接过多"))
    await refuse(scope, send, error, [(b"retry-after", b"5"), (b"connection", b"close")])


_OVERLOADED: Final = RequestIds(SecurityHeaders(_overloaded))
