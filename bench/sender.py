"""What it costs to send bytes to many at once, and nothing else: `python -m bench.sender PIECES COUNT`.

An application of a few lines over the service's own connections. It waits until COUNT have asked, and sends each of
them the pieces of the file, `[seconds, bytes]` each, when their time has come.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

from sluiceway.api.connections import server_config
from sluiceway.api.proxies import Proxies

HEAD = {"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"text/event-stream")]}


class Sender:
    """The application."""

    def __init__(self, pieces: list[tuple[float, int]], count: int) -> None:
        self._times = [seconds for seconds, _ in pieces]
        self._pieces = [bytes(size) for _, size in pieces]
        self._missing = count
        self._sent = 0  # pieces whose time has come
        self._more = asyncio.Event()

    async def __call__(self, _: Any, __: Any, send: Any) -> None:
        """Send everything to one who has asked."""
        await send(HEAD)
        self._missing -= 1
        if not self._missing:
            self._pacing = asyncio.create_task(self._pace())
        next_ = 0
        while next_ < len(self._pieces):
            more = self._more
            if next_ == self._sent:
                await more.wait()
                continue
            await send({"type": "http.response.body", "body": self._pieces[next_], "more_body": True})
            next_ += 1
            await asyncio.sleep(0)
        await send({"type": "http.response.body"})

    async def _pace(self) -> None:
        now = asyncio.get_running_loop().time
        begun = now()
        for number, at in enumerate(self._times):
            await asyncio.sleep(begun + at - now())
            self._sent = number + 1
            self._more.set()
            self._more = asyncio.Event()


async def serve(pieces: list[tuple[float, int]], count: int) -> None:
    """Serve until the end of the process; its port is the first line of output."""
    config = server_config(Sender(pieces, count), 10 * count + 100, Proxies(), 1)
    config.lifespan, config.port, config.log_level = "off", 0, "error"
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    print(server.servers[0].sockets[0].getsockname()[1], flush=True)
    await serving


if __name__ == "__main__":
    uvloop.run(serve([tuple(piece) for piece in json.loads(Path(sys.argv[1]).read_text())], int(sys.argv[2])))
