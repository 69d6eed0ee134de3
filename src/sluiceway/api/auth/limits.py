"""How often one may ask."""

import ipaddress
import math
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware

from sluiceway.api.dli.errors import Code, DliError
from sluiceway.api.dli.gateway import refuse

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

BURST: Final = 2.0  # seconds' worth of requests that may come at once
_CALLER = "sluiceway.caller"


class Buckets:
    """A token bucket for each key. The memory is bounded: of too many keys, those unused for longest are forgotten."""

    def __init__(self, rate: float, burst: float, most: int = 10_000) -> None:
        self._step = 1 / rate
        self._slack = max(burst - 1, 0.0) / rate
        self._most = most
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def take(self, key: str, now: float) -> float:
        """Take a token. 0 when there was one, otherwise the seconds until there is."""
        full_at = max(self._full_at.get(key, now), now)
        wait = full_at - now - self._slack
        if wait <= 1e-9:  # what is left of adding up fractions
            wait, full_at = 0.0, full_at + self._step
        self._full_at[key] = full_at
        self._full_at.move_to_end(key)
        if len(self._full_at) > self._most:
            self._full_at.popitem(last=False)
        return wait

    def __len__(self) -> int:
        return len(self._full_at)


def called_by(scope: "Scope", key: str) -> None:
    """Say whose request this is, once that is proven; a `RateLimit` behind counts it as theirs.

    Never from a header that nobody has checked: whoever sent it would use up somebody else's rate.
    """
    scope[_CALLER] = key  # type: ignore[literal-required]  # ASGI allows keys of one's own


class RateLimit(ASGIMiddleware):
    """Answers 429 to who asks too often. Callers that nobody has named are told apart by their address."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, rate: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._buckets = Buckets(rate, rate * BURST)
        self._clock = clock

    async def handle(self, scope: "Scope", receive: "Receive", send: "Send", next_app: "ASGIApp") -> None:
        """Pass the request on, or refuse it."""
        key = str(scope.get(_CALLER) or _address(scope))
        if wait := self._buckets.take(key, self._clock()):
            seconds = math.ceil(wait)
            await refuse(
                scope, send, DliError(Code.THROTTLED, seconds=seconds), [(b"retry-after", str(seconds).encode())]
            )
            return
        await next_app(scope, receive, send)


def _address(scope: "Scope") -> str:
    """Where the request is from. One who has an IPv6 address has the network of 64 bits that it is in."""
    host = (scope.get("client") or ("", 0))[0]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return f"address {host}"
    if address.version == 6 and address.ipv4_mapped is None:
        address = ipaddress.ip_network((address, 64), strict=False).network_address
    return f"address {address}"
