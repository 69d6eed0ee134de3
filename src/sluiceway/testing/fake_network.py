"""What lies between a fake Flink and its client, and how it misbehaves: named faults, bounded in number."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import web


class Fault(StrEnum):
    """How a request can go wrong. Only `LOSE_ANSWER` and `DELAY` let Flink act on it."""

    LOSE_REQUEST = "lose_request"  # the connection closes before Flink sees the request
    LOSE_ANSWER = "lose_answer"  # Flink acts, then the connection closes
    DELAY = "delay"  # Flink acts after some seconds
    HANG = "hang"  # nothing ever comes
    GARBAGE = "garbage"  # 200 and bytes that are no JSON
    HTML_503 = "html_503"  # a proxy's page
    HTML_404 = "html_404"  # a proxy that has lost its way to Flink; says nothing about any job
    REDIRECT = "redirect"
    RESET = "reset"  # half an answer, then the connection closes
    EMPTY = "empty"  # 200 and nothing
    ENDLESS = "endless"  # 200 and a body without end

    @property
    def acts(self) -> bool:
        """Whether Flink sees the request."""
        return self in {Fault.LOSE_ANSWER, Fault.DELAY}


@dataclass(slots=True)
class Planned:
    """A fault for the next `left` requests of a kind; `seconds` is for `DELAY`."""

    kind: str
    fault: Fault
    left: float
    seconds: float


class FakeNetwork:
    """The planned faults, and how each is carried out."""

    def __init__(self) -> None:
        """Open for traffic."""
        self.closing = asyncio.Event()  # ends what hangs
        self._planned: list[Planned] = []

    def plan(self, planned: Planned) -> None:
        """Add a fault; the oldest that fits a request strikes it."""
        self._planned.append(planned)

    def clear(self) -> None:
        """Forget every plan."""
        self._planned.clear()

    def take(self, kind: str) -> Planned | None:
        """The fault that strikes this request; None when it goes right."""
        for planned in self._planned:
            if planned.kind in {kind, "any"}:
                planned.left -= 1
                if planned.left <= 0:
                    self._planned.remove(planned)
                return planned
        return None

    async def misbehave(self, request: web.BaseRequest, fault: Fault) -> web.StreamResponse:
        """Answer in Flink's place."""
        match fault:
            case Fault.HANG:
                await self.closing.wait()
                drop(request)
            case Fault.GARBAGE:
                return web.Response(body=b'\x00\xff{"jobs": [', content_type="application/json")
            case Fault.HTML_503 | Fault.HTML_404:
                status = 503 if fault is Fault.HTML_503 else 404
                return web.Response(status=status, text="<html><h1>nginx</h1></html>", content_type="text/html")
            case Fault.REDIRECT:
                return web.Response(status=307, headers={"Location": "/login"})
            case Fault.RESET:
                return await _half_an_answer(request)
            case Fault.ENDLESS:
                return await self._endless(request)
            case Fault.LOSE_REQUEST:
                drop(request)
            case _:
                pass
        return web.Response(body=b"", content_type="application/json")

    async def _endless(self, request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(request)
        while not self.closing.is_set() and request.transport is not None:
            await response.write(b" " * 65536)
        return response


def drop(request: web.BaseRequest) -> None:
    """Close the connection at once, with whatever was not yet sent."""
    if request.transport is not None:
        request.transport.abort()


async def _half_an_answer(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Length": "1000", "Content-Type": "application/json"})
    await response.prepare(request)
    await response.write(b'{"jobs":[')
    await asyncio.sleep(0.01)  # lets the half get out before the rest is lost
    drop(request)
    return response
