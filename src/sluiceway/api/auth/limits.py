"""How often a caller may ask."""

import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from sluiceway.api.caller import address_of, caller_of
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.gateway import refuse

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

BURST: Final = 2.0  # seconds' worth of requests that may come at once


class Buckets:
    """A token bucket for each key. The memory is bounded: of too many keys, those unused for longest are forgotten."""

    def __init__(self, rate: float, burst: float, most: int = 10_000) -> None:
        self._rate = rate
        self._burst = burst
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """Take a token. 0 when there was one, otherwise the seconds until there is."""
        wait = self.wait(key, now, 1.0)
        self.charge(key, 0.0 if wait else 1.0, now)
        return wait

    def wait(self, key: str, now: float, tokens: float = 0.0) -> float:
        """The seconds until there are so many tokens."""
        wait = self._full(key, now) - now - max(self._burst - tokens, 0.0) / self._rate
        return wait if wait > 1e-9 else 0.0  # what is left of adding up fractions

    def charge(self, key: str, tokens: float, now: float) -> None:
        """Take tokens that were used, also where there are not as many."""
        self._full_at[key] = self._full(key, now) + tokens / self._rate
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)

    def _full(self, key: str, now: float) -> float:
        return max(self._full_at.get(key, now), now)

    def __len__(self) -> int:
        return len(self._full_at)


class RateLimit(ASGIMiddleware):
    """Answers 429 when a caller asks too often. Callers without a name count by address."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = Buckets(rate, rate * BURST)
        self._clock = clock

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp") -> None:
        """Pass the request on, or refuse it."""
        key = caller_of(scope) or address_of(scope)
        if wait := self._buckets.take(key, self._clock()):
            seconds = math.ceil(wait)
            await refuse(
                scope, send, DliError(Code.THROTTLED, seconds=seconds), [(b"retry-after", str(seconds).encode())]
            )
            return
        await next_app(scope, receive, send)
