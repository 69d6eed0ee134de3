"""Bounds the processor time that callers without a credential may use: the time that the loop spends, by address."""

import hashlib
import math
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass
from functools import partial
from types import coroutine
from typing import TYPE_CHECKING, Any, Final

from litestar.enums import ScopeType

from sluiceway.api.auth.limits import Buckets
from sluiceway.api.caller import address_of, caller_of
from sluiceway.api.errors.dli_codes import Code
from sluiceway.api.errors.dli_error import DliError
from sluiceway.api.errors.gateway import refuse
from sluiceway.api.health import PROBES

if TYPE_CHECKING:
    from litestar.types import ASGIApp, Receive, Scope, Send

_CREDENTIALS: Final = (b"x-auth-token", b"authorization")
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """Seconds of the processor: in each second, and so many at once."""

    rate: float
    burst: float


STRANGERS: Final = Allowance(0.25, 5.0)
# Where nobody signs in, callers are people of this machine, who may do everything; but not freeze the service.
LOCALS: Final = Allowance(0.8, 60.0)


class Budget:
    """An ASGI application around another one. Answers 429 to addresses whose callers have used up what they have.

    A request counts unless its caller has been named (`called_by`). Those that bring a credential have an allowance of
    their own, and one whose credential was good before is let through: what strangers do at an address must not lock
    out users who have signed in there.
    """

    def __init__(
        self,
        app: "ASGIApp",
        allowance: Allowance = STRANGERS,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.thread_time,
    ) -> None:
        self.app = app
        self._spent = Buckets(allowance.rate, allowance.burst)
        self._good: OrderedDict[bytes, None] = OrderedDict()
        self._clock = clock
        self._processor = processor

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Pass the request on and count what it takes, or refuse it."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        address, credential = address_of(scope), _credential(scope)
        purse = address if credential is None else f"credentials of {address}"
        wait = self._spent.wait(purse, self._clock())
        # Probes are asked by what would restart the service. They are cheap, and counted.
        if wait and credential not in self._good and scope["path"] not in PROBES:
            await _refuse(scope, send, math.ceil(wait))
            return
        taken = _Taken(self._processor)
        try:
            await taken.by(self.app(scope, receive, send))  # type: ignore[arg-type]
        finally:
            self._settle(scope, purse, credential, taken.seconds)

    def _settle(self, scope: "Scope", purse: str, credential: bytes | None, seconds: float) -> None:
        if caller_of(scope) is None:
            self._spent.charge(purse, seconds, self._clock())
        elif credential is not None:
            self._good[credential] = None
            self._good.move_to_end(credential)
            if len(self._good) > _REMEMBERED:
                self._good.popitem(last=False)


class _Taken:
    """The time that the loop spends on one request, step by step; what it waits for is not counted."""

    def __init__(self, processor: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._processor = processor

    @coroutine
    def by(self, work: Coroutine[Any, Any, None]) -> Generator[Any, Any, None]:
        """Run it."""
        step: Callable[[], Any] = partial(work.send, None)
        while True:
            began = self._processor()
            try:
                wanted = step()
            except StopIteration:
                return
            finally:
                self.seconds += self._processor() - began
            try:
                got = yield wanted
            except BaseException as error:
                step = partial(work.throw, error)
            else:
                step = partial(work.send, got)


def _credential(scope: "Scope") -> bytes | None:
    """What tells this credential from others, here and from other addresses; None without one.

    Of a signature it is the key: the rest is new each time.
    """
    found = [value for name, value in scope["headers"] if name in _CREDENTIALS]
    if not found:
        return None
    kind = found[0].split(b",", 1)[0]
    return hashlib.blake2b(kind + b"\n" + address_of(scope).encode(), digest_size=16).digest()


async def _refuse(scope: "Scope", send: "Send", seconds: int) -> None:
    error = DliError(Code.THROTTLED, seconds=seconds)
    await refuse(scope, send, error, [(b"retry-after", str(seconds).encode())])
