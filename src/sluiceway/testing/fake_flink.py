"""A fake Flink: a real HTTP server on loopback that answers as the Flink contract says, for scale, faults and speed.

It is as hostile as the real one and, on request, worse: `fault` makes the network or a proxy misbehave. The contract's
tests run against it and against real Flink alike. Alone: `python -m sluiceway.testing.fake_flink --jobs 1000`.
"""

import argparse
import asyncio
import sys
from collections import Counter
from typing import Any

from aiohttp import BodyPartReader, web

from sluiceway.testing.fake_disk import Disk
from sluiceway.testing.fake_jobs import STORE_SECONDS
from sluiceway.testing.fake_network import FakeNetwork, Fault, Planned, drop
from sluiceway.testing.fake_rest import FakeRest, Kind, decoded, route


class FakeFlink(FakeRest):
    """One fake cluster behind HTTP."""

    def __init__(
        self,
        *,
        store_seconds: float = STORE_SECONDS,
        cache_seconds: float = 3.0,
        default_target: str | None = None,
        disk: Disk | None = None,
    ) -> None:
        """See `FakeRest`."""
        super().__init__(
            store_seconds=store_seconds, cache_seconds=cache_seconds, default_target=default_target, disk=disk
        )
        self.requests: list[tuple[str, str, Any]] = []  # method, path with query, JSON body or None
        self.url = ""
        self._counts: Counter[str] = Counter()
        self._network = FakeNetwork()
        self._runner: web.ServerRunner | None = None
        self._port = 0
        self._left: asyncio.Task[None] | None = None

    # The server. --------------------------------------------------------------------------------------------------

    async def start(self, port: int = 0) -> str:
        """Listen on loopback; the URL, without a trailing slash."""
        self._network.closing.clear()
        self._runner = web.ServerRunner(web.Server(self._handle, access_log=None), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", port or self._port, backlog=4096)
        await site.start()
        self._port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self._port}"
        return self.url

    async def close(self) -> None:
        """Stop listening and drop every connection. `start` takes up the same port and the same jobs again."""
        self._network.closing.set()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def leave(self) -> None:
        """See `FakeRest`: from then on connections are refused."""
        self._left = asyncio.get_running_loop().create_task(self.close())

    async def __aenter__(self) -> "FakeFlink":
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    # The network. -------------------------------------------------------------------------------------------------

    def fault(self, kind: str, name: str, *, times: int | None = 1, seconds: float = 1.0) -> None:
        """Let the next `times` requests of this kind ("any" for all, None for ever) go wrong. Faults queue up."""
        if kind != "any":
            Kind(kind)
        self._network.plan(Planned(kind, Fault(name), float("inf") if times is None else times, seconds))

    def clear_faults(self) -> None:
        """From now on requests go right."""
        self._network.clear()

    def count(self, kind: str = "any") -> int:
        """How many requests of this kind arrived, lost ones included."""
        return self._counts.total() if kind == "any" else self._counts[Kind(kind)]

    # A request. ---------------------------------------------------------------------------------------------------

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        kind, _ = route(request.method, request.path)
        body = await _uploaded(request) if kind is Kind.UPLOAD else decoded(await request.read())
        self.requests.append((request.method, request.path_qs, body))
        self._counts[kind] += 1
        planned = self._network.take(kind)
        if planned is not None and not planned.fault.acts:
            return await self._network.misbehave(request, planned.fault)
        if planned is not None and planned.fault is Fault.DELAY:
            await asyncio.sleep(planned.seconds)
        status, answer = self.answer(request.method, request.path_qs, body)
        if planned is not None and planned.fault is Fault.LOSE_ANSWER:
            drop(request)
        return web.Response(status=status, body=answer, content_type="application/json")


async def _uploaded(request: web.BaseRequest) -> tuple[str, bytes]:
    part = await (await request.multipart()).next()
    assert isinstance(part, BodyPartReader), "an upload has one part, which is a file"
    return part.filename or "", bytes(await part.read())


async def _serve(arguments: argparse.Namespace) -> None:
    flink = FakeFlink()
    for number in range(arguments.jobs):
        flink.add_job(name=f"job-{number}", stop_seconds=arguments.stop_seconds)
    sys.stdout.write(await flink.start(arguments.port) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


def main() -> None:
    """Serve until interrupted; the URL is the first line of the output."""
    parser = argparse.ArgumentParser(description="A fake Flink cluster.")
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--stop-seconds", type=float, default=0.5)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
