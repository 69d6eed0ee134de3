"""HTTP/1.1 for fakes, as little of it as clients of Flink's speak: kept connections, and bodies of a known length."""

import asyncio
from collections.abc import Callable
from typing import cast

Answer = tuple[int, bytes]  # status and JSON
_REASONS = {200: b"200 OK", 202: b"202 Accepted", 404: b"404 Not Found", 500: b"500 Internal Server Error"}


class Connection(asyncio.Protocol):
    """One kept connection. It reads HTTP/1.1 with a Content-Length, which is all that clients of Flink's send."""

    def __init__(self, do: Callable[[bytes, bytes, bytes], Answer], among: "set[Connection] | None" = None) -> None:
        """`do` takes method, path and body; while it lasts, the connection is one of those `among`."""
        self._do = do
        self._among = set() if among is None else among
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop has a class of its own
        self._among.add(self)

    def connection_lost(self, _: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._among.discard(self)

    def abort(self) -> None:
        """End it as the end of a process does."""
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            head = self._unread[:end]
            length = _length(head)
            if len(self._unread) < end + 4 + length:
                return
            body = self._unread[end + 4 : end + 4 + length]
            self._unread = self._unread[end + 4 + length :]
            method, path, _ = head.split(b"\r\n", 1)[0].split(b" ", 2)
            status, answer = self._do(method, path, body)
            start = b"HTTP/1.1 %b\r\nContent-Type: application/json; charset=UTF-8\r\ncontent-length: %d\r\n\r\n"
            self._transport.write(start % (_REASONS[status], len(answer)) + answer)
            if b"\r\nconnection: close" in head.lower():
                self._transport.close()


def _length(head: bytes) -> int:
    lower = head.lower()
    assert b"\r\ntransfer-encoding:" not in lower, "the lean fake reads no chunks"
    at = lower.find(b"\r\ncontent-length:")
    return 0 if at < 0 else int(lower[at + 17 :].split(b"\r\n", 1)[0])
