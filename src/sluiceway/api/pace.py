"""Begins requests one after the other, and callers take turns: hundreds that arrive together do not begin as one."""

import asyncio
from collections import OrderedDict, deque
from typing import TYPE_CHECKING, Final

from litestar.enums import ScopeType

from sluiceway.api.caller import address_of

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

PASSES: Final = 8  # of the loop from one beginning to the next, at most
APART: Final = 0.001  # seconds from one beginning to the next, at most, where passes are long


class Pace:
    """An ASGI application around another one. One request begins in every few passes of the loop, addresses in turn.

    A request takes a millisecond or two of the loop, most of it before it first waits. Where all that have arrived
    began in one pass, the next caller would wait for all of them. A pass accepts one connection (libuv 1.48, which
    uvloop has): were each as long as a request, a caller who connects behind hundreds of others would wait for their
    requests too. Nothing is held back once it has begun.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self.app = app
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on when it is its turn."""
        if scope["type"] == ScopeType.HTTP:
            await self._turn(address_of(scope))
        await self.app(scope, receive, send)

    async def _turn(self, address: str) -> None:
        loop = asyncio.get_running_loop()
        turn: asyncio.Future[None] = loop.create_future()
        if not self._waiting:
            loop.call_soon(self._begin)
        self._waiting.setdefault(address, deque()).append(turn)
        await turn

    def _begin(self) -> None:
        """The first of the next address; one whose caller has hung up is passed over."""
        begun = False
        while self._waiting and not begun:
            address, turns = self._waiting.popitem(last=False)
            turn = turns.popleft()
            if turns:
                self._waiting[address] = turns  # behind the other addresses
            if not turn.done():
                turn.set_result(None)
                begun = True
        if self._waiting:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._pass, loop, PASSES - 1, loop.time() + APART)

    def _pass(self, loop: asyncio.AbstractEventLoop, passes: int, until: float) -> None:
        if passes and loop.time() < until:
            loop.call_soon(self._pass, loop, passes - 1, until)
        else:
            self._begin()
