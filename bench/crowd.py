"""Many who follow one stop, in a process of their own: `python -m bench.crowd COUNT`.

Its input is one line, `HOST PORT PATH`; then COUNT connections ask for that path, 25 from each address of 127.0.0.0/8
(Linux has all of them), and its output is what they got, as JSON, once the last of them has ended.
"""

import asyncio
import json
import sys
import time
import zlib
from dataclasses import asdict, dataclass, field
from typing import cast

import uvloop

EACH = 25  # viewers of one address: the service lets one caller have 32 streams
SETTLED = b"event: settled"


@dataclass(slots=True)
class Seen:
    """What one of them got."""

    status: int = 0
    size: int = 0  # bytes of events
    digest: int = 0  # of all of them
    settled: bool = False
    pieces: list[tuple[float, int]] = field(default_factory=list)  # seconds since it asked, and bytes


class Viewer(asyncio.Protocol):
    """Reads an answer in chunks to its end."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._unread = bytearray()
        self.seen = Seen()
        self.ended = asyncio.get_running_loop().create_future()
        self._begun = time.monotonic()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        self._begun = time.monotonic()
        cast(asyncio.Transport, transport).write(self._request)  # uvloop has a class of its own

    def connection_lost(self, _: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        if not self.ended.done():
            self.ended.set_result(None)

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._unread += data
        at = 0
        if not self.seen.status:
            if (end := self._unread.find(b"\r\n\r\n")) < 0:
                return
            self.seen.status = int(self._unread[9:12])
            at = end + 4
        while (end := self._unread.find(b"\r\n", at)) >= 0:
            begin, size = end + 2, int(self._unread[at:end], 16)
            if len(self._unread) < begin + size + 2:
                break
            self._take(bytes(self._unread[begin : begin + size]))
            at = begin + size + 2
        del self._unread[:at]

    def _take(self, piece: bytes) -> None:
        if not piece:
            self.ended.set_result(None)
        elif not piece.startswith(b":"):  # which says that it is still here
            self.seen.size += len(piece)
            self.seen.digest = zlib.crc32(piece, self.seen.digest)
            self.seen.settled = SETTLED in piece[-100:]
            self.seen.pieces.append((time.monotonic() - self._begun, len(piece)))


async def follow(host: str, port: int, path: str, count: int) -> list[Seen]:
    """What each of them got."""
    loop = asyncio.get_running_loop()
    request = f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode()

    async def one(number: int) -> Seen:
        here = (f"127.0.1.{1 + number // EACH}", 0)
        _, viewer = await loop.create_connection(lambda: Viewer(request), host, port, local_addr=here)
        await viewer.ended
        return viewer.seen

    return await asyncio.gather(*(one(number) for number in range(count)))


def main() -> None:
    """Wait for the line, and tell what became of it."""
    count = int(sys.argv[1])
    print("ready", flush=True)
    if line := sys.stdin.readline().split():
        seen = uvloop.run(follow(line[0], int(line[1]), line[2], count))
        told = [asdict(one) for one in seen]
        for one in told[1:]:
            del one["pieces"]  # those of the first one tell enough
        print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
